"""Cut a session into the dataset of a recording."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.binning import MOST_VALUES, check_rate, count_bins
from spikecast.data.columns import tidy_columns
from spikecast.data.cuts.behavior import bin_behavior, bin_traces
from spikecast.data.cuts.choices import raise_not_cut
from spikecast.data.cuts.observed import leave_out_unobserved
from spikecast.data.cuts.samples import Bins, Series
from spikecast.data.cuts.silence import leave_out_silence
from spikecast.data.cuts.taken import ATTRIBUTE, write_taken
from spikecast.data.cuts.trials import (
    NONE,
    ONE_LONG_TRIAL,
    Trials,
    check_long_trial,
    choose_trials,
    find_events,
)
from spikecast.data.cuts.units import check_units, choose_units, name_areas
from spikecast.data.dataset import AXES, build_dataset
from spikecast.data.selection import Selection
from spikecast.data.session import RawSession

EDGE_BYTES = 24  # of each bin, while spikes are counted
SOURCE = NoticeKind(
    "source", "minor", "{source}: times in seconds on the session's clock, {start:g} to {stop:g} s"
)
FRAME_RATE = NoticeKind("frame_rate", "minor", "times from frames or samples, {rate:g} per second")
COLUMNS_LEFT_OUT = NoticeKind(
    "columns_left_out",
    "minor",
    "{axis} columns left out, for they hold neither numbers nor text: {columns}",
)
COLUMNS_RENAMED = NoticeKind("columns_renamed", "minor", "{axis} columns renamed: {columns}")


def cut_dataset(raw: RawSession, selection: Selection) -> xr.Dataset:
    """Return the dataset of a recording; see :func:`spikecast.data.cut.cut_session`."""
    check_units(raw)
    if selection.align is None:
        raise_not_cut(raw)
    raw = _use_seconds(raw, selection.frame_rate)
    notices: list[Notice] = [
        SOURCE(source=raw.source, start=raw.duration[0], stop=raw.duration[1]),
        *([FRAME_RATE(rate=selection.frame_rate)] if selection.frame_rate else []),
        *raw.notices,
    ]
    rows, about_units = choose_units(raw, selection.units)
    trials, window, bins, about_trials = _place_bins(raw, selection)
    rows, trials, bins, about_observed = leave_out_unobserved(
        raw, rows, trials, bins, whole=selection.align == NONE
    )
    about_trials += about_observed
    if raw.traces is not None:
        activity, kept, cells, about_traces = bin_traces(raw.traces, rows, bins)
        trials, rows = trials.take(kept), rows[cells]
        bins = replace(bins, events=trials.events)
        about_trials += about_traces
        if not kept.any() or not cells.any():
            raise NotEnoughDataError("; ".join(map(str, about_traces)))
    else:
        assert raw.spikes is not None  # check_units
        if "n_spikes" in raw.units:
            seconds = raw.duration[1] - raw.duration[0]
            check_rate(int(raw.units["n_spikes"].sum()), len(raw.units), seconds)
        _check_size(len(bins.events), bins.n, len(rows))
        activity = raw.spikes.count(rows, bins.events, window, bins.size)
        whole = selection.align == NONE and selection.window is None
        activity, trials, bins, about_silence = leave_out_silence(
            activity, trials, bins, whole, raw.spikes, len(raw.units)
        )
        about_trials += about_silence
    area, about_areas = name_areas(raw, rows, selection.area_column)
    behavior, about_behavior = bin_behavior(raw.behavior, bins, raw.duration)
    columns, about_columns = _name_columns(raw.units.iloc[rows], trials, behavior, area)
    dataset = build_dataset(
        activity,
        np.round(bins.start + bins.size * (np.arange(bins.n) + 0.5), 9),
        area,
        columns["trial"],
        columns["neuron"],
        behavior,
        "counts" if raw.traces is None else "continuous",
    )
    notices += [*about_units, *about_areas, *about_trials, *about_behavior, *about_columns]
    return dataset.assign_attrs(
        align_to=trials.event,
        session=raw.session,
        subject=raw.subject,
        **{ATTRIBUTE: write_taken(notices)},
    )


def _use_seconds(raw: RawSession, frame_rate: float | None) -> RawSession:
    """Return a session whose times are in seconds, where the file counts frames."""
    if not raw.in_frames:
        if frame_rate is not None:
            raise InputError(
                f"the {raw.source} holds its times in seconds; leave out the frame rate"
            )
        return raw
    if frame_rate is None:
        raise InputError(
            f"the {raw.source} does not say how many frames it has per second; give frame_rate"
        )
    if raw.use_rate is not None:
        return raw.use_rate(frame_rate)
    traces = raw.traces
    if traces is not None:
        traces = replace(traces, times=np.asarray(traces.times) / frame_rate)
    return replace(
        raw,
        in_frames=False,
        traces=traces,
        duration=(raw.duration[0] / frame_rate, raw.duration[1] / frame_rate),
    )


def _place_bins(
    raw: RawSession, selection: Selection
) -> tuple[Trials, tuple[float, float], Bins, list[Notice]]:
    """Return the trials, the window, the bins of all trials, and what was taken."""
    assert selection.align is not None
    size, window = selection.bin_size, selection.window
    if size is None and raw.traces is not None:
        size = Series(np.asarray(raw.traces.times, dtype=float), np.zeros(0)).step
    if size is None:
        raise InputError("bin_size is missing: the width of a bin in seconds, for example 0.01")
    if selection.align == NONE:
        start, stop = window or raw.duration
        n = int((stop - start) / size + 1e-6)
        if n < 2:
            raise NotEnoughDataError(f"{start:g} to {stop:g} s hold fewer than 2 bins of {size} s")
        window = (start, start + n * size)
        trials = Trials(np.zeros(1), pd.DataFrame(index=range(1)), "start of the clock")
        notices = [ONE_LONG_TRIAL(start=start, stop=window[1]), *check_long_trial(raw, window)]
    elif window is None:
        raise InputError(
            "window is missing: start and stop around the event in seconds, for example -0.5 and 1"
        )
    else:
        if selection.bin_size is None:  # whole frames
            window = (window[0], window[0] + max(round((window[1] - window[0]) / size), 1) * size)
        n = count_bins(window, size)
        found = find_events(raw, selection.align, selection.trials)
        trials, notices = choose_trials(raw, found, window, tolerance=0.5 * size)
    return trials, window, Bins(trials.events, window[0], size, n), notices


def _check_size(n_trials: int, n_bins: int, n_units: int) -> None:
    """Raise where counts, or the edges of their bins, would take more memory than there may be."""
    if n_trials * n_bins * max(n_units, EDGE_BYTES) > MOST_VALUES:
        raise InputError(
            f"{n_trials} trials x {n_bins} bins x {n_units} units are too many; take wider bins, "
            "or a shorter window"
        )


def _name_columns(
    units: pd.DataFrame, trials: Trials, behavior: Mapping[str, np.ndarray], area: np.ndarray
) -> tuple[dict[str, dict[str, np.ndarray]], list[Notice]]:
    """Return the columns of trials and of neurons under names that are free, and notices."""
    tables = {
        "trial": ({"event_time": trials.events}, *tidy_columns(trials.table)),
        "neuron": ({"unit": units.index.to_numpy()}, *tidy_columns(units)),
    }
    channels = [f"{name}_channel" for name in behavior]
    taken = {*AXES, "activity", "area", *behavior, *channels}
    named: dict[str, dict[str, np.ndarray]] = {}
    notices = []
    for axis, (first, columns, left) in tables.items():
        named[axis] = dict(first)
        taken |= first.keys()
        renamed = []
        for name, values in columns.items():
            same = area if (axis, name) == ("neuron", "area") else named[axis].get(name)
            if same is not None and np.array_equal(same, values):
                continue
            free = name
            while free in taken:
                free = f"{axis}_{free}"
            renamed += [f"{name} is {free}"] if free != name else []
            taken.add(free)
            named[axis][free] = values
        notices += [COLUMNS_LEFT_OUT(axis=axis, columns=left)] if left else []
        notices += [COLUMNS_RENAMED(axis=axis, columns=renamed)] if renamed else []
    return named, notices
