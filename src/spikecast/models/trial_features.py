"""One row of features per trial, for classifiers of whole trials."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from spikecast.core.checks import check_in_range, check_same_length
from spikecast.core.errors import NotEnoughDataError, ShapeError
from spikecast.models.base import check_array
from spikecast.models.preprocess import PopulationFeatures


def check_trials(x: np.ndarray) -> np.ndarray:
    """Return `x` as a checked array (trial, time, neuron) that is not empty."""
    x = check_array(x)
    if 0 in x.shape:
        raise NotEnoughDataError(f"x is empty: {x.shape}")
    return x


def split_classes(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, sorted, and each trial's among them; at least two are needed."""
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise NotEnoughDataError(
            f"labels hold {len(classes)} class; at least 2 are needed to tell apart"
        )
    return classes, codes


@dataclass(eq=False, repr=False)
class TrialFeatures(TransformerMixin, BaseEstimator):
    """One row per trial: principal components of smoothed activity, averaged in wide bins.

    A trial's bins are averaged in `n_windows`, fewer where there are fewer bins.

    Examples
    --------
    >>> x = np.random.default_rng(0).poisson(0.3, size=(10, 40, 8))
    >>> TrialFeatures(n_components=5, n_windows=8).fit_transform(x).shape
    (10, 40)
    """

    widths: Sequence[float] = (3.0,)
    n_components: int = 20
    n_windows: int = 8

    def fit(self, x: np.ndarray, y: np.ndarray | None = None) -> Self:
        """Learn the components from `x` (trial, time, neuron); `y` (trial,) is only checked."""
        x = check_trials(x)
        if y is not None:
            check_same_length("x", len(x), "labels", len(y))
            split_classes(y)
        check_in_range("n_windows", self.n_windows, 1)
        self.n_bins_ = x.shape[1]
        self.features_ = PopulationFeatures(self.widths, self.n_components).fit(x)
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Return (trial, window * width * component)."""
        check_is_fitted(self, "features_")
        x = check_trials(x)
        if x.shape[1] != self.n_bins_:
            raise ShapeError(f"x has {x.shape[1]} bins; the model was fitted on {self.n_bins_}")
        windows = np.array_split(
            self.features_.transform(x), min(self.n_windows, self.n_bins_), axis=1
        )
        return np.concatenate([window.mean(axis=1) for window in windows], axis=1)
