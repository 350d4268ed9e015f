"""The arrays of one prediction problem, which a task makes of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, get_args

import numpy as np
import pandas as pd

from spikecast.core.checks import (
    check_count,
    check_kind,
    check_method,
    check_one_of,
    check_three_axes,
)
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.dataset import Kind
from spikecast.data.recording import Recording
from spikecast.tasks.trial_facts import TrialFacts, find_lacking, is_ordered, label_conditions

MOST_LAGS = 10**9  # bins
WINDOW = 100  # bins per window when a task cuts a continuous recording
BINS_LEFT_OVER = NoticeKind(
    "bins_left_over",
    "minor",
    "the last {n} of {n_bins} bins do not fill a window of {window} and are left out",
)


@dataclass(frozen=True, repr=False)
class Problem:
    """Arrays of one prediction problem.

    Attributes
    ----------
    task, source, target : str
        Names for tables.
    x : array, (trial, time, source neuron)
    y : array, (trial, time, target)
    kind : {"counts", "continuous"}
        Of `y`; counts are scored in bits per spike, continuous values in R2.
    time : array, (time,)
        Bin centres in seconds of `y`.
    bin_size : float
        Seconds.
    trials : DataFrame
        One row per trial.
    targets : DataFrame
        One row per target: neuron coordinates, or the channel's name.
    windows : bool
        Whether "trials" are windows cut from one continuous trial (then split by block).
    notices : tuple of Notice
        What was left out and why.
    areas : array of str, (source neuron,), optional
        The area (or what else the task groups neurons by) of each source.
    source_neurons : array of int, (source neuron,), optional
        Their numbers in the recording; those of targets stand in `targets`.
    behavior : array, (trial, time, channel), optional
        Recorded behaviour on the bins of `y`, where neurons are predicted.
    gaps : array of bool, (trial, time, 1), optional
        Bins in which some of it is missing, and guessed.
    ordered : bool
        Whether trials are in the order in which they were recorded.
    conditions : sequence of str, optional
        Trial columns that name the condition; by default the contrasts.
    recorded : DataFrame, optional
        The table of all neurons of the recording.
    session : str
        Its name.
    """

    task: str
    source: str
    target: str
    x: np.ndarray
    y: np.ndarray
    kind: Kind
    time: np.ndarray
    bin_size: float
    trials: pd.DataFrame
    targets: pd.DataFrame
    windows: bool = False
    notices: tuple[Notice, ...] = ()
    areas: np.ndarray | None = None
    source_neurons: np.ndarray | None = None
    behavior: np.ndarray | None = None
    gaps: np.ndarray | None = None
    ordered: bool = True
    conditions: Sequence[str] | None = None
    recorded: pd.DataFrame | None = None
    session: str = ""

    def __repr__(self) -> str:
        n_trials, n_bins, n_sources = self.x.shape
        trials = "windows" if self.windows else "trials"
        return (
            f"<Problem {self.task}: {self.source} -> {self.target}, {n_trials} {trials} x {n_bins} "
            f"bins, {n_sources} sources, {self.y.shape[2]} targets ({self.kind})>"
        )

    def __post_init__(self) -> None:
        """Put arrays into C order, as workers get them: sums in single precision depend on it."""
        check_one_of("kind", self.kind, get_args(Kind))
        check_kind(self.trials, pd.DataFrame)
        check_kind(self.targets, pd.DataFrame)
        for name in ("x", "y"):
            check_three_axes(name, getattr(self, name))
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name)))

    @property
    def condition(self) -> np.ndarray:
        """The label of each trial's condition, (trial,)."""
        return label_conditions(self.trials, self.conditions)

    @property
    def trial_facts(self) -> TrialFacts:
        """What is known of each trial besides the source."""
        place = np.arange(len(self.y), dtype=float) if self.ordered else None
        condition = np.unique(self.condition, return_inverse=True)[1]
        return TrialFacts(place, condition, self.behavior, find_lacking(self.gaps, len(self.y)))

    def metadata(self, needs: Sequence[str] | None = None) -> dict[str, Any]:
        """Return facts about sources and trials by name, for the arguments of a model's ``fit``.

        `needs` are the model's (:attr:`spikecast.models.base.Model.needs`); by default all.

        Examples
        --------
        >>> import spikecast
        >>> from spikecast.tasks.tasks import AreaToArea
        >>> problem = AreaToArea("MOs").problem(spikecast.load("simulated"))
        >>> sorted(set(problem.metadata(["areas"])["areas"].tolist()))
        ['CA1', 'MD', 'VISp']
        """
        facts = {"areas": self.areas, "trials": self.trial_facts}
        names = facts if needs is None else needs
        return {name: facts[check_one_of("metadata", name, list(facts))] for name in names}


class Task(Protocol):
    """Anything that turns a recording into a problem."""

    name: str

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`."""
        ...


def make_problem(task: Task, recording: Recording) -> Problem:
    """Return the arrays of a task on a recording, once checked that they are these."""
    check_method("task", task, "problem", "a task, for example AreaToArea('MOs')")
    check_kind(recording, Recording)
    return task.problem(recording)


def describe_trials(
    recording: Recording, conditions: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return what any problem says of the recording that it is made of, by name."""
    return {
        "bin_size": recording.bin_size,
        "trials": recording.trials,
        "ordered": is_ordered(recording),
        "conditions": conditions,
        "recorded": recording.neurons,
        "session": recording.session,
    }


def pair_with_lag(
    x: np.ndarray, y: np.ndarray, time: np.ndarray, lag: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x at bins t - lag, y at bins t, and t, without the bins that have no partner."""
    n_bins = x.shape[1]
    lag = check_count("lag", lag, -MOST_LAGS, MOST_LAGS)
    if abs(lag) > n_bins - 2:
        raise InputError(f"a lag of {lag} bins leaves nothing of trials of {n_bins} bins")
    start, stop = max(lag, 0), n_bins + min(lag, 0)
    return x[:, start - lag : stop - lag], y[:, start:stop], time[start:stop]


def count_windows(n_bins: int, window: int = WINDOW) -> int:
    """Return how many windows a single long trial gives, or raise for fewer than 4."""
    window = check_count("window (bins)", window, 2)
    n_windows = n_bins // window
    if n_windows < 4:
        raise NotEnoughDataError(
            f"a continuous recording of {n_bins} bins gives {n_windows} windows of {window}; "
            "at least 4 are needed. Activity must be trial x time x neuron: one that is neuron x "
            "time is given as activity.T[np.newaxis]"
        )
    return n_windows


def cut_windows(values: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Return one long trial as (window, time, feature); return several trials as they are."""
    if len(values) > 1:
        return values
    n_bins = count_windows(values.shape[1], window) * window
    return values[0, :n_bins].reshape(-1, window, values.shape[2])


def cut_long_trial(recording: Recording) -> Recording:
    """Return a recording of one long trial cut into windows, which then are its trials.

    Behaviour is cut alike; a recording of several trials comes back as it is.
    """
    check_kind(recording, Recording)
    if recording.n_trials > 1:
        return recording
    activity = cut_windows(recording.activity)
    behavior = {}
    for name in recording.behavior:
        values = recording.dataset[name].values
        cut = cut_windows(values.reshape(*values.shape[:2], -1))
        behavior[name] = cut if values.ndim == 3 else cut[:, :, 0]
    attributes = recording.dataset.attrs
    cut_up = Recording.from_arrays(
        activity,
        (np.arange(WINDOW) + 0.5) * recording.bin_size,
        recording.area,
        trials={"window_start": recording.time[: len(activity) * WINDOW : WINDOW]},
        neurons=recording.neurons.drop(columns="area"),
        behavior=behavior,
        kind=recording.kind,
    )
    return Recording(cut_up.dataset.assign_attrs(attributes))


def cut_problem(problem: Problem, window: int = WINDOW) -> Problem:
    """Return a problem of one long trial cut into windows, which then are its trials."""
    if len(problem.y) > 1:
        return problem
    window = check_count("window (bins)", window, 2)
    n_bins, y = problem.y.shape[1], cut_windows(problem.y, window)
    n_left = n_bins - len(y) * window
    left = [BINS_LEFT_OVER(n=n_left, n_bins=n_bins, window=window)] if n_left else []
    return replace(
        problem,
        x=cut_windows(problem.x, window),
        y=y,
        behavior=None if problem.behavior is None else cut_windows(problem.behavior, window),
        gaps=None if problem.gaps is None else cut_windows(problem.gaps, window),
        time=(np.arange(window) + 0.5) * problem.bin_size,
        trials=pd.DataFrame({"window_start": problem.time[: len(y) * window : window]}),
        windows=True,
        notices=(*problem.notices, *left),
    )
