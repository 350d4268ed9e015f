"""What the task, slow drift and recorded movement explain of activity, to be taken out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikecast.core.notices import Notice
from spikecast.data.recording import Recording
from spikecast.evaluation.ladder import ONE_CONDITION
from spikecast.models.behavior_null import BehaviorNull
from spikecast.models.psth import PSTH
from spikecast.models.source_free import SourceFree
from spikecast.models.trial_nulls import TrialNull
from spikecast.tasks.problem import stack_behavior
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import TrialFacts, is_ordered, label_conditions

NULLS: dict[str, type[TrialNull]] = {
    "psth": PSTH,
    "source_free": SourceFree,
    "behavior": BehaviorNull,
}


@dataclass(frozen=True)
class Clearing:
    """What is taken out of both areas' activity before they are compared.

    Attributes
    ----------
    facts : TrialFacts
        Of every trial of the recording, in the bins that the analysis works on.
    """

    facts: TrialFacts

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What it cannot take out."""
        alike = len(self.facts) > 1 and len(np.unique(self.facts.condition)) == 1
        return (ONE_CONDITION(),) if alike else ()

    @property
    def above(self) -> str:
        """Name of the null whose predictions are taken out: the highest that the facts allow."""
        if self.facts.place is None:
            return "psth"
        return "source_free" if self.facts.behavior is None else "behavior"

    def expect(self, areas: Sequence[np.ndarray], fold: Fold) -> list[np.ndarray]:
        """Return what the null expects of each area in each trial of a fold.

        Arrays are (trial, time, feature); the areas are fitted together, which is cheaper. The null
        learns from the training trials; what it expects of one of them, from the others.
        """
        return self.add_condition_means(areas, self.predict(areas, fold), fold.train)

    def expect_everywhere(self, areas: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return what is expected of each area in each trial of the session, from the others."""
        rows = np.arange(len(areas[0]))
        return self.add_condition_means(areas, self.predict_everywhere(areas), rows)

    def predict(self, areas: Sequence[np.ndarray], fold: Fold) -> list[np.ndarray]:
        """Return what the null alone predicts: a training trial's own activity is not in it."""
        z = np.concatenate(areas, axis=2)
        null, y, facts, center = self._fit(z, fold.train)
        predicted = np.zeros_like(z)
        predicted[fold.train] = null.predict_left_out(y, facts) + center
        test = null.predict(z[fold.test], trials=self.facts.take(fold.test))
        predicted[fold.test] = test + center
        return _separate(predicted, areas)

    def predict_everywhere(self, areas: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return what the null alone predicts of each trial of the session, from the others."""
        z = np.concatenate(areas, axis=2)
        null, y, facts, center = self._fit(z, np.arange(len(z)))
        predicted = (null.predict_left_out(y, facts) + center).astype(z.dtype)
        return _separate(predicted, areas)

    def add_condition_means(
        self, areas: Sequence[np.ndarray], predicted: Sequence[np.ndarray], rows: np.ndarray
    ) -> list[np.ndarray]:
        """Return predictions with what some trials show of their condition beyond them.

        A null shrinks the response to a condition, and what that leaves is common to both areas.
        The means hold part of each of these trials' own activity: they may be subtracted, but
        nothing may be learnt from them.
        """
        expected = [one.copy() for one in predicted]
        for label in np.unique(self.facts.condition[rows]):
            here = self.facts.condition == label
            of_rows = rows[self.facts.condition[rows] == label]
            for z, known in zip(areas, expected, strict=True):
                known[here] += (z[of_rows] - known[of_rows]).mean(axis=0)
        return expected

    def _fit(
        self, z: np.ndarray, rows: np.ndarray
    ) -> tuple[TrialNull, np.ndarray, TrialFacts, np.ndarray]:
        """Return the null fitted to some trials, what it was fitted to, and their mean."""
        center = z[rows].mean(axis=(0, 1))  # without it, whole numbers would be taken for counts
        y, facts = z[rows] - center, self.facts.take(rows)
        return NULLS[self.above]().fit(y, y, trials=facts), y, facts, center


def _separate(joined: np.ndarray, areas: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the features of each area."""
    return np.split(joined, np.cumsum([one.shape[2] for one in areas])[:-1], axis=2)


def clear_recording(
    recording: Recording, conditions: Sequence[str] | None = None, bins: int = 1
) -> Clearing:
    """Return what can be taken out of a recording's activity, summed over so many bins."""
    condition = np.unique(label_conditions(recording.trials, conditions), return_inverse=True)[1]
    place = np.arange(recording.n_trials, dtype=float) if is_ordered(recording) else None
    facts = TrialFacts(place, condition, stack_behavior(recording, recording.time))
    if bins > 1 and facts.behavior is not None:
        n_trials, n_bins, n_channels = facts.behavior.shape
        cut = facts.behavior[:, : n_bins // bins * bins]
        cut = cut.reshape(n_trials, n_bins // bins, bins, n_channels).mean(axis=2)
        facts = replace(facts, behavior=cut)
    return Clearing(facts)
