"""Read Parquet tables: what a small file would take of memory is known before it is read."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.errors import FormatError
from spikecast.core.free_memory import check_fits
from spikecast.core.numbers import EXACT, decode_bytes
from spikecast.core.numpy_types import check_date

WIDTH = 8  # bytes of a number


def read_parquet(path: Path) -> pd.DataFrame:
    """Return the table in a Parquet file; raise a FormatError where it takes more than it may.

    A value that is repeated takes no room in the file, however often it is, or however long. An
    index of pandas that has a name becomes a column; rows keep their numbers where it has none.
    """
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        about = file.metadata
        _refuse_lists(file)
        _refuse_repetition(file)
        _check_dates(file)
        check_fits(float(about.num_rows) * about.num_columns * WIDTH, path)
        check_fits(_measure_texts(file, path), path)
        kinds = {one.name: one.type for one in file.schema_arrow}
    table = pd.read_parquet(path)
    named = [name for name in table.index.names if name is not None and name not in table]
    table = table.reset_index(level=named) if named else table
    for name in kinds.keys() & set(table):
        table[name] = _convert(table[name], kinds[name])
    for name in (one for one in table if _are_rounded(table[one], kinds.get(one))):
        read = pd.read_parquet(path, "pyarrow", [str(name)], dtype_backend="numpy_nullable")
        table[name] = read[name].astype(object).to_numpy()
    return table


def _are_rounded(values: pd.Series, kind: Any) -> bool:
    """Return whether whole numbers beside a missing one have more digits than decimals hold."""
    from pyarrow import types

    are_decimals = isinstance(values.dtype, np.dtype) and values.dtype.kind == "f"
    return are_decimals and types.is_integer(kind) and bool(values.abs().max() >= EXACT)


def _convert(values: pd.Series, kind: Any) -> pd.Series:
    """Return a column that pandas keeps as Python's objects as numbers, dates or text."""
    from pyarrow import types

    if types.is_binary(kind) or types.is_large_binary(kind):  # text, as HDF5 gives it
        return values.map(decode_bytes, na_action="ignore")
    if types.is_decimal(kind):
        return _convert_decimals(values, kind.scale)
    if types.is_date(kind):
        return pd.to_datetime(values)
    if types.is_time(kind):  # of day: a label, as it starts anew at midnight
        return values.map(str, na_action="ignore")
    return values.dt.total_seconds() if types.is_duration(kind) else values


def _convert_decimals(values: pd.Series, scale: int) -> pd.Series:
    """Return decimals as floats, whole ones (ids, most often) as what holds every digit."""
    largest = max(map(abs, values.dropna()), default=0)
    if scale > 0 or (values.hasnans and largest <= EXACT):
        return values.astype(float)
    if not values.hasnans and largest < 2**63:
        return values.astype("int64")
    return values.map("{:f}".format, na_action="ignore")


def _refuse_lists(file: Any) -> None:
    """Raise where a column holds lists: a single one may be of any length in a file of 1 kB."""
    for field in file.schema_arrow:
        if getattr(field.type, "num_fields", 0):
            raise FormatError(
                f"column {quote(field.name)} holds lists or other objects; columns must hold "
                "numbers or text"
            )


def _refuse_repetition(file: Any) -> None:
    """Raise where two columns have one name."""
    if twice := [name for name, n in Counter(file.schema_arrow.names).items() if n > 1]:
        raise FormatError(f"two columns are called {quote(twice[0])}; rename one of them")


def _check_dates(file: Any) -> None:
    """Raise where pandas noted dates in an unknown unit: it would make their type."""
    noted = file.schema_arrow.pandas_metadata or {}
    for columns in (noted.get("columns", ()), noted.get("column_indexes", ())):
        for column in columns:
            for name in ("pandas_type", "numpy_type"):
                check_date(column.get(name))


def _measure_texts(file: Any, path: Path) -> float:
    """Return the bytes of all texts; the most that they may be where that fits."""
    about = file.metadata
    of_texts = [
        column
        for column in range(about.num_columns)
        if about.schema.column(column).physical_type.endswith("BYTE_ARRAY")
    ]
    # what a group says of a single column is not asked for: in damaged files it ends the process
    parts = [about.row_group(number) for number in range(about.num_row_groups if of_texts else 0)]
    most = sum(float(part.num_rows) * part.total_byte_size for part in parts)
    try:
        check_fits(most, path)
        return most
    except ValueError:  # each text is as long as all of them: look at them
        return _add_lengths(path, [about.schema.column(column).path for column in of_texts])


def _add_lengths(path: Path, names: list[str]) -> float:
    """Return the bytes of the texts of some columns: each different text is read once."""
    import pyarrow.compute as pc
    from pyarrow.parquet import ParquetFile

    n_bytes = 0.0
    with ParquetFile(path, read_dictionary=names) as file:
        for batch in file.iter_batches(columns=names):
            for column in batch.columns:
                if hasattr(column, "dictionary"):
                    lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
                    n_bytes += pc.sum(pc.cast(lengths, "int64")).as_py() or 0
    return n_bytes
