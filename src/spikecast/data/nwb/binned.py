"""Counts in an NWB file that are aligned and binned already (ndx-binned-spikes)."""

import re
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.data.columns import tidy_columns
from spikecast.data.nwb.columns import read_columns, to_plain
from spikecast.data.nwb.series import list_series
from spikecast.data.nwb.units import read_units
from spikecast.data.recording import Recording

KIND = "BinnedAlignedSpikes"
CLOSE = 1e-6  # seconds; an event and the same one in the trial table
EVENT_TIME = "event_time"


def list_binned(modules: Any) -> list[Any]:
    """Return the binned spikes among objects of a file."""
    return [item for item in modules if type(item).__name__ == KIND]


def read_binned(nwb: Any, binned: Any) -> Recording:
    """Return the recording that a BinnedAlignedSpikes is, with its units and its trials."""
    counts = np.asarray(binned.data[:])
    if counts.ndim != 3:
        raise FormatError(f"'{binned.name}' has shape {counts.shape}, not units x events x bins")
    n_units, n_events, n_bins = counts.shape
    size = float(binned.bin_width_in_ms) / 1000
    start = float(binned.event_to_bin_offset_in_ms or 0.0) / 1000
    events = np.asarray(binned.event_timestamps[:], dtype=float)
    if len(events) != n_events:
        raise FormatError(f"'{binned.name}' has {len(events)} events for {n_events} trials")
    units, area = _find_units(nwb, binned, n_units)
    trials, align_to = _find_trials(nwb, binned, events)
    align_to = _find_own_event(nwb) or align_to
    if counts.dtype.kind == "f" and not (counts == np.floor(counts)).all():
        raise FormatError(f"'{binned.name}' holds fractions, not counts of spikes")
    return Recording.from_arrays(
        counts.transpose(1, 2, 0),
        np.round(start + size * (np.arange(n_bins) + 0.5), 9),
        area,
        trials=trials,
        neurons={name: units[name] for name in units if name not in {*trials, "area", "time"}},
        behavior=_find_behavior(nwb, n_events, n_bins),
        align_to=align_to,
        session=name_session(nwb),
        subject=str(getattr(nwb.subject, "subject_id", "") or ""),
    )


def name_session(nwb: Any) -> str:
    """Return the name of a session: its id, or the file's where that is a bare number."""
    name = str(nwb.session_id or "")
    return name if any(one.isalpha() for one in name) else str(nwb.identifier or name)


def _find_own_event(nwb: Any) -> str:
    """Return the event of a recording that spikecast wrote, empty for files of others."""
    said = re.match("spikes around '(.+)', counted by spikecast$", nwb.session_description)
    return said[1] if said else ""


def _restore_names(columns: dict[str, np.ndarray], table: Any) -> dict[str, np.ndarray]:
    """Return columns that spikecast wrote under the names they had, which describe them."""
    own = {name: str(table[name].description) for name in table.colnames if name in columns}
    return {own.get(name, name): values for name, values in columns.items()}


def _find_units(nwb: Any, binned: Any, n_units: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the columns of the units that were counted, and their areas."""
    region = binned.units_region
    table = nwb.units if region is None else region.table
    rows = np.arange(n_units) if region is None else np.asarray(region.data[:], dtype=int)
    if table is None or len(rows) != n_units or (n_units and rows.max() >= len(table.id)):
        return {}, np.full(n_units, "unknown")
    units, areas, _, _ = read_units(table, nwb.electrodes)
    units = units.iloc[rows]
    ids = {} if "unit" in units else {"unit": units.index.to_numpy()}
    columns = ids | tidy_columns(units)[0]
    if _find_own_event(nwb):
        columns = _restore_names(columns, table)
    named = units[areas[0]].astype(str).to_numpy(dtype=str) if areas else np.full(n_units, "")
    return columns, np.where(named == "", "unknown", named)


def _find_trials(nwb: Any, binned: Any, events: np.ndarray) -> tuple[dict[str, np.ndarray], str]:
    """Return the trial columns of the events, and the name of the event.

    The trial table is that of the file, where one of its columns holds the times of the events.
    """
    columns: dict[str, np.ndarray] = {EVENT_TIME: events}
    indices = binned.condition_indices
    if indices is not None and binned.condition_labels is not None:
        labels = to_plain(binned.condition_labels[:])
        numbers = np.asarray(indices[:], dtype=int)
        if labels is not None and np.isin(numbers, np.arange(len(labels))).all():
            columns["condition"] = labels[numbers].astype(str)
    for table in (nwb.intervals or {}).values():
        frame, _ = read_columns(table)
        column = _match(frame, events)
        if column is not None and _find_own_event(nwb):
            windows = ("start_time", "stop_time", EVENT_TIME)
            kept, _ = tidy_columns(frame.drop(columns=list(windows), errors="ignore"))
            return columns | _restore_names(kept, table), column
        if column is not None:
            more = tidy_columns(frame)[0]
            named = [name for name in more if name not in ("area", "time", "trial", "neuron")]
            return {name: more[name] for name in named} | columns, column
    return columns, "event"


def _find_behavior(nwb: Any, n_events: int, n_bins: int) -> dict[str, np.ndarray]:
    """Return series with one sample per bin of every trial, (trial, time[, channel])."""
    module = (nwb.processing or {}).get("behavior")
    found = {}
    own = bool(_find_own_event(nwb))
    for name, series, _ in list_series([] if module is None else module.data_interfaces.values()):
        shape = np.shape(series.data)
        if own and series.description != "no description":
            name = series.description
        if shape and shape[0] == n_events * n_bins and len(shape) <= 2:
            found[name] = np.asarray(series.data[:]).reshape(n_events, n_bins, *shape[1:])
    return found


def _match(frame: pd.DataFrame, events: np.ndarray) -> str | None:
    """Return the column of a table that holds the times of the events, row by row, or None."""
    if len(frame) != len(events):
        return None
    for name in sorted(map(str, frame), key=lambda name: name != EVENT_TIME):
        values = frame[name]
        if values.dtype.kind == "f" and np.allclose(values, events, rtol=0, atol=CLOSE):
            return name
    return None
