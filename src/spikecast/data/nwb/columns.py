"""Tables of an NWB file: columns with one value per row; lists in cells are left on the disk."""

from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.numbers import decode_bytes, to_common_type


def read_columns(table: Any) -> tuple[pd.DataFrame, list[str]]:
    """Return the columns of a DynamicTable with one number or text per row, and other names.

    Its index holds the ids. Columns that hold lists, arrays or references are named only.
    """
    n_rows = len(table.id)
    columns: dict[str, np.ndarray] = {}
    others = []
    for name in table.colnames:
        values = _read_plain(table[name], n_rows)
        if values is None:
            others.append(name)
        else:
            columns[name] = values
    index = pd.Index(to_common_type(np.asarray(table.id[:])), name="id")
    return pd.DataFrame(columns, index=index), others


def _read_plain(column: Any, n_rows: int) -> np.ndarray | None:
    """Return a column with one plain value per row, or None."""
    if type(column).__name__ in ("VectorIndex", "DynamicTableRegion") or not hasattr(
        column, "data"
    ):
        return None
    data = column.data
    shape = getattr(data, "shape", None) or np.shape(data)
    if len(shape) != 1 or shape[0] != n_rows:
        if len(shape) == 1:
            raise FormatError(
                f"column '{column.name}' has {shape[0]} values for {n_rows} rows of its table"
            )
        return None
    return to_plain(column[:] if type(column).__name__ == "EnumData" else data[:])


def to_plain(values: Any) -> np.ndarray | None:
    """Return values as numbers, booleans or text, or None where they are other objects.

    Examples
    --------
    >>> to_plain([b"CA1", "MOs"]).tolist(), to_plain([[1], [2, 3]])
    (['CA1', 'MOs'], None)
    """
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        return None
    if array.dtype.kind in "biuf" and array.ndim == 1:
        return to_common_type(array)
    if array.dtype.kind in "SUTO" and array.ndim == 1:
        decoded = [_decode(one) for one in array]
        if all(isinstance(one, str | int | float | bool | np.generic) for one in decoded):
            return np.array(decoded, dtype=object)
    return None


def _decode(value: Any) -> Any:
    """Return text for bytes, and as Python has it; other values as they are."""
    value = decode_bytes(value)
    return str(value) if isinstance(value, str) else value
