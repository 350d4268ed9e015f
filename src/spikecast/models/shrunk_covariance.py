"""A shrunk covariance in closed form, for the discriminant of a null's hundreds of small fits."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator

EPSILON = np.finfo(float).eps


class ScaledLedoitWolf(BaseEstimator):
    """The covariance of scaled features, shrunk by the formula of Ledoit & Wolf and scaled back.

    It is that of scikit-learn's discriminant with ``shrinkage="auto"``, which there is computed by
    estimators within estimators: their checks take 25 times as long as the numbers.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(30, 2)) * [1, 100]
    >>> ScaledLedoitWolf().fit(x).covariance_.round(1).tolist()
    [[0.9, 23.6], [23.6, 6459.3]]
    """

    def fit(self, x: np.ndarray, y: None = None) -> Self:
        """Learn ``covariance_`` (feature, feature) of `x` (sample, feature)."""
        x = np.asarray(x, dtype=float)
        mean, variance = x.mean(axis=0), x.var(axis=0)
        constant = variance <= len(x) * EPSILON * variance + (len(x) * mean * EPSILON) ** 2
        scale = np.where(constant, 1.0, np.sqrt(variance))
        scaled = (x - mean) / scale
        self.covariance_ = scale[:, np.newaxis] * _shrink_covariance(scaled) * scale
        return self


def _shrink_covariance(x: np.ndarray) -> np.ndarray:
    """Return the covariance of `x` (sample, feature) on its way to a multiple of the identity."""
    n, n_features = x.shape
    x = x - x.mean(axis=0)
    covariance = x.T @ x / n
    level = np.trace(covariance) / n_features
    spread = np.square(covariance).sum()
    noise = (np.square(np.square(x).sum(axis=1)).sum() / n - spread) / n
    distance = spread - n_features * level**2
    shrinkage = np.clip(noise / distance, 0.0, 1.0) if distance > 0 else 0.0
    return (1 - shrinkage) * covariance + shrinkage * level * np.eye(n_features)
