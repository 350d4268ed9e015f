"""Which units of a session are taken, and which area each of them is in."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from spikecast.core.checks import check_one_of, suggest_name, to_list
from spikecast.core.errors import FormatError, InputError, NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.columns import name_value
from spikecast.data.session import RawSession

ALL = "all"
GOOD = ("good", "pass", "sua", "true", "1")
"""Labels, in lower case, of units that are taken where nobody says which."""
MOST_LABELS = 10  # a column with more distinct numbers is a measure, not a label
NO_AREA = "unknown"
MISSING = ("", "nan", "none", "null", "<na>")

UNITS = NoticeKind(
    "units_taken", "minor", "{n} of {n_units} units taken: '{column}' is {labels}{others}"
)
ALL_UNITS = NoticeKind("all_units_taken", "minor", "all {n_units} units taken{why}")
AREAS = NoticeKind("area_column", "minor", "area of each unit: column '{column}'{others}")
NO_AREAS = NoticeKind(
    "no_areas",
    "serious",
    "no column of the units says which area they are in: all are called '"
    + NO_AREA
    + "'; area_column names another column as the area{columns}",
)


def choose_units(raw: RawSession, wanted: Sequence[str] | None) -> tuple[np.ndarray, list[Notice]]:
    """Return the rows of the units that are taken, and what is to be said about it.

    `wanted` are labels of the quality column ("good"), also with the column ("group=good"), or
    "all"; by default the units that the quality column calls good, where there is one.
    """
    wanted = None if wanted is None else to_list("units", wanted, "a list of labels")
    n_units = len(raw.units)
    if not n_units:
        raise NotEnoughDataError(f"the {raw.source} holds no units")
    if wanted and ALL in wanted:
        if len(wanted) > 1:
            raise InputError(f"units: '{ALL}' stands alone, not with {', '.join(wanted)}")
        return np.arange(n_units), [ALL_UNITS(n_units=n_units, why="")]
    choices = _list_choices(raw, wanted)
    if not choices:
        if wanted:
            raise InputError(
                f"units {', '.join(wanted)}: the {raw.source} has no column of qualities; "
                f"leave it out, or name a column: 'column=label'{_name_columns(raw.units)}"
            )
        return np.arange(n_units), [ALL_UNITS(n_units=n_units, why=_why_all(raw))]
    (column, labels), *others = choices.items()
    mask = match_labels(raw.units[column], labels)
    for other, of_other in others:
        if (mask != match_labels(raw.units[other], of_other)).any():
            sizes = " and ".join(
                f"'{name}' keeps {match_labels(raw.units[name], choices[name]).sum()}"
                for name in (column, other)
            )
            raise InputError(
                f"columns '{column}' and '{other}' disagree about which units are "
                f"{' or '.join(labels)} (of {n_units}, {sizes}); name one: units "
                f"'{column}={labels[0]}' or '{other}={of_other[0]}', or '{ALL}'"
            )
    if not mask.any():
        raise NotEnoughDataError(
            f"no unit has '{column}' {' or '.join(labels)}; it holds "
            + ", ".join(f"{label} ({n})" for label, n in count_labels(raw.units[column]).items())
        )
    left = count_labels(raw.units.loc[~mask, column])
    shown = ", ".join(f"{label} {n}" for label, n in left.items())
    notice = UNITS(
        n=int(mask.sum()),
        n_units=n_units,
        column=column,
        labels=" or ".join(labels),
        others=f" (left out: {shown})" if left else "",
    )
    return np.flatnonzero(mask), [notice]


def _list_choices(raw: RawSession, wanted: Sequence[str] | None) -> dict[str, list[str]]:
    """Return column -> labels to keep, of every column that the choice may be made by."""
    columns = [name for name in raw.quality_columns if name in raw.units]
    if not wanted:
        good = {name: find_good(raw.units[name]) for name in columns}
        return {name: [label] for name, label in good.items() if label is not None}
    column, *more = wanted[0].split("=", 1)
    if more:  # column=label, and further labels of it
        check_one_of("column of the units", column, list(map(str, raw.units)))
        labels = {column: [one.removeprefix(f"{column}=") for one in wanted]}
    else:
        labels = {
            name: list(wanted)
            for name in columns
            if match_labels(raw.units[name], wanted).any() or len(columns) == 1
        }
        if columns and not labels:
            known = [label for name in columns for label in count_labels(raw.units[name])]
            raise InputError(
                f"no unit is called {' or '.join(wanted)} in {' or '.join(columns)}; a label of "
                "another column stands behind its name: 'column=label'."
                f"{suggest_name(wanted[0], known)}"
            )
    for column, of_column in labels.items():
        known = list(count_labels(raw.units[column]))
        for label in of_column:
            if not match_labels(raw.units[column], [label]).any():
                raise InputError(
                    f"units '{label}': not a label of '{column}'.{suggest_name(label, known)}"
                )
    return labels


def find_good(values: pd.Series) -> str | None:
    """Return the label of a quality column that says good, or None."""
    labels = count_labels(values)
    if len(labels) > MOST_LABELS:
        return None
    if values.dtype.kind in "fiu" and not values.dropna().between(0, 1).all():  # a number of a kind
        return None
    return next((label for good in GOOD for label in labels if label.lower() == good), None)


def match_labels(values: pd.Series, labels: Sequence[str]) -> np.ndarray:
    """Return a mask of the values that are one of the labels, in any case of letters.

    Examples
    --------
    >>> match_labels(pd.Series([1.0, 0.5, None]), ["1"])
    array([ True, False, False])
    """
    wanted = [label.strip().lower() for label in labels]
    return _to_text(values).str.lower().isin(wanted).to_numpy(dtype=bool)


def count_labels(values: pd.Series) -> dict[str, int]:
    """Return label -> number of units, the most frequent first; "none" where it is missing."""
    counts = _to_text(values).replace("", "none").value_counts()
    return {str(label): int(n) for label, n in counts.items()}


def _to_text(values: pd.Series, write: Callable[[object], str] = "{:g}".format) -> pd.Series:
    """Return labels as text: numbers without zeros behind the point, nothing for missing ones."""
    if values.dtype.kind in "fiu":
        text = pd.Series([write(value) for value in values], dtype=object)
    else:
        text = pd.Series([str(value).strip() for value in values], dtype=object)
    return text.where(~text.str.lower().isin(MISSING), "").astype(str)


def _why_all(raw: RawSession) -> str:
    columns = [name for name in raw.quality_columns if name in raw.units]
    if not columns:
        return ": no column says how good they are"
    labels = ", ".join(list(count_labels(raw.units[columns[0]]))[:MOST_LABELS])
    return f": '{columns[0]}' calls none good (it holds {labels})"


def _name_columns(units: pd.DataFrame) -> str:
    return f"; columns: {', '.join(map(str, units.columns))}" if len(units.columns) else ""


def name_areas(
    raw: RawSession, rows: np.ndarray, column: str | None
) -> tuple[np.ndarray, list[Notice]]:
    """Return the area of each unit of `rows`, and what is to be said about it."""
    units = raw.units.iloc[rows]
    if column is not None:
        check_one_of("area_column", column, list(map(str, units.columns)))
        return _fill_areas(_to_text(units[column], name_value)), [AREAS(column=column, others="")]
    columns = [name for name in raw.area_columns if name in units]
    names = {name: _to_text(units[name], name_value).to_numpy(dtype=str) for name in columns}
    names = {name: values for name, values in names.items() if (values != "").any()}
    if not names:
        return np.full(len(rows), NO_AREA), [NO_AREAS(columns=_name_columns(raw.units))]
    (first, area), *others = names.items()
    for other, values in others:
        differ = (area != values) & (area != "") & (values != "")
        if differ.any():
            row = int(np.flatnonzero(differ)[0])
            raise InputError(
                f"columns '{first}' and '{other}' disagree about the area of {differ.sum()} "
                f"units (unit {units.index[row]}: {area[row]}, {values[row]}); choose the "
                f"area_column: '{first}' or '{other}'"
            )
    agreeing = ", ".join(f"'{name}'" for name, _ in others)
    filled = area
    for _, values in others:
        filled = np.where(filled == "", values, filled)
    said = f"{agreeing} agrees" if agreeing else ""
    if n_filled := int((filled != area).sum()):
        said += f", and is taken for {n_filled} units that '{first}' says nothing of"
    return _fill_areas(filled), [AREAS(column=first, others=f" ({said})" if said else "")]


def _fill_areas(names: pd.Series | np.ndarray) -> np.ndarray:
    names = np.asarray(names, dtype=str)
    return np.where(names == "", NO_AREA, names).astype(str)


def check_units(raw: RawSession) -> None:
    """Raise where the ids of units are given twice, or traces are not one per unit."""
    twice = raw.units.index[raw.units.index.duplicated()]
    if len(twice):
        raise FormatError(f"the {raw.source} holds the unit id {twice[0]} twice")
    if (raw.spikes is None) == (raw.traces is None):
        raise FormatError(f"the {raw.source} holds neither spikes nor fluorescence, or both")
    if raw.traces is not None:
        values = raw.traces.values
        shape = () if values is None else values.shape
        if len(shape) != 2 or shape != (len(raw.traces.times), len(raw.units)):
            raise FormatError(
                f"fluorescence of the {raw.source} has shape {shape}; it must be "
                f"{len(raw.traces.times)} frames x {len(raw.units)} cells"
            )
