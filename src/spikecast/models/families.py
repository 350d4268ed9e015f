"""Counts and continuous values: what deviates from a mean, how well it fits, what adds to it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from scipy.optimize import lsq_linear, nnls

from spikecast.data.dataset import Kind
from spikecast.models.linear import fit_ridge_path
from spikecast.models.poisson_regression import fit_poisson_path
from spikecast.models.rate_ceiling import MAX_LOG_RATE

TRIALS_AT_A_TIME = 16  # the arrays between are as large as the activity
MAX_STEPS = 10
TOLERANCE = 1e-3
MAX_WEIGHT = 2.0


class Family(Protocol):
    """How a deviation changes the mean, and how well a prediction explains what was recorded."""

    def combine(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Return the mean changed by a deviation."""
        ...

    def measure_deviation(self, prediction: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Return the deviation that makes a prediction of the mean."""
        ...

    def score(self, y: np.ndarray, prediction: np.ndarray, n: np.ndarray | float = 1) -> np.ndarray:
        """Return the log-likelihood of sums `y` over `n` samples, up to a constant."""
        ...

    def fit_path(
        self,
        z: np.ndarray,
        y: np.ndarray,
        base: np.ndarray,
        penalties: Sequence[float],
        tolerance: float = 1e-5,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield weights and intercepts of a regression on top of `base`, per penalty, falling."""
        ...


class PoissonFamily:
    """Counts: deviations are log ratios of rates."""

    def combine(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Return rates."""
        return mean * np.exp(np.clip(deviation, -MAX_LOG_RATE, MAX_LOG_RATE))

    def measure_deviation(self, prediction: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Return the log of the ratio to the mean."""
        return np.log(prediction / mean)

    def score(self, y: np.ndarray, prediction: np.ndarray, n: np.ndarray | float = 1) -> np.ndarray:
        """Return ``y log r - n r``."""
        return y * np.log(prediction) - n * prediction

    def fit_path(
        self,
        z: np.ndarray,
        y: np.ndarray,
        base: np.ndarray,
        penalties: Sequence[float],
        tolerance: float = 1e-5,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield Poisson regressions with the log of `base` as offset."""
        return fit_poisson_path(z, y, penalties, tolerance, offset=np.log(base))


class GaussianFamily:
    """Continuous values: deviations are differences."""

    def combine(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Return values."""
        return mean + deviation

    def measure_deviation(self, prediction: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Return the difference to the mean."""
        return prediction - mean

    def score(self, y: np.ndarray, prediction: np.ndarray, n: np.ndarray | float = 1) -> np.ndarray:
        """Return ``y p - n p^2 / 2``: minus half the squared error, up to a constant."""
        return y * prediction - n * np.square(prediction) / 2

    def fit_path(
        self,
        z: np.ndarray,
        y: np.ndarray,
        base: np.ndarray,
        penalties: Sequence[float],
        tolerance: float = 1e-5,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield ridge regressions of what `base` leaves, in closed form."""
        return iter(fit_ridge_path(z, y - base, penalties))


FAMILIES: dict[Kind, Family] = {"counts": PoissonFamily(), "continuous": GaussianFamily()}
"""By the kind of a target."""


def fit_weights(
    family: Family, y: np.ndarray, mean: np.ndarray, deviations: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the weights, not below 0, under which weighted deviations explain `y` best.

    Examples
    --------
    >>> deviation = np.array([-1.0, 1.0, 0.5]).reshape(1, 3, 1)
    >>> y, mean = 2 + 0.5 * deviation, np.array([2.0])
    >>> fit_weights(FAMILIES["continuous"], y, mean, [deviation]).round(3)
    array([0.5])
    """
    mean = mean.astype(np.float32)
    if isinstance(family, GaussianFamily):
        return _solve_least_squares(y - mean, deviations)

    weights = np.ones(len(deviations))
    for _ in range(MAX_STEPS):  # of Newton's method
        gradient, curvature = np.zeros(len(weights)), np.zeros((len(weights),) * 2)
        for start in range(0, len(y), TRIALS_AT_A_TIME):
            some = slice(start, start + TRIALS_AT_A_TIME)
            parts = [one[some] for one in deviations]
            total = sum(w * one for w, one in zip(weights.astype(np.float32), parts, strict=True))
            predicted = family.combine(mean, np.asarray(total))
            missed = y[some] - predicted
            gradient += [_sum_products(missed, one) for one in parts]
            curved = [predicted * one for one in parts]
            curvature += [[_sum_products(one, other) for other in parts] for one in curved]
        before, weights = weights, _climb_parabola(weights, gradient, curvature)
        if np.abs(weights - before).max() < TOLERANCE:
            break
    return weights


def _sum_products(one: np.ndarray, other: np.ndarray) -> float:
    """Return the sum of products of two arrays, (trial, time, target), trial by trial."""
    return sum(float(np.vdot(a, b)) for a, b in zip(one, other, strict=True))


def _climb_parabola(weights: np.ndarray, gradient: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Return the top, between 0 and `MAX_WEIGHT`, of the parabola that fits at `weights`."""
    ridge = 1e-6 * max(np.trace(curvature), 1e-12)
    factor = np.linalg.cholesky(curvature + ridge * np.eye(len(weights)))
    aim = factor.T @ weights + np.linalg.solve(factor, gradient)
    return lsq_linear(factor.T, aim, bounds=(0.0, MAX_WEIGHT)).x


def _solve_least_squares(y: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return weights of `parts`, not below 0, whose sum is nearest to `y`."""
    products = np.array([[np.vdot(one, other) for other in parts] for one in parts], dtype=float)
    response = np.array([np.vdot(one, y) for one in parts], dtype=float)
    # the same problem with as many rows as parts; a part that is 0 gets weight 0
    values, vectors = np.linalg.eigh(products)
    values = np.maximum(
        values, 1e-6 * (1e-3 + np.trace(products))
    )  # rounding may make one negative
    rows = np.sqrt(values)[:, np.newaxis] * vectors.T
    return np.minimum(nnls(rows, (vectors.T @ response) / np.sqrt(values))[0], MAX_WEIGHT)
