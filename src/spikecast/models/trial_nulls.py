"""What nulls that know the trial share: inner folds, choices, predictions of training trials.

Such a null looks at no neuron of the source, but at the trial's condition, its place in the session
or recorded behaviour (:class:`spikecast.tasks.trial_facts.TrialFacts`).
"""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from spikecast.core.checks import check_same_length
from spikecast.core.errors import InputError, ShapeError
from spikecast.models.base import Areas, Model
from spikecast.models.families import FAMILIES, Family
from spikecast.models.inner_cv import note_validation, split_inner_folds
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import TrialFacts

N_INNER = 5
SHARED_CHOICE = 2.0  # weight of the targets' mean score when each target chooses for itself


@dataclass(eq=False, repr=False)
class TrialNull(Model):
    """Base class: a subclass chooses its settings (``_fit_trials``) and learns (``_learn``).

    Parameters
    ----------
    {inner_folds}
    """

    is_null = True
    causal = False
    why_not_searched = "a null chooses for itself, on inner folds"

    split: Literal["trial", "block"] = "trial"
    gap: int = 0
    seed: int = 0

    @property
    def needs(self) -> tuple[str, ...]:
        """What ``fit`` and ``predict`` are given besides the arrays."""
        return ("trials",)

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray | None = None,
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
        self._fit_checked(y, trials)
        return self

    def fit_left_out(self, x: np.ndarray, y: np.ndarray, trials: TrialFacts) -> np.ndarray:
        """Fit, and predict every training trial from the others; see :meth:`predict_left_out`."""
        y = self._check_data(x, y, None)[1]
        left_out = self._fit_checked(y, trials)
        return self.predict_left_out(y, trials) if left_out is None else left_out

    def predict(
        self, x: np.ndarray, base: np.ndarray | None = None, trials: TrialFacts | None = None
    ) -> np.ndarray:
        """Return the expected value of the targets, (trial, time, target); `x` gives the bins."""
        x = self._check_sources(x)
        if x.shape[1] != self.n_bins_:
            raise ShapeError(f"x has {x.shape[1]} bins; the model was fitted on {self.n_bins_}")
        if base is not None:
            self._check_base(base, (*x.shape[:2], self.n_targets_))
        return self._predict_trials(x.shape[1], _check_trials(trials, len(x)))

    def predict_left_out(self, y: np.ndarray, trials: TrialFacts) -> np.ndarray:
        """Predict every training trial from the others, with the settings that were chosen.

        `y` and `trials` are those of ``fit``. Inner folds stand in for the outer ones. Only the
        overall mean, which estimates are shrunk to, is that of all training trials.
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
        return FAMILIES["counts" if self.counts_ else "continuous"]

    def _fit_checked(self, y: np.ndarray, trials: TrialFacts | None) -> np.ndarray | None:
        mean = y.mean(axis=(0, 1), dtype=float)
        # a silent target would have rate 0: half a spike in all the samples
        self.mean_ = np.maximum(mean, 0.5 / y[..., 0].size) if self.counts_ else mean
        return self._fit_trials(y, _check_trials(trials, len(y)))

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
    def _fit_trials(self, y: np.ndarray, trials: TrialFacts) -> np.ndarray | None:
        """Choose settings on inner folds, and learn with them.

        Return what :meth:`predict_left_out` would, where it is known by then.
        """

    @abstractmethod
    def _learn(self, y: np.ndarray, trials: TrialFacts) -> None:
        """Learn from trials with the chosen settings."""

    @abstractmethod
    def _predict_trials(self, n_bins: int, trials: TrialFacts) -> np.ndarray:
        """Return predictions (trial, time, target)."""


def choose_by_target(scores: np.ndarray) -> np.ndarray:
    """Return each target's best candidate, (target,), given scores (candidate, target).

    A target's own score is noisy where it fires little; the targets' mean is added to it.

    Examples
    --------
    >>> choose_by_target(np.array([[5.0, 0.0, 5.0], [0.0, 0.1, 0.0]])).tolist()
    [0, 0, 0]
    """
    return (scores + SHARED_CHOICE * scores.mean(axis=1, keepdims=True)).argmax(axis=0)


def group_targets(*settings: np.ndarray) -> dict[tuple[np.float64, ...], list[int]]:
    """Return the targets that share settings, by these; `settings` are arrays (target,).

    Examples
    --------
    >>> list(group_targets(np.array([3.0, 12.0, 3.0]), np.array([1.0, 4.0, 1.0])).values())
    [[0, 2], [1]]
    """
    groups: dict[tuple[np.float64, ...], list[int]] = {}
    for target, chosen in enumerate(zip(*settings, strict=True)):
        groups.setdefault(chosen, []).append(target)
    return groups


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
