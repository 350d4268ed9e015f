"""Canonical correlation of populations, bin by bin: whitening, and correlation from sums."""

import numpy as np


def find_whitening(covariance: np.ndarray, shrinkage: float) -> np.ndarray:
    """Return the inverse square roots of covariances, (..., component, component).

    Each is first drawn towards a multiple of the identity, by `shrinkage` from 0 to 1.

    Examples
    --------
    >>> find_whitening(np.diag([4.0, 1.0]), 0.0).round(2)
    array([[0.5, 0. ],
           [0. , 1. ]])
    """
    size = covariance.shape[-1]
    scale = np.trace(covariance, axis1=-2, axis2=-1)[..., np.newaxis, np.newaxis] / size
    target = np.maximum(scale, 1e-12) * np.eye(size)
    values, vectors = np.linalg.eigh((1 - shrinkage) * covariance + shrinkage * target)
    values = np.maximum(values, 1e-12)
    return (vectors * values[..., np.newaxis, :] ** -0.5) @ vectors.swapaxes(-1, -2)


def correlate_sums(uv: np.ndarray, uu: np.ndarray, vv: np.ndarray) -> np.ndarray:
    """Return correlations from sums of products and of squares; 0 where nothing varies."""
    return uv / np.sqrt(np.maximum(uu * vv, 1e-12))
