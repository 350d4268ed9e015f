"""Read arrays and tables from the files of a recording; each is checked, errors name the file."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from spikecast.core.checks import check_unicode, describe_error, quote
from spikecast.core.errors import DamagedFileError, FormatError, MissingFileError
from spikecast.core.files import is_special
from spikecast.core.free_memory import check_size, check_texts, measure_texts
from spikecast.core.numpy_types import check_npy_header
from spikecast.core.stored_arrays import read_arrays
from spikecast.core.text_tables import (
    SEPARATORS,
    count_columns,
    explain_rows,
    find_other_separator,
    holds_zero_bytes,
)
from spikecast.data.dataset import MOST_COLUMNS
from spikecast.data.mapped import release
from spikecast.data.parquet_files import read_parquet
from spikecast.data.safe_pickle import load_numpy
from spikecast.data.written_numbers import check_writing, read_ids

CHUNK = 1 << 22  # values of a memory map that are looked at together
LONGEST = 48 * 3600.0  # seconds; a session that seems longer has its times in another unit
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pqt")
AREA_NAMES = (
    *("area", "brain_area", "acronym", "region", "brain_region", "location", "structure"),
    *("brain_acronym", "ecephys_structure_acronym", "anatomy", "beryl_location"),
)
QUALITY_NAMES = (
    *("quality", "group", "kslabel", "ks_label", "kilosort2_label", "label", "unit_quality"),
    *("default_qc", "ibl_quality_score", "is_good", "isolation", "sorting_quality"),
)
"""Columns of units, in lower case, that may say where a unit is and how good it is."""
INDEX = "Unnamed: 0"  # what an index without a name is called where pandas wrote a CSV file
KINDS = {"iu": "whole numbers", "iuf": "numbers", "iufb": "numbers", "iufbU": "numbers or text"}


def map_array(path: Path, kinds: str = "iuf", length: int | None = None) -> np.ndarray:
    """Return the values of a ``.npy`` file, (n,) also where it holds (n, 1), as a memory map.

    Parameters
    ----------
    path : Path
    kinds : str
        Kinds of numpy's types that are allowed (``dtype.kind``): a key of ``KINDS``.
    length : int, optional
        What n must be.

    Raises
    ------
    FormatError
        When the file is missing, damaged, or holds something else.
    """
    array = map_matrix(path, kinds)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1:
        raise FormatError(f"'{path}' has shape {array.shape}; it must be one column")
    if length is not None and len(array) != length:
        raise FormatError(f"'{path}' has {len(array)} values; {length} are needed")
    return array


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a ``.npz`` file by name.

    Raises
    ------
    FormatError
        When the file is missing, damaged, no ``.npz``, or holds Python objects.
    """
    try:
        return read_arrays(path)
    except MissingFileError:
        raise FormatError(f"there is no file '{path}'") from None
    except DamagedFileError as error:
        raise FormatError(str(error)) from None


def map_matrix(path: Path, kinds: str = "iuf") -> np.ndarray:
    """Return the array of a ``.npy`` file, of any shape, as a memory map; see `map_array`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a shape that is too large, beside the error
            with path.open("rb") as stream:
                check_npy_header(stream)
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise FormatError(f"there is no file '{path}'") from None
    except Exception as error:  # a damaged header can fail in any way
        if str(error).startswith("Object arrays"):
            raise FormatError(
                f"'{path}' holds Python objects; it must hold {KINDS[kinds]}"
            ) from None
        reason = describe_error(error)
        if "allow_pickle" in reason:  # numpy's advice for what does not start as its files do
            reason = "its first bytes are not numpy's"
        raise FormatError(f"'{path}' is damaged or not a numpy file: {reason}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds:
        given = array.dtype if isinstance(array, np.ndarray) else "several arrays"
        raise FormatError(f"'{path}' holds {given}; it must hold {KINDS[kinds]}")
    check_unicode(f"'{path}'", array)
    if isinstance(array, np.memmap):
        rest = path.stat().st_size - array.offset - array.nbytes
        if rest > 0:
            raise FormatError(
                f"'{path}' goes on for {rest} bytes after its array of shape {array.shape}: was "
                "another one appended? Only the first would be read; write one array"
            )
    return array


def split_into_chunks(*arrays: np.ndarray) -> Iterator[slice]:
    """Yield slices that cover arrays of one length; what they take of memory maps is given back."""
    length = len(arrays[0])
    for start in range(0, length, CHUNK):
        yield slice(start, min(start + CHUNK, length))
        for array in arrays:
            release(array)


def check_spike_times(path: Path, times: np.ndarray) -> None:
    """Raise unless times are finite, not negative and ascending, naming the first that is not."""
    last = 0
    for part in split_into_chunks(times):
        values = np.asarray(times[part])
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise FormatError(f"'{path}' holds NaN or infinite times")
        if len(values) and values.min() < 0:
            raise FormatError(f"'{path}' holds negative times: the first is {values.min()}")
        falls = np.flatnonzero(values[1:] < values[:-1])
        if falls.size or (len(values) and values[0] < last):
            spike = part.start + (int(falls[0]) + 1 if falls.size else 0)
            raise FormatError(
                f"'{path}' is not in order of time: spike {spike} is earlier than the one before. "
                "Sort it together with the file of clusters"
            )
        last = values[-1]


def check_seconds(what: str, times: np.ndarray) -> None:
    """Raise when times of spikes cannot be seconds: whole numbers, or more than two days."""
    if not len(times):
        return
    longest = float(np.asarray(times[-CHUNK:], dtype=float).max())
    sample = np.asarray(times[:CHUNK], dtype=float)
    whole = len(sample) > 20 and bool((sample == np.floor(sample)).all())
    if whole or longest > LONGEST:
        unit = "are whole numbers" if whole else f"reach {longest:g}"
        raise FormatError(
            f"{what} {unit}: they seem to be samples or milliseconds. Seconds are needed: divide "
            "by the sampling rate (30000) or by 1000 first"
        )


def count_spikes(path: Path, clusters: np.ndarray) -> pd.Series:
    """Return the number of spikes of each id in a memory map of ids, ascending ids as index."""
    total = np.zeros(0, dtype=np.int64)
    for part in split_into_chunks(clusters):
        values = np.asarray(clusters[part])
        if values.min() < 0 or values.max() > 10_000_000:
            raise FormatError(
                f"'{path}' holds ids from {values.min()} to {values.max()}; ids of units are "
                "whole numbers from 0"
            )
        counts = np.bincount(values.astype(np.int64), minlength=len(total))
        counts[: len(total)] += total
        total = counts
    ids = np.flatnonzero(total)
    return pd.Series(total[ids], index=ids, name="n_spikes")


def read_pickled(path: Path) -> np.ndarray:
    """Return the array of a ``.npy`` file that may hold Python objects; code in it is not run."""
    content = load_numpy(path).get("")
    if content is None:
        raise FormatError(f"'{path}' holds several arrays; one is needed")
    return content


def read_table(path: Path, separator: str | None = None, ids: Sequence[str] = ()) -> pd.DataFrame:
    """Return the table in a ``.csv``, ``.tsv`` or Parquet file, with numbers and text only.

    `ids` are columns, in lower case, whose values are names of units, also where they are numbers.

    Raises
    ------
    FormatError
        When the file is missing, damaged, empty, has a column twice, columns of objects, or ids
        or labels that are different text but the same number.
    """
    if is_special(path):
        raise FormatError(f"'{path}' is a pipe or a device; a table must be a file")
    try:
        check_size(path)
    except FormatError as error:
        raise FormatError(f"'{path}' is not read: {error}") from None
    if path.suffix in (".parquet", ".pqt"):
        table = _read_parquet(path)
    else:
        table = _read_text(path, separator or ("," if path.suffix == ".csv" else "\t"), ids)
    table.columns = [str(name).strip() for name in table.columns]
    blank = (table.columns == "") & table.isna().all().to_numpy()  # a spreadsheet's
    table = table.loc[:, ~blank]
    if not table.columns.is_unique:  # but for spaces
        twice = table.columns[table.columns.duplicated()][0]
        raise FormatError(f"'{path}' has two columns named {quote(twice)}")
    if table.empty:
        raise FormatError(f"'{path}' is an empty table")
    odd = [name for name in table if not is_plain(table[name])]
    if odd:
        raise FormatError(
            f"column {quote(odd[0])} of '{path}' holds lists or other objects; columns must hold "
            "numbers or text"
        )
    check_table_size(path, table)
    return table


def check_table_size(path: Path, table: pd.DataFrame) -> None:
    """Raise where a table has more columns, or a longer text, than a recording can hold."""
    check_n_columns(f"'{path}'", table.shape[1])
    for name in table:
        if table[name].dtype.kind not in "biufcmM":
            check_texts(f"column {quote(name)} of '{path}'", *measure_texts(table[name]))


def check_n_columns(what: str, n_columns: int) -> None:
    """Raise where a table is so wide that reading it would take minutes."""
    if n_columns > MOST_COLUMNS:
        raise FormatError(
            f"{what} has {n_columns} columns; a table can have up to {MOST_COLUMNS}. Is it turned, "
            "or does it hold activity? Leave out the columns that are not needed"
        )


def _read_text(path: Path, separator: str, ids: Sequence[str]) -> pd.DataFrame:
    try:
        check_n_columns(f"'{path}'", count_columns(path, separator))
        _check_separator(path, separator)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # rows that are longer than the header
            first = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str).iloc[0]
            if holds_zero_bytes(path):
                raise FormatError(
                    f"'{path}' holds bytes of 0, as where a disk lost its power while it was "
                    "written, or text in UTF-16: write it again"
                )
            kinds = {name: str for name in first if str(name).strip().casefold() in ids}
            table = pd.read_csv(path, sep=separator, index_col=False, dtype=kinds)
    except FileNotFoundError:
        raise FormatError(f"there is no file '{path}'") from None
    except FormatError:
        raise
    except UnicodeDecodeError:
        raise FormatError(
            f"'{path}' is not text in UTF-8 (but UTF-16 or Latin-1, as spreadsheets write it?): "
            "save it as 'CSV UTF-8'"
        ) from None
    except OSError as error:
        raise FormatError(f"'{path}' is not a table: {describe_error(error)}") from None
    except Exception as error:
        reason = explain_rows(path, separator) or describe_error(error)
        raise FormatError(f"'{path}' is not a table: {reason}") from None
    twice = first[first.duplicated() & first.notna()]  # pandas renames the second one
    if len(twice):
        raise FormatError(f"'{path}' has two columns named {quote(twice.iloc[0])}")
    for name in kinds:
        table[name] = read_ids(table[name], f"column {quote(name)} of '{path}'")
    check_writing(path, separator, table, kinds)
    return table


def _check_separator(path: Path, separator: str) -> None:
    """Raise where another sign is between the columns of a text file than its ending says."""
    found = find_other_separator(path, separator)
    if found:
        point = ", decimal=','" if found == ";" else ""
        to = "" if separator == "," else f", sep={separator!r}"
        raise FormatError(
            f"'{path}' has {SEPARATORS[found]} between its columns; a {path.suffix} file needs "
            f"{SEPARATORS[separator]}, and decimal numbers a point. In pandas: "
            f"read_csv(..., sep={found!r}{point}).to_csv(...{to}, index=False)"
        )


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = read_parquet(path)
        for name in table:
            table[name].to_numpy()  # text is decoded only here
        return table
    except ImportError:
        raise FormatError(
            f"'{path}' is a Parquet file; to read it: pip install \"spikecast[parquet]\""
        ) from None
    except FileNotFoundError:
        raise FormatError(f"there is no file '{path}'") from None
    except FormatError as error:
        raise FormatError(f"'{path}' is not read: {error}") from None
    except Exception as error:
        reason = describe_error(error)
        raise FormatError(f"'{path}' is damaged or not a Parquet file: {reason}") from None


def check_row_order(what: str, table: pd.DataFrame) -> None:
    """Raise where the numbers of a table's rows, as pandas stored them, say that it was sorted.

    Rows that go with those of other files are then others.
    """
    stored = table[INDEX] if INDEX in table else table.index.to_series()
    of_pandas = INDEX in table or table.index.name is None  # else ids, as of NWB's tables
    if of_pandas and stored.dtype.kind in "iuf" and not stored.is_monotonic_increasing:
        first = ", ".join(f"{value:g}" for value in stored[:3])
        raise FormatError(
            f"the rows of {what} were sorted: their numbers go {first}, ..., so that they do not "
            "go with those of other files; save it in the order of its index (sort_index), or give "
            "the index a name that says whose rows they are"
        )


def is_plain(column: pd.Series) -> bool:
    """Return whether a column holds numbers, text, truth values or dates, and no objects."""
    if column.dtype.kind in "iufbMm" or not isinstance(column.dtype, np.dtype):
        return True
    values = column.dropna()
    return all(isinstance(value, str | int | float | bool | np.generic) for value in values)


def find_columns(table: pd.DataFrame, wanted: Sequence[str]) -> list[str]:
    """Return the columns of a table that are called as one of `wanted`, in the order of these.

    Examples
    --------
    >>> find_columns(pd.DataFrame(columns=["KSLabel", "depth", "quality"]), QUALITY_NAMES)
    ['quality', 'KSLabel']
    """
    names = [str(name) for name in table if str(name).casefold() in wanted]
    return sorted(names, key=lambda name: wanted.index(name.casefold()))


def pick_column(table: pd.DataFrame, wanted: Sequence[str]) -> str | None:
    """Return the first of the `wanted` columns that a table has, whatever its capitals, or None."""
    names = [str(name) for name in table]
    for one in wanted:
        found = [name for name in names if name.casefold() == one.casefold()]
        if len(found) > 1:
            raise FormatError(
                f"columns '{found[0]}' and '{found[1]}' could both be meant; keep one"
            )
        if found:
            return found[0]
    return None
