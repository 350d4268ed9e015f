"""Tables of a session whose columns a recording can hold."""

from collections.abc import Collection
from contextlib import suppress
from itertools import chain, count

import numpy as np
import pandas as pd

from spikecast.core.numbers import decode_bytes, to_numbers
from spikecast.data.array_files import QUALITY_NAMES, find_columns


def name_value(value: object) -> str:
    """Return a value as a name: numbers without zeros behind the point, no digit left out.

    Examples
    --------
    >>> name_value(1.0), name_value(0.25), name_value(312782546.0), name_value("left")
    ('1', '0.25', '312782546', 'left')
    """
    if not isinstance(value, float | np.floating):
        return str(value)
    short = f"{value:g}"
    exact = short if float(short) == float(value) else str(float(value))
    return exact.removesuffix(".0")


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
    plain = {str(name) for name in table.columns if "/" not in str(name)}
    for name in dict.fromkeys(table.columns):
        values = table[name]
        column = None if isinstance(values, pd.DataFrame) else _tidy_column(values)
        if column is None:
            left.append(str(name))
        else:
            key = str(name)
            if "/" in key or not key.strip():
                key = key.replace("/", "_") if key.strip() else "unnamed"
                key = find_free_name(key, {*plain, *kept})
            kept[key] = column
    return kept, left


def find_qualities(table: pd.DataFrame) -> list[str]:
    """Return the columns of units that may say how good they are, in the order of their names.

    Numbers in ``group`` are those of shanks or of groups of channels; truth values are labels.

    Examples
    --------
    >>> find_qualities(pd.DataFrame({"depth": [20], "group": [1], "KSLabel": ["good"]}))
    ['KSLabel']
    >>> find_qualities(pd.DataFrame({"group": ["good", "mua"]}))
    ['group']
    """
    names = find_columns(table, QUALITY_NAMES)
    return [name for name in names if name.casefold() != "group" or not _holds_numbers(table[name])]


def _holds_numbers(values: pd.Series) -> bool:
    """Return whether all values that are there are numbers, also as text; truth values are none."""
    words = values.astype(str).str.strip().str.casefold()
    present = values.notna() & (words != "")
    truth = words.isin(("true", "false")).any()
    return not truth and not np.isnan(to_numbers(values[present])).any()


def find_free_name(name: str, taken: Collection[str]) -> str:
    """Return a name that is not taken: as it is, or with a number from 2 on behind it.

    Examples
    --------
    >>> find_free_name("wheel", ["pupil"]), find_free_name("wheel", ["wheel", "wheel_2"])
    ('wheel', 'wheel_3')
    """
    numbered = (f"{name}_{number}" for number in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def _tidy_column(values: pd.Series) -> np.ndarray | None:
    """Return a column as an array of numbers, booleans, dates or text, or None."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufM":
        return values.to_numpy()
    missing = values.isna().to_numpy(dtype=bool)
    present = [decode_bytes(one) for one in values[~missing]]
    if all(isinstance(one, bool | np.bool_) for one in present) and not missing.any():
        return np.array(present, dtype=bool)
    if all(isinstance(one, bool | int | float | np.number | np.bool_) for one in present):
        filled = np.full(len(values), np.nan)
        with suppress(OverflowError):  # whole numbers beyond all decimal ones stay text
            filled[~missing] = np.array(present, dtype=float)
            if len(set(filled[~missing])) == len(set(present)):  # else too long for decimals
                return filled
    if all(isinstance(one, str | bool | int | float | np.number | np.bool_) for one in present):
        text = np.full(len(values), "", dtype=object)
        text[~missing] = [str(one) for one in present]
        return text.astype(str)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.astype(str).to_numpy(dtype=str)
    return None
