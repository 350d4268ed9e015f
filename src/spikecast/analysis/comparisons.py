"""Trial columns that are made of another by a comparison: ``"contrast_right>0"``."""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from spikecast.core.checks import check_one_of
from spikecast.core.errors import InputError
from spikecast.data.recording import Recording

COMPARISON = re.compile(r"(?P<column>[^<>]+?)\s*(?P<sign>[<>])\s*(?P<number>-?(?:\d+\.?\d*|\.\d+))")
"""A name such as ``contrast_right>0``: a trial column made of another."""


def find_compared_column(name: str) -> str:
    """Return the column that a name is about: the one compared, or the name itself.

    Examples
    --------
    >>> find_compared_column("contrast_right > 0"), find_compared_column("response")
    ('contrast_right', 'response')
    """
    comparison = COMPARISON.fullmatch(name)
    return comparison["column"] if comparison else name


def compare_column(trials: pd.DataFrame, name: str) -> np.ndarray | None:
    """Return "yes" or "no" per trial for a comparison, "" where the column is missing.

    None where the name is that of a column, or no comparison.

    Examples
    --------
    >>> trials = pd.DataFrame({"contrast": [0.0, 0.5, np.nan]})
    >>> compare_column(trials, "contrast>0").tolist(), compare_column(trials, "contrast")
    (['no', 'yes', ''], None)
    """
    comparison = COMPARISON.fullmatch(name)
    if comparison is None or name in trials:
        return None
    column = comparison["column"]
    values = trials[check_one_of("trial column", column, list(trials))]
    if values.dtype.kind not in "fiub":
        raise InputError(f"'{column}' is not a number; '{name}' needs one")
    number = float(comparison["number"])
    holds = values > number if comparison["sign"] == ">" else values < number
    return np.where(values.isna(), "", np.where(holds, "yes", "no"))


def add_comparisons(recording: Recording, names: Iterable[str]) -> Recording:
    """Return the recording with the trial columns that ``"contrast_right>0"`` and so on stand for.

    Examples
    --------
    >>> import spikecast
    >>> compared = add_comparisons(spikecast.load("simulated"), ["contrast_right>0", "response"])
    >>> sorted(set(compared.trials["contrast_right>0"]))
    ['no', 'yes']
    """
    trials = recording.trials
    columns = {name: compare_column(trials, name) for name in names}
    added = {name: ("trial", words) for name, words in columns.items() if words is not None}
    return Recording(recording.dataset.assign_coords(added)) if added else recording
