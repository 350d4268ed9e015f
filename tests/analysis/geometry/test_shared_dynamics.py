"""Which groups share dynamics: those planted to, and no others."""

import numpy as np
import pytest

from spikecast.analysis.geometry.shared_dynamics import shared_dynamics
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.data.simulate import poisson_noise, spontaneous


def planted(groups, seed=0, n_bins=1500, **change):
    settings = {"planes": groups, "n_latents": 4} | change
    return spontaneous(20 * len(groups), n_bins, seed=seed, **settings).recording


def test_the_planted_pairs_are_found_and_no_others():
    found = shared_dynamics(planted([0, 1, 0, 1, 2]))
    assert found.pairs == [("0", "2"), ("1", "3")]
    assert found.clusters == [["0", "2"], ["1", "3"]]
    r2, shared = found.matrix(), found.matrix("shared") > 0
    assert np.isnan(np.diag(r2)).all()
    assert r2[shared].min() > 0.05
    assert np.nanmax(r2[~shared]) < 0.05


def test_a_plane_with_noise_only_is_predicted_by_none():
    found = shared_dynamics(planted([0, 0, 1], n_own=0, n_latents=2, noise=30.0))
    assert ("0", "2") not in found.pairs
    assert ("1", "2") not in found.pairs


@pytest.mark.slow
@pytest.mark.parametrize("bin_size", [1.2, 2.4])
def test_slow_planes_that_share_nothing_are_said_to_share_as_rarely_as_alpha_says(bin_size):
    found = [shared_dynamics(planted([0, 1, 2], seed=seed, n_bins=1200, bin_size=bin_size))
             for seed in range(80)]  # fmt: skip
    assert sum(len(one.pairs) > 0 for one in found) <= 10  # 4 expected; 10 has p < 0.01
    assert np.mean([(one.table["p"] <= 0.05).mean() for one in found]) < 0.1


def test_what_cannot_be_asked_is_explained():
    with pytest.raises(InputError, match="one continuous recording"):
        shared_dynamics(poisson_noise(10).recording)
    with pytest.raises(UnknownNameError, match="neuron column"):
        shared_dynamics(planted([0, 0]), by="layer")
    with pytest.raises(InputError, match="at least two groups"):
        shared_dynamics(planted([0]))
    with pytest.raises(NotEnoughDataError, match="5 folds with gaps"):
        shared_dynamics(planted([0, 0], n_bins=800))
