"""Values in columns and arrays of files: as floats, as text, in a type that libraries work with."""

from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

FIRST_YEAR, LAST_YEAR, MOST_YEARS = 1679, 2261, 290
"""Of dates that xarray reads back, which counts nanoseconds from the first of them."""

EXACT = 2.0**53
"""Up to here decimals hold every whole number."""


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


def write_far_dates(dates: np.ndarray) -> np.ndarray:
    """Return dates as ISO text where they are too far away, or apart, for nanoseconds.

    Others are returned as they are.

    Examples
    --------
    >>> write_far_dates(np.array(["9999-12-31", "NaT"], dtype="datetime64[D]")).tolist()
    ['9999-12-31', '']
    >>> write_far_dates(np.array(["2026-12-31"], dtype="datetime64[D]")).dtype
    dtype('<M8[D]')
    """
    years = dates[~np.isnat(dates)].astype("M8[Y]").astype(int) + 1970
    first, last = years.min(initial=LAST_YEAR), years.max(initial=FIRST_YEAR)
    if first >= FIRST_YEAR and last <= min(LAST_YEAR, first + MOST_YEARS):
        return dates
    return np.where(np.isnat(dates), "", np.datetime_as_string(dates))


def decode_bytes(value: Any) -> Any:
    r"""Return bytes as text, other values as they are.

    Bytes that are not UTF-8 become escapes: two labels that differ do not become one.

    Examples
    --------
    >>> decode_bytes(b"CA1"), decode_bytes(b"\xe9"), decode_bytes(2)
    ('CA1', '\\xe9', 2)
    """
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
