import tracemalloc

import numpy as np
import pytest

from spikecast.analysis.geometry.dimensionality import dimensionality
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.simulate import poisson_noise, spontaneous


def planted(rank, seed=0, shape=(60, 25, 60), noise=1.0):
    rng = np.random.default_rng(seed)
    latents = rng.normal(size=(*shape[:2], rank))
    return latents @ rng.normal(size=(rank, shape[2])) + noise * rng.normal(size=shape)


@pytest.mark.parametrize("rank", [1, 4, 9])
def test_the_planted_rank_is_found(rank):
    found = dimensionality(planted(rank), n_components=20)
    assert found.n_reliable == rank
    assert found.shared_participation_ratio == pytest.approx(rank, rel=0.25)
    assert found.participation_ratio > found.shared_participation_ratio
    assert found.table["reliable"][:rank].min() > 0.7
    assert found.table["reliable"][rank:].abs().max() < 0.2


def test_noise_has_no_reliable_dimension():
    found = [dimensionality(poisson_noise(60, {"MOs": 40}, seed=s).recording) for s in range(4)]
    assert sum(one.n_reliable for one in found) <= 1
    assert all(one.participation_ratio > 15 for one in found)


@pytest.mark.slow
def test_noise_is_called_reliable_as_rarely_as_alpha_says():
    rng = np.random.default_rng(0)
    found = [dimensionality(rng.normal(size=(40, 20, 30)), seed=s) for s in range(100)]
    assert sum(one.n_reliable > 0 for one in found) <= 10


def test_new_trials_explain_less_and_never_more_than_all():
    found = dimensionality(planted(5, noise=3.0, shape=(20, 10, 50)), n_components=50)
    table = found.table
    assert (table["cross_validated"][:20] < table["in_sample"][:20]).all()
    assert found.components_for(0.5) >= found.components_for(0.5, "in_sample") > 1
    assert found.components_for(2.0) is None
    assert table["in_sample"].iloc[-1] == pytest.approx(1, abs=1e-4)
    assert table["cross_validated"].iloc[-1] == pytest.approx(1, abs=1e-4)


def test_participation_ratio_equals_its_definition():
    x = planted(3, shape=(30, 10, 80))
    values = np.linalg.eigvalsh(np.cov(x.reshape(-1, 80), rowvar=False))
    expected = values.sum() ** 2 / np.square(values).sum()
    for n_components in (80, 10):  # exact; the tail by random probes
        found = dimensionality(x, n_components=n_components)
        assert found.participation_ratio == pytest.approx(expected, rel=0.01)


def test_one_long_trial_is_held_out_in_blocks():
    recording = spontaneous(60, 1200, planes=2, n_latents=3, n_own=0, noise=0.3, seed=2).recording
    found = dimensionality(recording, n_components=10)
    assert found.n_samples == 1200
    assert found.n_reliable >= 2
    with pytest.raises(NotEnoughDataError, match="too short"):
        dimensionality(planted(2, shape=(1, 100, 20)))


def test_memory_stays_below_three_times_the_array():
    # the shape of a two-photon recording (7,000 bins x 12,000 neurons), every length a tenth
    x = np.random.default_rng(0).normal(size=(1, 700, 1200)).astype(np.float32)
    tracemalloc.start()
    dimensionality(x, n_components=10, n_splits=1, folds=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * x.nbytes


def test_activity_that_never_changes_has_no_dimensions():
    with pytest.raises(NotEnoughDataError, match="are the same"):
        dimensionality(np.ones((30, 10, 5)))


def test_whole_numbers_may_be_of_any_type_and_smoothing_has_an_end():
    x = np.random.default_rng(0).normal(size=(12, 20, 8))
    found = dimensionality(x, n_components=4.0, n_splits=1.0)
    assert found.table.equals(dimensionality(x, n_components=4, n_splits=1).table)
    with pytest.raises(InputError, match="width"):
        dimensionality(x, width=np.inf)


@pytest.mark.parametrize("unit", [2.0**36, 2.0**-39])
def test_dimensions_have_no_unit(unit):
    x = np.random.default_rng(1).normal(size=(20, 20, 3)) @ np.ones((3, 12))
    x = (x + np.random.default_rng(2).normal(size=x.shape)).astype(np.float32)
    plain, other = (dimensionality(one, n_components=5) for one in (x, x * np.float32(unit)))
    assert other.participation_ratio == pytest.approx(plain.participation_ratio, rel=1e-5)
    assert np.allclose(other.table, plain.table, rtol=1e-4, equal_nan=True)
    x[:, :, 6:] *= np.float32(unit)  # neurons of two units are no overflow
    assert 1 <= dimensionality(x, n_components=5).participation_ratio <= 12
