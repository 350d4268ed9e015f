"""How predictions of held-out trials are scored: counts as Poisson, continuous values as Gaussian.

A scorer keeps the null of every fold, so that a prediction is scored by one pass over it.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.scoring import metrics
from spikecast.scoring.ratio_scores import RatioScores
from spikecast.scoring.trial_shuffle import group_trials, shuffled_likelihood
from spikecast.tasks.splits import Fold

SILENT_TARGETS = NoticeKind(
    "silent_targets",
    "minor",
    "fold {fold}: {n_targets} target neurons are silent in the training trials and are not scored "
    "in this fold",
)


class HeldOut(NamedTuple):
    """Some held-out trials: what was recorded, predicted and expected without a source."""

    truth: np.ndarray  # (trial, time, target), like the next two
    prediction: np.ndarray
    null: np.ndarray
    # whether a target counts in any of these trials, (target,); metrics over bins omit the others
    counted: np.ndarray
    condition: np.ndarray  # (trial,)
    complete: bool  # whether these are all held-out trials


class Scorer:
    """Base class of both scorers, of targets `y`, (trial, time, target), by `condition`, (trial,).

    Trials in no fold's test part do not count, whatever is predicted for them. Test parts do not
    overlap.
    """

    kind: ClassVar[str]

    def __init__(self, y: np.ndarray, folds: Sequence[Fold], condition: np.ndarray) -> None:
        self.y, self.folds, self.condition = y, folds, condition
        self.notices: list[Notice] = []
        self.scored = np.sort(np.concatenate([fold.test for fold in folds]))
        self.counted = np.zeros((len(y), y.shape[2]), dtype=bool)  # (trial, target)
        self.null = np.zeros(y.shape, dtype=np.float32)

    def n_targets(self, trials: np.ndarray) -> int:
        """Return how many targets count in these trials."""
        return int(self.counted[trials].any(axis=0).sum())

    def select_held_out(self, prediction: np.ndarray, trials: np.ndarray) -> HeldOut:
        """Return the arrays of some held-out trials."""
        return HeldOut(
            self.y[trials],
            prediction[trials],
            self.null[trials],
            self.counted[trials].any(axis=0),
            self.condition[trials],
            len(trials) == len(self.scored),
        )

    def score_headline(self, prediction: np.ndarray) -> RatioScores:
        """Return the headline score above the training mean."""
        raise NotImplementedError

    def score_beyond_condition(self, prediction: np.ndarray) -> RatioScores | None:
        """Return the headline score above predictions from other trials of the same condition."""
        return None


class CountScorer(Scorer):
    """Poisson scores; see :class:`Scorer`.

    Targets silent in a fold's training trials do not count in that fold: no model can know their
    rate, and the null's would be impossible.
    """

    kind = "counts"

    def __init__(self, y: np.ndarray, folds: Sequence[Fold], condition: np.ndarray) -> None:
        super().__init__(y, folds, condition)
        for index, fold in enumerate(folds):
            train = y[fold.train]
            fires = train.any(axis=(0, 1))
            self.counted[fold.test] = fires
            if not fires.all():
                self.notices.append(SILENT_TARGETS(fold=index, n_targets=int((~fires).sum())))
            self.null[fold.test] = metrics.null_rate(train, y[fold.test])
        self.spikes = y.sum(axis=1, dtype=float) * self.counted
        if not self.spikes.sum():
            raise NotEnoughDataError("there is no spike to score in the held-out trials")
        self.null_likelihood = self.compute_likelihood(self.null)

    def compute_likelihood(self, rate: np.ndarray) -> np.ndarray:
        """Return the Poisson log-likelihood of each trial and target that counts."""
        return metrics.log_likelihood(self.y, rate).sum(axis=1, dtype=float) * self.counted

    @cached_property
    def perfect_likelihood(self) -> np.ndarray:
        """The likelihood of the recorded counts as rates."""
        return self.compute_likelihood(np.maximum(self.y, metrics.RATE_FLOOR).astype(np.float32))

    @cached_property
    def other_nulls(self) -> dict[str, np.ndarray]:
        """Likelihoods of the nulls that only the whole table of scores needs."""
        psth = np.zeros(self.y.shape, dtype=np.float32)
        for fold in self.folds:
            psth[fold.test] = metrics.null_rate(self.y[fold.train], self.y[fold.test], "psth")
        eval_mean = metrics.null_rate(self.y[self.scored], self.y).astype(np.float32)
        return {
            "psth": self.compute_likelihood(psth),
            "eval_mean": self.compute_likelihood(eval_mean),
        }

    def score_headline(self, prediction: np.ndarray) -> RatioScores:
        """Return bits per spike above the training mean, without the other nulls."""
        gained = self.compute_likelihood(prediction) - self.null_likelihood
        return RatioScores(gained / np.log(2), self.spikes)

    def score_beyond_condition(self, prediction: np.ndarray) -> RatioScores:
        """Return bits per spike above predictions from other trials of the same condition."""
        shuffled, shared = np.zeros(self.spikes.shape), np.zeros((len(self.y), 1))
        for trials in group_trials(self.folds, self.condition):
            shuffled[trials] = shuffled_likelihood(self.y[trials], prediction[trials])
            shared[trials] = 1
        gained = self.compute_likelihood(prediction) - shuffled * self.counted
        return RatioScores(gained * shared / np.log(2), self.spikes * shared)


class ContinuousScorer(Scorer):
    """Gaussian scores against each channel's mean over the training trials; see :class:`Scorer`.

    Trials of continuous recordings have no condition to shuffle within.
    """

    kind = "continuous"

    def __init__(self, y: np.ndarray, folds: Sequence[Fold], condition: np.ndarray) -> None:
        super().__init__(y, folds, condition)
        self.counted[self.scored] = True
        for fold in folds:
            self.null[fold.test] = y[fold.train].mean(axis=(0, 1))
        self.null_error = self._sum_error(self.null)

    def _sum_error(self, prediction: np.ndarray) -> np.ndarray:
        error = np.square(self.y - prediction).sum(axis=1, dtype=float)  # (trial, channel)
        return error * self.counted

    def score_headline(self, prediction: np.ndarray) -> RatioScores:
        """Return R2 above the training mean."""
        return RatioScores(self.null_error - self._sum_error(prediction), self.null_error)


SCORERS: dict[str, type[CountScorer] | type[ContinuousScorer]] = {
    "counts": CountScorer,
    "continuous": ContinuousScorer,
}
"""By the kind of a problem."""
