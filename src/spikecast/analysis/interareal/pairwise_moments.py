"""Sums of products of a source with its targets, from which regressions of all folds follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, sub
from typing import NamedTuple

import numpy as np

BLOCK = 1000  # samples that are turned into double precision at a time


@dataclass(frozen=True)
class Moments:
    """Sums over samples of z (feature,), y (target,) and their products."""

    n: int
    z: np.ndarray
    y: np.ndarray
    zz: np.ndarray
    zy: np.ndarray
    yy: np.ndarray

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(*map(add, vars(self).values(), vars(other).values()))

    def __sub__(self, other: "Moments") -> "Moments":
        return Moments(*map(sub, vars(self).values(), vars(other).values()))

    def add_targets(self, values: np.ndarray, z: np.ndarray, columns: np.ndarray) -> "Moments":
        """Return the moments with some columns of `values` (trial, time, target) as more targets.

        Their products with `z`, of the same trials, are summed in single precision.
        """
        if 2 * len(columns) < values.shape[2]:  # a copy of many columns takes longer than products
            values, columns = values[..., columns], np.arange(len(columns))
        flat = values.reshape(-1, values.shape[2]).astype(np.float32, copy=False)
        products = z.reshape(-1, z.shape[2]).T @ flat
        squares = np.einsum("sq,sq->q", flat, flat)
        return Moments(
            self.n,
            self.z,
            np.concatenate([self.y, flat.sum(axis=0, dtype=float)[columns]]),
            self.zz,
            np.concatenate([self.zy, products[:, columns]], axis=1),
            np.concatenate([self.yy, squares[columns]]),
        )

    def center(
        self, z_mean: np.ndarray | None = None, y_mean: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the products of what is left after subtracting means; by default its own."""
        z_mean = self.z / self.n if z_mean is None else z_mean
        y_mean = self.y / self.n if y_mean is None else y_mean
        shift = self.z - self.n * z_mean
        return (
            self.zz - np.outer(self.z, z_mean) - np.outer(z_mean, shift),
            self.zy - np.outer(self.z, y_mean) - np.outer(z_mean, self.y - self.n * y_mean),
            self.yy - 2 * self.y * y_mean + self.n * y_mean**2,
        )


class MomentCache:
    """Moments of sets of trials, each formed once."""

    def __init__(self, z: np.ndarray, y: np.ndarray) -> None:
        self.z, self.y = z, y
        self.moments: dict[bytes, Moments] = {}

    def __getitem__(self, trials: np.ndarray) -> Moments:
        key = trials.tobytes()
        if key not in self.moments:
            blocks = np.array_split(trials, max(1, trials.size * self.y.shape[1] // BLOCK))
            products = map(self._sum_products, blocks)
            self.moments[key] = sum(products, next(products))
        return self.moments[key]

    def _sum_products(self, trials: np.ndarray) -> Moments:
        z = self.z[trials].reshape(-1, self.z.shape[2]).astype(np.float64)
        y = self.y[trials].reshape(-1, self.y.shape[2]).astype(np.float64)
        return Moments(
            len(z), z.sum(axis=0), y.sum(axis=0), z.T @ z, z.T @ y, np.square(y).sum(axis=0)
        )


class RidgeFit(NamedTuple):
    """Ridge regressions of one training set, the penalty chosen on inner folds."""

    weights: np.ndarray  # (feature, target)
    intercept: np.ndarray  # (target,)
    mean: np.ndarray  # of each target in the training set, (target,)
    chosen: list[int]  # number of the penalty of each block of targets


def fit_ridge(
    inner: Sequence[Moments], blocks: Sequence[np.ndarray], penalties: np.ndarray
) -> RidgeFit:
    """Fit the sum of the `inner` parts, each left out once to choose a penalty.

    Targets of a block, numbers (target,), share a penalty. Penalties are relative to the mean sum
    of squares of a feature.
    """
    train = sum(inner[1:], inner[0])
    alphas = penalties * max(np.trace(train.center()[0]) / len(train.z), 1e-12)
    errors = np.sum([_find_errors(train - part, part, alphas) for part in inner], axis=0)
    values, vectors, projected = _rotate(train)
    weights, chosen = np.empty((len(train.z), len(train.y))), []
    for block in blocks:
        best = int(np.argmin(errors[:, block].sum(axis=1)))  # errors are (penalty, target)
        weights[:, block] = vectors @ (projected[:, block] / (values + alphas[best])[:, None])
        chosen.append(best)
    mean = train.y / train.n
    intercept = mean - train.z / train.n @ weights
    return RidgeFit(weights.astype(np.float32), intercept.astype(np.float32), mean, chosen)


def _rotate(train: Moments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return eigenvalues and vectors of z's scatter, and its products with y in that basis."""
    zz, zy, _ = train.center()
    values, vectors = np.linalg.eigh(zz)
    return np.maximum(values, 0), vectors, vectors.T @ zy


def _find_errors(train: Moments, valid: Moments, alphas: np.ndarray) -> np.ndarray:
    """Return the mean squared error on validation samples, (penalty, target)."""
    values, vectors, projected = _rotate(train)
    zz, zy, yy = valid.center(train.z / train.n, train.y / train.n)
    zz, zy = vectors.T @ zz @ vectors, vectors.T @ zy
    errors = np.empty((len(alphas), len(yy)))
    for index, alpha in enumerate(alphas):
        weights = projected / (values + alpha)[:, np.newaxis]
        errors[index] = yy - 2 * (weights * zy).sum(axis=0) + (weights * (zz @ weights)).sum(axis=0)
    return errors / valid.n
