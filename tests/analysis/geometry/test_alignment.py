import numpy as np
import pytest

from spikecast.analysis.geometry.alignment import align
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError, UnknownNameError


@pytest.fixture
def rotated():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(30, 12, 4)) * [3, 2, 1, 0.5]
    rotation, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    return a, 0.7 * a @ rotation - 2 + 0.1 * rng.normal(size=a.shape), rotation


def test_procrustes_undoes_a_rotation(rotated):
    a, b, rotation = rotated
    found = align(a, b, n_permutations=19)
    np.testing.assert_allclose(found.matrix, 0.7 * rotation, atol=0.05)
    assert found.score.low > 0.9
    assert found.p == pytest.approx(0.05)
    assert found.shuffled < 0.1
    error = b - found.transform(a)
    assert np.square(error).mean() < 0.02


def test_cca_undoes_any_linear_map_between_spaces_of_different_size(rotated):
    a, _, _ = rotated
    rng = np.random.default_rng(1)
    b = a @ rng.normal(size=(4, 7)) + 0.05 * rng.normal(size=(30, 12, 7))
    found = align(a, b, "cca", n_permutations=9)
    assert found.table["score"].min() > 0.9
    assert found.score.value > 0.9
    assert found.transform(a).shape == b.shape
    back = align(b, a, "cca", n_dims=2, n_permutations=0)
    assert len(back.table) == 2
    assert np.isnan(back.shuffled)


@pytest.mark.parametrize("method", ["cca", "procrustes"])
def test_unrelated_latents_do_not_align(method):
    rng = np.random.default_rng(2)
    found = [
        align(*rng.normal(size=(2, 30, 10, 5)), method, n_permutations=39, seed=seed)
        for seed in range(8)
    ]
    assert max(one.score.value for one in found) < 0.02
    assert sum(one.p <= 0.05 for one in found) <= 2


def test_a_common_time_course_survives_shuffling_trials():
    course = np.sin(np.linspace(0, 6, 20))[:, np.newaxis] * [2.0, 1.0]
    low = 0
    for seed in range(30):
        a, b = course + 0.3 * np.random.default_rng(seed).normal(size=(2, 40, 20, 2))
        found = align(a, b, n_permutations=19)
        assert found.score.value > 0.8
        assert found.shuffled == pytest.approx(found.score.value, abs=0.02)
        low += found.p <= 0.05
    assert low <= 5  # 1.5 are expected; P(more than 5) is below 1 %


def test_condition_averages_of_two_sessions(rotated):
    a, b, _ = rotated
    assert align(a[:6], b[:6], folds=3, n_permutations=0).score.value > 0.9
    with pytest.raises(NotEnoughDataError, match="too few"):
        align(a[:6], b[:6])


def test_what_does_not_match_is_refused(rotated):
    a, b, _ = rotated
    with pytest.raises(ShapeError, match="length 30"):
        align(a, b[:20])
    with pytest.raises(ShapeError, match="time axis"):
        align(a, b[:, :5])
    with pytest.raises(UnknownNameError, match="cca"):
        align(a, b, "cac")
    with pytest.raises(ShapeError, match="learnt on 4"):
        align(a, b, n_permutations=0).transform(a[..., :2])


def test_latents_that_never_change_have_no_p_value(rotated):
    a = rotated[0]
    with pytest.raises(NotEnoughDataError, match="b never changes"):
        align(a, np.ones_like(a), n_permutations=9)


@pytest.mark.parametrize(
    "settings", [{"shrinkage": -1}, {"shrinkage": np.nan}, {"n_permutations": 2.5}]
)
def test_settings_that_are_none_are_refused(settings):
    latents = np.random.default_rng(0).normal(size=(20, 8, 3))
    with pytest.raises(InputError, match=next(iter(settings))):
        align(latents, latents, "cca", **settings)


def test_latents_that_drift_are_said_to_give_a_p_that_is_too_small():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 60, 3, 2)).cumsum(axis=1)
    drifting = align(first, second, n_permutations=9)
    assert drifting.slow
    assert "too small" in str(drifting)
    steady = align(rng.normal(size=(60, 3, 2)), second, n_permutations=9)
    assert not steady.slow
    assert "too small" not in str(steady)
