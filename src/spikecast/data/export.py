"""A recording as pynapple objects, as an NWB file, as a tidy table."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.errors import InputError
from spikecast.core.files import prepare_export, write_atomically
from spikecast.data.columns import find_free_name
from spikecast.data.dataset import read_table

EVENT_TIME = "event_time"
SIGNS = "/:"
"""What no name in an NWB file can hold."""
SHORTEST_BIN = 1e-7  # seconds, for pynapple
MOST_ROWS = 100_000_000
RESERVED = ("start", "end", "start_time", "stop_time", "index", "rate", "id", "t")
"""Names that columns of pynapple have already, or that would be taken for the windows."""


def to_frame(dataset: xr.Dataset) -> pd.DataFrame:
    """Return one row per trial, bin and neuron."""
    activity = dataset["activity"].values
    n_trials, n_bins, n_neurons = activity.shape
    if activity.size > MOST_ROWS:
        raise InputError(
            f"the table would have {activity.size:,} rows; select neurons, trials or time first"
        )
    name = "count" if dataset.attrs["kind"] == "counts" else "value"
    return pd.DataFrame(
        {
            "trial": np.repeat(np.arange(n_trials), n_bins * n_neurons),
            "time": np.tile(np.repeat(dataset["time"].values, n_neurons), n_trials),
            "neuron": np.tile(np.arange(n_neurons), n_trials * n_bins),
            "area": np.tile(dataset["area"].values, n_trials * n_bins),
            name: activity.ravel(),
        }
    )


def place_trials(dataset: xr.Dataset) -> np.ndarray:
    """Return the time (trial,) of each trial's event: the session's, or one after the other.

    Trials are laid one after the other where the session's clock is not known, or windows overlap.
    """
    time, size = dataset["time"].values, float(dataset.attrs["bin_size"])
    length = size * len(time)
    if EVENT_TIME in dataset.coords:
        events = dataset[EVENT_TIME].values.astype(float)
        if np.isfinite(events).all() and (np.diff(events) >= length * (1 - 1e-9)).all():
            return events
    start = time[0] - size / 2
    return np.round(np.arange(dataset.sizes["trial"]) * (length + size) - start, 9)


def list_bin_times(dataset: xr.Dataset) -> np.ndarray:
    """Return the centre (trial, time) of every bin on the clock of :func:`place_trials`."""
    return place_trials(dataset)[:, None] + dataset["time"].values


def list_behavior(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """Return behaviour by name, all trials in a row: (trial * time,) or (trial * time, channel)."""
    return {
        str(name): variable.values.reshape(-1, *variable.shape[2:])
        for name, variable in dataset.data_vars.items()
        if variable.dims[:2] == ("trial", "time") and name != "activity"
    }


def _name_columns(
    dataset: xr.Dataset, axis: str, taken: Collection[str], signs: str = ""
) -> dict[str, str]:
    """Return the name of each column of trials or neurons in another package.

    Parameters
    ----------
    dataset : Dataset
    axis : str
        Stands before what is `taken`: names that the package uses itself.
    taken : collection of str
    signs : str
        What names cannot hold, each becomes ``_``.
    """
    given = [str(name) for name in read_table(dataset, axis)]
    names: dict[str, str] = {}
    for column in given:
        name = _replace_signs(column, signs)
        name = f"{axis}_{name}" if name in taken else name
        others = {*taken, *names.values(), *given} - {column}
        names[column] = find_free_name(name, others)
    return names


def _replace_signs(name: str, signs: str) -> str:
    plain = "".join("_" if sign in signs else sign for sign in name)
    return "_" if plain in ("", ".", "..") else plain


def _list_columns(dataset: xr.Dataset, axis: str, names: dict[str, str]) -> dict[str, np.ndarray]:
    """Return the columns of trials or neurons under their `names` in another package."""
    table = read_table(dataset, axis)
    return {names[str(name)]: table[name].to_numpy() for name in table}


def _take_event_time(dataset: xr.Dataset) -> tuple[str, ...]:
    """Return the name of the column of events where it holds other times than the trials get."""
    if EVENT_TIME not in dataset.coords:
        return ()
    return () if np.array_equal(dataset[EVENT_TIME], place_trials(dataset)) else (EVENT_TIME,)


def _name_extra(package: str) -> str:
    return f'this needs {package}: pip install "spikecast[{package}]"'


def to_pynapple(dataset: xr.Dataset) -> dict[str, Any]:
    """Return pynapple objects by name; see :meth:`spikecast.Recording.to_pynapple`."""
    try:
        import pynapple as nap
    except ImportError:
        raise InputError(_name_extra("pynapple")) from None
    times = list_bin_times(dataset)
    half = float(dataset.attrs["bin_size"]) / 2
    starts, ends = times[:, 0] - half, times[:, -1] + half
    # windows that touch would be joined: a microsecond between them
    ends[:-1] = np.minimum(ends[:-1], starts[1:] - 2e-6)
    if 2 * half < SHORTEST_BIN:
        raise InputError(
            f"bins of {2 * half:g} s are too short for pynapple, which rounds times to a "
            f"nanosecond: cut the session into bins of {SHORTEST_BIN:g} s or more"
        )
    if (ends <= starts).any():
        raise InputError(
            f"trials of {2 * half * times.shape[1]:g} s are too short for pynapple, in which two "
            "microseconds are left between them: cut the session into longer ones"
        )
    support = nap.IntervalSet(start=starts, end=ends)
    names = _name_columns(dataset, "trial", (*RESERVED, *_take_event_time(dataset)))
    trials = _list_columns(dataset, "trial", names) | {EVENT_TIME: place_trials(dataset)}
    names = _name_columns(dataset, "neuron", RESERVED)
    neurons = pd.DataFrame(_list_columns(dataset, "neuron", names))
    activity = dataset["activity"].values
    objects: dict[str, Any] = {}
    with warnings.catch_warnings():  # of names that cannot be written behind a point
        warnings.filterwarnings("ignore", message="Metadata name", category=UserWarning)
        metadata = pd.DataFrame(trials)
        objects["trials"] = nap.IntervalSet(start=starts, end=ends, metadata=metadata)
        if dataset.attrs["kind"] == "counts":
            trains = {
                neuron: nap.Ts(
                    _spread_spikes(activity[:, :, neuron], times, 2 * half), time_support=support
                )
                for neuron in range(activity.shape[2])
            }
            objects["units"] = nap.TsGroup(trains, time_support=support, metadata=neurons)
        else:
            flat = activity.reshape(-1, activity.shape[2])
            objects["units"] = nap.TsdFrame(t=times.ravel(), d=flat, metadata=neurons)
    for name, values in list_behavior(dataset).items():
        make = nap.Tsd if values.ndim == 1 else nap.TsdFrame
        objects[name] = make(t=times.ravel(), d=values)
    return objects


def _spread_spikes(counts: np.ndarray, times: np.ndarray, bin_size: float) -> np.ndarray:
    """Return times with as many spikes in each bin as it counts, evenly within the bin."""
    flat = counts.ravel().astype(np.int64)
    bins = np.flatnonzero(flat)
    of_bin = flat[bins]
    first = np.repeat(np.cumsum(of_bin) - of_bin, of_bin)
    place = np.arange(of_bin.sum()) - first
    share = (place + 0.5) / np.repeat(of_bin, of_bin) - 0.5
    return np.repeat(times.ravel()[bins], of_bin) + share * bin_size


def to_nwb(dataset: xr.Dataset, path: str | Path) -> None:
    """Write an NWB file; see :meth:`spikecast.Recording.to_nwb`."""
    path = prepare_export(path, ".nwb")
    if dataset.attrs["kind"] != "counts":
        raise InputError("to_nwb writes counts of spikes; keep continuous values with save")
    try:
        import h5py
        from pynwb import NWBHDF5IO

        _check_columns(dataset)
        nwb = _make_nwb(dataset)  # first: a file that is open knows no extension loaded after it
    except ImportError:
        raise InputError(_name_extra("nwb")) from None
    whole = BytesIO()  # the HDF5 library crashes where a disk is full
    with h5py.File(whole, "w") as file, NWBHDF5IO(file=file, mode="w") as io:
        io.write(nwb)
    with write_atomically(path) as temporary:
        temporary.write_bytes(whole.getbuffer())


def _check_columns(dataset: xr.Dataset) -> None:
    """Raise for columns that NWB cannot hold: durations, integers beyond 2**63."""
    for axis in ("trial", "neuron"):
        table = read_table(dataset, axis)
        for name in table:
            values = table[name].to_numpy()
            large = values.dtype.kind == "u" and values.max() > np.iinfo(np.int64).max
            if large or values.dtype.kind == "m":
                held = "whole numbers beyond 2**63" if large else str(values.dtype)
                raise InputError(
                    f"{axis} column '{name}' holds {held}, which NWB cannot; give it as decimal "
                    "numbers (durations in seconds), or leave it out"
                )


def _make_nwb(dataset: xr.Dataset) -> Any:
    from ndx_binned_spikes import BinnedAlignedSpikes
    from pynwb import NWBFile
    from pynwb.file import Subject

    attributes = dataset.attrs
    name = str(attributes["session"]) or "recording"
    nwb = NWBFile(
        session_description=f"spikes around '{attributes['align_to']}', counted by spikecast",
        identifier=name,
        session_id=name,
        session_start_time=datetime(1970, 1, 1, tzinfo=UTC),
        subject=Subject(subject_id=str(attributes["subject"])) if attributes["subject"] else None,
    )
    events, size = place_trials(dataset), float(attributes["bin_size"])
    _add_units(nwb, dataset)
    _add_trials(nwb, dataset, events)
    region = nwb.units.create_region(
        name="units_region", region=list(range(dataset.sizes["neuron"])), description="the units"
    )
    module = nwb.create_processing_module(name="ecephys", description="counts of spikes")
    module.add(
        BinnedAlignedSpikes(
            data=np.ascontiguousarray(dataset["activity"].values.transpose(2, 0, 1)),
            event_timestamps=events,
            bin_width_in_ms=1000 * size,
            event_to_bin_offset_in_ms=1000 * float(dataset["time"].values[0] - size / 2),
            description=f"counts around '{attributes['align_to']}'",
            units_region=region,
        )
    )
    _add_behavior(nwb, dataset)
    return nwb


def _add_units(nwb: Any, dataset: xr.Dataset) -> None:
    """Add one electrode per area and one unit per neuron."""
    from pynwb.misc import Units

    area = dataset["area"].values.astype(str)
    names = sorted(set(area))
    device = nwb.create_device(name="probe")
    groups: list[str] = []
    for name in names:
        plain = _replace_signs(name or "unknown", SIGNS)
        groups.append(find_free_name(plain, {*names, *groups} - {name}))
        place = name or "unknown"  # NWB wants one
        group = nwb.create_electrode_group(
            name=groups[-1], description="units of an area", location=place, device=device
        )
        nwb.add_electrode(location=place, group=group)
    given = _name_columns(dataset, "neuron", _list_names(Units), SIGNS)
    columns = _list_columns(dataset, "neuron", given)
    columns.pop(given.pop("area"))
    for column, name in given.items():
        nwb.add_unit_column(name=name, description=column)
    for neuron in range(len(area)):
        nwb.add_unit(
            electrodes=[names.index(area[neuron])],
            **{name: _to_plain(values[neuron]) for name, values in columns.items()},
        )


def _list_names(table: type) -> set[str]:
    """Return the names that columns of a table of NWB cannot have, as it uses them itself."""
    own = {column["name"] for column in table.__columns__}  # type: ignore[attr-defined]
    return {*dir(table), *own, *RESERVED, ".", ".."}


def _add_trials(nwb: Any, dataset: xr.Dataset, events: np.ndarray) -> None:
    from pynwb.epoch import TimeIntervals

    taken = (*_list_names(TimeIntervals), *_take_event_time(dataset))
    given = _name_columns(dataset, "trial", taken, SIGNS)
    columns = _list_columns(dataset, "trial", given) | {EVENT_TIME: events}
    described = {name: column for column, name in given.items()} | {EVENT_TIME: EVENT_TIME}
    for name, column in described.items():
        nwb.add_trial_column(name=name, description=column)
    half = float(dataset.attrs["bin_size"]) / 2
    first, last = dataset["time"].values[[0, -1]]
    for trial, event in enumerate(events):
        nwb.add_trial(
            start_time=float(event + first - half),
            stop_time=float(event + last + half),
            **{name: _to_plain(values[trial]) for name, values in columns.items()},
        )


def _add_behavior(nwb: Any, dataset: xr.Dataset) -> None:
    behavior = list_behavior(dataset)
    if not behavior:
        return
    from pynwb import TimeSeries

    module = nwb.create_processing_module(name="behavior", description="in the bins of the counts")
    times = list_bin_times(dataset).ravel()
    names: list[str] = []
    for given, values in behavior.items():
        names.append(find_free_name(_replace_signs(given, SIGNS), {*behavior, *names} - {given}))
        series = TimeSeries(
            name=names[-1], description=given, data=values, timestamps=times, unit="n/a"
        )
        module.add(series)


def _to_plain(value: Any) -> Any:
    """Return a value as NWB holds it: numbers, booleans and text; dates as text."""
    if isinstance(value, np.datetime64 | pd.Timestamp):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value
