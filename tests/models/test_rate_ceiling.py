"""Recordings of hundreds of spikes per bin are predicted as others are: no ceiling cuts rates."""

import numpy as np
import pytest

import spikecast as sc
from spikecast.models.catalog import MODELS


def record(scale, rng):
    shared = rng.normal(size=(60, 20, 1)) * 0.5
    counts = rng.poisson(np.exp(shared - 0.5) * scale, (60, 20, 12))
    time = (np.arange(20) + 0.5) * 0.02
    return sc.Recording.from_arrays(counts, time, ["A"] * 6 + ["B"] * 6)


@pytest.mark.parametrize("scale", [100, 1000, 100_000])
def test_large_counts_are_predicted_and_told_apart_from_their_mean(scale):
    recording = record(scale, np.random.default_rng(1))
    scores = sc.cross_validate(["poisson_glm"], sc.AreaToArea("B"), recording, shifts=1)
    best = scores.summary().set_index("model")["bits_per_spike"]
    assert best["poisson_glm"] > 0.05
    assert scores.beyond.gain.low > 0.05


def test_an_atlas_of_large_counts_has_no_empty_pair():
    recording = record(100_000, np.random.default_rng(1))
    table = sc.atlas(recording, min_neurons=2, shifts=0, within=False).cells
    assert np.isfinite(table["value"]).all()


def test_a_network_reaches_rates_of_thousands():
    rng = np.random.default_rng(1)
    x = rng.poisson(3.0, (20, 10, 4))
    y = rng.poisson(2000.0, (20, 10, 3))
    model = MODELS["timescales"](epochs=2, n_members=1).fit(x, y)
    assert model.predict(x).mean() > 1000
