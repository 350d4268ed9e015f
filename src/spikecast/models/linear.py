"""Least squares from population features: ridge, reduced rank, partial least squares.

All three smooth the source, take square roots, and regress on principal components. Counts are
regressed as they are, and predictions raised to possible rates.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.cross_decomposition import PLSRegression

from spikecast.models.base import Model
from spikecast.models.inner_cv import choose_best, split_inner_folds
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.spaces import Between, OneOf, Space
from spikecast.tasks.splits import Fold

# how wide the activity is smoothed decides what time scale a model can see: the strongest setting
WIDTHS = OneOf(((1.0,), (2.0,), (3.0,), (5.0,), (8.0,), (1.0, 3.0), (1.0, 3.0, 8.0)))
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
RANKS = (1, 2, 4, 8, 16, 32)


class _Linear(Model):
    """Base class: features, an intercept, and a matrix of weights from features to targets."""

    widths: Sequence[float]
    n_components: int
    causal: bool

    def _fit_features(self, x: np.ndarray) -> np.ndarray:
        self.features_ = PopulationFeatures(self.widths, self.n_components, self.causal)
        return self.features_.fit_transform(x)

    def _predict(self, x: np.ndarray) -> np.ndarray:
        z = self.features_.transform(x)  # (trial, time, feature)
        return self._clip_to_rates(z @ self.weights_ + self.intercept_)


@dataclass(eq=False, repr=False)
class PCARidge(_Linear):
    """Principal components of smoothed activity, then ridge regression.

    Parameters
    ----------
    {features}
    {penalties}
    {causal}
    {seed}

    Attributes
    ----------
    penalty_ : float
        The chosen one.

    {paper}

    {example}
    """

    title = "ridge regression on principal components"
    about = "principal components of smoothed activity, then ridge regression"
    paper = "Hoerl & Kennard 1970"
    is_baseline = True
    search_space: ClassVar[Space] = {"widths": WIDTHS, "n_components": Between(5, 160, log=True)}
    fit_record = ("penalty_", "history_")

    widths: Sequence[float] = (3.0,)
    n_components: int = 40
    penalties: Sequence[float] = PENALTIES
    causal: bool = False
    seed: int = 0

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        z = self._fit_features(x)
        self.penalty_, self.history_ = choose_best(
            self.penalties,
            lambda fold: [
                z[fold.test] @ weights + intercept
                for weights, intercept in fit_ridge_path(
                    z[fold.train], y[fold.train], self.penalties
                )
            ],
            y,
            split_inner_folds(len(x), 4, self.seed),
            counts=False,
        )
        ((self.weights_, self.intercept_),) = fit_ridge_path(z, y, [self.penalty_])

    def _fit_on_top(self, x: np.ndarray, y: np.ndarray, base: np.ndarray) -> None:
        self._fit(x, y - base)

    def _predict_on_top(self, x: np.ndarray, base: np.ndarray) -> np.ndarray:
        added = self.features_.transform(x) @ self.weights_ + self.intercept_
        # a sum may fall below 0; a tenth of the rate without the source is as low as it goes
        return np.maximum(base + added, 0.1 * base) if self.counts_ else base + added

    def _transform(self, x: np.ndarray) -> np.ndarray:
        return self.features_.transform(x)


@dataclass(eq=False, repr=False)
class ReducedRank(_Linear):
    """Reduced-rank regression: all targets through a few shared latents (Izenman 1975).

    The ridge solution's fitted values are projected on their leading principal axes, which is the
    least-squares optimum of that rank, in closed form. Rank and penalty are the best on
    validation trials.

    Parameters
    ----------
    {features}
    {penalties}
    ranks : sequence of int
        Ranks to choose from on validation trials.
    {causal}
    {seed}

    Attributes
    ----------
    rank_ : int
    readin_ : array, (feature, rank)
        Latents are features times this matrix.
    readout_ : array, (rank, target)

    {paper}

    {example}
    """

    title = "reduced-rank regression"
    about = "all targets through a few shared linear latents, closed form"
    paper = "Izenman 1975; Semedo et al. 2019"
    is_baseline = True
    search_space: ClassVar[Space] = {"widths": WIDTHS, "n_components": Between(5, 160, log=True)}
    fit_record = ("penalty_", "rank_", "history_")

    widths: Sequence[float] = (3.0,)
    n_components: int = 40
    penalties: Sequence[float] = PENALTIES
    ranks: Sequence[int] = RANKS
    causal: bool = False
    seed: int = 0

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        z = self._fit_features(x)
        limit = min(z.shape[2], y.shape[2])
        ranks = sorted({min(rank, limit) for rank in self.ranks})
        candidates = [(penalty, rank) for penalty in self.penalties for rank in ranks]

        def predictions(fold: Fold) -> Iterator[np.ndarray]:
            for weights, intercept in fit_ridge_path(z[fold.train], y[fold.train], self.penalties):
                axes = find_fitted_axes(z[fold.train], weights)
                for rank in ranks:
                    yield z[fold.test] @ (weights @ axes[:rank].T) @ axes[:rank] + intercept

        (self.penalty_, self.rank_), self.history_ = choose_best(
            candidates, predictions, y, split_inner_folds(len(x), 4, self.seed), counts=False
        )
        ((weights, self.intercept_),) = fit_ridge_path(z, y, [self.penalty_])
        self.readout_ = find_fitted_axes(z, weights)[: self.rank_]
        self.readin_ = weights @ self.readout_.T
        self.weights_ = self.readin_ @ self.readout_

    def _transform(self, x: np.ndarray) -> np.ndarray:
        return self.features_.transform(x) @ self.readin_


@dataclass(eq=False, repr=False)
class PLS(_Linear):
    """Partial least squares (scikit-learn's): latents that covary with the targets.

    Parameters
    ----------
    {features}
    ranks : sequence of int
        Numbers of latents to choose from on validation trials.
    {causal}
    {seed}

    Attributes
    ----------
    rank_ : int
    rotations_ : array, (feature, rank)
        Latents are features times this matrix.

    References
    ----------
    Wold 1975; :class:`sklearn.cross_decomposition.PLSRegression`.

    {example}
    """

    title = "partial least squares"
    about = "partial least squares (scikit-learn)"
    paper = "Wold 1975"
    is_baseline = True
    search_space: ClassVar[Space] = {"widths": WIDTHS, "n_components": Between(10, 200, log=True)}
    fit_record = ("rank_", "history_")

    widths: Sequence[float] = (3.0,)
    n_components: int = 100
    ranks: Sequence[int] = (4, 8, 12, 16)
    causal: bool = False
    seed: int = 0

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        z = self._fit_features(x)

        def predictions(fold: Fold) -> Iterator[np.ndarray]:
            # components come one after the other: the first of many are those of few
            pls = _PLSFit(z[fold.train], y[fold.train], max(self.ranks))
            for rank in self.ranks:
                weights, intercept = pls.solution(rank)
                yield z[fold.test] @ weights + intercept

        folds = split_inner_folds(len(x), 4, self.seed)[:2]
        self.rank_, self.history_ = choose_best(self.ranks, predictions, y, folds, counts=False)
        pls = _PLSFit(z, y, self.rank_)
        self.weights_, self.intercept_ = pls.solution(self.rank_)
        self.rotations_ = pls.rotations

    def _transform(self, x: np.ndarray) -> np.ndarray:
        return self.features_.transform(x) @ self.rotations_


def fit_ridge_path(
    z: np.ndarray, y: np.ndarray, penalties: Sequence[float]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return weights (feature, target) and intercept (target,) for each penalty.

    Minimises ``mean over samples of squared error + penalty * squared weights``, by one
    eigendecomposition for all penalties.
    """
    flat = z.reshape(-1, z.shape[2]).astype(np.float64)
    targets = y.reshape(-1, y.shape[2])
    z_mean, y_mean = flat.mean(axis=0), targets.mean(axis=0, dtype=np.float64)
    flat -= z_mean
    values, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
    projected = vectors.T @ (flat.T @ targets / len(flat))  # centred z needs no centred y
    solutions = []
    for penalty in penalties:
        weights = vectors @ (projected / (np.maximum(values, 0) + penalty)[:, np.newaxis])
        solutions.append((weights, y_mean - z_mean @ weights))
    return solutions


def find_fitted_axes(z: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return principal axes of fitted values ``z @ weights``, (axis, target), strongest first."""
    flat = z.reshape(-1, z.shape[2])
    covariance = np.cov(flat, rowvar=False, dtype=np.float64)
    _, vectors = np.linalg.eigh(weights.T @ np.atleast_2d(covariance) @ weights)
    return vectors[:, ::-1].T


class _PLSFit:
    """scikit-learn's PLS at the highest rank up to `rank` that the data support (perhaps 0)."""

    def __init__(self, z: np.ndarray, y: np.ndarray, rank: int) -> None:
        flat, targets = z.reshape(-1, z.shape[2]), y.reshape(-1, y.shape[2])
        self.z_mean, self.y_mean = flat.mean(axis=0), targets.mean(axis=0)
        self.rotations = np.zeros((z.shape[2], 0))
        self.loadings = np.zeros((y.shape[2], 0))
        for components in range(min(rank, *flat.shape), 0, -1):
            try:
                with warnings.catch_warnings():
                    # warns when there is nothing left for the last components to explain
                    warnings.simplefilter("ignore")
                    pls = PLSRegression(components, scale=False).fit(flat, targets)
            except ValueError:  # scikit-learn divides by the residual that is 0
                continue
            self.rotations, self.loadings = pls.x_rotations_, pls.y_loadings_
            return

    def solution(self, rank: int) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (feature, target) and intercept (target,) of the first components."""
        weights = self.rotations[:, :rank] @ self.loadings[:, :rank].T
        return weights, self.y_mean - self.z_mean @ weights
