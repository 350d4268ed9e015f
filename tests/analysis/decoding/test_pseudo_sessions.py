"""Pseudo-sessions are as slow as the observed labels, in runs, in bias, within strata."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from spikecast.analysis.decoding.pseudo_sessions import draw_pseudo_sessions
from spikecast.analysis.slowness import compute_slowness_p, labels_come_in_runs, sum_autocorrelation
from spikecast.core.errors import NotEnoughDataError

N = 200


def draw_smooth(rng: np.random.Generator, sd: float = 8.0) -> np.ndarray:
    z = gaussian_filter1d(rng.normal(size=N + int(8 * sd)), sd)[int(4 * sd) :][:N]
    return z / z.std()


def draw_bias(rng: np.random.Generator) -> np.ndarray:
    """Labels drawn one by one, from a probability that drifts."""
    return (rng.random(N) < 1 / (1 + np.exp(-1.5 * draw_smooth(rng, 25)))).astype(int)


LABELS = {
    "runs": lambda rng: (draw_smooth(rng) > 0).astype(int),
    "bias": draw_bias,
    "rare class": lambda rng: np.where(draw_smooth(rng) > 0.9, 2, rng.integers(2, size=N)),
    "numbers": lambda rng: draw_smooth(rng) + 0.5 * rng.normal(size=N),
}


@pytest.mark.parametrize("kind", LABELS)
def test_slow_labels_are_noticed_and_drawn_as_slow(kind):
    rng = np.random.default_rng(2)
    labels = LABELS[kind](rng)
    assert labels_come_in_runs(labels)
    shuffled = rng.permuted(np.tile(labels, (100, 1)), axis=1)
    drawn = draw_pseudo_sessions(labels, 100, rng)
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.sort(shuffled, axis=1))
    assert len(np.unique(drawn, axis=0)) > 90
    one = np.zeros(N, dtype=int)
    series = [(x > labels.mean()).astype(float) for x in (labels[np.newaxis], drawn, shuffled)]
    observed, pseudo, shuffle = (sum_autocorrelation(x, one)[:, 3].mean() for x in series)
    assert abs(pseudo - observed) < 0.3 * abs(observed - shuffle)


def test_labels_drawn_afresh_are_rarely_called_slow():
    slow = [
        labels_come_in_runs(np.random.default_rng(seed).choice(3, N, p=[0.5, 0.4, 0.1]), n=200)
        for seed in range(60)
    ]
    assert np.mean(slow) < 0.15


def test_pseudo_sessions_keep_strata_and_what_is_slow_within():
    rng = np.random.default_rng(0)
    strata = rng.integers(4, size=N)
    latent = 1.5 * draw_smooth(rng, 15) + 1.5 * (strata - 1.5)
    labels = (rng.random(N) < 1 / (1 + np.exp(-latent))).astype(int)
    drawn = draw_pseudo_sessions(labels, 60, rng, strata)
    for stratum in range(4):
        here = strata == stratum
        assert (drawn[:, here].sum(axis=1) == labels[here].sum()).all()
    shuffled = rng.permuted(np.tile(labels, (200, 1)), axis=1)
    assert np.median([compute_slowness_p(one, strata, shuffled) for one in drawn[:10]]) < 0.1


@pytest.mark.parametrize("labels", [np.repeat([0, 1], 50), np.repeat([0, 1, 0], 30)])
def test_a_class_in_a_single_run_is_refused(labels):
    with pytest.raises(NotEnoughDataError, match="single run"):
        draw_pseudo_sessions(labels, 10, np.random.default_rng(0))
