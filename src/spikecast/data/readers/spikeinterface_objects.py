"""Sortings of SpikeInterface, by their own methods; the package itself is not needed.

``BaseSorting`` gives ``unit_ids``, ``get_unit_spike_train(unit_id, segment_index, return_times)``
and properties of units, which become columns. A sorting of several segments is as many sessions.
A dict of objects, ``{"units": sorting, "trials": table}``, adds trial tables and lists of events.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.checks import to_numeric
from spikecast.core.errors import FormatError, InputError
from spikecast.core.numbers import decode_bytes
from spikecast.data.array_files import AREA_NAMES, is_plain
from spikecast.data.columns import find_qualities
from spikecast.data.session import RawSession, SpikesByUnit

CONTENT = "sortings of SpikeInterface"
METHODS = ("unit_ids", "get_unit_spike_train", "get_num_segments", "get_property_keys")
UNITS = ("units", "sorting")  # names of the sorting in a dict of objects


def sniff(source: Any) -> bool:
    """Return whether an object has the methods of a sorting, or is a dict that holds one."""
    return _find_sorting(source) is not None


def _find_sorting(source: Any) -> Any:
    if isinstance(source, Mapping):
        source = next((source[name] for name in UNITS if name in source), None)
    return source if all(hasattr(type(source), name) for name in METHODS) else None


def open_sessions(source: Any) -> list[Callable[[], RawSession]]:
    """Return one callable per segment of a sorting."""
    sorting = _find_sorting(source)
    others = (
        {name: value for name, value in source.items() if value is not sorting}
        if isinstance(source, Mapping)
        else {}
    )
    n_segments = int(sorting.get_num_segments())
    if n_segments > 1 and others:
        raise InputError(
            f"the sorting has {n_segments} segments, so trials cannot be told apart; give one "
            "segment: sorting.select_segments([0])"
        )
    return [partial(read_sorting, sorting, segment, others) for segment in range(n_segments)]


def read_sorting(sorting: Any, segment: int, others: Mapping[str, Any]) -> RawSession:
    """Return the session of one segment; spikes are asked for when they are counted."""
    ids = list(sorting.unit_ids)
    if not ids:
        raise FormatError("the sorting has no units")
    units = pd.DataFrame(index=pd.Index(ids, name="unit", tupleize_cols=False))
    for key in sorting.get_property_keys():
        values = np.asarray(sorting.get_property(key))
        if values.dtype.kind == "S":
            values = np.vectorize(decode_bytes, otypes=[str])(values)
        if values.ndim == 1 and len(values) == len(ids) and values.dtype.names is None:
            column = pd.Series(values, index=units.index)
            if is_plain(column):
                units[str(key)] = column
    read_unit = partial(_read_train, sorting, ids, segment)
    last = max((times[-1] for times in map(read_unit, range(len(ids))) if len(times)), default=0.0)
    tables, events = _read_others(others)
    return RawSession(
        source="SpikeInterface sorting",
        units=units,
        spikes=SpikesByUnit(read_unit),
        tables=tables,
        events=events,
        area_columns=[str(name) for name in units if str(name).casefold() in AREA_NAMES],
        quality_columns=find_qualities(units),
        duration=(0.0, float(last)),
        session=f"segment {segment}" if segment else "",
    )


def _read_train(sorting: Any, ids: list[Any], segment: int, row: int) -> np.ndarray:
    """Return the times (spike,) of one unit, in seconds."""
    train = sorting.get_unit_spike_train(ids[row], segment_index=segment, return_times=True)
    times = to_numeric(f"times of unit {ids[row]} of the sorting", train).astype(float)
    if times.ndim != 1 or not np.isfinite(times).all() or (np.diff(times) < 0).any():
        raise FormatError(f"times of unit {ids[row]} of the sorting are not finite and ascending")
    return times


def _read_others(
    others: Mapping[str, Any],
) -> tuple[dict[str, pd.DataFrame], dict[str, np.ndarray]]:
    """Return trial tables and lists of events among the objects beside a sorting."""
    tables, events = {}, {}
    for name, value in others.items():
        if isinstance(value, pd.DataFrame):
            tables[str(name)] = value
            continue
        times = np.asarray(value)
        if times.ndim != 1 or times.dtype.kind not in "iuf":
            raise InputError(
                f"'{name}' is {type(value).__name__}; beside a sorting there may be tables "
                "(DataFrame) of trials and lists of times"
            )
        events[str(name)] = times.astype(float)
    return tables, events
