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

RUNGS = ("psth", "drift", "source_free", "behavior")
"""Nulls that are models of the catalogue by these names, lowest first: the ladder."""

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
        self.rungs: dict[str, np.ndarray] = {}  # name -> (trial, target)

    def add_rung(self, name: str, prediction: np.ndarray) -> None:
        """Take predictions of all trials, made without a source, as a null."""
        self.rungs[name] = self._sum_fit(prediction)

    def _sum_fit(self, prediction: np.ndarray) -> np.ndarray:
        """Return how well each trial and target is predicted, (trial, target)."""
        raise NotImplementedError

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

    def score_nulls(self, prediction: np.ndarray) -> dict[str, RatioScores]:
        """Return the headline score above each null by name."""
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
        self.null_likelihood = self._sum_fit(self.null)

    def _sum_fit(self, rate: np.ndarray) -> np.ndarray:
        """Return the Poisson log-likelihood of each trial and target that counts."""
        return metrics.log_likelihood(self.y, rate).sum(axis=1, dtype=float) * self.counted

    @cached_property
    def perfect_likelihood(self) -> np.ndarray:
        """The likelihood of the recorded counts as rates."""
        return self._sum_fit(np.maximum(self.y, metrics.RATE_FLOOR).astype(np.float32))

    @cached_property
    def eval_likelihood(self) -> np.ndarray:
        """The likelihood of each target's mean over the scored trials."""
        mean = metrics.null_rate(self.y[self.scored], self.y)
        return self._sum_fit(mean.astype(np.float32))

    def score_nulls(self, prediction: np.ndarray) -> dict[str, RatioScores]:
        """Return bits per spike above each null."""
        likelihood = self._sum_fit(prediction)
        nulls = {"train_mean": self.null_likelihood} | self.rungs
        nulls |= {"eval_mean": self.eval_likelihood}
        above = {
            name: RatioScores((likelihood - of_null) / np.log(2), self.spikes)
            for name, of_null in nulls.items()
        }
        return above | {"trial_shuffle": self.score_beyond_condition(prediction)}

    def score_deviance(self, prediction: np.ndarray) -> RatioScores:
        """Return the share of the deviance from the training mean that is explained."""
        # the deviance is twice the distance from the likelihood of rate = y
        of_null = 2 * (self.perfect_likelihood - self.null_likelihood)
        of_model = 2 * (self.perfect_likelihood - self._sum_fit(prediction))
        return RatioScores(of_null - of_model, of_null)

    def score_headline(self, prediction: np.ndarray) -> RatioScores:
        """Return bits per spike above the training mean, without the other nulls."""
        gained = self._sum_fit(prediction) - self.null_likelihood
        return RatioScores(gained / np.log(2), self.spikes)

    def score_beyond_condition(self, prediction: np.ndarray) -> RatioScores:
        """Return bits per spike above predictions from other trials of the same condition."""
        shuffled, shared = np.zeros(self.spikes.shape), np.zeros((len(self.y), 1))
        for trials in group_trials(self.folds, self.condition):
            shuffled[trials] = shuffled_likelihood(self.y[trials], prediction[trials])
            shared[trials] = 1
        gained = self._sum_fit(prediction) - shuffled * self.counted
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
        self.null_error = -self._sum_fit(self.null)

    def _sum_fit(self, prediction: np.ndarray) -> np.ndarray:
        error = np.square(self.y - prediction).sum(axis=1, dtype=float)  # (trial, channel)
        return -error * self.counted

    def score_headline(self, prediction: np.ndarray) -> RatioScores:
        """Return R2 above the training mean."""
        return self.score_nulls(prediction)["train_mean"]

    def score_nulls(self, prediction: np.ndarray) -> dict[str, RatioScores]:
        """Return the share of the variance that is explained beyond each null."""
        fit = self._sum_fit(prediction)
        return {
            name: RatioScores(fit - of_null, self.null_error)
            for name, of_null in ({"train_mean": -self.null_error} | self.rungs).items()
        }


SCORERS: dict[str, type[CountScorer] | type[ContinuousScorer]] = {
    "counts": CountScorer,
    "continuous": ContinuousScorer,
}
"""By the kind of a problem."""
