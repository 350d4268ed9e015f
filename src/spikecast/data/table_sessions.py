"""Which session the rows of tables are of: spikes and trials must be of one."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.array_files import find_columns
from spikecast.data.columns import name_value

SESSION_NAMES = (
    *("session", "session_id", "session_name", "recording", "recording_id", "day", "date"),
    *("subject", "subject_id", "animal", "mouse"),
)
DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[ t]\d.*)?")

SESSIONS_OF_TRIALS = NoticeKind(
    "sessions_of_trials",
    "serious",
    "'{path}' has {n} values of '{column}', the spikes have {own}: all trials are taken. Where "
    "some are of another session, leave them out",
)


def check_one_session(table: pd.DataFrame, times: np.ndarray, path: Path) -> None:
    """Raise where a table of spikes holds several sessions: they would lie over each other."""
    for name in find_columns(table, SESSION_NAMES):
        named = table[name].notna() & (table[name].astype(str).str.strip() != "")
        if not _follow_time(table[name][named], times[named]):
            values = sorted(map(name_value, table[name][named].unique()))
            first, second = map(quote, values[:2])
            raise FormatError(
                f"'{path}' has {len(values)} values of '{name}' ({first}, {second}"
                f"{', ...' if len(values) > 2 else ''}): spikes of several sessions would lie over "
                "each other; keep the rows of one. Where all are of one recording on one clock, "
                "leave the column out"
            )


def _follow_time(values: pd.Series, times: np.ndarray) -> bool:
    """Return whether each value has a stretch of time of its own, as epochs or a clock have."""
    spans = pd.Series(times).groupby(values.to_numpy()).agg(["min", "max"]).sort_values("min")
    return bool((spans["max"].to_numpy()[:-1] <= spans["min"].to_numpy()[1:]).all())


def check_same_session(
    table: pd.DataFrame, sessions: dict[str, set[str]], path: Path
) -> list[Notice]:
    """Raise where trials are of another session than the spikes; return notices where some are."""
    notices = []
    pairs = [(own, one) for name, own in sessions.items() for one in find_columns(table, (name,))]
    for own, column in pairs:
        found = list_sessions(table[column])
        if not own or found <= own:
            continue
        of_spikes = ", ".join(sorted(own))
        if len(found) == 1:
            raise FormatError(
                f"'{path}' has trials whose '{column}' is {quote(*found)}; that of the spikes is "
                f"{quote(of_spikes)}: give the trials of the same session. Where the two are names "
                "of one session, leave the column out"
            )
        notices.append(
            SESSIONS_OF_TRIALS(path=path.name, n=len(found), column=column, own=of_spikes)
        )
    return notices


def list_sessions(column: pd.Series) -> set[str]:
    """Return the sessions that a column names, each in one way: dates as days, 003 as 3.

    Examples
    --------
    >>> sorted(list_sessions(pd.Series(["003", "2024-05-01 10:30:00", "", None])))
    ['2024-05-01', '3']
    """
    names = {name_value(value).strip().casefold() for value in column.dropna().unique()} - {""}
    dates = {name: DATE.fullmatch(name) for name in names}
    return {
        "-".join(date.groups()) if date else name.lstrip("0") or "0" if name.isdigit() else name
        for name, date in dates.items()
    }
