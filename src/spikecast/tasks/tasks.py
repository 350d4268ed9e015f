"""Prediction tasks: what predicts what.

A task turns a recording into a :class:`Problem`: what predicts, what is predicted, and its kind of
values (hence the likelihood and the scores). Models see arrays, and the area of each source only if
they need it (:attr:`spikecast.models.base.Model.needs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.core.checks import (
    check_count,
    check_in_range,
    check_kind,
    check_truth,
    quote,
    suggest_name,
    to_list,
)
from spikecast.core.errors import InputError, UnknownNameError
from spikecast.core.seeding import make_rng
from spikecast.data.cuts.units import NO_AREA
from spikecast.data.dataset import resolve_indices
from spikecast.data.recording import UNLABELED, Recording
from spikecast.tasks.behavior import read_behavior
from spikecast.tasks.display import TaskDisplay
from spikecast.tasks.neuron_groups import (
    check_held_out,
    check_two_neurons,
    drop_coincident_sources,
    drop_slow_targets,
    explain_other_target,
    find_members,
    read_groups,
)
from spikecast.tasks.problem import WINDOW, Problem, cut_problem, describe_trials, pair_with_lag
from spikecast.tasks.trial_facts import check_behavior

REST = "rest"


@dataclass(frozen=True, repr=False)
class AreaToArea(TaskDisplay):
    """Predict the neurons of one area from those of other areas.

    Parameters
    ----------
    target : str
        Area to predict.
    source : str or sequence of str
        ``"rest"``: every neuron outside the target that has an area (not ``root``). Or the names
        of one or several areas.
    lag : int
        The source at bin t - lag predicts the target at bin t. Positive: the past predicts.
    min_rate : float
        Target neurons that fire less often (Hz, over the whole recording) are left out; only for
        counts.
    by : str
        Neuron column that names the groups; ``"plane"`` for the imaging data.
    drop_coincident : bool
        Leave out source neurons that look like a target neuron recorded twice.
    conditions : sequence of str, optional
        Trial columns that name the condition (stimulus, instruction). By default the contrasts.

    See Also
    --------
    HeldOutNeurons : prediction within an area.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.load("simulated")
    >>> problem = spikecast.AreaToArea("MOs").problem(recording)
    >>> problem.source, problem.x.shape[2]
    ('rest', 190)
    >>> spikecast.AreaToArea("MOs", source=["VISp", "MD"], lag=3).problem(recording).x.shape
    (200, 247, 130)
    """

    target: str
    source: str | Sequence[str] = REST
    lag: int = 0
    min_rate: float = 0.5
    by: str = "area"
    drop_coincident: bool = True
    conditions: Sequence[str] | None = None
    name = "area_to_area"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`.

        Raises
        ------
        UnknownNameError
            For an area or a neuron column that is not recorded.
        InputError
            When source and target overlap, or the lag is longer than a trial.
        NotEnoughDataError
            When fewer than 2 neurons are left on either side, or no target neuron fires.
        """
        group = read_groups(recording, self.by)
        explain_other_target(recording, self.target, group)
        is_target = find_members(group, self.target, self.by)
        if isinstance(self.source, str) and self.source == REST:
            is_source = ~is_target & ~np.isin(np.char.lower(group), UNLABELED)
        else:
            is_source = find_members(group, self.source, self.by)
            if (is_source & is_target).any():
                raise InputError(
                    f"source and target overlap: {self.by} '{self.target}' is in both. "
                    "Prediction within an area is the task held_out_neurons"
                )
        source = "+".join(map(str, to_list("source", self.source)))
        return _pair_neurons(self, recording, is_source, is_target, source, self.target)


@dataclass(frozen=True, repr=False)
class NeuronsToNeurons(TaskDisplay):
    """Predict some neurons from others, both given by number.

    Parameters
    ----------
    source, target : sequence of int
        Numbers of neurons in the recording; none may be in both.
    source_name, target_name : str
        Their names in tables.
    lag, min_rate
        As in :class:`AreaToArea`.
    by : str
        Neuron column whose groups are given to the models that need them.
    drop_coincident, conditions
        As in :class:`AreaToArea`.

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
    drop_coincident: bool = True
    conditions: Sequence[str] | None = None
    name = "neurons_to_neurons"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`; errors as in :class:`AreaToArea`."""
        check_kind(recording, Recording)
        is_source, is_target = np.zeros((2, recording.n_neurons), dtype=bool)
        is_source[resolve_indices("source neurons", self.source, recording.n_neurons)] = True
        is_target[resolve_indices("target neurons", self.target, recording.n_neurons)] = True
        if both := int((is_source & is_target).sum()):
            raise InputError(f"source and target overlap: {both} neurons are in both")
        return _pair_neurons(
            self, recording, is_source, is_target, self.source_name, self.target_name
        )


@dataclass(frozen=True, repr=False)
class HeldOutNeurons(TaskDisplay):
    """Predict some neurons from the others of the same area or recording (co-smoothing).

    Parameters
    ----------
    fraction : float
        Part of the neurons that is held out, chosen at random.
    area : str, optional
        Only neurons of this area; otherwise all.
    lag, min_rate, by
        As in :class:`AreaToArea`.
    seed : int
        Of the choice of neurons.
    drop_coincident, conditions
        As in :class:`AreaToArea`.

    References
    ----------
    Macke et al. 2011 (models of spiking populations); Pei et al. 2021 (Neural Latents Benchmark).

    Examples
    --------
    >>> import spikecast
    >>> task = spikecast.HeldOutNeurons(0.25, area="MOs")
    >>> problem = task.problem(spikecast.load("simulated"))
    >>> problem.x.shape[2], problem.y.shape[2]
    (38, 12)
    """

    fraction: float = 0.25
    area: str | None = None
    lag: int = 0
    min_rate: float = 0.5
    by: str = "area"
    seed: int = 0
    drop_coincident: bool = True
    conditions: Sequence[str] | None = None
    name = "held_out_neurons"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`; errors as in :class:`AreaToArea`."""
        check_in_range("fraction", self.fraction, 0.01, 0.99)
        pool = find_members(read_groups(recording, self.by), self.area, self.by)
        candidates = np.flatnonzero(pool)
        rng = make_rng(self.seed, "held out", self.area)
        n_held_out = round(self.fraction * candidates.size)
        whole = "the recording" if self.area is None else f"{self.by} '{self.area}'"
        check_held_out(whole, candidates.size, self.fraction, n_held_out)
        held_out = np.zeros(pool.size, dtype=bool)
        held_out[rng.choice(candidates, n_held_out, replace=False)] = True
        place = "" if self.area == NO_AREA else f" of {self.area or 'all areas'}"
        scored, _ = drop_slow_targets(recording, held_out, self.min_rate, "held-out neurons")
        target = f"{scored.sum()} held-out neurons{place}"
        source = f"the other neurons{place}"
        return _pair_neurons(self, recording, pool & ~held_out, held_out, source, target)


@dataclass(frozen=True, repr=False)
class Forecast(TaskDisplay):
    """Predict the last bins of each trial from the bins before them, for all neurons.

    The source is as long as the forecast and mirrored in time: the bin just before it comes first,
    opposite the bin it tells most about. No source bin is later than the forecast's start.

    Parameters
    ----------
    horizon : int
        Bins to predict; at most half of a trial.
    area : str, optional
        Only neurons of this area; otherwise all.
    min_rate, by, conditions
        As in :class:`AreaToArea`.

    Examples
    --------
    >>> import spikecast
    >>> problem = spikecast.Forecast(10).problem(spikecast.load("simulated"))
    >>> problem.y.shape, float(problem.time[0].round(3))
    ((200, 10, 238), 1.905)
    """

    horizon: int
    area: str | None = None
    min_rate: float = 0.5
    by: str = "area"
    conditions: Sequence[str] | None = None
    name = "forecast"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`; errors as in :class:`AreaToArea`."""
        group = read_groups(recording, self.by)
        horizon = check_count("horizon", self.horizon, 1, recording.n_bins // 2)
        pool = find_members(group, self.area, self.by)
        place = self.area or "all areas"
        is_target, notices = drop_slow_targets(recording, pool, self.min_rate, place)
        start = recording.n_bins - horizon
        behavior = read_behavior(recording, recording.time[start:])
        return Problem(
            task=self.name,
            source=f"the {horizon} bins before",
            target=f"{place}, last {horizon} bins",
            x=recording.activity[:, start - horizon : start, pool][:, ::-1].copy(),
            y=recording.activity[:, start:, is_target],
            kind=recording.kind,
            time=recording.time[start:],
            targets=recording.neurons[is_target].reset_index(names="neuron"),
            notices=(*notices, *behavior.notices),
            areas=group[pool],
            source_neurons=np.flatnonzero(pool),
            behavior=behavior.values,
            gaps=behavior.gaps,
            **describe_trials(recording, self.conditions),
        )


@dataclass(frozen=True, repr=False)
class Behavior(TaskDisplay):
    """Predict a behaviour variable from neurons.

    Parameters
    ----------
    variable : str
        Name of a variable on (trial, time[, channel]), for example ``"running"``; see
        :attr:`spikecast.Recording.behavior`.
    source : str or sequence of str
        ``"rest"`` (here: all neurons) or areas.
    lag, by, conditions
        As in :class:`AreaToArea`.
    window : int
        Bins of the windows that a recording of one long trial is cut into; they are what folds
        hold out. Bins that fill none are left out, with a notice. Models see no further.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.load("simulated-spontaneous")
    >>> spikecast.Behavior("running").problem(recording).y.shape
    (20, 100, 1)
    >>> problem = spikecast.Behavior("running", window=150).problem(recording)
    >>> problem.y.shape, str(problem.notices[0])
    ((13, 150, 1), 'the last 50 of 2000 bins do not fill a window of 150 and are left out')
    """

    variable: str
    source: str | Sequence[str] = REST
    lag: int = 0
    by: str = "area"
    window: int = WINDOW
    conditions: Sequence[str] | None = None
    name = "behavior"

    def problem(self, recording: Recording) -> Problem:
        """Return the arrays of this task on `recording`.

        Raises
        ------
        UnknownNameError
            For a variable, an area or a neuron column that is not recorded.
        InputError
            When the variable holds NaN, or the lag is longer than a trial.
        """
        group, source = read_groups(recording, self.by), "all"
        if not isinstance(self.variable, str) or self.variable not in recording.behavior:
            raise UnknownNameError(
                f"unknown behaviour {quote(self.variable)}."
                + (suggest_name(self.variable, recording.behavior) or " The recording has none.")
            )
        activity, neurons = recording.activity, np.arange(recording.n_neurons)
        if not isinstance(self.source, str) or self.source != REST:
            neurons = np.flatnonzero(find_members(group, self.source, self.by))
            source = "+".join(map(str, to_list("source", self.source)))
            activity, group = activity[:, :, neurons], group[neurons]
        y = np.atleast_3d(recording.dataset[self.variable].values)  # (trial, time, channel)
        check_behavior(self.variable, y)
        x, y, time = pair_with_lag(activity, y, recording.time, self.lag)
        problem = Problem(
            task=self.name,
            source=source,
            target=self.variable,
            x=x,
            y=y,
            kind="continuous",
            time=time,
            targets=pd.DataFrame({"channel": [f"{self.variable}_{i}" for i in range(y.shape[2])]}),
            areas=group,
            source_neurons=neurons,
            **describe_trials(recording, self.conditions),
        )
        return cut_problem(problem, self.window)


def _pair_neurons(
    task: AreaToArea | NeuronsToNeurons | HeldOutNeurons,
    recording: Recording,
    is_source: np.ndarray,
    is_target: np.ndarray,
    source: str,
    target: str,
) -> Problem:
    """Return the problem of predicting one set of neurons from another."""
    is_target, notices = drop_slow_targets(recording, is_target, task.min_rate, target)
    which = ""
    if check_truth("drop_coincident", task.drop_coincident):
        is_source, copies = drop_coincident_sources(recording, is_source, is_target)
        notices += copies
        which = "".join(f", with {one.values['n']} left out as recorded twice" for one in copies)
    check_two_neurons(f"source '{source}'", is_source, which)
    activity = recording.activity
    x, y, time = pair_with_lag(
        activity[:, :, is_source], activity[:, :, is_target], recording.time, task.lag
    )
    behavior = read_behavior(recording, time)
    problem = Problem(
        task=task.name,
        source=source,
        target=target,
        x=x,
        y=y,
        kind=recording.kind,
        time=time,
        targets=recording.neurons[is_target].reset_index(names="neuron"),
        notices=(*notices, *behavior.notices),
        areas=read_groups(recording, task.by)[is_source],
        source_neurons=np.flatnonzero(is_source),
        behavior=behavior.values,
        gaps=behavior.gaps,
        **describe_trials(recording, task.conditions),
    )
    return cut_problem(problem)
