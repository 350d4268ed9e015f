"""Ridge regression between many pairs of populations of one recording.

A least-squares problem is its sums of products. Those of a source with all its targets are formed
once for each part of the trials and never again: the training sets of all folds, outer and inner,
are sums of parts, a penalty is chosen from them without looking at a trial again, and a pair is a
block of columns. On top of a null the source is regressed on what the null leaves, which are as
many targets more; as each fold has a null of its own, their sums are formed once per fold.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecast.analysis.interareal.pairwise_moments import MomentCache, RidgeFit, fit_ridge
from spikecast.analysis.interareal.pairwise_rungs import Expected
from spikecast.core.checks import check_in_range, check_same_length, check_three_axes
from spikecast.core.errors import InputError
from spikecast.data.dataset import Kind
from spikecast.models.base import RATE_FLOOR
from spikecast.models.preprocess import signed_sqrt, smooth
from spikecast.scoring.ratio_scores import RatioScores
from spikecast.scoring.trial_shuffle import shuffled_error, shuffled_likelihood
from spikecast.tasks.splits import Fold

WIDTH = 3.0
LOWEST = 0.1  # part of the rate without a source below which no sum of both goes
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
    above : RatioScores, (trial, target), optional
        Of the source on top of what is expected without it, against that. None where nothing is
        expected.
    penalties : tuple of float
        Chosen in each fold, relative to the mean sum of squares of a source neuron.
    at_edge : bool
        Whether a chosen one was the smallest or largest offered.
    """

    ratios: RatioScores
    beyond: RatioScores
    above: RatioScores | None
    penalties: tuple[float, ...]
    at_edge: bool


def pairwise_ridge(
    activity: np.ndarray,
    pairs: Mapping[str, Pair],
    folds: Sequence[Fold],
    condition: np.ndarray,
    expected: Expected | None = None,
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
    expected : Expected, optional
        What is expected of all targets without a source, in these folds: the source is also scored
        on top of it. Its penalty is chosen for itself.
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
        parts = MomentCache(z, activity[:, :, targets])
        source = _Source(parts, columns, condition, kind, np.asarray(penalties))
        for index, fold in enumerate(folds):
            inner = [np.intersect1d(other.test, fold.train) for other in folds]
            inner = [part for part in inner if part.size]
            if expected is None:
                source.score_fold(fold, source.fit_fold(inner))
                continue
            places = expected.find(targets)
            fit = source.fit_fold(inner, (expected.left[index], places))
            source.score_fold(fold, fit)
            source.score_on_top(fold, fit, expected, places)
        yield from source.yield_scores(on_top=expected is not None)


class _Source:
    """A source with all its targets; `columns` are each pair's among the targets.

    After the targets themselves come, where something is expected of them, their residuals.
    """

    def __init__(
        self,
        parts: MomentCache,
        columns: Mapping[str, np.ndarray],
        condition: np.ndarray,
        kind: Kind,
        penalties: np.ndarray,
    ) -> None:
        self.parts, self.columns = parts, columns
        self.condition, self.kind, self.penalties = condition, kind, penalties
        self.n_targets = parts.y.shape[2]
        names = ("gain", "base", "beyond", "shared", "above")
        self.whole = {name: np.zeros((len(parts.y), self.n_targets)) for name in names}
        self.chosen: dict[str, list[int]] = {name: [] for name in columns}

    def fit_fold(
        self, inner: Sequence[np.ndarray], left: tuple[np.ndarray, np.ndarray] | None = None
    ) -> RidgeFit:
        """Fit the trials of all `inner` parts; `left` is what a null leaves, and whose it is."""
        moments = [self.parts[part] for part in inner]
        blocks = list(self.columns.values())
        if left is not None:
            moments = [
                one.add_targets(left[0][part], self.parts.z[part], left[1])
                for one, part in zip(moments, inner, strict=True)
            ]
            blocks += [block + self.n_targets for block in blocks]
        fit = fit_ridge(moments, blocks, self.penalties)
        for name, best in zip(self.columns, fit.chosen, strict=False):
            self.chosen[name].append(best)
        return fit

    def score_fold(self, fold: Fold, fit: RidgeFit) -> None:
        """Score the test trials by the source alone."""
        score = _score_counts if self.kind == "counts" else _score_values
        weights, intercept, mean = (one[..., : self.n_targets] for one in fit[:3])
        kept = [self.whole[name] for name in ("gain", "base", "beyond", "shared")]
        for label in np.unique(self.condition[fold.test]):
            # one condition at a time: its trials are each other's controls, and memory stays low
            trials = fold.test[self.condition[fold.test] == label]
            prediction = self.parts.z[trials] @ weights + intercept
            for all_trials, part in zip(
                kept, score(self.parts.y[trials], prediction, mean), strict=True
            ):
                all_trials[trials] = part

    def score_on_top(
        self, fold: Fold, fit: RidgeFit, expected: Expected, places: np.ndarray
    ) -> None:
        """Score the test trials by the source on top of what is expected."""
        weights, intercept = (one[..., self.n_targets :] for one in fit[:2])
        y, base = self.parts.y[fold.test], expected.held_out[fold.test][..., places]
        prediction = self.parts.z[fold.test] @ weights + intercept + base
        if self.kind == "counts":
            rate = np.maximum(prediction, np.float32(LOWEST) * base)
            likelihood = np.einsum("tbq,tbq->tq", y.astype(np.float32), np.log(rate))
            own = (likelihood - rate.sum(axis=1)) / np.log(2)
            null = expected.fit[np.ix_(fold.test, places)] / np.log(2)
            fires = fit.mean[: self.n_targets] > 0
            self.whole["above"][fold.test] = (own - null) * fires
        else:
            own = -np.square(y - prediction).sum(axis=1, dtype=float)
            self.whole["above"][fold.test] = own - expected.fit[np.ix_(fold.test, places)]

    def yield_scores(self, *, on_top: bool) -> Iterator[tuple[str, PairScore]]:
        """Yield the scores of all pairs, when all folds are scored."""
        edges = {0, len(self.penalties) - 1}
        for name, block in self.columns.items():
            part = {what: values[:, block] for what, values in self.whole.items()}
            yield (
                name,
                PairScore(
                    RatioScores(part["gain"], part["base"]),
                    RatioScores(part["beyond"], part["base"] * part["shared"]),
                    RatioScores(part["above"], part["base"]) if on_top else None,
                    tuple(float(self.penalties[index]) for index in self.chosen[name]),
                    bool(edges & set(self.chosen[name])),
                ),
            )


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
