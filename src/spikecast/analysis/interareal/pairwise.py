"""Ridge regression between many pairs of populations of one recording.

A least-squares problem is its sums of products. Those of a source with all its targets are formed
once for each part of the trials and never again: the training sets of all folds, outer and inner,
are sums of parts, a penalty is chosen from them without looking at a trial again, and a pair is a
block of columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import add, sub
from typing import NamedTuple

import numpy as np

from spikecast.core.checks import check_in_range, check_same_length, check_three_axes
from spikecast.core.errors import InputError
from spikecast.data.dataset import Kind
from spikecast.models.base import RATE_FLOOR
from spikecast.models.preprocess import signed_sqrt, smooth
from spikecast.scoring.ratio_scores import RatioScores
from spikecast.scoring.trial_shuffle import shuffled_error, shuffled_likelihood
from spikecast.tasks.splits import Fold

WIDTH = 3.0
BLOCK = 1000  # samples that are turned into double precision at a time
PENALTIES = tuple(float(penalty) for penalty in np.logspace(-2.5, 2, 10))


class Pair(NamedTuple):
    """Numbers of the neurons that predict, and of those that are predicted."""

    source: np.ndarray
    target: np.ndarray


@dataclass(frozen=True)
class PairScore:
    """How well one population predicts another on held-out trials.

    Attributes
    ----------
    ratios : RatioScores, (trial, target)
        Against the mean of the training trials: bits per spike for counts, R2 otherwise.
    beyond : RatioScores, (trial, target)
        The same against predictions made from other trials of the same fold and condition: what a
        trial's own activity tells beyond its condition. The mean over all such trials, exactly.
    penalties : tuple of float
        Chosen in each fold, relative to the mean sum of squares of a source neuron.
    at_edge : bool
        Whether a chosen one was the smallest or largest offered.
    """

    ratios: RatioScores
    beyond: RatioScores
    penalties: tuple[float, ...]
    at_edge: bool


def pairwise_ridge(
    activity: np.ndarray,
    pairs: Mapping[str, Pair],
    folds: Sequence[Fold],
    condition: np.ndarray,
    *,
    kind: Kind = "counts",
    width: float = WIDTH,
    penalties: Sequence[float] = PENALTIES,
) -> Iterator[tuple[str, PairScore]]:
    """Predict every pair's target from its source by ridge regression, on held-out trials.

    The source is smoothed, and of counts the square root is taken. The penalty of a pair and fold
    is the one with the least squared error on inner folds (the other folds' test trials), as
    scikit-learn's ``RidgeCV(cv=inner folds)`` chooses it.

    Parameters
    ----------
    activity : array, (trial, time, neuron)
    pairs : mapping of name -> Pair
        Pairs that share a source share its work.
    folds : sequence of Fold
        Three or more, whose test parts do not overlap.
    condition : array, (trial,)
        Label of each trial.
    kind : {"counts", "continuous"}
    width : float
        Of the Gaussian, in bins.
    penalties : sequence of float
        Relative to the mean sum of squares of a source neuron in the training trials.

    Yields
    ------
    name, PairScore

    Examples
    --------
    >>> from spikecast.tasks.splits import split_by_trial
    >>> rng = np.random.default_rng(0)
    >>> state = rng.normal(size=(60, 1, 1))
    >>> x = state @ np.ones((1, 10)) + rng.normal(size=(60, 20, 10))
    >>> pairs = {"a to b": Pair(np.arange(6), np.arange(6, 10))}
    >>> folds = split_by_trial(60, 5)
    >>> scores = dict(pairwise_ridge(x, pairs, folds, np.zeros(60), kind="continuous"))
    >>> bool(scores["a to b"].ratios.pooled() > 0.1)
    True
    """
    check_three_axes("activity", activity)
    check_same_length("condition", len(condition), "the trial axis of activity", len(activity))
    check_in_range("the number of folds", len(folds), 3)
    if not len(penalties) or min(penalties) <= 0:
        raise InputError(f"penalties are {tuple(penalties)}; they must be positive")
    sources: dict[bytes, list[str]] = {}
    for name, pair in pairs.items():
        sources.setdefault(np.asarray(pair.source).tobytes(), []).append(name)
    for names in sources.values():
        targets = np.unique(np.concatenate([pairs[name].target for name in names]))
        z = smooth(activity[:, :, pairs[names[0]].source], width)
        if kind == "counts":
            z = signed_sqrt(z)
        columns = {name: np.searchsorted(targets, pairs[name].target) for name in names}
        parts = _MomentCache(z, activity[:, :, targets])
        yield from _score_source(parts, columns, folds, condition, kind, np.asarray(penalties))


def _score_source(
    parts: "_MomentCache",
    columns: Mapping[str, np.ndarray],
    folds: Sequence[Fold],
    condition: np.ndarray,
    kind: Kind,
    penalties: np.ndarray,
) -> Iterator[tuple[str, PairScore]]:
    """Yield the scores of all pairs of a source; `columns` are a pair's among its targets."""
    z, y = parts.z, parts.y
    score = _score_counts if kind == "counts" else _score_values
    whole = {name: np.zeros((len(y), y.shape[2])) for name in ("gain", "base", "beyond", "shared")}
    chosen: dict[str, list[int]] = {name: [] for name in columns}
    for fold in folds:
        inner = [np.intersect1d(other.test, fold.train) for other in folds]
        inner = [part for part in inner if part.size]
        train = sum((parts[part] for part in inner[1:]), parts[inner[0]])
        alphas = penalties * max(np.trace(train.center()[0]) / z.shape[2], 1e-12)
        errors = np.sum(
            [_find_errors(train - parts[part], parts[part], alphas) for part in inner], axis=0
        )
        weights = np.empty((z.shape[2], y.shape[2]))
        values, vectors, projected = _rotate(train)
        for name, block in columns.items():
            # errors (penalty, target): a pair's targets share a penalty
            best = int(np.argmin(errors[:, block].sum(axis=1)))
            chosen[name].append(best)
            weights[:, block] = vectors @ (projected[:, block] / (values + alphas[best])[:, None])
        mean = train.y / train.n
        intercept = (mean - train.z / train.n @ weights).astype(np.float32)
        for label in np.unique(condition[fold.test]):
            # one condition at a time: its trials are each other's controls, and memory stays low
            trials = fold.test[condition[fold.test] == label]
            prediction = z[trials] @ weights.astype(np.float32) + intercept
            for all_trials, part in zip(whole.values(), score(y[trials], prediction, mean)):
                all_trials[trials] = part
    for name, block in columns.items():
        gain, base, beyond, shared = (values[:, block] for values in whole.values())
        pair_score = PairScore(
            RatioScores(gain, base),
            RatioScores(beyond, base * shared),
            tuple(float(penalties[index]) for index in chosen[name]),
            bool({0, len(penalties) - 1} & set(chosen[name])),
        )
        yield name, pair_score


# ------------------------------------------------------------------------------ sums of products


@dataclass(frozen=True)
class _Moments:
    """Sums over samples of z (feature,), y (target,) and their products."""

    n: int
    z: np.ndarray
    y: np.ndarray
    zz: np.ndarray
    zy: np.ndarray
    yy: np.ndarray

    def __add__(self, other: "_Moments") -> "_Moments":
        return _Moments(*map(add, vars(self).values(), vars(other).values()))

    def __sub__(self, other: "_Moments") -> "_Moments":
        return _Moments(*map(sub, vars(self).values(), vars(other).values()))

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


class _MomentCache:
    """Moments of sets of trials, each formed once."""

    def __init__(self, z: np.ndarray, y: np.ndarray) -> None:
        self.z, self.y = z, y
        self.moments: dict[bytes, _Moments] = {}

    def __getitem__(self, trials: np.ndarray) -> _Moments:
        key = trials.tobytes()
        if key not in self.moments:
            blocks = np.array_split(trials, max(1, trials.size * self.y.shape[1] // BLOCK))
            products = map(self._sum_products, blocks)
            self.moments[key] = sum(products, next(products))
        return self.moments[key]

    def _sum_products(self, trials: np.ndarray) -> _Moments:
        z = self.z[trials].reshape(-1, self.z.shape[2]).astype(np.float64)
        y = self.y[trials].reshape(-1, self.y.shape[2]).astype(np.float64)
        return _Moments(
            len(z), z.sum(axis=0), y.sum(axis=0), z.T @ z, z.T @ y, np.square(y).sum(axis=0)
        )


def _rotate(train: _Moments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return eigenvalues and vectors of z's scatter, and its products with y in that basis."""
    zz, zy, _ = train.center()
    values, vectors = np.linalg.eigh(zz)
    return np.maximum(values, 0), vectors, vectors.T @ zy


def _find_errors(train: _Moments, valid: _Moments, alphas: np.ndarray) -> np.ndarray:
    """Return the mean squared error on validation samples, (penalty, target)."""
    values, vectors, projected = _rotate(train)
    zz, zy, yy = valid.center(train.z / train.n, train.y / train.n)
    zz, zy = vectors.T @ zz @ vectors, vectors.T @ zy
    errors = np.empty((len(alphas), len(yy)))
    for index, alpha in enumerate(alphas):
        weights = projected / (values + alpha)[:, np.newaxis]
        errors[index] = yy - 2 * (weights * zy).sum(axis=0) + (weights * (zz @ weights)).sum(axis=0)
    return errors / valid.n


# ---------------------------------------------------------------------------------------- scores


def _score_values(
    y: np.ndarray, prediction: np.ndarray, mean: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return gains in squared error of trials of one condition, as :func:`_score_counts` does."""
    null = np.square(y - mean.astype(np.float32)).sum(axis=1, dtype=float)
    own = np.square(y - prediction).sum(axis=1, dtype=float)
    shared = np.full(own.shape, float(len(y) > 1))
    return null - own, null, (shuffled_error(y, prediction) - own) * shared, shared


def _score_counts(
    y: np.ndarray, prediction: np.ndarray, mean: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return Poisson scores (trial, target) of trials of one condition.

    They are the gain over the null (`mean` of the training trials) in bits; spikes; the gain over
    predictions made from the other trials; and whether there are others.
    """
    y = y.astype(np.float32)
    fires = mean > 0  # where it never fired in training, no model can know its rate
    rate = np.maximum(prediction, np.float32(RATE_FLOOR))
    spikes = y.sum(axis=1, dtype=float)
    own = (y * np.log(rate)).sum(axis=1, dtype=float) - rate.sum(axis=1, dtype=float)
    null = spikes * np.log(np.where(fires, mean, 1)) - y.shape[1] * mean
    shuffled = shuffled_likelihood(y, rate)
    shared = np.full(own.shape, float(len(y) > 1))
    bits = fires / np.log(2)
    return (own - null) * bits, spikes * fires, (own - shuffled) * shared * bits, shared
