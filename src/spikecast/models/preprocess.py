"""Steps between raw activity and a model: smoothing, square root, principal components.

They are used inside models, so whatever they learn, they learn from the training trials only.
Arrays are trial x time x neuron.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import correlate1d
from scipy.sparse.linalg import LinearOperator, eigsh, svds
from sklearn.base import BaseEstimator

from spikecast.core.checks import check_in_range, check_three_axes
from spikecast.core.errors import ShapeError
from spikecast.models.shared_features import KnownFeatures, SharedFeatures, find_shared

LARGE = 2000  # samples; beyond it their Gram matrix is not formed
LONG = 1000  # bins; up to here smoothing is one matrix product, beyond it a convolution


def make_gaussian_weights(width: float, causal: bool = False) -> np.ndarray:
    """Return the weights (2 * radius + 1,) of a Gaussian filter, cut at 4 widths, summing to 1.

    `width` is in bins; 0 leaves the signal as it is. If causal, the future half has no weight.
    """
    check_in_range("smoothing width (bins)", width, 0)
    radius = int(4 * width + 0.5)
    lags = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (lags / width) ** 2) if width > 0 else np.ones(1)
    if causal:
        weights[lags > 0] = 0
    return weights / weights.sum()


def make_smoothing_matrix(n_bins: int, width: float, causal: bool = False) -> np.ndarray:
    """Return the Gaussian filter of :func:`smooth` as a matrix, (time, time) of float32.

    Examples
    --------
    >>> make_smoothing_matrix(3, 1.0, causal=True).round(2)
    array([[1.  , 0.  , 0.  ],
           [0.43, 0.57, 0.  ],
           [0.08, 0.35, 0.57]], dtype=float32)
    """
    weights = make_gaussian_weights(width, causal)
    return correlate1d(np.eye(n_bins), weights, axis=0, mode="nearest").astype(np.float32)


def smooth(x: np.ndarray, width: float, causal: bool = False) -> np.ndarray:
    """Smooth (trial, time, neuron) over time with a Gaussian of `width` bins; return float32.

    A trial's first and last bins continue beyond its ends. If causal, it uses the present and the
    past only.

    Examples
    --------
    >>> pulse = np.zeros((1, 5, 1)); pulse[0, 2] = 1
    >>> smooth(pulse, 1.0)[0, :, 0].round(2)
    array([0.05, 0.24, 0.4 , 0.24, 0.05], dtype=float32)
    >>> smooth(pulse, 1.0, causal=True)[0, :, 0].round(2)
    array([0.  , 0.  , 0.57, 0.35, 0.08], dtype=float32)
    """
    if width == 0:
        return x.astype(np.float32)
    n_bins = x.shape[1]
    if n_bins > LONG:
        weights = make_gaussian_weights(width, causal)
        return correlate1d(x.astype(np.float32, copy=False), weights, axis=1, mode="nearest")
    # (time, time) @ (trial, time, neuron)
    return make_smoothing_matrix(n_bins, width, causal) @ x.astype(np.float32, copy=False)


def signed_sqrt(x: np.ndarray) -> np.ndarray:
    """Return the square root with the sign of `x`; it makes the variance of counts nearly constant.

    Examples
    --------
    >>> signed_sqrt(np.array([4.0, -4.0]))
    array([ 2., -2.])
    """
    return np.copysign(np.sqrt(np.abs(x)), x)


def find_principal_axes(
    x: np.ndarray, n_components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the leading principal axes, from the smaller Gram matrix by Lanczos iterations.

    scikit-learn's PCA gives the same axes in 4 to 10 times the time at these shapes (its solvers
    factorise the whole matrix, or iterate over all samples); see benchmarks/pca.py.

    Returns
    -------
    mean : array, (feature,)
    axes : array, (component, feature)
        At most `n_components` or ``min(x.shape)`` orthonormal rows, largest variance first; the
        largest entry of each row is positive.
    variance : array, (component,)
    """
    n_samples, n_features = x.shape
    n_components = min(n_components, n_samples, n_features)
    mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    if max(LARGE, 100 * n_components) < n_samples < n_features:
        variance, axes = _find_leading_without_gram(x, mean, n_components)
    elif n_features <= n_samples:
        gram = _compute_gram(x, mean)  # (feature, feature)
        variance, axes = _find_leading(gram, n_components)
        axes = axes.T
    else:
        # center the Gram matrix of samples instead of the samples: no second array of x's size
        gram = x @ x.T
        gram -= (x @ mean)[:, np.newaxis]
        gram -= gram.mean(axis=0)
        variance, left = _find_leading(gram, n_components)
        axes = left.T @ x - np.outer(left.sum(axis=0), mean)
        axes /= np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-12)
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    # a direction without variance is rounding noise: 0, so that it predicts nothing
    signs[variance <= 1e-9 * variance[0]] = 0
    axes = axes * signs[:, np.newaxis]
    return mean, axes.astype(np.float32), np.maximum(variance, 0) / n_samples


def _compute_gram(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return ``(x - mean)' (x - mean)``, in blocks of samples so that x is never copied whole."""
    gram = np.zeros((x.shape[1], x.shape[1]), dtype=np.float32)
    for start in range(0, len(x), 4096):
        block = x[start : start + 4096] - mean
        gram += block.T @ block
    return gram


def _find_leading_without_gram(
    x: np.ndarray, mean: np.ndarray, n_components: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest squared singular values of ``x - mean`` and right singular vectors.

    Where the Gram matrix itself is large and the components are few, products with x are faster
    and take no memory.
    """
    centered = LinearOperator(
        x.shape,
        matvec=lambda right: x @ right.ravel() - mean @ right.ravel(),
        rmatvec=lambda left: x.T @ left.ravel() - mean * left.sum(),
        dtype=np.float32,
    )
    _, values, axes = svds(centered, n_components, v0=_make_start(len(x)))
    order = np.argsort(values)[::-1]
    return np.square(values[order]), axes[order]


def _make_start(size: int) -> np.ndarray:
    """Return where Lanczos iterations start: fixed, not orthogonal to what centring leaves."""
    return np.cos(np.arange(size, dtype=np.float32))


def _find_leading(gram: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest eigenvalues, descending, and their eigenvectors in columns."""
    size = len(gram)
    # Lanczos pays only for a small part of the spectrum, and cannot start on a matrix of zeros
    if n_components > size // 3 or not gram.any():
        values, vectors = np.linalg.eigh(gram)
    else:
        values, vectors = eigsh(gram, n_components, v0=_make_start(size))
    order = np.argsort(values)[::-1][:n_components]
    return values[order], vectors[:, order]


@dataclass(eq=False, repr=False)
class PopulationFeatures(BaseEstimator):
    """Square root of smoothed activity at several widths, then principal components of each.

    The components stay unwhitened: all are divided by the standard deviation of the very first
    one, so that a penalty on the weights of what follows shrinks weak directions more, whatever
    the recording's scale.

    Parameters
    ----------
    widths : sequence of float
        Standard deviations of the Gaussians, in bins.
    n_components : int
        Per width; at most the number of neurons.
    causal, future_only : bool
        Smooth with the present and the past only, or with the present and the future only.

    Attributes
    ----------
    mean_ : array, (width, neuron)
    axes_ : array, (width, component, neuron)
        Divided by the standard deviation of the first width's first component.
    n_features_ : int
        ``len(widths) * n_components``, fewer where there are fewer neurons.

    Examples
    --------
    >>> x = np.random.default_rng(0).poisson(0.3, size=(10, 40, 8))
    >>> PopulationFeatures(widths=(1, 3), n_components=5).fit(x).transform(x).shape
    (10, 40, 10)
    """

    widths: Sequence[float] = (1.0, 3.0, 8.0)
    n_components: int = 40
    causal: bool = False
    future_only: bool = False

    def _smooth_roots(self, x: np.ndarray, width: float) -> np.ndarray:
        if self.future_only:  # the past of time that runs backwards
            z = np.ascontiguousarray(smooth(x[:, ::-1], width, causal=True)[:, ::-1])
        else:
            z = smooth(x, width, self.causal)
        for trial in z:  # in place: imaging recordings fill much of a laptop's memory
            trial[:] = signed_sqrt(trial)
        return z

    def fit(self, x: np.ndarray) -> Self:
        """Learn the components from `x` (trial, time, neuron)."""
        self.fit_transform(x)
        return self

    def fit_transform(self, x: np.ndarray) -> np.ndarray:
        """Return ``fit(x).transform(x)``, smoothing only once."""
        check_three_axes("x", x)
        check_in_range("n_components", self.n_components, 1)
        shared = find_shared(x)
        learnt = self._learn(x, self.n_components) if shared is None else self._look_up(shared)
        n_widths = len(self.widths)  # what is shared may have more, of widths and of components
        self.mean_, self.axes_ = learnt.mean[:n_widths], learnt.axes[:n_widths, : self.n_components]
        self.n_features_ = self.axes_.shape[0] * self.axes_.shape[1]
        return self._take_first(learnt.features)

    def _look_up(self, shared: SharedFeatures) -> KnownFeatures:
        """Return what models share of an array, computed where it is not known."""
        smoothing = tuple(self.widths), self.causal, self.future_only
        known = shared.find_features(smoothing, self.n_components)
        if known is None:
            n_components = self.n_components
            axes = shared.find_axes(smoothing, n_components)
            if axes is None:
                n_components = max(n_components, shared.n_components)
            known = self._learn(shared.x, n_components, axes)
            shared.known[smoothing] = known
        return known

    def _learn(
        self, x: np.ndarray, n_components: int, axes: np.ndarray | None = None
    ) -> KnownFeatures:
        """Return means, axes (where they are not known) and features of `x`."""
        n_trials, n_bins, n_neurons = x.shape
        means, directions, features = [], [], []
        scale = None
        for number, width in enumerate(self.widths):
            flat = self._smooth_roots(x, width).reshape(-1, n_neurons)
            if axes is not None:
                mean = flat.mean(axis=0, dtype=np.float64).astype(np.float32)
                directions.append(axes[number])
            else:
                mean, found, variance = find_principal_axes(flat, n_components)
                if scale is None:
                    scale = np.float32(np.sqrt(variance[0]) if variance[0] > 0 else 1.0)
                directions.append(found / scale)
            means.append(mean)
            features.append(flat @ directions[-1].T - directions[-1] @ mean)
            del flat  # before the next is made: each is as large as x
        # width x (trial * time, component) -> (trial, time, width, component)
        stacked = np.stack(features, axis=1).reshape(n_trials, n_bins, len(features), -1)
        return KnownFeatures(np.stack(means), np.stack(directions), n_components, stacked)

    def _take_first(self, features: np.ndarray) -> np.ndarray:
        """Return the first of (trial, time, width, component), with the last two axes as one."""
        first = features[:, :, : len(self.widths), : self.n_components]
        return first.reshape(*features.shape[:2], -1)

    def roots(self, x: np.ndarray) -> np.ndarray:
        """Return what the components are taken of, (trial, time, width * neuron) as float32."""
        parts = [
            self._smooth_roots(x, width) - mean
            for width, mean in zip(self.widths, self.mean_, strict=True)
        ]
        return np.concatenate(parts, axis=2)

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Return features (trial, time, width * component) as float32."""
        check_three_axes("x", x)
        n_neurons = self.mean_.shape[1]
        if x.shape[2] != n_neurons:
            raise ShapeError(f"x has {x.shape[2]} neurons; the model was fitted on {n_neurons}")
        shared = find_shared(x)
        known = None if shared is None else shared.find_fitted(self.mean_)
        if known is not None:
            return self._take_first(known.features)
        features = []
        for width, mean, axes in zip(self.widths, self.mean_, self.axes_, strict=True):
            flat = self._smooth_roots(x, width).reshape(-1, n_neurons)
            features.append(flat @ axes.T - axes @ mean)
            del flat
        return np.concatenate(features, axis=1).reshape(*x.shape[:2], -1)
