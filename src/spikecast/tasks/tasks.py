"""What predicts what.

A task turns a recording into a :class:`Problem`: the array that predicts, the array to predict, and
what kind of values the latter has (hence which likelihood and which scores). Models see arrays, and
only those that ask (:attr:`spikecast.models.base.Model.needs`) the area of each source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.core.checks import check_in_range, suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.dataset import resolve_indices
from spikecast.data.recording import UNLABELED, Recording
from spikecast.tasks.problem import Problem, Task, cut_into_windows, pair_with_lag

__all__ = [
    "AreaToArea",
    "Behavior",
    "Forecast",
    "HeldOutNeurons",
    "NeuronsToNeurons",
    "Problem",
    "Task",
]

REST = "rest"
SLOW_TARGETS = NoticeKind(
    "slow_targets",
    "minor",
    "{n} of {n_targets} target neurons fire less than {min_rate:g} Hz and are left out",
)


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
class NeuronsToNeurons:
    """Predict some neurons from others, both given by number.

    Parameters
    ----------
    source, target : sequence of int
        Numbers of neurons in the recording; none in both.
    source_name, target_name : str
        What tables call them.
    min_rate : float
        As in :class:`AreaToArea`.
    by : str
        Neuron coordinate that models are told, where they want to know.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.load("simulated")
    >>> NeuronsToNeurons(range(5), range(5, 8), "a", "b", min_rate=0).problem(recording).x.shape
    (200, 250, 5)
    """

    source: Sequence[int] | np.ndarray
    target: Sequence[int] | np.ndarray
    source_name: str = "source"
    target_name: str = "target"
    lag: int = 0
    min_rate: float = 0.5
    by: str = "area"
    name = "neurons_to_neurons"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`; errors as in :class:`AreaToArea`."""
        sides = {}
        for side, chosen in (("source", self.source), ("target", self.target)):
            sides[side] = np.zeros(recording.n_neurons, dtype=bool)
            sides[side][resolve_indices(f"{side} neurons", chosen, recording.n_neurons)] = True
        both = int((sides["source"] & sides["target"]).sum())
        if both:
            raise InputError(f"source and target overlap: {both} neurons are in both")
        return _between(
            recording, sides["source"], sides["target"], self, self.source_name, self.target_name
        )


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

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.load("simulated")
    >>> HeldOutNeurons(0.2, area="VISp", min_rate=0).problem(recording).y.shape[-1]
    16
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
        check_in_range("fraction", self.fraction, 0.01, 0.99)
        group = _groups(recording, self.by)
        pool = np.ones(group.size, dtype=bool)
        if self.area is not None:
            pool = _members(group, self.area, self.by)
        candidates = np.flatnonzero(pool)
        rng = make_rng(self.seed, "held out", self.area)
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
    task: AreaToArea | NeuronsToNeurons | HeldOutNeurons,
    source: str,
    target: str,
) -> Problem:
    """The problem of predicting one set of neurons from another."""
    is_target, notices = _active(recording, is_target, task.min_rate, target)
    for what, chosen in (("source", is_source), ("target", is_target)):
        if chosen.sum() < 2:
            rate = "" if recording.kind != "counts" else f" of at least {task.min_rate:g} Hz"
            raise NotEnoughDataError(
                f"the {what} '{source if what == 'source' else target}' has {chosen.sum()} "
                f"neurons{rate if what == 'target' else ''}; at least 2 are needed"
            )
    activity = recording.activity
    x, y, time = pair_with_lag(
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
        notices=notices,
        areas=_groups(recording, task.by)[is_source],
    )
    return cut_into_windows(problem)


@dataclass(frozen=True)
class Forecast:
    """Predict the last bins of each trial from the bins before them, for all neurons.

    The source is as long as the forecast and mirrored in time: the bin just before the forecast
    comes first, so that it stands opposite the bin it tells most about. A model that looks along
    the whole source sees no bin later than the forecast's start.

    Parameters
    ----------
    horizon : int
        Bins to predict; at most half of a trial.
    area : str, optional
        Only neurons of this area; otherwise all.
    min_rate : float
        As in :class:`AreaToArea`.
    by : str

    Examples
    --------
    >>> import spikecast
    >>> problem = Forecast(10).problem(spikecast.load("simulated"))
    >>> problem.y.shape, float(problem.time[0].round(3))
    ((200, 10, 238), 1.905)
    """

    horizon: int
    area: str | None = None
    min_rate: float = 0.5
    by: str = "area"
    name = "forecast"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`; errors as in :class:`AreaToArea`."""
        check_in_range("horizon", self.horizon, 1, recording.n_bins // 2)
        group = _groups(recording, self.by)
        pool = np.ones(group.size, dtype=bool)
        if self.area is not None:
            pool = _members(group, self.area, self.by)
        where = self.area or "all areas"
        kept, notices = _active(recording, pool, self.min_rate, where)
        if kept.sum() < 2:
            raise NotEnoughDataError(
                f"the target '{where}' has {kept.sum()} neurons of at least {self.min_rate:g} Hz; "
                "at least 2 are needed"
            )
        start = recording.n_bins - self.horizon
        return Problem(
            self.name,
            f"the {self.horizon} bins before",
            f"{where}, last {self.horizon} bins",
            recording.activity[:, start - self.horizon : start, pool][:, ::-1].copy(),
            recording.activity[:, start:, kept],
            "counts" if recording.kind == "counts" else "continuous",
            recording.time[start:],
            recording.bin_size,
            recording.trials,
            recording.neurons[kept].reset_index(names="neuron"),
            notices=notices,
            areas=group[pool],
        )


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
                + (suggest_name(self.variable, recording.behavior) or " The recording has none.")
            )
        activity, source, group = recording.activity, "all", _groups(recording, self.by)
        if self.source != REST:
            names = [self.source] if isinstance(self.source, str) else list(self.source)
            chosen = np.any([_members(group, name, self.by) for name in names], axis=0)
            activity, source, group = activity[:, :, chosen], "+".join(names), group[chosen]
        values = recording.dataset[self.variable].values
        y = values[..., np.newaxis] if values.ndim == 2 else values  # (trial, time, channel)
        if not np.isfinite(y).all():
            raise InputError(f"behaviour '{self.variable}' holds NaN; select the trials without it")
        x, y, time = pair_with_lag(activity, y, recording.time, self.lag)
        channels = pd.DataFrame({"channel": [f"{self.variable}_{i}" for i in range(y.shape[2])]})
        return cut_into_windows(
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
                areas=group,
            )
        )


# ------------------------------------------------------------------------------------ helpers


def _groups(recording: Recording, by: str) -> np.ndarray:
    """The group each neuron belongs to, as text, (neuron,)."""
    neurons = recording.neurons
    if by not in neurons:
        raise UnknownNameError(f"unknown neuron column '{by}'.{suggest_name(by, neurons)}")
    return neurons[by].to_numpy().astype(str)


def _members(group: np.ndarray, name: str, by: str) -> np.ndarray:
    found = group == str(name)
    if not found.any():
        raise UnknownNameError(f"unknown {by} '{name}'.{suggest_name(name, np.unique(group))}")
    return found


def _active(
    recording: Recording, chosen: np.ndarray, min_rate: float, target: str
) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """Leave out target neurons that fire too rarely; say how many."""
    if recording.kind != "counts":
        return chosen, ()
    if not recording.activity[:, :, chosen].any():
        raise NotEnoughDataError(f"no neuron of the target '{target}' fires a single spike")
    kept = chosen & (recording.firing_rate >= min_rate)
    left_out = np.flatnonzero(chosen & ~kept)
    if not left_out.size:
        return kept, ()
    notice = SLOW_TARGETS(
        n=left_out.size,
        n_targets=int(chosen.sum()),
        min_rate=float(min_rate),
        neurons=left_out.tolist(),
    )
    return kept, (notice,)
