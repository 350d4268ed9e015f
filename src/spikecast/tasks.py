"""What predicts what.

A task turns a recording into a :class:`Problem`: the array that predicts, the array to predict, and
what kind of values the latter has (hence which likelihood and which scores). It is the only place
that knows areas; models see arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from spikecast.checks import did_you_mean, in_range
from spikecast.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.recording import UNLABELED, Recording
from spikecast.seeding import generator

REST = "rest"
WINDOW = 100  # bins per window when a task cuts a continuous recording
Kind = Literal["counts", "continuous"]


@dataclass(frozen=True)
class Problem:
    """Arrays of one prediction problem.

    Attributes
    ----------
    task, source, target : str
        For tables: the task's name, what predicts, what is predicted.
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
    notes : tuple of str
        What was left out and why, for the report.
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
    notes: tuple[str, ...] = ()


class Task(Protocol):
    """Anything that turns a recording into a problem."""

    name: str

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`."""
        ...


@dataclass(frozen=True)
class AreaToArea:
    """Predict one area's neurons from others'.

    Parameters
    ----------
    target : str
        Area to predict.
    source : str or sequence of str
        ``"rest"``: every neuron outside the target that has an area (not ``root``); or areas.
    lag : int
        The source at bin t - lag predicts the target at bin t. Positive: the past predicts.
    min_rate : float
        Target neurons that fire less often (Hz, over the whole recording) are left out; only for
        counts.
    by : str
        Neuron coordinate that names the groups; ``"plane"`` for the imaging data.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.load("simulated")
    >>> problem = AreaToArea("MOs").problem(recording)
    >>> problem.source, problem.x.shape[2]
    ('rest', 190)
    """

    target: str
    source: str | Sequence[str] = REST
    lag: int = 0
    min_rate: float = 0.5
    by: str = "area"
    name = "area_to_area"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`.

        Raises
        ------
        UnknownNameError
            For an area that is not recorded.
        InputError
            When source and target overlap.
        NotEnoughDataError
            When fewer than 2 neurons are left on either side, or no target neuron fires.
        """
        group = _groups(recording, self.by)
        is_target = _members(group, self.target, self.by)
        if self.source == REST:
            is_source = ~is_target & ~np.isin(np.char.lower(group), UNLABELED)
        else:
            names = [self.source] if isinstance(self.source, str) else list(self.source)
            is_source = np.any([_members(group, name, self.by) for name in names], axis=0)
            if self.target in names:
                raise InputError(
                    f"source and target overlap: {self.by} '{self.target}' is in both. "
                    "Prediction within an area is the task held_out_neurons"
                )
        source = self.source if isinstance(self.source, str) else "+".join(self.source)
        return _between(recording, is_source, is_target, self, source, self.target)


@dataclass(frozen=True)
class HeldOutNeurons:
    """Predict some neurons from the others of the same area or recording (co-smoothing).

    Parameters
    ----------
    fraction : float
        Part of the neurons that is held out, chosen at random.
    area : str, optional
        Only within this area; otherwise all neurons.
    min_rate : float
        As in :class:`AreaToArea`.
    seed : int
        Of the choice.
    """

    fraction: float = 0.25
    area: str | None = None
    lag: int = 0
    min_rate: float = 0.5
    by: str = "area"
    seed: int = 0
    name = "held_out_neurons"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`; errors as in :class:`AreaToArea`."""
        in_range("fraction", self.fraction, 0.01, 0.99)
        group = _groups(recording, self.by)
        pool = np.ones(group.size, dtype=bool)
        if self.area is not None:
            pool = _members(group, self.area, self.by)
        candidates = np.flatnonzero(pool)
        rng = generator(self.seed, "held out", self.area)
        n_held_out = round(self.fraction * candidates.size)
        held_out = np.zeros(group.size, dtype=bool)
        held_out[rng.choice(candidates, n_held_out, replace=False)] = True
        where = self.area or "all areas"
        target = f"{where} ({n_held_out} held out)"
        return _between(recording, pool & ~held_out, held_out, self, where, target)


def _between(
    recording: Recording,
    is_source: np.ndarray,
    is_target: np.ndarray,
    task: AreaToArea | HeldOutNeurons,
    source: str,
    target: str,
) -> Problem:
    """The problem of predicting one set of neurons from another."""
    notes = []
    if recording.kind == "counts":
        fires = recording.firing_rate >= task.min_rate
        left_out = int((is_target & ~fires).sum())
        if left_out:
            notes.append(
                f"{left_out} of {int(is_target.sum())} target neurons fire less than "
                f"{task.min_rate:g} Hz and are left out"
            )
        if not recording.activity[:, :, is_target].any():
            raise NotEnoughDataError(f"no neuron of the target '{target}' fires a single spike")
        is_target = is_target & fires
    for what, chosen in (("source", is_source), ("target", is_target)):
        if chosen.sum() < 2:
            rate = "" if recording.kind != "counts" else f" of at least {task.min_rate:g} Hz"
            raise NotEnoughDataError(
                f"the {what} '{source if what == 'source' else target}' has {chosen.sum()} "
                f"neurons{rate if what == 'target' else ''}; at least 2 are needed"
            )
    activity = recording.activity
    x, y, time = _lagged(
        activity[:, :, is_source], activity[:, :, is_target], recording.time, task.lag
    )
    problem = Problem(
        task.name,
        source,
        target,
        x,
        y,
        "counts" if recording.kind == "counts" else "continuous",
        time,
        recording.bin_size,
        recording.trials,
        recording.neurons[is_target].reset_index(names="neuron"),
        notes=tuple(notes),
    )
    return _windowed(problem)


@dataclass(frozen=True)
class Behavior:
    """Predict a behaviour variable from neurons.

    Parameters
    ----------
    variable : str
        Name of a variable on (trial, time[, channel]), for example ``"running"``.
    source : str or sequence of str
        ``"rest"`` (here: all neurons) or areas.
    lag : int
        As in :class:`AreaToArea`.
    by : str

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.load("simulated-spontaneous")
    >>> Behavior("running").problem(recording).y.shape
    (20, 100, 1)
    """

    variable: str
    source: str | Sequence[str] = REST
    lag: int = 0
    by: str = "area"
    name = "behavior"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`."""
        if self.variable not in recording.behavior:
            raise UnknownNameError(
                f"unknown behaviour '{self.variable}'."
                + (did_you_mean(self.variable, recording.behavior) or " The recording has none.")
            )
        activity, source = recording.activity, "all"
        if self.source != REST:
            names = [self.source] if isinstance(self.source, str) else list(self.source)
            group = _groups(recording, self.by)
            chosen = np.any([_members(group, name, self.by) for name in names], axis=0)
            activity, source = activity[:, :, chosen], "+".join(names)
        values = recording.dataset[self.variable].values
        y = values[..., np.newaxis] if values.ndim == 2 else values  # (trial, time, channel)
        if not np.isfinite(y).all():
            raise InputError(f"behaviour '{self.variable}' holds NaN; select the trials without it")
        x, y, time = _lagged(activity, y, recording.time, self.lag)
        channels = pd.DataFrame({"channel": [f"{self.variable}_{i}" for i in range(y.shape[2])]})
        return _windowed(
            Problem(
                self.name,
                source,
                self.variable,
                x,
                y,
                "continuous",
                time,
                recording.bin_size,
                recording.trials,
                channels,
            )
        )


# ------------------------------------------------------------------------------------ helpers


def _groups(recording: Recording, by: str) -> np.ndarray:
    """The group each neuron belongs to, as text, (neuron,)."""
    neurons = recording.neurons
    if by not in neurons:
        raise UnknownNameError(f"unknown neuron column '{by}'.{did_you_mean(by, neurons)}")
    return neurons[by].to_numpy().astype(str)


def _members(group: np.ndarray, name: str, by: str) -> np.ndarray:
    found = group == str(name)
    if not found.any():
        raise UnknownNameError(f"unknown {by} '{name}'.{did_you_mean(name, np.unique(group))}")
    return found


def _lagged(
    x: np.ndarray, y: np.ndarray, time: np.ndarray, lag: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair x at bin t - lag with y at bin t, dropping the bins without a partner."""
    n_bins = x.shape[1]
    if abs(lag) > n_bins - 2:
        raise InputError(f"a lag of {lag} bins leaves nothing of trials of {n_bins} bins")
    start, stop = max(lag, 0), n_bins + min(lag, 0)
    return x[:, start - lag : stop - lag], y[:, start:stop], time[start:stop]


def _windowed(problem: Problem, window: int = WINDOW) -> Problem:
    """Cut a single long trial into windows of `window` bins, which then play the part of trials."""
    n_trials, n_bins = problem.y.shape[:2]
    if n_trials > 1:
        return problem
    n_windows = n_bins // window
    if n_windows < 4:
        raise NotEnoughDataError(
            f"a continuous recording of {n_bins} bins gives {n_windows} windows of {window}; "
            "at least 4 are needed"
        )
    kept = n_windows * window
    starts = problem.time[:kept:window]
    return replace(
        problem,
        # 1 x time x neuron -> window x time x neuron
        x=problem.x[0, :kept].reshape(n_windows, window, -1),
        y=problem.y[0, :kept].reshape(n_windows, window, -1),
        time=(np.arange(window) + 0.5) * problem.bin_size,
        trials=pd.DataFrame({"window_start": starts}),
        windows=True,
    )
