"""Plain tables: a file with one row per spike, or a folder of such files.

A file (``.csv``, ``.tsv``, Parquet) needs the columns ``time``, in seconds, and ``unit``; a column
``area``, and others that are the same for all spikes of a unit, describe units. A folder holds

==================  ===============================================================================
file                what is taken of it
==================  ===============================================================================
spikes              the spikes, as above
units               more columns of units, by ``unit``: ``area``, ``quality``, ...
trials              one row per trial; times in seconds
any other           with ``time`` alone: a list of events; with ``time`` and columns of numbers:
                    behaviour (``wheel.csv`` -> ``wheel_position``); other tables: of trials
==================  ===============================================================================
"""

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.checks import quote, shorten_line
from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.core.text_tables import explain_commas
from spikecast.data.array_files import (
    AREA_NAMES,
    INDEX,
    QUALITY_NAMES,
    check_seconds,
    find_columns,
    read_table,
)
from spikecast.data.columns import find_qualities, name_value
from spikecast.data.session import RawSession, Samples, SpikesInTime
from spikecast.data.table_sessions import (
    SESSION_NAMES,
    check_one_session,
    check_same_session,
    list_sessions,
)

CONTENT = "tables of spikes (.csv, .tsv, .parquet) with the columns time and unit, or their folder"
TIME_NAMES = ("time", "times", "time_s", "spike_time", "spike_times")
UNIT_NAMES = ("unit", "unit_id", "cluster", "cluster_id", "neuron", "neuron_id", "cell")
PROBE_NAMES = ("probe", "probe_id", "probe_name", "shank", "shank_id", "tetrode")
AMPLITUDE_NAMES = ("amplitude", "amp", "amps", "amplitudes")
SPIKES = "spikes"
SUFFIXES = (".csv", ".tsv", ".parquet", ".pqt")

TEXT_AMONG_SAMPLES = NoticeKind(
    "text_among_samples",
    "serious",
    "'{name}' is taken as a table of trials, not as behaviour, for it holds text ({columns}); its "
    "times are {step:.3g} s apart: where these are samples, leave these columns out",
)
SHORTEST_TRIAL = 0.5  # seconds; rows of a table that are nearer are samples, as a rule
MOSTLY = 0.5  # of the cells of a column
UNITS_OF_PROBES = NoticeKind(
    "units_of_probes",
    "serious",
    "{n_numbers} numbers of units are {n_units} units, for some stand under several values of "
    "{columns}: units are called by both, as {example}. Where spikes of one unit lie on several, "
    "leave the column out",
)
TEXT_LEFT_OUT = NoticeKind(
    "text_left_out",
    "minor",
    "columns of text that differ among the spikes of a unit are not taken: {columns}",
)
SORTED = NoticeKind("spikes_sorted", "minor", "rows were not in order of time and were sorted")


def sniff(source: Any) -> bool:
    """Return whether a file is a table, or a folder holds a table called ``spikes``."""
    if not isinstance(source, Path):
        return False
    if source.is_dir():
        return bool(_list_tables(source).get(SPIKES))
    return source.suffix in SUFFIXES and source.is_file()


def open_sessions(source: Path) -> list[Callable[[], RawSession]]:
    """Return one callable, which reads the file or the folder."""
    return [partial(read_tables, source)]


def _list_tables(folder: Path) -> dict[str, list[Path]]:
    tables: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*")):  # nothing where the folder may not be read
        if path.suffix in SUFFIXES and path.is_file():
            tables.setdefault(path.stem, []).append(path)
    return tables


def read_tables(source: Path) -> RawSession:
    """Return the session in a file of spikes or in a folder of tables."""
    paths = _list_tables(source) if source.is_dir() else {SPIKES: [source]}
    if SPIKES not in paths:
        raise FormatError(f"'{source}' holds no table of spikes: {SPIKES}.csv, .tsv or .parquet")
    twice = next((names for names in paths.values() if len(names) > 1), None)
    if twice:
        raise FormatError(f"'{twice[0]}' and '{twice[1].name}' are two tables of one name")
    spikes, units, last, probes, notices = _read_spikes(paths.pop(SPIKES)[0])
    named = find_columns(units, SESSION_NAMES)
    sessions = {name.casefold(): list_sessions(units[name]) for name in named}
    tables, events = {}, {}
    behavior: dict[str, Samples] = {}
    for name, (path,) in paths.items():
        table = read_table(path, ids=UNIT_NAMES)
        if name.startswith("trials"):
            notices += check_same_session(table, sessions, path)
        if name == "units":
            units = _join_units(units, table, probes, path)
            continue
        time = None if name.startswith("trials") else _pick_one(table, TIME_NAMES, path)
        if time is None:
            tables[name] = table
            continue
        table = table.drop(columns=INDEX, errors="ignore")
        if len(table.columns) == 1:
            events[name] = _read_numbers(table, time, path)
        elif table.dtypes.map(lambda kind: kind.kind in "iufb").all():
            made = _read_behavior(table, time, name, path)
            same = sorted(made.keys() & behavior.keys())
            if same:
                raise FormatError(
                    f"a column of '{path}' and one of another table would both be the behaviour "
                    f"{quote(same[0])}; rename one"
                )
            behavior |= made
        else:
            tables[name] = table
            notices += _note_text(name, table, time)
    return RawSession(
        source="table of spikes" if not source.is_dir() else "folder of tables",
        units=units,
        spikes=spikes,
        tables=tables,
        events=events,
        behavior=behavior,
        area_columns=[str(name) for name in units if str(name).casefold() in AREA_NAMES],
        quality_columns=find_qualities(units),
        duration=(0.0, last),
        session=source.resolve().stem if not source.is_dir() else source.resolve().name,
        notices=notices,
    )


def _note_text(name: str, table: pd.DataFrame, time: str) -> list[Notice]:
    """Return a notice where text keeps a table, and the movement in it, from being behaviour."""
    others = [column for column in table if column != time]
    text = [column for column in others if table[column].dtype.kind not in "iufb"]
    # one cell of text makes text of a whole column
    numbers = [1 - np.isnan(to_numbers(table[column])).mean() for column in text]
    if len(text) == len(others) and not any(share > MOSTLY for share in numbers):
        return []
    if table[time].dtype.kind not in "iuf":
        return []
    steps = np.diff(table[time].to_numpy(dtype=float))
    step = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0
    if not 0 < step < SHORTEST_TRIAL:
        return []
    return [TEXT_AMONG_SAMPLES(name=name, columns=list(map(str, text)), step=step)]


def _read_spikes(path: Path) -> tuple[SpikesInTime, pd.DataFrame, float, list[str], list[Notice]]:
    """Return spikes, the table of units, the time of the last spike, and what was decided.

    Before this, columns of probes that are part of a unit's id.
    """
    table = read_table(path, ids=UNIT_NAMES)
    time = _pick_one(table, TIME_NAMES, path)
    unit = _pick_one(table, UNIT_NAMES, path, agree=_group_alike)
    if time is None or unit is None:
        columns = shorten_line(", ".join(map(str, table)))
        raise FormatError(
            f"'{path}' has the columns {columns}; a table of spikes needs 'time' (in seconds) and "
            "'unit'"
        )
    times = _read_numbers(table, time, path)
    if not np.isfinite(times).all() or times.min() < 0:
        raise FormatError(f"'{path}': column '{time}' holds missing, infinite or negative times")
    notices: list[Notice] = []
    if (np.diff(times) < 0).any():
        order = np.argsort(times, kind="stable")
        table, times = table.iloc[order], times[order]
        notices.append(SORTED())
    check_seconds(f"column '{time}' of '{path}'", times)
    check_one_session(table, times, path)
    numbers = _read_ids(table[unit], path)
    probes = _find_probes(table.assign(**{unit: numbers}), unit)
    codes, ids = _name_units(table, numbers, probes, path)
    if probes:
        example, n_numbers = str(ids[0]), numbers.nunique()
        told = UNITS_OF_PROBES(
            n_numbers=n_numbers, n_units=len(ids), columns=probes, example=example
        )
        notices.append(told)
    units = pd.DataFrame({"n_spikes": np.bincount(codes)}, index=pd.Index(ids, name=unit))
    units, about = _describe_units(units, table.drop(columns=[time, unit]), codes, path)
    amplitude = _pick_one(table, AMPLITUDE_NAMES, path)
    sizes = _read_numbers(table, amplitude, path) if amplitude else None
    kind = np.asarray(table[time]).dtype  # coarse times stay coarse, for they are held against bins
    times = times.astype(kind) if kind.kind == "f" else times
    spikes = SpikesInTime(times, codes, np.arange(len(ids)), 1.0, sizes)
    return spikes, units, float(times[-1]), probes, [*notices, *about]


def _find_probes(table: pd.DataFrame, unit: str) -> list[str]:
    """Return the columns without which units of several probes would be one, by their number."""
    needed: list[str] = []
    for name in find_columns(table, PROBE_NAMES):
        groups = table.groupby([*needed, unit], dropna=False)[name]
        if (groups.nunique(dropna=False) > 1).any():
            needed.append(name)
    return needed


def _name_units(
    table: pd.DataFrame, numbers: pd.Series, probes: Sequence[str], path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each row's unit among the units, and their ids (unit,), ascending.

    An id is the unit's number, behind the names of the `probes` that tell it apart.
    """
    if not probes:
        codes, ids = pd.factorize(numbers, sort=True)
        return codes, np.asarray(ids)
    lacking = next((name for name in probes if table[name].isna().any()), None)
    if lacking is not None:
        raise FormatError(
            f"'{path}': {int(table[lacking].isna().sum())} rows have no '{lacking}', which units "
            "of the same number are told apart by"
        )
    grouped = table.groupby([*(_to_names(table[name]) for name in probes), numbers], sort=True)
    names = pd.Series(["_".join(map(str, key)) for key in grouped.size().index], dtype=object)
    if names.duplicated().any():
        twice = names[names.duplicated()].iloc[0]
        raise FormatError(f"'{path}': two units would be called {shorten_line(twice)}")
    return grouped.ngroup().to_numpy(), names.to_numpy(dtype=object)


def _to_names(column: pd.Series) -> np.ndarray:
    """Return a column as text; numbers without zeros behind the point."""
    codes, values = pd.factorize(column)
    return np.array([name_value(value) for value in values], dtype=object)[codes]


def _describe_units(
    units: pd.DataFrame, table: pd.DataFrame, codes: np.ndarray, path: Path
) -> tuple[pd.DataFrame, list[Notice]]:
    """Return the units with the columns that are the same for all spikes of each of them."""
    grouped = table.groupby(codes)
    same = grouped.nunique(dropna=False) == 1
    shared: dict[Hashable, np.ndarray] = {}
    text = []
    for name in map(str, same):
        if same[name].all():
            shared[name] = grouped[name].first().to_numpy()
        elif str(name).casefold() in (*AREA_NAMES, *QUALITY_NAMES):
            one = units.index[int((~same[name]).to_numpy().argmax())]
            raise FormatError(f"'{path}': unit {shorten_line(one)} has more than one '{name}'")
        elif table[name].dtype.kind not in "iufbmM":
            text.append(name)
    units = units.drop(columns=[name for name in units if name in shared])
    units = pd.concat([units, pd.DataFrame(shared, index=units.index)], axis=1)
    return units, [TEXT_LEFT_OUT(columns=text)] if text else []


def _pick_one(
    table: pd.DataFrame,
    wanted: Sequence[str],
    path: Path,
    agree: Callable[[pd.Series, pd.Series], bool] = pd.Series.equals,
) -> str | None:
    """Return the first of the `wanted` columns that a table has; raise where another disagrees."""
    found = find_columns(table, wanted)
    for other in found[1:]:
        if not agree(table[found[0]], table[other]):
            raise FormatError(
                f"'{path}': columns {quote(found[0])} and {quote(other)} could both be the "
                f"'{wanted[0]}', and they differ; keep one, or give the other another name"
            )
    return found[0] if found else None


def _group_alike(ids: pd.Series, others: pd.Series) -> bool:
    """Return whether two columns of ids put the same spikes together, whatever they call them."""
    return bool((pd.factorize(ids)[0] == pd.factorize(others)[0]).all())


def _read_ids(column: pd.Series, path: Path) -> pd.Series:
    """Return ids of units as whole numbers or text."""
    if column.isna().any():
        raise FormatError(f"'{path}': {int(column.isna().sum())} spikes have no unit")
    if column.dtype.kind == "f":
        if (column != np.floor(column)).any() or not np.isfinite(column).all():
            raise FormatError(f"'{path}': ids of units must be whole numbers or text")
        return column.astype(np.int64)
    return column if column.dtype.kind in "iu" else column.astype(str)


def _read_numbers(table: pd.DataFrame, name: str, path: Path) -> np.ndarray:
    if table[name].dtype.kind not in "iuf":
        raise FormatError(
            f"'{path}': column '{name}' must hold numbers (seconds){explain_commas(table[name])}"
        )
    return table[name].to_numpy(dtype=float)


def _join_units(
    units: pd.DataFrame, table: pd.DataFrame, probes: Sequence[str], path: Path
) -> pd.DataFrame:
    """Return the units with the columns of a table of units; units without spikes stay out."""
    # as the table of spikes calls it
    same = [str(name) for name in table if name == units.index.name]
    key = same[0] if same else _pick_one(table, UNIT_NAMES, path)
    if key is None:
        raise FormatError(f"'{path}' needs the column 'unit'")
    absent = [name for name in probes if name not in table]
    if absent:
        raise FormatError(
            f"'{path}' needs the column '{absent[0]}': in the table of spikes a number is that of "
            "several units, one for each of its values"
        )
    codes, ids = _name_units(table, _read_ids(table[key], path), probes, path)
    table = table.assign(**{key: ids[codes]})
    if table[key].duplicated().any():
        twice = table[key][table[key].duplicated()].iloc[0]
        raise FormatError(f"'{path}' has unit {shorten_line(twice)} twice")
    table = table.set_index(key)
    lacking = units.index.difference(table.index)
    if len(lacking) == len(units):
        raise FormatError(f"'{path}' has none of the units of the table of spikes")
    table = table.reindex(units.index).drop(columns="n_spikes", errors="ignore")
    for name in (name for name in table if name in units):
        table[name] = _merge(units[name], table[name], path)
    return units.drop(columns=[name for name in table if name in units]).join(table)


def _merge(known: pd.Series, other: pd.Series, path: Path) -> pd.Series:
    """Return a column that both the spikes and the table of units have; raise where they differ."""
    numbers = known.dtype.kind in "iufb" and other.dtype.kind in "iufb"
    same = known == other if numbers else known.astype(str) == other.astype(str)
    differ = known.notna() & other.notna() & ~same
    if differ.any():
        place = int(differ.to_numpy().argmax())
        unit, one, two = known.index[place], known.iloc[place], other.iloc[place]
        raise FormatError(
            f"'{path}' has {quote(two)} as '{known.name}' of unit {shorten_line(unit)}, the table "
            f"of spikes {quote(one)}; {int(differ.sum())} units differ: keep the column in one"
        )
    return other.where(other.notna(), known)


def _read_behavior(table: pd.DataFrame, time: str, name: str, path: Path) -> dict[str, Samples]:
    """Return each column of numbers beside the time, as ``file_column``."""
    times = _read_numbers(table, time, path)
    return {
        f"{name}_{column}": Samples(
            times, table[column].to_numpy(dtype=float), "", str(column).casefold() == "position"
        )
        for column in table
        if column != time
    }
