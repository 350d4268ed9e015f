"""What is known of each trial besides neurons: its place, its condition, recorded behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.core.checks import check_one_of, to_list
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.binning import check_magnitude
from spikecast.data.quality import (
    STIMULUS_COLUMNS,
    find_copied_trials,
    find_sorted_column,
    goes_back,
)
from spikecast.data.recording import Recording

MOSTLY = 0.5  # of the bins of a trial: what is missing in more is not guessed from the others


@dataclass(frozen=True, eq=False)
class TrialFacts:
    """Facts about the trials of a problem, for nulls that look at no neuron of the source.

    Attributes
    ----------
    place : array, (trial,), optional
        Of each trial in the session, in trials; None where the recorded order is not known.
    condition : array of int, (trial,)
        A number per condition.
    behavior : array, (trial, time, channel), optional
        Recorded behaviour on the bins of the target; None where there is none.
    lacks_behavior : array of bool, (trial,)
        Which trials lack most of it: there it is guessed.

    Examples
    --------
    >>> facts = TrialFacts(np.arange(4.0), np.array([0, 1, 0, 1]))
    >>> facts.take(np.array([2, 3])).place
    array([2., 3.])
    """

    place: np.ndarray | None
    condition: np.ndarray
    behavior: np.ndarray | None = None
    lacks_behavior: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Take behaviour as recorded in all trials, if nothing else is said."""
        if self.lacks_behavior is None:
            object.__setattr__(self, "lacks_behavior", np.zeros(len(self), dtype=bool))

    def __len__(self) -> int:
        return len(self.condition)

    def take(self, rows: np.ndarray) -> TrialFacts:
        """Return the facts of some trials."""
        return TrialFacts(
            None if self.place is None else self.place[rows],
            self.condition[rows],
            None if self.behavior is None else self.behavior[rows],
            self.lacks_behavior[rows],
        )

    @classmethod
    def unknown(cls, n_trials: int) -> TrialFacts:
        """Return what is known where nothing is: one condition, no order, no behaviour."""
        return cls(None, np.zeros(n_trials, dtype=int))


def find_lacking(gaps: np.ndarray | None, n_trials: int) -> np.ndarray:
    """Return which trials lack most of the behaviour that others have, (trial,)."""
    return np.zeros(n_trials, dtype=bool) if gaps is None else gaps.mean(axis=(1, 2)) > MOSTLY


def check_behavior(name: str, values: np.ndarray) -> None:
    """Raise where behaviour that is to be predicted has gaps, or never changes, or is too large."""
    if not np.isfinite(values).all():
        raise InputError(f"behaviour '{name}' holds NaN; select the trials without it")
    check_magnitude(f"value of '{name}'", values)
    if (values == values[:1, :1]).all():
        raise NotEnoughDataError(f"behaviour '{name}' never changes: there is nothing to predict")


def label_conditions(trials: pd.DataFrame, columns: Sequence[str] | None = None) -> np.ndarray:
    """Label each trial by its condition, (trial,): by default its contrasts, where it has them."""
    if columns is None:
        columns = [name for name in STIMULUS_COLUMNS if name in trials]
    columns = to_list("conditions", columns, "names of trial columns")
    for name in columns:
        check_one_of("trial column", name, list(trials))
    if not columns:
        return np.full(len(trials), "all trials")
    parts = [trials[name].map(str) for name in columns]  # a missing value is a condition: "nan"
    rows = list(zip(*parts, strict=True))
    labels = [", ".join(row) for row in rows]
    if len(set(labels)) < len(set(rows)):  # values hold commas themselves
        labels = [", ".join(map(repr, row)) for row in rows]
    return np.array(labels)


def is_ordered(recording: Recording) -> bool:
    """Return whether trials are, as far as is known, in the order in which they were recorded.

    Trials that are there twice are not: none is recorded twice.
    """
    trials = recording.trials
    return (
        recording.ordered
        and find_sorted_column(trials) is None
        and not goes_back(trials)
        and not find_copied_trials(recording.activity).size
    )
