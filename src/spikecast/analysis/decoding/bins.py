"""Scores of a linear decoder in every bin, for the observed labels and all their nulls at once."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from spikecast.analysis.decoding import hat_matrix
from spikecast.analysis.decoding.hat_matrix import HeldOut
from spikecast.analysis.decoding.sources import FoldFeatures
from spikecast.tasks.splits import Fold


class BinScores(NamedTuple):
    """Scores over time: ratios of sums over trials, hence any bootstrap a matrix product."""

    numerator: np.ndarray  # (trial, time), of the observed labels
    denominator: np.ndarray  # (trial, time)
    scores: np.ndarray  # (1 + permutation, time), the observed labels first


class Target(Protocol):
    """What a decoder regresses on, and how its predictions of held-out trials are scored."""

    columns: np.ndarray  # (trial, group, 1 + permutation)
    denominator: np.ndarray  # (trial, 1 + permutation)

    def score_trials(self, held_out: HeldOut) -> np.ndarray:
        """Return the numerator of each test trial's score, (test trial, 1 + permutation)."""
        ...


class ClassTarget:
    """Linear discriminant analysis of codes (1 + permutation, trial), by balanced accuracy."""

    def __init__(self, codes: np.ndarray, n_classes: int) -> None:
        self.codes = np.ascontiguousarray(codes.T)  # (trial, 1 + permutation)
        # (trial, class, 1 + permutation)
        self.is_class = self.codes[:, np.newaxis] == np.arange(n_classes)[:, np.newaxis]
        self.columns = self.is_class[:, :-1].astype(float)
        sizes = self.is_class.sum(axis=0)
        # every class weighs the same, however many trials it has
        self.denominator = 1.0 / np.take_along_axis(sizes, self.codes, axis=0)

    def predict(self, held_out: HeldOut) -> np.ndarray:
        """Return the codes of the predicted classes, (test sample, 1 + permutation)."""
        sizes = self.is_class[held_out.fold.train].sum(axis=0).astype(float)
        fitted = held_out.fitted.reshape(-1, *self.columns.shape[1:])
        return hat_matrix.classify(fitted, held_out.quadratic, sizes)

    def score_trials(self, held_out: HeldOut) -> np.ndarray:
        """Return the numerator of each test trial's score, (test trial, 1 + permutation)."""
        test = held_out.fold.test
        return (self.predict(held_out) == self.codes[test]) * self.denominator[test]


class NumberTarget:
    """Ridge regression of values (1 + permutation, trial), by R2 against the training mean."""

    def __init__(self, values: np.ndarray, folds: Sequence[Fold]) -> None:
        self.values = np.ascontiguousarray(values.T, dtype=float)
        self.columns = self.values[:, np.newaxis]
        self.denominator = np.zeros(self.values.shape)
        for fold in folds:
            mean = self.values[fold.train].mean(axis=0)
            self.denominator[fold.test] = (self.values[fold.test] - mean) ** 2

    def score_trials(self, held_out: HeldOut) -> np.ndarray:
        """Return the numerator of each test trial's score, (test trial, 1 + permutation)."""
        test = held_out.fold.test
        return self.denominator[test] - (self.values[test] - held_out.fitted) ** 2


def score_shared(x: np.ndarray, target: Target, folds: Sequence[Fold], penalty: float) -> BinScores:
    """Score features (trial, time, feature) that all folds share: one factorisation per bin.

    The penalty is in units of the number of trials times the features' mean variance in the bin (of
    all trials; labels have no part in it).
    """
    n_bins = x.shape[1]
    per_bin = (
        hat_matrix.predict_shared(
            x[:, t], target.columns, folds, penalty * hat_matrix.penalty_unit(x[:, t])
        )
        for t in range(n_bins)
    )
    return _collect_scores(per_bin, target, n_bins)


def score_nested(features: Sequence[FoldFeatures], target: Target, penalty: float) -> BinScores:
    """Score features that were learnt in each fold: one factorisation per bin and fold.

    The penalty is in units of the fold's training trials times their features' mean variance.
    """

    def predict_bin(t: int) -> Iterable[HeldOut]:
        for part in features:
            train = part.train[:, t]
            unit = hat_matrix.penalty_unit(train)
            yield hat_matrix.predict_nested(
                train, part.test[:, t], target.columns, part.fold, penalty * unit
            )

    n_bins = features[0].train.shape[1]
    return _collect_scores(map(predict_bin, range(n_bins)), target, n_bins)


def _collect_scores(per_bin: Iterable[Iterable[HeldOut]], target: Target, n_bins: int) -> BinScores:
    n_trials, n_draws = target.denominator.shape
    numerator = np.zeros((n_trials, n_bins))
    scores = np.zeros((n_draws, n_bins))
    for t, held_outs in enumerate(per_bin):
        for held_out in held_outs:
            gained = target.score_trials(held_out)
            numerator[held_out.fold.test, t] = gained[:, 0]
            scores[:, t] += gained.sum(axis=0)
    scores /= target.denominator.sum(axis=0)[:, np.newaxis]
    denominator = np.broadcast_to(target.denominator[:, :1], numerator.shape)
    return BinScores(numerator, denominator, scores)
