"""Factor analysis of sources and targets together: the classical model of co-smoothing."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from sklearn.decomposition import FactorAnalysis as SklearnFactorAnalysis
from sklearn.exceptions import ConvergenceWarning

from spikecast.models.base import Model
from spikecast.models.inner_cv import choose_best, split_inner_folds
from spikecast.models.preprocess import signed_sqrt, smooth
from spikecast.models.spaces import Between, Space

PRIVATE = 0.2  # of a neuron's variance, at least, is private noise


@dataclass(eq=False, repr=False)
class FactorAnalysis(Model):
    """Shared factors plus private variance of every neuron (Everitt 1984; Yu et al. 2009).

    Square roots of smoothed sources and smoothed targets are taken together as ``mean + loadings
    @ factors + private noise``. Factors are then inferred from the sources alone, each weighed by
    its private noise, and the targets follow from their loadings. The number of factors is the best
    on validation trials.

    Parameters
    ----------
    width : float
        Smoothing width in bins.
    ranks : sequence of int
        Numbers of factors to choose from.
    {causal}
    {seed}

    Attributes
    ----------
    rank_ : int
    mean_ : array, (source,)
    readin_ : array, (source, factor)
        Factors are sources minus their mean, times this matrix.
    readout_ : array, (factor, target)
    intercept_ : array, (target,)

    References
    ----------
    Everitt 1984; Yu et al. 2009, Journal of Neurophysiology (smoothed factor analysis).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drive = np.repeat(rng.normal(size=(20, 5, 1)), 6, axis=1)
    >>> counts = rng.poisson(np.exp(0.5 * drive), size=(20, 30, 12))
    >>> model = FactorAnalysis(ranks=(1, 2)).fit(counts[..., :9], counts[..., 9:])
    >>> model.rank_, model.transform(counts[..., :9]).shape
    (1, (20, 30, 1))
    """

    title = "factor analysis"
    about = "shared factors and private noise of sources and targets, factors from the sources"
    paper = "Everitt 1984; Yu et al. 2009"
    is_baseline = True
    search_space: ClassVar[Space] = {"width": Between(0.5, 12.0, log=True)}
    fit_record = ("rank_", "history_")

    width: float = 3.0
    ranks: Sequence[int] = (2, 4, 8, 16, 32)
    causal: bool = False
    seed: int = 0

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        z = self._make_features(x)
        smoothed = smooth(y, self.width, self.causal)
        limit = min(self.n_sources_ + self.n_targets_ - 1, max(self.ranks))
        ranks = sorted({max(min(rank, limit), 1) for rank in self.ranks})
        if len(ranks) > 1:
            self.rank_, self.history_ = choose_best(
                ranks,
                lambda fold: [
                    predict_targets(
                        fit_factors(z[fold.train], smoothed[fold.train], rank), z[fold.test]
                    )
                    for rank in ranks
                ],
                y,
                split_inner_folds(len(x), 4, self.seed)[:1],
                counts=False,
            )
        else:
            self.rank_ = ranks[0]
        # row by row in memory, as a stored model is read back: another order rounds otherwise
        self.mean_, self.readin_, self.readout_, self.intercept_ = map(
            np.ascontiguousarray, fit_factors(z, smoothed, self.rank_)
        )

    def _make_features(self, x: np.ndarray) -> np.ndarray:
        return signed_sqrt(smooth(x, self.width, self.causal))

    def _transform(self, x: np.ndarray) -> np.ndarray:
        return (self._make_features(x) - self.mean_) @ self.readin_

    def _predict(self, x: np.ndarray) -> np.ndarray:
        return self._clip_to_rates(self._transform(x) @ self.readout_ + self.intercept_)


class Solution(NamedTuple):
    """How factors follow from the sources, and targets from the factors."""

    mean: np.ndarray  # (source,)
    readin: np.ndarray  # (source, factor)
    readout: np.ndarray  # (factor, target)
    intercept: np.ndarray  # (target,)


def predict_targets(solution: Solution, z: np.ndarray) -> np.ndarray:
    """Return (trial, time, target) from features (trial, time, source)."""
    return (z - solution.mean) @ solution.readin @ solution.readout + solution.intercept


def fit_factors(z: np.ndarray, y: np.ndarray, rank: int) -> Solution:
    """Return factor analysis with `rank` factors of features and targets side by side.

    `z` and `y` are (trial, time, source) and (trial, time, target).
    """
    n_sources = z.shape[2]
    both = np.concatenate([z, y], axis=2).reshape(-1, n_sources + y.shape[2]).astype(np.float64)
    mean = both.mean(axis=0)
    spread = np.maximum(both.std(axis=0), 1e-6)  # a silent neuron has none
    both = (both - mean) / spread
    # the likelihood depends on the covariance only: a few rows with the same one are enough
    values, vectors = np.linalg.eigh(both.T @ both / len(both) + 1e-6 * np.eye(len(mean)))
    rows = np.sqrt(np.maximum(values, 0) * len(values))[:, np.newaxis] * vectors.T
    model = SklearnFactorAnalysis(rank, max_iter=100, iterated_power=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits do not matter here
        model.fit(np.concatenate([rows, -rows]))
    loadings = model.components_.T  # (neuron, factor)
    # without a floor a neuron of few spikes becomes a factor by itself (a Heywood case), and what
    # it does then decides over all others
    private = np.maximum(model.noise_variance_[:n_sources, np.newaxis], PRIVATE)
    # E[factors | sources] = (I + L' N^-1 L)^-1 L' N^-1 (source - mean)
    weighed = loadings[:n_sources] / private
    precision = np.eye(loadings.shape[1]) + loadings[:n_sources].T @ weighed
    readin = np.linalg.solve(precision, weighed.T).T / spread[:n_sources, np.newaxis]
    readout = loadings[n_sources:].T * spread[n_sources:]
    return Solution(mean[:n_sources], readin, readout, mean[n_sources:])
