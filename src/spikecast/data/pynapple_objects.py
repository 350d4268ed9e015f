"""Objects of pynapple as a session: spikes, fluorescence, trials, events and behaviour by name."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.array_files import AREA_NAMES, find_columns
from spikecast.data.columns import find_qualities
from spikecast.data.session import RawSession, Samples, SpikesByUnit

UNITS = "units"
UNIT = "unit"
KINDS = ("TsGroup", "TsdFrame", "Tsd", "Ts", "IntervalSet")

SUPPORT = NoticeKind(
    "several_epochs",
    "serious",
    "the time support of the units has {n} epochs ({share:.0%} of the time from first to last): "
    "windows between them hold no spikes; restrict the trials to it",
)


def find_kind(value: Any) -> str:
    """Return which of pynapple's classes an object is of, "" for another; pynapple is not loaded.

    Examples
    --------
    >>> find_kind([1.0, 2.0])
    ''
    """
    for one in type(value).__mro__:
        if one.__module__.split(".")[0] == "pynapple" and one.__name__ in KINDS:
            return one.__name__
    return ""


def read_objects(objects: Any) -> RawSession:
    """Return the session in pynapple objects by name, or in a single TsGroup.

    Parameters
    ----------
    objects : mapping of str -> object, or TsGroup
        One TsGroup (units, with metadata) or, under the name ``units``, a TsdFrame (fluorescence);
        any number of IntervalSet or DataFrame (trial tables), Ts or lists of times (events), Tsd
        and TsdFrame (behaviour).

    Raises
    ------
    InputError
        Where there are no units, or several groups of them, or another object.
    """
    if find_kind(objects):
        objects = {UNITS: objects}
    objects = {str(name): value for name, value in objects.items()}
    kinds = {name: find_kind(value) for name, value in objects.items()}
    groups = [name for name, kind in kinds.items() if kind == "TsGroup"]
    if len(groups) > 1:
        raise InputError(f"'{groups[0]}' and '{groups[1]}' are both groups of units; give one")
    chosen = groups[0] if groups else UNITS
    if not groups and kinds.get(UNITS) != "TsdFrame":
        raise InputError(
            "there are no units among the objects: give a TsGroup, or a TsdFrame of fluorescence "
            f"named '{UNITS}'"
        )
    tables: dict[str, pd.DataFrame] = {}
    events: dict[str, np.ndarray] = {}
    behavior: dict[str, Samples] = {}
    for name, value in objects.items():
        if name == chosen:
            continue
        if kinds[name] == "IntervalSet":
            tables[name] = pd.DataFrame(value.as_dataframe())
        elif isinstance(value, pd.DataFrame):
            tables[name] = value
        elif kinds[name] in ("Tsd", "TsdFrame"):
            behavior[name] = Samples(
                np.asarray(value.t), np.asarray(value.values), is_position="position" in name
            )
        else:
            events[name] = _read_times(name, value, kinds[name])
            if kinds[name] == "Ts":
                behavior[name] = Samples(events[name])
    return _read_units(objects[chosen], tables, events, behavior)


def _read_times(name: str, value: Any, kind: str) -> np.ndarray:
    try:
        times = np.asarray(value.t if kind else value)
    except ValueError:
        times = np.zeros((0, 2))
    if times.ndim != 1 or times.dtype.kind not in "iuf":
        raise InputError(
            f"'{name}' is {type(value).__name__}; beside units there may be IntervalSet or "
            "DataFrame (trials), Ts or lists of times (events), Tsd and TsdFrame (behaviour)"
        )
    return times.astype(float)


def _read_units(
    units: Any,
    tables: dict[str, pd.DataFrame],
    events: dict[str, np.ndarray],
    behavior: dict[str, Samples],
) -> RawSession:
    group = find_kind(units) == "TsGroup"
    keys = list(units.keys()) if group else list(units.columns)
    table = pd.DataFrame(units.metadata).set_axis(pd.Index(keys, name=UNIT), axis=0)
    if UNIT in table and table[UNIT].is_unique:
        table = table.set_index(UNIT)
    support = units.time_support
    starts, ends = np.atleast_1d(support.start), np.atleast_1d(support.end)
    if not len(starts):
        raise InputError("the units have an empty time support")
    span = float(ends.max() - starts.min())
    share = float((ends - starts).sum()) / span if span > 0 else 1.0
    notices: list[Notice] = []
    if group and share < 1:
        notices.append(SUPPORT(n=len(starts), share=share))
    return RawSession(
        source="pynapple objects",
        units=table,
        spikes=SpikesByUnit(_make_reader(units, keys)) if group else None,
        traces=None if group else Samples(np.asarray(units.t), np.asarray(units.values)),
        tables=tables,
        events=events,
        behavior=behavior,
        area_columns=find_columns(table, AREA_NAMES),
        quality_columns=find_qualities(table),
        duration=(float(starts.min()), float(ends.max())),
        notices=notices,
    )


def _make_reader(units: Any, keys: list[Any]) -> Callable[[int], np.ndarray]:
    return lambda unit: np.asarray(units[keys[unit]].t, dtype=float)


def holds_pynapple(source: Any) -> bool:
    """Return whether an object is of pynapple and holds units, or is a mapping that holds some."""
    if find_kind(source) in ("TsGroup", "TsdFrame"):
        return True
    if not isinstance(source, Mapping):
        return False
    return any(find_kind(value) in ("TsGroup", "TsdFrame") for value in source.values())
