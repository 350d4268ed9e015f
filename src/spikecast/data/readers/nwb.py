"""NWB files: units, fluorescence, trial tables, events and behaviour, by pynwb.

===========================================  ======================================================
in the file                                  in the session
===========================================  ======================================================
``units``                                    units; spike times are read unit by unit when counted
``electrodes``, their groups                 columns ``electrode_...``: the area, where the units
                                             do not say it
``units["obs_intervals"]``                   when each unit was recorded
``trials``, ``epochs``, ``intervals[...]``   trial tables by name; ``invalid_times`` are left out
``acquisition``, ``stimulus``,               behaviour; codes and labels at uneven times become
``processing[...]``                          lists of events ``NAME=CODE``; pulses are counted
``DfOverF``, ``Fluorescence``, ...           fluorescence, where there are no spikes
``BinnedAlignedSpikes``                      a recording, where there are no spike times
===========================================  ======================================================
"""

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.checks import describe_error, shorten_line
from spikecast.core.errors import FormatError, SpikecastError
from spikecast.core.hdf5_check import check_readable
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.nwb.binned import list_binned, name_session, read_binned
from spikecast.data.nwb.columns import read_columns
from spikecast.data.nwb.imaging import read_imaging
from spikecast.data.nwb.observed import INVALID, leave_out_parts, read_invalid, read_observed
from spikecast.data.nwb.series import list_series, read_series
from spikecast.data.nwb.units import find_units, note_silent, open_spikes, read_units
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession, SpikesByUnit

CONTENT = "NWB files (.nwb)"
FIRST_VERSION = re.compile(r"(?:NWB-)?([01]\.[^\n]*)")
SIGNATURE = b"\x89HDF\r\n\x1a\n"
LONGEST = 48 * 3600.0
"""Seconds; a session that seems longer may have its times in another unit."""

LONG = NoticeKind(
    "long_session",
    "serious",
    "the session seems to last {hours:.0f} hours: are its times in milliseconds or samples? They "
    "are taken as seconds",
)
ALSO_IMAGING = NoticeKind("also_imaging", "minor", "the file also holds fluorescence: not taken")
ALSO_BINNED = NoticeKind("also_binned", "minor", "the file also holds binned spikes: not taken")
TABLE_DAMAGED = NoticeKind("table_damaged", "serious", "table '{table}' is not read: {why}")


def sniff(source: Any) -> bool:
    """Return whether a file is HDF5 of NWB, or ends in ``.nwb``; or an object is an NWBFile."""
    if not isinstance(source, Path):
        return _is_nwb_object(source)
    if not source.is_file():
        return False
    if source.suffix.lower() == ".nwb":
        return True
    try:
        with source.open("rb") as file:
            if file.read(len(SIGNATURE)) != SIGNATURE:
                return False
        check_readable(source)
        import h5py

        with h5py.File(source, "r") as opened:
            return "nwb_version" in opened.attrs
    except OSError:
        return False


def _is_nwb_object(source: Any) -> bool:
    kind = type(source)
    return kind.__name__ == "NWBFile" and kind.__module__.split(".")[0] == "pynwb"


def open_sessions(source: Any) -> list[Callable[[], RawSession | Recording]]:
    """Return one callable, which reads the file; or one per set of binned spikes without times."""
    name = f"'{source}'" if isinstance(source, Path) else "the NWBFile"
    with _one_line(name):
        nwb = _open(source) if isinstance(source, Path) else source
        binned = list_binned(_list_objects(nwb))
        if binned and (nwb.units is None or "spike_times" not in nwb.units.colnames):
            return [partial(_guard, name, partial(read_binned, nwb, one)) for one in binned]
    return [partial(_guard, name, partial(read_session, nwb, name))]


def _open(path: Path) -> Any:
    """Return the contents of a file; what is large stays on the disk."""
    try:
        from pynwb import NWBHDF5IO
    except ImportError:
        raise FormatError(
            f"'{path}' is an NWB file; to read it: pip install \"spikecast[nwb]\""
        ) from None
    # the file stays open as long as its contents are used
    check_readable(path)
    _refuse_first_version(path)
    return NWBHDF5IO(str(path), "r", load_namespaces=True).read()


def _refuse_first_version(path: Path) -> None:
    """Raise a FormatError for a file of NWB 1, of which pynwb says that its version is missing."""
    import h5py

    with h5py.File(path, "r") as file:
        found = file.attrs.get("nwb_version", file.get("nwb_version"))  # NWB 1 has a data set
        if isinstance(found, h5py.Dataset):
            found = found[()] if found.size == 1 else ""
    text = found.decode(errors="replace") if isinstance(found, bytes) else str(found)
    if version := FIRST_VERSION.fullmatch(text):
        raise FormatError(
            f"'{path}' is of NWB {shorten_line(version[1])}, and NWB 2 is read: convert it to NWB 2"
        )


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Turn whatever pynwb or HDF5 raise into one line; their warnings are of no use here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except SpikecastError as error:
            if name in str(error):
                raise
            raise FormatError(f"{name}: {error}") from None
        except Exception as error:
            raise FormatError(
                f"{name} is damaged, cut short or not NWB 2{_describe_failure(error)}"
            ) from None


def _describe_failure(error: Exception) -> str:
    """Return what failed as the end of a message, with the place in the file where it is known."""
    if isinstance(error, OSError):
        return f" (a download that broke off?): {describe_error(error)}"
    reason, (place, *more) = describe_error(error), error.args or ("",)
    if hasattr(place, "path") and more:  # hdmf's, of an object that is not made: its place, why
        reason = f"at {shorten_line(place.path)}: {shorten_line(more[-1]).rstrip('.')}"
        return f": {reason}. pynwb-validate lists what else is wrong"
    return f": {reason.rstrip('.')}"


def _guard(name: str, read: Callable[[], Any]) -> Any:
    with _one_line(name):
        return read()


def read_session(nwb: Any, name: str = "the file") -> RawSession:
    """Return the session in an opened file."""
    objects = _list_objects(nwb)
    tables, notices = _read_tables(nwb, objects)
    behavior, events, about_series = read_series(list_series(objects))
    events |= _list_events(nwb, objects)
    invalid, parts, about_invalid = read_invalid(nwb)
    content: dict[str, Any]
    table, about_table = find_units(nwb, objects)
    if table is not None and (stored := open_spikes(table)) is not None:
        units, areas, qualities, about_units = read_units(table, nwb.electrodes)
        duration = stored.span()
        observed, about_observed = read_observed(table, duration, stored.limits)
        observed, about_parts = leave_out_parts(observed, table, units, parts)
        about_units += [*note_silent(stored), *about_observed, *about_parts]
        content = {
            "spikes": SpikesByUnit(partial(_guard_unit, name, stored)),
            "units": units,
            "observed_units": observed,
            "area_columns": areas,
            "quality_columns": qualities,
        }
        if read_imaging_names(objects):
            about_units.append(ALSO_IMAGING())
        if list_binned(objects):
            about_units.append(ALSO_BINNED())
    elif (imaging := read_imaging(objects)) is not None:
        traces, cells, areas, qualities, about_units = imaging
        if not len(traces.times):
            raise FormatError("its fluorescence has no frames")
        duration = (float(traces.times[0]), float(traces.times[-1]))
        content = {
            "traces": traces,
            "units": cells,
            "area_columns": areas,
            "quality_columns": qualities,
        }
    else:
        raise FormatError(
            "it holds neither units with spike times, nor fluorescence of cells, nor binned spikes"
        )
    if duration[1] - duration[0] > LONGEST:
        about_units.append(LONG(hours=(duration[1] - duration[0]) / 3600))
    return RawSession(
        source="NWB file",
        tables=tables,
        events=events,
        behavior=behavior,
        duration=duration,
        invalid=invalid,
        session=name_session(nwb),
        subject=str(getattr(nwb.subject, "subject_id", "") or ""),
        notices=[*about_table, *about_units, *notices, *about_invalid, *about_series],
        **content,
    )


def _guard_unit(name: str, stored: Any, unit: int) -> Any:
    with _one_line(name):
        return stored(unit)


def read_imaging_names(objects: list[Any]) -> bool:
    """Return whether objects of a file hold fluorescence of cells."""
    return any(getattr(one, "roi_response_series", None) for one in objects)


def _list_objects(nwb: Any) -> list[Any]:
    """Return what lies in the processing modules (behaviour first), acquisition and stimuli."""
    modules = sorted((nwb.processing or {}).items(), key=lambda pair: pair[0] != "behavior")
    inside = [item for _, module in modules for item in module.data_interfaces.values()]
    return [*inside, *(nwb.acquisition or {}).values(), *(nwb.stimulus or {}).values()]


def _list_event_tables(nwb: Any) -> list[Any]:
    return list((getattr(nwb, "events", None) or {}).values())


def _list_events(nwb: Any, objects: list[Any]) -> dict[str, np.ndarray]:
    """Return bare lists of event times by name (NWB 2.9, and the extension before it)."""
    events = {
        table.name: np.asarray(table["timestamp"].data[:], dtype=float)
        for table in _list_event_tables(nwb)
    }
    for item in objects:
        if type(item).__name__ in ("Events", "LabeledEvents", "TTLs"):
            events[item.name] = np.asarray(item.timestamps[:], dtype=float)
    return events


def _read_tables(nwb: Any, objects: list[Any]) -> tuple[dict[str, pd.DataFrame], list[Notice]]:
    """Return the tables of trials by name; times that are no part of a session are left out."""
    found = {**(nwb.intervals or {})}
    for table in (nwb.trials, nwb.epochs):
        if table is not None:
            found.setdefault(table.name, table)
    for item in objects:
        if type(item).__name__ == "TimeIntervals":
            found.setdefault(item.name, item)
    for table in _list_event_tables(nwb):
        if set(table.colnames) - {"timestamp", "duration"}:
            found.setdefault(table.name, table)
    found.pop(INVALID, None)
    tables, notices = {}, []
    for name, table in found.items():
        try:
            tables[name], _ = read_columns(table)
        except FormatError as error:
            notices.append(TABLE_DAMAGED(table=name, why=str(error)))
    return {name: table for name, table in tables.items() if len(table)}, notices
