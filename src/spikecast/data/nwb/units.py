"""The units of an NWB file: their columns, their areas, and spikes that are read unit by unit."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.array_files import AREA_NAMES, find_columns
from spikecast.data.columns import find_qualities
from spikecast.data.nwb.columns import read_columns, to_plain
from spikecast.data.nwb.electrodes import find_electrodes, list_references
from spikecast.data.nwb.observed import OBSERVED

FEW_LABELS = 10
STARTS_AT_ZERO = 60.0  # seconds; a first spike later than that is not taken for the start
MEAN_DISTANCES = 10  # of spikes of all units; silence so long is rare while a session lasts

IDS_TWICE = NoticeKind(
    "unit_ids_twice",
    "minor",
    "{n} of {n_units} units have an id that another has, too (is each probe numbered by itself?): "
    "units are called by their row, from 0, and the file's ids stand in the column 'id'",
)
OTHER_TABLE = NoticeKind(
    "units_of_module", "minor", "units are those of '{name}' in a processing module"
)
UNITS_LEFT = NoticeKind(
    "units_of_module_left",
    "minor",
    "units in a processing module are not read beside fluorescence: {names}",
)
NO_SPIKES = NoticeKind("units_without_spikes", "minor", "{n} of {n_units} units have no spikes")
LISTS_LEFT = NoticeKind(
    "unit_lists", "minor", "columns of units that hold lists are not read: {columns}"
)


class StoredTimes:
    """Times (spike,) in a file, read in blocks of whole chunks; the last block is kept.

    HDF5 unpacks a chunk that is larger than its cache (1 MB) at each look, and there are two looks
    at each unit.
    """

    block = 2**17  # spikes, at least

    def __init__(self, times: Any) -> None:
        shape, stored = np.shape(times), getattr(times, "dtype", np.dtype(float))
        if math.prod(shape[1:]) != 1:
            raise FormatError(f"spike_times has shape {shape}; it must have one axis")
        self._stored = times
        # coarse times stay coarse: whether they are fine enough depends on the bins
        is_coarse = stored.kind == "f" and stored.itemsize < np.dtype(float).itemsize
        self._kind = stored.newbyteorder("=") if is_coarse else np.dtype(float)
        chunk = (getattr(times, "chunks", None) or (1,))[0]
        self._length = chunk * -(-self.block // chunk)
        self._first, self._kept = -1, np.empty(0, self._kind)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the times from one place up to another."""
        parts = [np.empty(0, self._kind)]
        for first in range(start - start % self._length, stop, self._length):
            if first != self._first:
                kept = np.asarray(self._stored[first : first + self._length], dtype=self._kind)
                self._first, self._kept = first, kept.reshape(-1)
            parts.append(self._kept[max(start - first, 0) : stop - first])
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class StoredSpikes:
    """Spike times of units in one dataset; those of a unit are read when they are asked for.

    Parameters
    ----------
    times : StoredTimes, (spike,)
    ends : array of int, (unit,)
        Where each unit's spikes end in it.
    ids : array, (unit,)
        For messages.
    """

    times: StoredTimes
    ends: np.ndarray
    ids: np.ndarray

    def __call__(self, unit: int) -> np.ndarray:
        """Return the times (spike,) of a unit in seconds, ascending."""
        start = int(self.ends[unit - 1]) if unit else 0
        times = self.times.read(start, int(self.ends[unit]))
        if not np.isfinite(times).all():
            raise FormatError(f"unit {self.ids[unit]} has spike times that are NaN or infinite")
        return times if (np.diff(times) >= 0).all() else np.sort(times)

    @cached_property
    def limits(self) -> np.ndarray:
        """The first and the last time of each unit, (unit, 2); NaN without spikes.

        All times are read: not every tool writes those of a unit in order.
        """
        starts = np.concatenate([[0], self.ends[:-1]])
        limits = np.full((len(self.ends), 2), np.nan)
        for unit in np.flatnonzero(self.ends > starts):
            times = self.times.read(int(starts[unit]), int(self.ends[unit]))
            finite = times[np.isfinite(times)]  # others are refused where they are counted
            if finite.size:
                limits[unit] = finite.min(), finite.max()
        return limits

    def span(self) -> tuple[float, float]:
        """Return the first and the last time of the session, in seconds.

        It lasts a few mean distances of spikes (of all units) longer than the last spike.
        """
        limits = self.limits
        if np.isnan(limits).all():
            return 0.0, 0.0
        first, last = float(np.nanmin(limits)), float(np.nanmax(limits))
        silence = MEAN_DISTANCES * (last - first) / max(int(self.ends[-1]), 1)
        return (0.0 if 0 <= first < STARTS_AT_ZERO else first), last + silence


def find_units(nwb: Any, objects: list[Any]) -> tuple[Any | None, list[Notice]]:
    """Return the table of units, and a notice where it is not the file's own.

    Without one it is the one with spike times among `objects`, where there is no fluorescence.
    """
    if nwb.units is not None:
        return nwb.units, []
    kinds = [{kind.__name__ for kind in type(one).__mro__} for one in objects]
    tables = [one for one, of_one in zip(objects, kinds) if "Units" in of_one]
    tables = [one for one in tables if "spike_times" in one.colnames]
    if not tables:
        return None, []
    names = [table.name for table in tables]
    if any(getattr(one, "roi_response_series", None) for one in objects):
        return None, [UNITS_LEFT(names=names)]
    if len(tables) > 1:
        raise FormatError(
            f"units stand in several tables of processing modules ({', '.join(names)}), and none "
            "is the file's own: write those to be read as 'units' (nwbfile.add_unit)"
        )
    return tables[0], [OTHER_TABLE(name=names[0])]


def open_spikes(units: Any) -> StoredSpikes | None:
    """Return the spikes of a units table, or None where it has none."""
    if "spike_times" not in units.colnames:
        return None
    index = units.spike_times_index
    ends = np.asarray(index.data[:], dtype=np.int64)
    times = index.target.data
    n_times = len(times)
    if len(ends) != len(units.id):
        raise FormatError(f"spike_times has {len(ends)} entries for {len(units.id)} units")
    if len(ends) and ((np.diff(ends) < 0).any() or ends[0] < 0 or ends[-1] > n_times):
        raise FormatError("spike_times_index does not fit the spike times: the file is damaged")
    if (rest := n_times - (int(ends[-1]) if len(ends) else 0)) > 0:
        raise FormatError(
            f"the last {rest} of {n_times} spike times are of no unit: spike_times_index ends "
            "before them; write units and spikes together (add_unit)"
        )
    return StoredSpikes(StoredTimes(times), ends, np.asarray(units.id[:]))


def read_units(
    units: Any, electrodes: Any
) -> tuple[pd.DataFrame, list[str], list[str], list[Notice]]:
    """Return the table of units, its columns of areas and of qualities, and notices."""
    table, others = read_columns(units)
    notices: list[Notice] = []
    if n_twice := int(table.index.duplicated(keep=False).sum()):
        notices.append(IDS_TWICE(n=n_twice, n_units=len(table)))
        table = table.reset_index(names="id")
    read = ("spike_times", "electrodes", "electrode_group", OBSERVED, *list_references(units))
    lists = set(others).difference(read)
    if lists:
        notices.append(LISTS_LEFT(columns=sorted(lists)))
    found, about = find_electrodes(units, table, electrodes)
    notices += about
    own = [name for name in find_columns(table, AREA_NAMES) if _is_text(table[name])]
    areas = own + _take_electrode_columns(table, found)
    if found is None and (groups := _read_groups(units, len(table))) is not None:
        table["electrode_group_location"] = groups
        areas.append("electrode_group_location")
    qualities = [one for one in find_qualities(table) if table[one].nunique() <= FEW_LABELS]
    return table, areas, qualities, notices


def _take_electrode_columns(table: pd.DataFrame, electrodes: pd.DataFrame | None) -> list[str]:
    """Add columns of each unit's electrode to the units; return the one that names areas.

    Of several the first counts, for others are coarser or finer names of the same; the location of
    the group only counts where no electrode has one.
    """
    if electrodes is None:
        return []
    known = find_columns(electrodes, (*AREA_NAMES, "group_location"))
    for name in (*known, *(one for one in ("x", "y", "z", "group_name") if one in electrodes)):
        table[f"electrode_{name}"] = electrodes[name].to_numpy()
    return [f"electrode_{name}" for name in known if _names_areas(electrodes[name])][:1]


def _names_areas(values: pd.Series) -> bool:
    text = values.astype(str).str.strip().str.lower()
    return bool((~text.isin(["", "unknown", "none", "nan", "n/a"])).any())


def _read_groups(units: Any, n_units: int) -> np.ndarray | None:
    """Return the location of each unit's electrode group, or None."""
    if "electrode_group" not in units.colnames:
        return None
    groups = [str(getattr(one, "location", "") or "") for one in units["electrode_group"].data[:]]
    return to_plain(groups) if len(groups) == n_units and any(groups) else None


def _is_text(values: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(values)


def note_silent(spikes: StoredSpikes) -> list[Notice]:
    """Return a notice of the units without spikes."""
    silent = int((np.diff(spikes.ends, prepend=0) == 0).sum())
    return [NO_SPIKES(n=silent, n_units=len(spikes.ends))] if silent else []


ReadUnit = Callable[[int], np.ndarray]
