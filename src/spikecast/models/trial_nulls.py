"""What nulls that know the trial share: inner folds, choices, predictions of training trials.

Such a null looks at no neuron of the source, but at the trial's condition, its place in the session
or recorded behaviour (:class:`spikecast.tasks.trial_facts.TrialFacts`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from scipy.optimize import lsq_linear, nnls

from spikecast.core.checks import check_same_length
from spikecast.core.errors import InputError
from spikecast.models.base import Areas, Model
from spikecast.models.inner_cv import note_validation, split_inner_folds
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import TrialFacts

N_INNER = 5
MAX_STEPS = 10
TOLERANCE = 1e-3
MAX_WEIGHT = 2.0
SHARED_CHOICE = 2.0  # weight of the targets' mean score when each target chooses for itself


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


class PoissonFamily:
    """Counts: deviations are log ratios of rates."""

    def combine(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Return rates."""
        return mean * np.exp(deviation)

    def measure_deviation(self, prediction: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Return the log of the ratio to the mean."""
        return np.log(prediction / mean)

    def score(self, y: np.ndarray, prediction: np.ndarray, n: np.ndarray | float = 1) -> np.ndarray:
        """Return ``y log r - n r``."""
        return y * np.log(prediction) - n * prediction


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


@dataclass(eq=False, repr=False)
class TrialNull(Model):
    """Base class: a subclass chooses its settings (``_choose``), then learns (``_learn``).

    Parameters
    ----------
    split : {"trial", "block"}
        How inner folds are cut; as the outer folds are, since drift is easier to follow between
        random trials than across a block.
    gap : int
        Trials left out on either side of an inner block.
    seed : int
        Of the inner folds.
    """

    is_null = True
    causal = False
    why_not_searched = "a null chooses for itself, on inner folds"

    split: str = "trial"
    gap: int = 0
    seed: int = 0

    @property
    def needs(self) -> tuple[str, ...]:
        """What ``fit`` and ``predict`` are given besides the arrays."""
        return ("trials",)

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        areas: Areas | None = None,
        base: np.ndarray | None = None,
        trials: TrialFacts | None = None,
    ) -> Self:
        """Learn from the targets and what is known of their trials; `x` gives the number of bins.

        Without `trials` all are of one condition, in no known order.
        """
        x, y = self._check_data(x, y, areas)
        if base is not None:
            self._check_base(base, y.shape)  # refuses it
        trials = _check_trials(trials, len(y))
        if self.counts_:  # a silent target would have rate 0: half a spike in all the samples
            self.mean_ = np.maximum(y.mean(axis=(0, 1), dtype=float), 0.5 / (y[..., 0].size))
        else:
            self.mean_ = y.mean(axis=(0, 1), dtype=float)
        self._choose(y, trials)
        self._learn(y, trials)
        return self

    def predict(
        self, x: np.ndarray, base: np.ndarray | None = None, trials: TrialFacts | None = None
    ) -> np.ndarray:
        """Return the expected value of the targets, (trial, time, target); `x` gives the bins."""
        x = self._check_sources(x)
        if base is not None:
            self._check_base(base, (*x.shape[:2], self.n_targets_))
        return self._predict_trials(x.shape[1], _check_trials(trials, len(x)))

    def predict_left_out(self, y: np.ndarray, trials: TrialFacts) -> np.ndarray:
        """Predict every training trial from the others, with the settings that were chosen.

        `y` and `trials` are those of ``fit``. Inner folds stand in for the outer ones.
        """
        predicted = np.empty(y.shape, dtype=np.float32)
        for fold in self._cut_inner_folds(len(y)):
            other = self.learn_again(y[fold.train], trials.take(fold.train))
            predicted[fold.test] = other._predict_trials(y.shape[1], trials.take(fold.test))
        return predicted

    def learn_again(self, y: np.ndarray, trials: TrialFacts) -> Self:
        """Return a copy that learnt from other trials, with the settings that were chosen."""
        other = copy(self)
        other._learn(y, trials)
        return other

    @property
    def family(self) -> Family:
        """Of the fitted targets."""
        return PoissonFamily() if self.counts_ else GaussianFamily()

    def _cut_inner_folds(self, n_trials: int) -> list[Fold]:
        if self.split != "block":
            return split_inner_folds(n_trials, N_INNER, self.seed)
        rows, folds = np.arange(n_trials), []
        for part in np.array_split(rows, min(N_INNER, n_trials)):
            near = (rows >= part[0] - self.gap) & (rows <= part[-1] + self.gap)
            folds.append(Fold(rows[~near] if not near.all() else rows, part))
        return folds

    def _watch_inner_folds(self, n_trials: int) -> list[Fold]:
        """Return the inner folds, noted as those that settings are judged on."""
        folds = self._cut_inner_folds(n_trials)
        for fold in folds:
            note_validation(fold.test)
        return folds

    @abstractmethod
    def _choose(self, y: np.ndarray, trials: TrialFacts) -> None:
        """Choose settings on inner folds."""

    @abstractmethod
    def _learn(self, y: np.ndarray, trials: TrialFacts) -> None:
        """Learn from trials with the chosen settings."""

    @abstractmethod
    def _predict_trials(self, n_bins: int, trials: TrialFacts) -> np.ndarray:
        """Return predictions (trial, time, target)."""


def fit_weights(
    family: Family, y: np.ndarray, mean: np.ndarray, deviations: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the weights, not below 0, under which weighted deviations explain `y` best.

    Examples
    --------
    >>> deviation = np.array([-1.0, 1.0, 0.5]).reshape(1, 3, 1)
    >>> fit_weights(GaussianFamily(), 2 + 0.5 * deviation, np.array([2.0]), [deviation]).round(3)
    array([0.5])
    """
    mean = mean.astype(np.float32)
    if isinstance(family, GaussianFamily):
        return _solve_least_squares(y - mean, deviations)

    weights = np.ones(len(deviations))
    for _ in range(MAX_STEPS):  # of Newton's method
        total = sum(w * one for w, one in zip(weights.astype(np.float32), deviations, strict=True))
        predicted = family.combine(mean, np.asarray(total))
        missed = y - predicted
        gradient = np.array([_sum_products(missed, one) for one in deviations])
        curved = [predicted * one for one in deviations]
        curvature = np.array([[_sum_products(one, other) for other in deviations]
                              for one in curved])  # fmt: skip
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


def choose_by_target(scores: np.ndarray) -> np.ndarray:
    """Return each target's best candidate, (target,), given scores (candidate, target).

    A target's own score is noisy where it fires little; the targets' mean is added to it.

    Examples
    --------
    >>> choose_by_target(np.array([[5.0, 0.0, 5.0], [0.0, 0.1, 0.0]])).tolist()
    [0, 0, 0]
    """
    return (scores + SHARED_CHOICE * scores.mean(axis=1, keepdims=True)).argmax(axis=0)


def _check_trials(trials: TrialFacts | None, n_trials: int) -> TrialFacts:
    if trials is None:
        return TrialFacts.unknown(n_trials)
    if not isinstance(trials, TrialFacts):
        raise InputError(
            f"trials is a {type(trials).__name__}; give a spikecast TrialFacts, as "
            "problem.trial_facts is"
        )
    check_same_length("trials", len(trials), "the trial axis", n_trials)
    return trials
