"""Numbers in columns and arrays of files: as floats, and in a type that libraries work with."""

from contextlib import suppress

import numpy as np
import pandas as pd


def to_common_type(array: np.ndarray) -> np.ndarray:
    """Return an array in a type that pandas and torch work with.

    Its byte order is the machine's, and decimal numbers have 32 or 64 bits: more keep no digit that
    is used here, and of fewer pandas makes no groups.

    Examples
    --------
    >>> to_common_type(np.array([1, 2], dtype=">i4")).dtype.isnative
    True
    >>> to_common_type(np.array([0.5], dtype=np.float16))
    array([0.5], dtype=float32)
    """
    kind = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
    if kind.kind == "f":
        kind = np.dtype(float) if kind.itemsize >= 8 else np.dtype(np.float32)
    with np.errstate(over="ignore"):  # what no float holds is infinite
        return array.astype(kind, copy=False)


def to_numbers(values: pd.Series) -> np.ndarray:
    """Return a column as floats, NaN for what is missing or no number.

    Examples
    --------
    >>> to_numbers(pd.Series(["1.5", None, "x", 400 * "9"]))
    array([1.5, nan, nan, inf])
    """
    if values.dtype.kind in "mMc":
        return np.full(len(values), np.nan)
    try:
        return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    except OverflowError:  # a whole number of hundreds of digits
        return np.array([_to_number(value) for value in values])


def _to_number(value: object) -> float:
    with suppress(ValueError, TypeError):
        return float(str(value))
    return np.nan
