"""Pseudo-sessions: labels that change over the session as slowly as the observed ones.

Slow drift of the neurons predicts whatever changes slowly, related or not (Harris 2021, "Nonsense
correlations in neuroscience"). The observed score has to beat what other labels, just as slow,
reach. Such labels are found in three steps:

1. Smooth random sequences of every kind (noise with an exponential or a Gaussian correlation, or
   around a rhythm, or a trend; with any share of independent noise) are cut into labels with as
   many trials of each class, within each stratum, as observed.
2. Kinds whose labels have an autocorrelation like the observed one are kept, varied a little, and
   the best of these kept again (approximate Bayesian computation). Their own labels are measured in
   the same way, so that what a short session hides of slow change is hidden in both.
3. Many labels are drawn by these kinds, and those nearest to the observed autocorrelation kept.

Runs, a bias that drifts, a rhythm of blocks and numbers that wander are treated alike. Of a class
that comes in a single run nothing can be said, and it is refused.
"""

from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from spikecast.analysis.slowness import find_classes, list_lags, make_series, sum_autocorrelation
from spikecast.core.errors import NotEnoughDataError

N_KINDS = 3000  # that are tried first
KEPT = 150  # of them
N_VARIED = 10  # variants of each that are tried in the next round
N_ROUNDS = 4
TREND = np.array([1.0, 0.5, 0.3])  # size of its slope, curvature and third degree
PER_DRAW = 12  # labels of which the nearest one is kept
LEAST_RUNS = 2  # of every class
CHUNK = 2_000_000  # values at once


class Kinds(NamedTuple):
    """Kinds of random sequences, each a number per kind."""

    scale: np.ndarray  # trials
    shape: np.ndarray  # 0 exponential, 1 Gaussian, 2 Gaussian around a rhythm, 3 a trend
    rhythm: np.ndarray  # cycles per trial
    slow: np.ndarray  # share of the variance that is not independent noise

    def take(self, rows: np.ndarray) -> "Kinds":
        """Return some of the kinds."""
        return Kinds(*(values[rows] for values in self))


def draw_pseudo_sessions(
    labels: np.ndarray, n: int, rng: np.random.Generator, strata: np.ndarray | None = None
) -> np.ndarray:
    """Draw labels that change as slowly as the observed ones, within `strata`, (draw, trial).

    Labels are codes of classes (int), or numbers (float). Every draw has as many trials of each
    class (the same numbers) in each stratum as the observed labels.

    Raises
    ------
    NotEnoughDataError
        Where a class comes in a single run: nothing can be said of such labels.

    Examples
    --------
    >>> blocks = np.repeat([0, 1, 0, 1], 10)
    >>> drawn = draw_pseudo_sessions(blocks, 50, np.random.default_rng(0))
    >>> drawn.shape, set(drawn.sum(axis=1).tolist())
    ((50, 40), {20})
    >>> bool((drawn[:, 1:] != drawn[:, :-1]).sum(axis=1).mean() < 8)
    True
    """
    labels = np.asarray(labels)
    check_runs(labels)
    groups = np.zeros(labels.size, dtype=int) if strata is None else np.asarray(strata)
    classes = find_classes(labels)
    target = _summarize(labels[np.newaxis], classes, groups)
    kinds = [
        _fit_kinds(series[0], groups, rng) for series in make_series(labels[np.newaxis], classes)
    ]
    kept = np.empty((0, labels.size), dtype=labels.dtype)
    distance, spread = np.empty(0), None
    per_chunk = max(1, CHUNK // labels.size)
    left = PER_DRAW * n
    while left > 0:
        m = min(left, per_chunk)
        left -= m
        latents = [
            draw_latents(one.take(rng.integers(KEPT, size=m)), labels.size, rng) for one in kinds
        ]
        drawn = _cut_labels(labels, classes, latents, groups)
        found = _summarize(drawn, classes, groups)
        spread = _measure_spread(found) if spread is None else spread
        away = np.linalg.norm((found - target) / spread, axis=1)
        kept, distance = np.vstack([kept, drawn]), np.concatenate([distance, away])
        nearest = np.argsort(distance, kind="stable")[:n]
        kept, distance = kept[nearest], distance[nearest]
    return rng.permutation(kept)


def check_runs(labels: np.ndarray) -> None:
    """Raise a NotEnoughDataError where a class (half of the numbers) comes in fewer than 2 runs."""
    classes = find_classes(labels)
    codes = labels if classes.size else (labels > np.median(labels)).astype(int)
    starts = codes[np.r_[True, codes[1:] != codes[:-1]]]
    values, runs = np.unique(starts, return_counts=True)
    if values.size < 2:
        raise NotEnoughDataError("labels of a single value make no pseudo-session")
    if runs.min() < LEAST_RUNS:
        raise NotEnoughDataError(
            "a label that comes in a single run cannot be told from slow drift: the runs are too "
            "long for this session; pass the task's own rule as the null"
        )


def draw_kinds(n: int, n_trials: int, rng: np.random.Generator) -> Kinds:
    """Draw kinds of random sequences: any smoothness up to the session, any share of noise."""
    noise = np.where(rng.random(n) < 0.5, rng.random(n), np.exp(rng.uniform(-6, 0, n)))
    noise[rng.random(n) < 0.25] = 0.0
    return Kinds(
        np.exp(rng.uniform(np.log(0.7), np.log(n_trials), n)),
        rng.integers(4, size=n),
        np.exp(rng.uniform(np.log(2 / n_trials), np.log(0.25), n)),
        1 - noise,
    )


def draw_latents(kinds: Kinds, n_trials: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a sequence of each kind, (kind, trial)."""
    length = 1 << int(3 * n_trials).bit_length()  # it is cut from a longer one, which wraps around
    frequency = np.fft.rfftfreq(length)
    scale, shape, rhythm, slow = (values[:, np.newaxis] for values in kinds)
    away = 2 * np.pi * scale * (frequency - np.where(shape == 2, rhythm, 0.0))
    power = np.where(shape == 0, 1 / (1 + away**2), np.exp(-np.minimum(away**2, 80.0)))
    power = np.where(shape == 3, 0.0, slow * power / power.mean(axis=1, keepdims=True))
    noise = np.fft.rfft(rng.normal(size=(len(scale), length)).astype(np.float32), axis=1)
    latents = np.fft.irfft(noise * np.sqrt(power + 1 - slow), axis=1)[:, :n_trials]
    return latents + np.where(shape == 3, np.sqrt(slow), 0.0) * _draw_trends(
        len(scale), n_trials, rng
    )


def _draw_trends(n: int, n_trials: int, rng: np.random.Generator) -> np.ndarray:
    """Draw curves of degree 3, mostly up or down, with variance 1 over the session, (n, trial)."""
    curves = legendre.legvander(np.linspace(-1, 1, n_trials), 3)[:, 1:]
    trends = rng.normal(size=(n, 3)) * TREND @ curves.T
    return trends / trends.std(axis=1, keepdims=True)


def _fit_kinds(series: np.ndarray, strata: np.ndarray, rng: np.random.Generator) -> Kinds:
    """Return kinds that are like one class against the others: tried, kept and varied in rounds."""
    kinds = draw_kinds(N_KINDS, series.size, rng)
    target = _compress(sum_autocorrelation(series[np.newaxis], strata), series.size)
    spread = np.ones(target.shape[1])
    for last in [False] * (N_ROUNDS - 1) + [True]:
        drawn = _place(series, draw_latents(kinds, series.size, rng), strata)
        found = _compress(sum_autocorrelation(drawn, strata), series.size)
        nearest = np.argsort(np.linalg.norm((found - target) / spread, axis=1), kind="stable")
        nearest = nearest[:KEPT]
        if last:
            break
        spread = _measure_spread(found[nearest])
        kinds = _vary_kinds(kinds.take(np.repeat(nearest, N_VARIED)), rng)
    return kinds.take(nearest)


def _vary_kinds(kinds: Kinds, rng: np.random.Generator) -> Kinds:
    """Return kinds a little smoother or rougher, faster or slower, with more noise or less."""

    def vary(values: np.ndarray) -> np.ndarray:
        return values * np.exp(0.25 * rng.normal(size=values.size))

    noise = np.minimum(vary(1 - kinds.slow), 1.0)
    return Kinds(vary(kinds.scale), kinds.shape, vary(kinds.rhythm), 1 - noise)


def _measure_spread(found: np.ndarray) -> np.ndarray:
    """Return the standard deviation of what was found at each lag, never quite 0."""
    return found.std(axis=0) + 1e-3


def _summarize(labels: np.ndarray, classes: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return the autocorrelation of all classes, on a scale on which distances mean something."""
    sums = [sum_autocorrelation(series, strata) for series in make_series(labels, classes)]
    return np.concatenate([_compress(one, labels.shape[1]) for one in sums], axis=1)


def _compress(sums: np.ndarray, n_trials: int) -> np.ndarray:
    """Return sums of autocorrelation in units of their noise, large ones compressed."""
    units = sums / np.sqrt(list_lags(n_trials) / n_trials)
    return np.sign(units) * np.log1p(np.abs(units))


def _cut_labels(
    labels: np.ndarray, classes: np.ndarray, latents: list[np.ndarray], strata: np.ndarray
) -> np.ndarray:
    """Return labels (draw, trial) made of latents: one for numbers or two classes, else one each.

    Of several classes the rarest takes the trials where its latent is largest, the next one of the
    trials that are left, and so on.
    """
    if len(latents) == 1:
        return _place(labels, latents[0], strata)
    sizes = [(labels == code).sum() for code in classes]
    order = np.argsort(sizes, kind="stable")
    drawn = np.full(latents[0].shape, classes[order[-1]], dtype=labels.dtype)
    free = np.ones(drawn.shape, dtype=bool)
    for index in order[:-1]:
        taken = _place(labels == classes[index], np.where(free, latents[index], -np.inf), strata)
        drawn[taken] = classes[index]
        free &= ~taken
    return drawn


def _place(values: np.ndarray, latents: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return values (trial,) in the order of latents (draw, trial), within strata."""
    placed = np.empty(latents.shape, dtype=values.dtype)
    for stratum in np.unique(strata):
        here = np.flatnonzero(strata == stratum)
        ranks = np.argsort(np.argsort(latents[:, here], axis=1), axis=1)
        placed[:, here] = np.sort(values[here])[ranks]
    return placed
