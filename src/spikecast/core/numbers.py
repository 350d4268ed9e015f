"""Read the numbers in a column."""

from contextlib import suppress

import numpy as np
import pandas as pd


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
