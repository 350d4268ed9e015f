"""A recording as pynapple objects, as an NWB file, as a tidy table."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.errors import InputError
from spikecast.core.files import prepare_export, write_atomically
from spikecast.data.dataset import read_table

EVENT_TIME = "event_time"
MOST_ROWS = 100_000_000
RESERVED = ("start", "end", "start_time", "stop_time", "index", "rate", "id", "t")
"""Names that columns of pynapple or NWB tables have already."""


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


def _list_columns(dataset: xr.Dataset, axis: str) -> dict[str, np.ndarray]:
    """Return the columns of trials or neurons under names that other packages allow."""
    table = read_table(dataset, axis)
    return {
        f"{axis}_{name}" if name in RESERVED else str(name): table[name].to_numpy()
        for name in table
    }


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
    trials = _list_columns(dataset, "trial") | {EVENT_TIME: place_trials(dataset)}
    support = nap.IntervalSet(start=starts, end=ends)
    objects: dict[str, Any] = {
        "trials": nap.IntervalSet(start=starts, end=ends, metadata=pd.DataFrame(trials))
    }
    neurons = pd.DataFrame(_list_columns(dataset, "neuron"))
    activity = dataset["activity"].values
    if dataset.attrs["kind"] == "counts":
        trains = {
            neuron: nap.Ts(_spread_spikes(activity[:, :, neuron], times, 2 * half))
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
    """Raise for columns that NWB cannot hold: complex numbers, durations, integers beyond 2**63."""
    for axis in ("trial", "neuron"):
        for name, values in _list_columns(dataset, axis).items():
            large = values.dtype.kind == "u" and values.max() > np.iinfo(np.int64).max
            if large or values.dtype.kind in "cm":
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
    area = dataset["area"].values.astype(str)
    names = sorted(set(area))
    device = nwb.create_device(name="probe")
    for name in names:
        group = nwb.create_electrode_group(
            name=name.replace("/", "_") or "unknown",
            description="units of an area",
            location=name,
            device=device,
        )
        nwb.add_electrode(location=name, group=group)
    columns = _list_columns(dataset, "neuron")
    columns.pop("area")
    for name in columns:
        nwb.add_unit_column(name=name, description=name)
    for neuron in range(len(area)):
        nwb.add_unit(
            electrodes=[names.index(area[neuron])],
            **{name: _to_plain(values[neuron]) for name, values in columns.items()},
        )


def _add_trials(nwb: Any, dataset: xr.Dataset, events: np.ndarray) -> None:
    columns = _list_columns(dataset, "trial") | {EVENT_TIME: events}
    for name in columns:
        nwb.add_trial_column(name=name, description=name)
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
    for name, values in behavior.items():
        module.add(TimeSeries(name=name, data=values, timestamps=times, unit="n/a"))


def _to_plain(value: Any) -> Any:
    """Return a value as NWB holds it: numbers, booleans and text; dates as text."""
    if isinstance(value, np.datetime64 | pd.Timestamp):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value
