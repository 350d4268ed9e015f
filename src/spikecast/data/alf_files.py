"""Files named by the ALF convention: ``_namespace_object.attribute_timescale.extra.extension``.

Every file of an object has the same number of rows; rows of ``clusters`` are what
``spikes.clusters`` counts, from 0. A folder ``#2024-05-06#`` is a revision: the latest replaces
files outside it. The convention is that of the Open Neurophysiology Environment (``one.alf``). Its
own loaders unpickle what they find and read spikes as a whole; here nothing is run, and spikes are
memory maps.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.errors import FormatError
from spikecast.data.array_files import (
    INDEX,
    check_n_columns,
    check_row_order,
    is_plain,
    map_matrix,
    read_pickled,
    read_table,
)
from spikecast.data.cuts.behavior import LARGEST
from spikecast.data.parquet_files import read_parquet

NAME = re.compile(
    r"(?:_(?P<namespace>[A-Za-z0-9]+)_)?(?P<object>[A-Za-z0-9]+)\.(?P<attribute>\w+)"
    r"(?:\.[\w-]+)*?\.(?P<extension>npy|pqt|parquet|csv|tsv)"
)
MERGED = re.compile(r"(?P<object>clusters|trials)\.(pqt|parquet)")
REVISION = re.compile(r"#.*#")
INTERVALS = "intervals"
TABLES = ("table", "metrics")  # attributes whose columns are attributes themselves
MOST_COLUMNS = 3  # of a matrix that becomes columns of a table; waveforms have more


@dataclass(frozen=True)
class AlfFolder:
    """The ALF files of one folder (a collection), the latest revision of each."""

    path: Path
    files: dict[str, dict[str, list[Path]]]
    """By object, then by attribute."""

    def find(self, name: str, attribute: str) -> Path | None:
        """Return the file of an attribute of an object, or None; raise when there are two."""
        paths = self.files.get(name, {}).get(attribute, [])
        if len(paths) > 1:
            raise FormatError(
                f"'{self.path}' has {len(paths)} files of {name}.{attribute}: "
                f"{', '.join(path.name for path in paths)}. Move all but one away"
            )
        return paths[0] if paths else None

    def find_needed(self, name: str, attribute: str) -> Path:
        """Return the file of an attribute of an object, or raise with what is there."""
        path = self.find(name, attribute)
        if path is None:
            there = ", ".join(sorted(self.files.get(name, {}))) or "nothing"
            raise FormatError(
                f"'{self.path}' lacks {name}.{attribute}.npy (of {name} there is: {there})"
            )
        return path

    def get_namespace(self, name: str) -> str:
        """Return the namespace of an object's files (``ibl``), or ``""``."""
        for paths in self.files.get(name, {}).values():
            match = NAME.fullmatch(paths[0].name)
            if match and match["namespace"]:
                return match["namespace"]
        return ""


def list_files(folder: Path) -> AlfFolder:
    """Return the ALF files that lie in a folder, and in its revisions."""
    files: dict[str, dict[str, list[Path]]] = {}
    revisions = sorted(p for p in folder.iterdir() if REVISION.fullmatch(p.name) and p.is_dir())
    for place in (folder, *revisions):  # the later replaces the earlier
        own: dict[tuple[str, str], list[Path]] = {}
        for path in sorted(place.iterdir()):
            match, merged = NAME.fullmatch(path.name), MERGED.fullmatch(path.name)
            if match and path.is_file():
                own.setdefault((match["object"], match["attribute"]), []).append(path)
            elif merged and path.is_file():
                own.setdefault((merged["object"], "table"), []).append(path)
        for (name, attribute), paths in own.items():
            files.setdefault(name, {})[attribute] = paths
    return AlfFolder(folder, files)


def read_object(folder: AlfFolder, name: str, leave_out: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the attributes of an object as columns, one row per row of its files.

    Matrices of two or three columns become ``attribute_0``, ``attribute_1``; wider ones, and
    columns of objects, are left out.

    Raises
    ------
    FormatError
        When two files have different numbers of rows; the message names both.
    """
    columns: dict[str, np.ndarray] = {}
    rows: tuple[int, str] | None = None
    for attribute in folder.files.get(name, {}):
        path = folder.find(name, attribute)
        if path is None or attribute in leave_out:
            continue
        part = _read_columns(path, attribute)
        if part is None:
            continue
        if rows is not None and len(part) != rows[0]:
            raise FormatError(
                f"'{folder.path}': {rows[1]} has {rows[0]} rows, {path.name} has {len(part)}; all "
                f"files of '{name}' must have the same"
            )
        rows = (len(part), path.name)
        for column in part:
            values = part[column].to_numpy()
            known = columns.setdefault(str(column), values)
            if known is not values and not _are_equal(known, values):
                raise FormatError(
                    f"'{folder.path}': {path.name} and another file of '{name}' differ in "
                    f"{quote(str(column))}; move one of them away"
                )
    return pd.DataFrame(columns, index=pd.RangeIndex(rows[0] if rows else 0))


def _are_equal(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two columns hold the same values, but for the rounding of single precision."""
    if one.dtype.kind in "iufb" and other.dtype.kind in "iufb":
        with np.errstate(over="ignore"):  # what is larger than any float differs
            return np.allclose(one, other, rtol=1e-6, atol=1e-3, equal_nan=True)
    return bool((pd.Series(one).astype(str) == pd.Series(other).astype(str)).all())


def _read_columns(path: Path, attribute: str) -> pd.DataFrame | None:
    """Return what a file gives to the table of its object; None where that is nothing."""
    if path.suffix != ".npy":
        table = _read_any_table(path)
        if "cluster_id" not in table:  # rows go by their number
            check_row_order(f"'{path}'", table)
        if attribute not in TABLES:
            table = table.rename(columns={name: f"{attribute}_{name}" for name in table})
        return table.drop(columns=INDEX, errors="ignore")
    try:
        values = np.asarray(map_matrix(path, "iufbU"))
    except FormatError as error:
        if "Python objects" not in str(error):
            raise
        values = read_pickled(path)  # text, in older files
        if not all(isinstance(value, str) for value in values.ravel()):
            return None
        values = values.astype(str)
    if values.ndim == 0 or values.ndim > 2:
        return None
    if values.ndim == 2 and values.shape[0] == 1 and values.shape[1] > MOST_COLUMNS:
        values = values.T  # one value per row, as MATLAB may write it
    values = values.reshape(len(values), -1) if len(values) else values.reshape(0, 1)
    if attribute == INTERVALS and values.shape[1] > MOST_COLUMNS:
        raise FormatError(
            f"'{path}' has shape {values.shape}: is it turned? Intervals need a row for each, of "
            "start and stop; save the array's .T"
        )
    if values.shape[1] == 1:
        return pd.DataFrame({attribute: values[:, 0]})
    if values.shape[1] > MOST_COLUMNS:
        return None
    return pd.DataFrame(values, columns=[f"{attribute}_{i}" for i in range(values.shape[1])])


def _read_any_table(path: Path) -> pd.DataFrame:
    """Return a table without its columns of objects."""
    try:
        return read_table(path)
    except FormatError as error:
        if "holds lists" not in str(error):
            raise
    table = read_parquet(path)
    check_n_columns(f"'{path}'", table.shape[1])
    kept = [name for name in table if is_plain(table[name])]
    if "cluster_id" in table and "cluster_id" not in kept:  # rows would go by their place
        raise FormatError(f"'{path}': cluster_id must be whole numbers, each once")
    return table[kept]


def interpolate_times(path: Path, n_samples: int) -> np.ndarray:
    """Return the time (sample,) of each sample of an object, from its file of ``timestamps``.

    The file holds one time per sample, or rows (number of a sample, its time) between which times
    are interpolated; numbers count from 0, or from 1 where the first row does.
    """
    stamps = np.asarray(map_matrix(path), dtype=float)
    if stamps.ndim == 2 and stamps.shape[1] == 1:
        stamps = stamps[:, 0]
    if not (np.abs(stamps) <= LARGEST).all():
        raise FormatError(f"'{path}' holds NaN, or times beyond {LARGEST:g}")
    if stamps.ndim == 1 and len(stamps) == n_samples:
        times = stamps
    elif stamps.ndim == 2 and stamps.shape[1] == 2 and len(stamps) >= 2:
        if (np.diff(stamps[:, 0]) <= 0).any():
            raise FormatError(f"'{path}': the numbers of samples in its first column must rise")
        first = 1 if stamps[0, 0] == 1 else 0
        times = np.interp(np.arange(first, n_samples + first), stamps[:, 0], stamps[:, 1])
    else:
        raise FormatError(
            f"'{path}' has shape {stamps.shape}; it must have one time for each of {n_samples} "
            "samples, or rows of (sample, time)"
        )
    if (np.diff(times) < 0).any():
        raise FormatError(f"'{path}': times go backwards")
    return times
