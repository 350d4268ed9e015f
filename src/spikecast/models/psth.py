"""The null of the task: each target's average response, by condition."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikecast.models.trial_nulls import TrialNull, choose_by_target, group_targets
from spikecast.scoring.metrics import PSTH_WIDTHS, smooth_in_time
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import TrialFacts

WIDTHS = (3.0, 12.0, np.inf)
SHRINKAGES = (1.0, 4.0, 16.0, np.inf)
CANDIDATES = [(width, shrinkage) for width in WIDTHS for shrinkage in SHRINKAGES]


@dataclass(eq=False, repr=False)
class PSTH(TrialNull):
    """Each target's average response to the trial's condition, shrunk to that over all conditions.

    The response over all conditions is smoothed by a width chosen on inner folds. What a condition
    changes in it is smoothed more, and shrunk as if some further trials of it had shown no change;
    both are chosen per target. A condition that no training trial had gets the average over all.

    Parameters
    ----------
    {inner_folds}

    Attributes
    ----------
    average_width_ : float
        Smoothing of the average over all conditions, in bins.
    width_, shrinkage_ : array, (target,)
        Chosen, in bins and trials; an infinite shrinkage is the same response to every condition.
    conditions_ : array of int, (condition,)
    psth_ : array, (condition + 1, time, target)
        By condition, and last the average over all.

    Examples
    --------
    >>> x, y = np.zeros((4, 3, 2)), np.ones((4, 3, 2), dtype=int)
    >>> PSTH().fit(x, y).predict(x)[0, 0]
    array([1., 1.], dtype=float32)
    """

    title = "average response"
    about = "each neuron's average response over the training trials, by condition, smoothed"

    def _fit_trials(self, y: np.ndarray, trials: TrialFacts) -> None:
        self._choose(y, trials)
        self._learn(y, trials)

    def _choose(self, y: np.ndarray, trials: TrialFacts) -> None:
        n_targets = y.shape[2]
        self.width_, self.shrinkage_ = np.full((2, n_targets), np.inf)
        folds = self._watch_inner_folds(len(y))
        self.average_width_ = self._choose_average_width(y, folds)
        if np.unique(trials.condition).size < 2:
            return
        scores = np.zeros((len(CANDIDATES), n_targets))
        for fold in folds:
            conditions, total, n = _sum_conditions(y[fold.train], trials.condition[fold.train])
            average = self._average(total.sum(axis=0), len(fold.train))
            shown = np.isin(trials.condition[fold.test], conditions)
            tested = fold.test[shown]
            if not tested.size:
                continue
            seen, recorded, n_tested = _sum_conditions(y[tested], trials.condition[tested])
            which = np.searchsorted(conditions, seen)
            total, n = total[which], n[which]
            n_tested = n_tested[:, np.newaxis, np.newaxis]
            smoothed = {width: self._smooth(total, n, average, width) for width in WIDTHS}
            for index, (width, shrinkage) in enumerate(CANDIDATES):
                predicted = self._shrink(smoothed[width], n, average, shrinkage)
                scores[index] += self.family.score(recorded, predicted, n_tested).sum(axis=(0, 1))
        chosen = np.array(CANDIDATES)[choose_by_target(scores)]
        self.width_, self.shrinkage_ = chosen.T.copy()

    def _learn(self, y: np.ndarray, trials: TrialFacts) -> None:
        self.conditions_, total, n = _sum_conditions(y, trials.condition)
        average = self._average(total.sum(axis=0), len(y))
        self.psth_ = np.empty((len(n) + 1, *average.shape))
        self.psth_[-1] = average
        for (width, shrinkage), of in group_targets(self.width_, self.shrinkage_).items():
            smoothed = self._smooth(total[..., of], n, average[:, of], width)
            self.psth_[:-1, :, of] = self._shrink(smoothed, n, average[:, of], shrinkage)

    def _predict_trials(self, n_bins: int, trials: TrialFacts) -> np.ndarray:
        which = np.searchsorted(self.conditions_, trials.condition)
        which = np.minimum(which, len(self.conditions_) - 1)
        known = self.conditions_[which] == trials.condition
        return self.psth_.astype(np.float32)[np.where(known, which, -1)]

    def _choose_average_width(self, y: np.ndarray, folds: Sequence[Fold]) -> float:
        scores = np.zeros(len(PSTH_WIDTHS))
        for fold in folds:
            train, test = (y[rows].sum(axis=0, dtype=float) for rows in fold)
            for index, self.average_width_ in enumerate(PSTH_WIDTHS):
                average = self._average(train, len(fold.train))
                score = self.family.score(test, average, len(fold.test))
                scores[index] += score.sum()
        return float(PSTH_WIDTHS[scores.argmax()])

    def _average(self, total: np.ndarray, n_trials: int) -> np.ndarray:
        """Return the average over all conditions, (time, target), given the sum over trials.

        An imaginary trial at each count's mean rate keeps rates above 0.
        """
        if not self.counts_:
            return smooth_in_time(total, self.average_width_) / n_trials
        padded = total + np.maximum(total.mean(axis=0) / n_trials, 0.5 / total.shape[0] / n_trials)
        return smooth_in_time(padded, self.average_width_) / (n_trials + 1)

    def _smooth(
        self, total: np.ndarray, n: np.ndarray, average: np.ndarray, width: float
    ) -> np.ndarray:
        """Return what each condition shows, summed over its `n` trials and smoothed.

        For counts in units of the average response, else as a difference to it; (condition, time,
        target).
        """
        if self.counts_:
            return smooth_in_time(total, width) / smooth_in_time(average, width)
        return smooth_in_time(total - n[:, np.newaxis, np.newaxis] * average, width)

    def _shrink(
        self, smoothed: np.ndarray, n: np.ndarray, average: np.ndarray, shrinkage: float
    ) -> np.ndarray:
        """Return the response to each condition, (condition, time, target)."""
        n = n[:, np.newaxis, np.newaxis]
        if np.isinf(shrinkage):
            return np.broadcast_to(average, smoothed.shape)
        if self.counts_:
            return average * (smoothed + shrinkage) / (n + shrinkage)
        return average + smoothed / (n + shrinkage)


def _sum_conditions(
    y: np.ndarray, condition: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return conditions, sums of their trials (condition, time, target), numbers of trials."""
    conditions, index, n = np.unique(condition, return_inverse=True, return_counts=True)
    n = n.astype(np.float32)
    total = np.stack([y[index.ravel() == k].sum(axis=0, dtype=np.float32) for k in range(len(n))])
    return conditions, total, n
