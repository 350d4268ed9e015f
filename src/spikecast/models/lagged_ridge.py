"""Ridge regression on bins around the present: the plain baseline for movement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spikecast.core.checks import check_in_range
from spikecast.models.base import Model
from spikecast.models.inner_cv import choose_best, split_inner_folds
from spikecast.models.linear import PENALTIES, fit_ridge_path
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.spaces import Between, Space


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
        check_in_range("lags", self.lags, 0)
        self.features_ = PopulationFeatures((0.0,), self.n_components, self.causal)
        z = stack_lags(self.features_.fit_transform(x), self.lags, self.causal)
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

    def _predict(self, x: np.ndarray) -> np.ndarray:
        z = stack_lags(self.features_.transform(x), self.lags, self.causal)
        return self._clip_to_rates(z @ self.weights_ + self.intercept_)


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
