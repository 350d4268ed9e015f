"""Ridge regression on bins around the present: the plain baseline for movement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spikecast.core.checks import check_in_range
from spikecast.models.base import Model
from spikecast.models.inner_cv import choose_best, split_inner_folds
from spikecast.models.linear import PENALTIES
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.spaces import Between, Space
from spikecast.tasks.splits import Fold

TRIALS_AT_A_TIME = 16


@dataclass(eq=False, repr=False)
class LaggedRidge(Model):
    """Ridge regression on several bins of activity around, or before, the present one.

    ::

        y(t) = b + sum over k from -L to L of z(t - k) W(k)

    where z(t) are principal components of the square root of the counts in bin t; with ``causal``
    the sum starts at k = 0. Beyond the ends of a trial its first and last bins go on. Every lag has
    weights of its own, so that the regression finds by itself how far activity is ahead of what it
    predicts, and over how long it has to average.

    Parameters
    ----------
    lags : int
        Bins on either side of the present one; L in the equation.
    n_components : int
        Principal components of each bin.
    {penalties}
    causal : bool
        Read the present and the past only.
    {seed}

    Attributes
    ----------
    penalty_ : float
        The chosen one.
    weights_ : array, (lag * component, target)
        From the latest bin to the earliest.
    intercept_ : array, (target,)

    See Also
    --------
    spikecast.models.Kalman : the other baseline for movement.

    {paper}

    {example}
    """

    title = "lagged ridge regression"
    about = "ridge regression on bins around the present one: the plain baseline for movement"
    paper = "Carmena et al. 2003 (the Wiener filter of movement); Hoerl & Kennard 1970"
    is_baseline = True
    search_space: ClassVar[Space] = {
        "lags": Between(0, 15),
        "n_components": Between(10, 160, log=True),
    }
    fit_record = ("penalty_", "history_")

    lags: int = 5
    n_components: int = 80
    penalties: Sequence[float] = (*PENALTIES, 10.0)
    causal: bool = False
    seed: int = 0

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        # lags beyond a trial hold nothing, and take memory; searches go up to 15
        check_in_range("lags", self.lags, 0, max(x.shape[1], 15))
        self.features_ = PopulationFeatures((0.0,), self.n_components, self.causal)
        z = stack_lags(self.features_.fit_transform(x), self.lags, self.causal)
        whole = sum_products(z, y)

        def predictions(fold: Fold) -> Iterator[np.ndarray]:
            # a single trial is training and validation part at once
            learnt = whole - sum_products(z[fold.test], y[fold.test]) if len(z) > 1 else whole
            for weights, intercept in solve_ridge(learnt, self.penalties):
                yield z[fold.test] @ weights + intercept

        folds = split_inner_folds(len(x), 4, self.seed)
        self.penalty_, self.history_ = choose_best(
            self.penalties, predictions, y, folds, counts=False
        )
        ((self.weights_, self.intercept_),) = solve_ridge(whole, [self.penalty_])

    def _predict(self, x: np.ndarray) -> np.ndarray:
        z = stack_lags(self.features_.transform(x), self.lags, self.causal)
        return self._clip_to_rates(z @ self.weights_ + self.intercept_)


@dataclass(frozen=True)
class Products:
    """Sums over samples: all that a regression needs of them; those of a part are subtracted."""

    n: int
    z: np.ndarray  # (feature,)
    y: np.ndarray  # (target,)
    zz: np.ndarray  # (feature, feature)
    zy: np.ndarray  # (feature, target)

    def __sub__(self, other: "Products") -> "Products":
        return Products(
            self.n - other.n,
            self.z - other.z,
            self.y - other.y,
            self.zz - other.zz,
            self.zy - other.zy,
        )


def sum_products(z: np.ndarray, y: np.ndarray) -> Products:
    """Return sums over trials and bins, a few trials at a time: the features are large.

    `z` and `y` are (trial, time, feature) and (trial, time, target).
    """
    n_features, n_targets = z.shape[2], y.shape[2]
    zz, zy = np.zeros((n_features, n_features)), np.zeros((n_features, n_targets))
    for start in range(0, len(z), TRIALS_AT_A_TIME):
        some = slice(start, start + TRIALS_AT_A_TIME)
        flat = z[some].reshape(-1, n_features).astype(np.float64)
        zz += flat.T @ flat
        zy += flat.T @ y[some].reshape(-1, n_targets)
    z_sum, y_sum = (one.sum(axis=(0, 1), dtype=np.float64) for one in (z, y))
    return Products(z.shape[0] * z.shape[1], z_sum, y_sum, zz, zy)


def solve_ridge(
    sums: Products, penalties: Sequence[float]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield weights (feature, target) and intercept (target,) for each penalty.

    The same as :func:`spikecast.models.linear.fit_ridge_path`, from sums.

    Examples
    --------
    >>> from spikecast.models.linear import fit_ridge_path
    >>> z, y = np.random.default_rng(0).normal(size=(2, 5, 20, 3))
    >>> one, other = next(solve_ridge(sum_products(z, y), [0.1])), fit_ridge_path(z, y, [0.1])[0]
    >>> all(np.allclose(a, b) for a, b in zip(one, other))
    True
    """
    z_mean, y_mean = sums.z / sums.n, sums.y / sums.n
    values, vectors = np.linalg.eigh(sums.zz / sums.n - np.outer(z_mean, z_mean))
    projected = vectors.T @ (sums.zy / sums.n - np.outer(z_mean, y_mean))
    for penalty in penalties:
        weights = vectors @ (projected / (np.maximum(values, 0) + penalty)[:, np.newaxis])
        yield weights, y_mean - z_mean @ weights


def stack_lags(z: np.ndarray, lags: int, causal: bool = False) -> np.ndarray:
    """Return bins t + lags (or t, if causal) to t - lags, (trial, time, lag * feature).

    Examples
    --------
    >>> stack_lags(np.arange(3.0).reshape(1, 3, 1), 1)[0].tolist()
    [[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [2.0, 2.0, 1.0]]
    >>> stack_lags(np.arange(3.0).reshape(1, 3, 1), 1, causal=True)[0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [2.0, 1.0]]
    """
    bins = np.arange(z.shape[1])
    shifts = range(0 if causal else -lags, lags + 1)
    return np.concatenate(
        [z[:, np.clip(bins - shift, 0, len(bins) - 1)] for shift in shifts], axis=2
    )
