"""Conditions of trials: which trials are alike."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from spikecast.core.checks import check_one_of, to_list

STIMULUS = ("contrast_left", "contrast_right")

MISSING = ("", "nan", "None", "<NA>")
"""Text that stands for a value that is missing: a recording holds no text that is NaN."""


def find_missing(values: pd.Series | np.ndarray) -> np.ndarray:
    """Tell where values are missing: NaN, None, or text that stands for it.

    Examples
    --------
    >>> find_missing(pd.Series(["go", "", None])).tolist()
    [False, True, True]
    """
    missing = np.asarray(pd.isna(values))
    if np.asarray(values).dtype.kind in "OTU":
        missing = missing | np.isin(np.asarray(values).astype(str), MISSING)
    return missing


def hide_missing(values: Iterable[object]) -> pd.Series:
    """Return values as a Series that is NaN where they are missing."""
    values = pd.Series(to_list("labels", values, "a list or array"))
    return values.mask(find_missing(values))


def number_conditions(trials: pd.DataFrame, columns: Sequence[str] | None = None) -> np.ndarray:
    """Number the distinct combinations of trial columns, (trial,).

    By default of the contrasts, where the recording has them; else all trials are alike.

    Examples
    --------
    >>> number_conditions(pd.DataFrame({"contrast_left": [0, 1, 0], "contrast_right": [0, 0, 0]}))
    array([0, 1, 0])
    """
    if columns is None:
        columns = [name for name in STIMULUS if name in trials]
    columns = to_list("conditions", columns, "a list of trial columns")
    for name in columns:
        check_one_of("trial column", name, list(trials))
    if not columns:
        return np.zeros(len(trials), dtype=int)
    return trials.groupby(list(columns), sort=True, dropna=False).ngroup().to_numpy()
