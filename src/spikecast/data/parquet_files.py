"""Read Parquet tables: what a small file would take of memory is known before it is read."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.errors import FormatError
from spikecast.core.free_memory import check_fits
from spikecast.core.numpy_types import check_date

WIDTH = 8  # bytes of a number


def read_parquet(path: Path) -> pd.DataFrame:
    """Return the table in a Parquet file; raise a FormatError where it takes more than it may.

    A value that is repeated takes no room in the file, however often it is, or however long. An
    index of pandas that has a name becomes a column; rows keep their numbers where it has none.
    """
    from pyarrow.parquet import ParquetFile
    from pyarrow.types import is_binary, is_date, is_decimal, is_large_binary, is_time

    with ParquetFile(path) as file:
        about = file.metadata
        _refuse_lists(file)
        _refuse_repetition(file)
        _check_dates(file)
        check_fits(float(about.num_rows) * about.num_columns * WIDTH, path)
        check_fits(_measure_texts(file, path), path)
        kinds = {one.name: one.type for one in file.schema_arrow}
    table = pd.read_parquet(path)
    for name in kinds.keys() & set(table):  # pandas keeps these as Python's objects
        if is_binary(kinds[name]) or is_large_binary(kinds[name]):  # text, as HDF5 gives it
            table[name] = table[name].map(_decode, na_action="ignore")
        elif is_decimal(kinds[name]):
            table[name] = table[name].astype(float)
        elif is_date(kinds[name]):
            table[name] = pd.to_datetime(table[name])
        elif is_time(kinds[name]):  # of day: a label, as it starts anew at midnight
            table[name] = table[name].map(str, na_action="ignore")
    named = [name for name in table.index.names if name is not None and name not in table]
    return table.reset_index(level=named) if named else table


def _decode(text: bytes) -> str | bytes:
    try:
        return text.decode()
    except UnicodeDecodeError:  # no text, which is refused where it is to be used
        return text


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
