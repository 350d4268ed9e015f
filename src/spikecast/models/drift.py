"""The null of slow change: each target's rate in nearby training trials."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from spikecast.models.trial_nulls import TrialNull, choose_by_target, group_targets
from spikecast.tasks.trial_facts import TrialFacts

BANDWIDTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, np.inf)
SHRINKAGES = (0.25, 1.0, 4.0, 16.0)
CANDIDATES = list(product(BANDWIDTHS, SHRINKAGES))


@dataclass(eq=False, repr=False)
class Drift(TrialNull):
    """Each target's average over nearby training trials, constant within a trial.

    A Gaussian over the trial's place in the session, shrunk to the target's mean as if some further
    trials had it. Both widths are chosen on inner folds, per target. Where the order of trials is
    not known, it is the mean.

    Parameters
    ----------
    {inner_folds}

    Attributes
    ----------
    bandwidth_, shrinkage_ : array, (target,)
        Chosen, in trials.
    place_ : array, (training trial,)
    level_ : array, (training trial, target)
        Mean over the bins of each training trial.

    See Also
    --------
    spikecast.models.SourceFree : with the average response.

    Examples
    --------
    >>> place = np.arange(60.0); trials = TrialFacts(place, np.zeros(60, dtype=int))
    >>> rate = np.exp(np.sin(place / 10))[:, None, None] * np.ones((1, 20, 1))
    >>> y = np.random.default_rng(0).poisson(rate)
    >>> predicted = Drift().fit(y, y, trials=trials).predict(y, trials=trials)
    >>> bool(np.corrcoef(predicted[:, 0, 0], rate[:, 0, 0])[0, 1] > 0.9)
    True
    """

    title = "drift"
    about = "each neuron's rate in nearby training trials: slow change of state, without a source"

    def _fit_trials(self, y: np.ndarray, trials: TrialFacts) -> None:
        self._choose(y, trials)
        self._learn(y, trials)

    def _choose(self, y: np.ndarray, trials: TrialFacts) -> None:
        n_targets = y.shape[2]
        self.bandwidth_ = np.full(n_targets, np.inf)
        self.shrinkage_ = np.full(n_targets, SHRINKAGES[-1])
        if trials.place is None or len(y) < 2:
            return
        level, place = y.mean(axis=1, dtype=float), trials.place
        scores = np.zeros((len(BANDWIDTHS), len(SHRINKAGES), n_targets))
        for fold in self._watch_inner_folds(len(y)):
            known, tested = level[fold.train], level[fold.test]
            mean = known.mean(axis=0)
            if self.counts_:
                mean = np.maximum(mean, 0.5 / (y.shape[1] * len(known)))
            for index, width in enumerate(BANDWIDTHS):
                total, n = sum_nearby(known, place[fold.train], place[fold.test], width)
                for column, shrinkage in enumerate(SHRINKAGES):
                    predicted = (total + shrinkage * mean) / (n + shrinkage)
                    scores[index, column] += self.family.score(tested, predicted).sum(axis=0)
        chosen = np.array(CANDIDATES)[choose_by_target(scores.reshape(-1, n_targets))]
        self.bandwidth_, self.shrinkage_ = chosen.T.copy()

    def _learn(self, y: np.ndarray, trials: TrialFacts) -> None:
        self.place_ = np.empty(0) if trials.place is None else trials.place
        self.level_ = y.mean(axis=1, dtype=float)

    def _predict_trials(self, n_bins: int, trials: TrialFacts) -> np.ndarray:
        level = self.predict_level(trials)[:, np.newaxis]  # the same in every bin
        return np.repeat(level.astype(np.float32), n_bins, axis=1)

    def predict_level(self, trials: TrialFacts) -> np.ndarray:
        """Return the expected value per bin in each trial, (trial, target)."""
        predicted = np.tile(self.mean_, (len(trials), 1))
        if trials.place is None or not self.place_.size:
            return predicted
        for (width, shrinkage), of in group_targets(self.bandwidth_, self.shrinkage_).items():
            predicted[:, of] = average_nearby(
                self.level_[:, of], self.mean_[of], self.place_, trials.place, width, shrinkage
            )
        return predicted


def average_nearby(
    level: np.ndarray,
    mean: np.ndarray,
    place: np.ndarray,
    at: np.ndarray,
    width: float,
    shrinkage: float,
) -> np.ndarray:
    """Return Gaussian averages of `level` (trial, target) around the places `at`, shrunk to `mean`.

    Examples
    --------
    >>> average_nearby(np.array([[0.0], [4.0]]), np.array([2.0]), np.array([0.0, 1.0]),
    ...                np.array([0.0]), np.inf, 2.0)
    array([[2.]])
    """
    total, n = sum_nearby(level, place, at, width)
    return (total + shrinkage * mean) / (n + shrinkage)


def sum_nearby(
    level: np.ndarray, place: np.ndarray, at: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return Gaussian sums of `level` around places, (at, target), and of the weights, (at, 1)."""
    weights = np.exp(-0.5 * np.square((at[:, np.newaxis] - place) / width))  # (at, trial)
    return weights @ level, weights.sum(axis=1, keepdims=True)
