"""What the task, slow drift and recorded movement explain of activity, to be taken out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter1d

from spikecast.core.notices import Notice
from spikecast.data.recording import Recording
from spikecast.evaluation.ladder import ONE_CONDITION
from spikecast.models.behavior_null import BehaviorNull
from spikecast.models.psth import PSTH
from spikecast.models.source_free import SourceFree
from spikecast.models.trial_nulls import TrialNull
from spikecast.tasks.behavior import read_behavior
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import TrialFacts, find_lacking, is_ordered, label_conditions

SLOW_SDS = (1.0, 2.0, 4.0, 8.0, 16.0)  # trials; smoothness of the slow change of movement
TRIALS_PER_FAST, TRIALS_PER_SLOW = 2, 10  # for each regressor of movement, of its slow change
RIDGE = 1e-5  # of the mean variance of regressors: only against those that are alike

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
        predicted = self.predict(areas, fold)
        remainders = _subtract(areas, predicted)
        means = [self._average_by_condition(one, fold.train) for one in remainders]
        return [known + mean for known, mean in zip(predicted, means, strict=True)]

    def expect_everywhere(self, areas: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return what is expected of each area in each trial of the session, from the others."""
        return self.add_remainders(areas, self.predict_everywhere(areas))

    def predict(self, areas: Sequence[np.ndarray], fold: Fold) -> list[np.ndarray]:
        """Return what the null alone predicts: a training trial's own activity is not in it."""
        z = np.concatenate(areas, axis=2)
        null, left_out, center = self._fit(z, fold.train)
        predicted = np.zeros_like(z)
        predicted[fold.train] = left_out + center
        test = null.predict(z[fold.test], trials=self.facts.take(fold.test))
        predicted[fold.test] = test + center
        return _separate(predicted, areas)

    def predict_everywhere(self, areas: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return what the null alone predicts of each trial of the session, from the others."""
        z = np.concatenate(areas, axis=2)
        _, left_out, center = self._fit(z, np.arange(len(z)))
        predicted = (left_out + center).astype(z.dtype)
        return _separate(predicted, areas)

    def add_remainders(
        self, areas: Sequence[np.ndarray], predicted: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Return predictions with what the trials still show of their condition and of movement.

        A null shrinks the response to a condition and to movement. It also takes part of a slow
        change of movement for drift, and then takes it out once more with the movement. What that
        leaves is common to both areas. So the remainders are averaged by condition and regressed on
        movement and its slow change. Both hold part of each trial's own activity: they may be
        subtracted, but nothing may be learnt from them.
        """
        rows = np.arange(len(areas[0]))
        remainders = _subtract(areas, predicted)
        added = [self._average_by_condition(one, rows) for one in remainders]
        if self.above == "behavior":
            z = self._regressors - self._average_by_condition(self._regressors, rows)
            added = [
                mean + z @ _regress(one - mean, z)
                for one, mean in zip(remainders, added, strict=True)
            ]
        return [
            (known + more).astype(known.dtype) for known, more in zip(predicted, added, strict=True)
        ]

    def _average_by_condition(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return for each trial the mean over those of some trials that are of its condition.

        0 for trials of a condition that none of them has.
        """
        means, condition = np.zeros_like(values), self.facts.condition
        for label in np.unique(condition[rows]):
            means[condition == label] = values[rows[condition[rows] == label]].mean(axis=0)
        return means

    @cached_property
    def _regressors(self) -> np.ndarray:
        """Movement at several lags, and its slow change: (trial, time, regressor).

        There are at most as many regressors of either as the trials can tell apart.
        """
        behavior = self.facts.behavior
        assert behavior is not None  # asked for only where there is some
        n_trials, n_bins, _ = behavior.shape
        fast = BehaviorNull().scale_regressors(behavior)  # (trial, time, regressor)
        channels = behavior - behavior.mean(axis=(0, 1))
        of_trials = np.concatenate([channels, np.abs(channels)], axis=2).mean(axis=1)
        smooth = [gaussian_filter1d(of_trials, sd, axis=0, mode="nearest") for sd in SLOW_SDS]
        slow = np.concatenate(smooth, axis=1)  # (trial, channel x smoothness)
        n_fast, n_slow = (
            max(1, n_trials // number) for number in (TRIALS_PER_FAST, TRIALS_PER_SLOW)
        )
        fast = _find_components(fast.reshape(n_trials * n_bins, -1), n_fast)
        slow = np.repeat(_find_components(slow, n_slow), n_bins, axis=0)
        return np.concatenate([fast, slow], axis=1).reshape(n_trials, n_bins, -1)

    def _fit(self, z: np.ndarray, rows: np.ndarray) -> tuple[TrialNull, np.ndarray, np.ndarray]:
        """Return the null fitted to some trials, each predicted from the others, and their mean."""
        center = z[rows].mean(axis=(0, 1))  # without it, whole numbers would be taken for counts
        y, null = z[rows] - center, NULLS[self.above]()
        return null, null.fit_left_out(y, y, self.facts.take(rows)), center


def _subtract(areas: Sequence[np.ndarray], predicted: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return what predictions leave of each area."""
    return [z - known for z, known in zip(areas, predicted, strict=True)]


def _find_components(values: np.ndarray, most: int) -> np.ndarray:
    """Return principal components of standardised columns, (row, component), of variance 1."""
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-12)
    scales, axes = np.linalg.eigh(values.T.astype(float) @ values / len(values))
    kept = np.argsort(scales)[::-1][:most]
    kept = kept[scales[kept] > RIDGE * scales.max()]
    return (values @ (axes[:, kept] / np.sqrt(scales[kept]))).astype(np.float32)


def _regress(y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return weights (regressor, feature) of a regression of y on z, (trial, time, ...) both."""
    flat_y, flat_z = (one.reshape(-1, one.shape[2]).astype(float) for one in (y, z))
    products = flat_z.T @ flat_z
    penalty = RIDGE * np.trace(products) / len(products)
    products[np.diag_indices_from(products)] += penalty or 1.0  # z is 0 where nothing was left
    return np.linalg.solve(products, flat_z.T @ flat_y)


def _separate(joined: np.ndarray, areas: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the features of each area."""
    return np.split(joined, np.cumsum([one.shape[2] for one in areas])[:-1], axis=2)


def clear_recording(
    recording: Recording, conditions: Sequence[str] | None = None, bins: int = 1
) -> Clearing:
    """Return what can be taken out of a recording's activity, summed over so many bins."""
    condition = np.unique(label_conditions(recording.trials, conditions), return_inverse=True)[1]
    place = np.arange(recording.n_trials, dtype=float) if is_ordered(recording) else None
    read = read_behavior(recording, recording.time)
    lacking = find_lacking(read.gaps, recording.n_trials)
    facts = TrialFacts(place, condition, read.values, lacking)
    if bins > 1 and facts.behavior is not None:
        n_trials, n_bins, n_channels = facts.behavior.shape
        cut = facts.behavior[:, : n_bins // bins * bins]
        cut = cut.reshape(n_trials, n_bins // bins, bins, n_channels).mean(axis=2)
        facts = replace(facts, behavior=cut)
    return Clearing(facts)
