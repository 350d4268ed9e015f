"""Scores that are ratios of sums over trials: computed once per trial, resampled at will.

Bits per spike, deviance explained and R2 all have the form ``sum(numerator) / sum(denominator)``
over trials (and, pooled, over targets). Keeping the two sums per trial and target makes any
bootstrap a matrix product and every comparison paired.
"""

from dataclasses import dataclass

import numpy as np

from spikecast.core.checks import MOST_DRAWS, check_count
from spikecast.core.seeding import make_rng

LEVEL = 0.95


@dataclass(frozen=True)
class RatioScores:
    """Numerator and denominator of a score, both (trial, target).

    Trials or targets that do not count have 0 in both.

    Examples
    --------
    >>> ratios = RatioScores(np.array([[1.0, 0.0], [3.0, 2.0]]), np.array([[2.0, 2.0], [2.0, 2.0]]))
    >>> ratios.pooled(), ratios.per_target().tolist()
    (0.75, [1.0, 0.5])
    """

    numerator: np.ndarray
    denominator: np.ndarray

    def pooled(self) -> float:
        """Return the ratio of the sums over trials and targets; NaN where nothing counts."""
        return float(_ratio(self.numerator.sum(), self.denominator.sum()))

    def per_target(self) -> np.ndarray:
        """Return each target's own ratio, (target,); NaN where nothing counts."""
        return _ratio(self.numerator.sum(axis=0), self.denominator.sum(axis=0))

    def aggregate(self, how: str) -> float:
        """Return the ``"pooled"`` score, or for ``"per_neuron"`` the mean of the targets' own."""
        return self.pooled() if how == "pooled" else _mean(self.per_target())

    def select_trials(self, trials: np.ndarray) -> "RatioScores":
        """Return the ratios of some trials."""
        return RatioScores(self.numerator[trials], self.denominator[trials])

    def resample(self, weights: np.ndarray, how: str = "pooled") -> np.ndarray:
        """Return the score for each row of `weights` (resample, trial), (resample,)."""
        if how == "pooled":
            return _ratio(
                weights @ self.numerator.sum(axis=1), weights @ self.denominator.sum(axis=1)
            )
        ratios = _ratio(weights @ self.numerator, weights @ self.denominator)
        return np.array([_mean(row) for row in ratios])


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, np.divide(numerator, denominator), np.nan)


def _mean(values: np.ndarray) -> float:
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if kept.size else float("nan")


@dataclass(frozen=True)
class Interval:
    """An estimate with its bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def holds_zero(low: float, high: float) -> bool:
    """Return whether an interval holds 0; one with a limit of NaN does not.

    Examples
    --------
    >>> holds_zero(-0.1, 0.2), holds_zero(0.1, 0.2), holds_zero(0.0, float("nan"))
    (True, False, False)
    """
    return low <= 0 <= high


def draw_bootstrap_weights(n_trials: int, n_resamples: int, seed: int) -> np.ndarray:
    """Return how often each trial is drawn in each resample, (resample, trial)."""
    check_count("n_resamples", n_resamples, 1, MOST_DRAWS)
    rng = make_rng(seed, "bootstrap")
    return rng.multinomial(n_trials, np.full(n_trials, 1 / n_trials), n_resamples).astype(float)


def compute_interval(
    ratios: RatioScores, weights: np.ndarray, how: str = "pooled", minus: RatioScores | None = None
) -> Interval:
    """Return a score, or the difference of two, with its 95 % percentile bootstrap over trials.

    `weights` is from :func:`draw_bootstrap_weights`; `minus` is subtracted, scored on the same
    trials: the interval is paired. It holds the fitted models fixed: it says how much the score
    depends on which trials were scored, not on which were learnt from.
    """
    value, resampled = ratios.aggregate(how), ratios.resample(weights, how)
    if minus is not None:
        value, resampled = value - minus.aggregate(how), resampled - minus.resample(weights, how)
    resampled = resampled[np.isfinite(resampled)]
    if not resampled.size:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))
