"""Tables and lists of times in files, and tables whose columns a recording can hold."""

from collections.abc import Collection
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError

TABLES = (".csv", ".tsv", ".parquet", ".pqt")
TIMES = (".npy", ".csv", ".tsv")


def is_file(name: str, endings: Collection[str]) -> bool:
    """Return whether a name is that of a file, by its ending."""
    return Path(name).suffix.lower() in endings


def read_table_file(path: str | Path) -> pd.DataFrame:
    """Return the table in a CSV, TSV or Parquet file, or raise a FormatError."""
    path = Path(path)
    if not path.is_file():
        raise FormatError(f"there is no file '{path}'")
    try:
        if path.suffix.lower() in (".parquet", ".pqt"):
            return pd.read_parquet(path)
        return pd.read_csv(path, sep="\t" if path.suffix.lower() == ".tsv" else ",")
    except ImportError:
        raise FormatError(
            f"'{path}' is Parquet, which needs pyarrow: pip install \"spikecast[parquet]\""
        ) from None
    except Exception as error:  # parsers raise anything for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise FormatError(f"'{path}' is no table that can be read: {reason}") from None


def read_times_file(path: str | Path) -> np.ndarray:
    """Return the times in a file that holds one list of them: ``.npy``, or a single column."""
    path = Path(path)
    if not path.is_file():
        raise FormatError(f"there is no file '{path}'")
    if path.suffix.lower() == ".npy":
        try:
            times = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise FormatError(f"'{path}' holds no array of times: {error}") from None
    else:
        table = read_table_file(path)
        if len(table.columns) != 1:
            raise FormatError(
                f"'{path}' has {len(table.columns)} columns, not one list of times; give it as "
                f"'trials', and one of its columns as 'align': {_join(table.columns)}"
            )
        head = pd.to_numeric(pd.Series([table.columns[0]]), errors="coerce")  # no heading
        first = head.dropna().to_numpy(dtype=float)
        times = np.concatenate([first, to_numbers(table.iloc[:, 0])])
    if times.dtype.kind not in "fiu" or times.size != max(times.shape, default=1):
        raise FormatError(
            f"'{path}' holds {times.dtype} of shape {times.shape}; it must be one list of times"
        )
    return times.ravel().astype(float)


def to_numbers(values: pd.Series) -> np.ndarray:
    """Return a column as floats, NaN for what is missing or no number.

    Examples
    --------
    >>> to_numbers(pd.Series(["1.5", None, "x"]))
    array([1.5, nan, nan])
    """
    if values.dtype.kind in "mMc":
        return np.full(len(values), np.nan)
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def tidy_columns(table: pd.DataFrame) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the columns that a recording can hold, and the names of the others.

    Numbers, text and booleans stay; columns of lists, arrays or other objects are left out.

    Examples
    --------
    >>> columns, left = tidy_columns(pd.DataFrame({"side": ["L", None], "wave": [[1, 2], [3]]}))
    >>> columns["side"].tolist(), left
    (['L', ''], ['wave'])
    """
    kept: dict[str, np.ndarray] = {}
    left = []
    for name in dict.fromkeys(table.columns):
        values = table[name]
        column = None if isinstance(values, pd.DataFrame) else _tidy_column(values)
        if column is None:
            left.append(str(name))
        else:
            kept[str(name).replace("/", "_")] = column
    return kept, left


def _tidy_column(values: pd.Series) -> np.ndarray | None:
    """Return a column as an array of numbers, booleans, dates or text, or None."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufM":
        return values.to_numpy()
    missing = values.isna().to_numpy(dtype=bool)
    present = [_decode(one) for one in values[~missing]]
    if all(isinstance(one, bool | np.bool_) for one in present) and not missing.any():
        return np.array(present, dtype=bool)
    if all(isinstance(one, bool | int | float | np.number | np.bool_) for one in present):
        filled = np.full(len(values), np.nan)
        filled[~missing] = np.array(present, dtype=float)
        return filled
    if all(isinstance(one, str | bool | int | float | np.number | np.bool_) for one in present):
        text = np.full(len(values), "", dtype=object)
        text[~missing] = [str(one) for one in present]
        return text.astype(str)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.astype(str).to_numpy(dtype=str)
    return None


def _decode(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _join(names: Collection[Any]) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:20]) + (", ..." if len(shown) > 20 else "")
