"""The electrode that each unit of an NWB file is read from, by its row in the electrode table."""

from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.data.array_files import AREA_NAMES, find_columns
from spikecast.data.nwb.columns import read_columns, to_plain

CHANNEL_NAMES = (
    *("peak_channel_id", "peak_channel", "max_electrode", "max_channel", "main_channel"),
    "electrode",
)
"""Columns of units that name the electrode with the largest waveform: by a reference to its row, or
by its id."""

ELECTRODES_LOST = NoticeKind(
    "electrodes_lost",
    "serious",
    "units refer to electrodes ({how}) that the file lacks, or numbers twice{detail}: their areas "
    "are lost",
)
SEVERAL_AREAS = NoticeKind(
    "several_areas", "minor", "{n} units have electrodes in several areas: {which} is taken"
)
IDS_OR_ROWS = NoticeKind(
    "ids_or_rows",
    "serious",
    "the numbers in the column '{column}' of the units are taken for ids of electrodes: for {n} of "
    "{n_units} units they are also the number of another row of the electrode table, and the area "
    "is wrong if rows were meant",
)
OTHER_GROUP = NoticeKind(
    "other_group",
    "serious",
    "{n} of {n_units} units are of another electrode group than the electrode ({how}) that they "
    "name (unit {unit}: '{own}', its electrode: '{other}'): the location of their own group is "
    "taken, and without one their areas are unknown. Are "
    "electrodes counted from 0 in each group? Areas that are right can stand in a column of the "
    "units, which area_column names",
)
ONE_GROUP = NoticeKind(
    "one_group",
    "serious",
    "all units are said to be of the electrode group '{own}', but {n} of {n_units} are read from "
    "electrodes of others: the electrodes are believed",
)
NOT_OWN = NoticeKind(
    "not_own_electrode",
    "serious",
    "the column '{column}' names none of a unit's own electrodes for {n} of {n_units} units (is it "
    "counted anew in each probe?): it is not taken, but the first electrode of each unit is",
)
FIRST_GROUP = NoticeKind(
    "first_group",
    "serious",
    "the numbers in the column '{column}' of the units name only electrodes of the first of "
    "several groups ('{group}'): are they counted anew in each group? Areas are then wrong",
)


def list_references(units: Any) -> list[str]:
    """Return the columns of units that refer to rows of the electrode table and are read."""
    peak = next((name for name in CHANNEL_NAMES if _is_reference(units, name)), None)
    return [*(["electrodes"] if "electrodes" in units.colnames else []), *([peak] if peak else [])]


def find_electrodes(
    units: Any, table: pd.DataFrame, electrodes: Any
) -> tuple[pd.DataFrame | None, list[Notice]]:
    """Return one row of the electrode table per unit, or None, and notices.

    Of a unit's electrodes it is the one with the largest waveform, where a column says which, else
    the first. `table` holds the plain columns of the units.
    """
    channel = next((name for name in CHANNEL_NAMES if name in table), None)
    columns = [*list_references(units), *([channel] if channel else [])]
    if not columns:
        return None, []
    known = _read_electrodes(electrodes)
    if known is None or known.empty:
        return None, [ELECTRODES_LOST(how=columns[0], detail="")]
    named, how, notices = _name_rows(units, table, known, channel)
    lost = (named < 0) | (named >= len(known))
    if lost.all():
        return None, [*notices, ELECTRODES_LOST(how=how, detail="")]
    if lost.any():
        detail = f" ({lost.sum()} of {len(lost)} units)"
        notices.append(ELECTRODES_LOST(how=how, detail=detail))
    rows = np.where(lost, 0, named)
    other, about_groups = _compare_groups(units, electrodes, np.where(lost, -1, rows), how)
    taken = _blank(known.iloc[rows].reset_index(drop=True), lost | other)
    if other.any() and "electrode_group" in units.colnames:
        groups = units["electrode_group"].data[:]
        own = np.array([str(getattr(one, "location", "") or "") for one in groups], dtype=object)
        for name in find_columns(taken, (*AREA_NAMES, "group_location")):
            if not pd.api.types.is_numeric_dtype(taken[name]):
                taken[name] = taken[name].mask(other, own)
    return taken, notices + about_groups + _note_first_group(units, table, electrodes, rows)


def _note_first_group(
    units: Any, table: pd.DataFrame, electrodes: Any, rows: np.ndarray
) -> list[Notice]:
    """Return a notice where numbers of electrodes may be counted in each of several groups."""
    if list_references(units) or name_groups(units, "electrode_group") is not None:
        return []
    groups = name_groups(electrodes, "group")
    if groups is None or len(set(groups)) < 2:
        return []
    size = int((groups == groups[0]).sum())
    column = next(name for name in CHANNEL_NAMES if name in table)
    numbers = to_numbers(table[column])
    return [FIRST_GROUP(column=column, group=str(groups[0]))] if numbers.max() <= size else []


def _blank(taken: pd.DataFrame, unknown: np.ndarray) -> pd.DataFrame:
    """Return a table without the values of some rows."""
    for name in taken if unknown.any() else ():
        is_number = pd.api.types.is_numeric_dtype(taken[name])
        column = taken[name].astype(float if is_number else object)
        taken[name] = column.mask(unknown, np.nan if is_number else "")
    return taken


def _read_electrodes(electrodes: Any) -> pd.DataFrame | None:
    """Return the electrode table with the location of each electrode's group, or None."""
    if electrodes is None:
        return None
    table, _ = read_columns(electrodes)
    if "group" in electrodes.colnames:
        groups = [getattr(one, "location", "") for one in electrodes["group"].data[:]]
        if len(groups) == len(table):
            table["group_location"] = to_plain([str(one or "") for one in groups])
    return table


def _name_rows(
    units: Any, table: pd.DataFrame, known: pd.DataFrame, channel: str | None
) -> tuple[np.ndarray, str, list[Notice]]:
    """Return the row of each unit's electrode (-1: unknown), what columns say so, and notices."""
    references = list_references(units)
    peaks = [name for name in references if name != "electrodes"]
    members = _read_members(units, "electrodes") if "electrodes" in references else None
    rows, notices = np.full(len(units.id), -1), list[Notice]()
    if peaks:
        rows = _take_first(_read_members(units, peaks[0]))
    elif channel:
        rows, notices = _find_by_id(to_numbers(table[channel]), channel, known.index, members)
    peak = peaks[0] if peaks else channel or ""
    if members is None:
        return rows, peak, notices
    notices = _note_several(members, known, rows >= 0, peak) + notices
    how = f"{peak}, electrodes" if peaks else "electrodes"
    return np.where(rows < 0, _take_first(members), rows), how, notices


def _find_by_id(
    numbers: np.ndarray, column: str, ids: pd.Index, members: list[np.ndarray] | None
) -> tuple[np.ndarray, list[Notice]]:
    """Return the row of the electrode that each number is the id of, and notices.

    Beside the units' own electrodes (`members`) a number must be one of them, or none is taken.
    """
    rows = _find_rows(ids, numbers)
    if members is None:
        return rows, _note_ids(column, numbers, rows, len(ids))
    own = np.array([row in of_unit for row, of_unit in zip(rows, members)], dtype=bool)
    sizes = np.array([len(of_unit) for of_unit in members])
    wrong = (numbers >= 0) & ~own & (sizes > 0)
    if wrong.any():
        refuted = NOT_OWN(column=column, n=int(wrong.sum()), n_units=len(rows))
        return np.full(len(rows), -1), [refuted]
    rows = np.where(own, rows, -1)
    return rows, _note_ids(column, numbers, np.where(sizes > 1, rows, -1), len(ids))


def _note_ids(channel: str, numbers: np.ndarray, rows: np.ndarray, n_rows: int) -> list[Notice]:
    """Return a notice where a number that is taken for an id is also that of another row."""
    if (numbers >= n_rows).any():  # rows cannot be meant
        return []
    also = (rows >= 0) & (numbers >= 0) & (numbers < n_rows) & (numbers != rows)
    return [IDS_OR_ROWS(column=channel, n=int(also.sum()), n_units=len(rows))] if also.any() else []


def _note_several(
    members: list[np.ndarray] | None, known: pd.DataFrame, by_peak: np.ndarray, peak: str
) -> list[Notice]:
    """Return notices of units whose electrodes lie in several areas, by what is taken of them."""
    areas = find_columns(known, AREA_NAMES)
    if members is None or not areas:
        return []
    named = known[areas[0]].to_numpy()
    several = np.zeros(len(members), dtype=bool)
    for unit, of_unit in enumerate(members):
        there = of_unit[(of_unit >= 0) & (of_unit < len(named))]
        several[unit] = len({str(one) for one in named[there]}) > 1
    sizes = {f"that of '{peak}'": several & by_peak, "the first one": several & ~by_peak}
    return [SEVERAL_AREAS(n=int(n.sum()), which=which) for which, n in sizes.items() if n.any()]


def _find_rows(ids: pd.Index, wanted: np.ndarray) -> np.ndarray:
    """Return the row of each id that is wanted; -1 for one that is not there, or in several rows.

    Where each probe numbers its electrodes from 0, an id does not say which is meant.
    """
    once = np.flatnonzero(~ids.duplicated(keep=False))
    found = ids[once].get_indexer(pd.Index(wanted))
    rows = np.full(len(wanted), -1)
    rows[found >= 0] = once[found[found >= 0]]
    return rows


def _is_reference(units: Any, name: str) -> bool:
    """Return whether a column refers to rows of another table, one or several per unit."""
    if name not in units.colnames:
        return False
    column = units[name]
    kinds = (type(column).__name__, type(getattr(column, "target", None)).__name__)
    return "DynamicTableRegion" in kinds


def _read_members(units: Any, name: str) -> list[np.ndarray]:
    """Return the rows of the electrode table that each unit refers to."""
    column = units[name]
    if type(column).__name__ == "DynamicTableRegion":  # one electrode per unit
        return [row[row >= 0] for row in _to_rows(column.data[:]).reshape(-1, 1)]
    ends = np.asarray(column.data[:], dtype=np.int64)
    rows = _to_rows(column.target.data[:])
    return [rows[start:stop] for start, stop in zip(np.concatenate([[0], ends[:-1]]), ends)]


def _take_first(members: list[np.ndarray]) -> np.ndarray:
    return np.array([of_unit[0] if len(of_unit) else -1 for of_unit in members], dtype=np.int64)


def _to_rows(values: Any) -> np.ndarray:
    """Return numbers of rows; -1 for what is no whole number."""
    numbers = np.asarray(values)
    if numbers.dtype.kind != "f":
        return numbers.astype(np.int64)
    whole = np.isfinite(numbers) & (numbers % 1 == 0)
    return np.where(whole, numbers, -1).astype(np.int64)


def _compare_groups(
    units: Any, electrodes: Any, rows: np.ndarray, how: str
) -> tuple[np.ndarray, list[Notice]]:
    """Return a mask of the units (unit,) whose electrode is of another group, and a notice."""
    own, of_electrodes = name_groups(units, "electrode_group"), name_groups(electrodes, "group")
    other = np.zeros(len(rows), dtype=bool)
    if own is None or of_electrodes is None or not np.isin(own, of_electrodes).any():
        return other, []  # or other names for the same
    theirs = of_electrodes[rows.clip(min=0)]
    other = (rows >= 0) & (own != "") & (theirs != "") & (own != theirs)
    if not other.any():
        return other, []
    if len(set(own)) == 1 and not other.all() and list_references(units):  # written for all alike
        n = int(other.sum())
        return np.zeros_like(other), [ONE_GROUP(own=own[0], n=n, n_units=len(rows))]
    unit = int(np.flatnonzero(other)[0])
    notice = OTHER_GROUP(
        n=int(other.sum()),
        n_units=len(rows),
        how=how,
        unit=str(units.id[unit]),
        own=str(own[unit]),
        other=str(theirs[unit]),
    )
    return other, [notice]


def name_groups(table: Any, column: str) -> np.ndarray | None:
    """Return the name of the group in each row of a table, "" where there is none, or None."""
    name = column if column in table.colnames else f"{column}_name"
    if name not in table.colnames:
        return None
    groups = table[name].data[:]
    if len(groups) != len(table.id):
        return None
    named = [one if isinstance(one, str | bytes) else getattr(one, "name", "") for one in groups]
    plain = to_plain(named)
    return None if plain is None else plain.astype(str)
