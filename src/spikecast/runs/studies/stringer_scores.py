"""Scores of predicted speed, bin by bin, with intervals over windows of bins."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikecast.runs.studies.study import Measure
from spikecast.scoring.ratio_scores import RatioScores, compute_interval, draw_bootstrap_weights
from spikecast.tasks.problem import WINDOW

N_RESAMPLES = 1000


@dataclass(frozen=True)
class SpeedScorer:
    """Scores predictions of the same bins: differences are paired.

    Parameters
    ----------
    truth : array, (bin,) or (bin, channel)
        Of several channels the mean over their own scores is returned.
    null : array
        Of the same shape: the mean that the training bins have.
    seed : int

    Examples
    --------
    >>> truth = np.sin(np.arange(1000.0))
    >>> scorer = SpeedScorer(truth, np.zeros(1000), seed=0)
    >>> round(scorer.r2("half", truth / 2).value, 3)
    0.75
    """

    truth: np.ndarray
    null: np.ndarray
    seed: int

    def r2(self, name: str, prediction: np.ndarray) -> Measure:
        """Return the share of the variance around the null that is explained."""
        return self._measure(name, "r2", self._share(prediction))

    def mse(self, name: str, prediction: np.ndarray) -> Measure:
        """Return the mean squared error, each prediction against its own speed."""
        return self._measure(name, "mse", self._error(prediction))

    def compare_r2(self, name: str, one: np.ndarray, other: np.ndarray) -> Measure:
        """Return by how much the R2 of one prediction is above that of another."""
        return self._measure(name, "r2", self._share(one), self._share(other))

    def compare_mse(self, name: str, one: np.ndarray, other: np.ndarray) -> Measure:
        """Return by how much the error of one prediction is above that of another."""
        return self._measure(name, "mse", self._error(one), self._error(other))

    def _share(self, prediction: np.ndarray) -> RatioScores:
        base, own = self._sum_squares(self.null), self._sum_squares(prediction)
        return RatioScores(base - own, base)

    def _error(self, prediction: np.ndarray) -> RatioScores:
        squares = self._sum_squares(prediction)
        sizes = np.add.reduceat(np.ones(len(self.truth)), self._starts)
        return RatioScores(squares, np.broadcast_to(sizes[:, np.newaxis], squares.shape))

    @cached_property
    def _starts(self) -> np.ndarray:
        """The first bin of each window."""
        return np.arange(0, len(self.truth), WINDOW)

    @cached_property
    def _weights(self) -> np.ndarray:
        return draw_bootstrap_weights(len(self._starts), N_RESAMPLES, self.seed)

    def _sum_squares(self, prediction: np.ndarray) -> np.ndarray:
        squares = (self.truth.astype(float) - prediction).reshape(len(self.truth), -1) ** 2
        return np.add.reduceat(squares, self._starts, axis=0)

    def _measure(
        self, name: str, unit: str, ratios: RatioScores, minus: RatioScores | None = None
    ) -> Measure:
        found = compute_interval(ratios, self._weights, "per_neuron", minus)
        return Measure(name, found.value, unit, found.low, found.high)
