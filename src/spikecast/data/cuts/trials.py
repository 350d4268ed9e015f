"""Which trial table and event of a session are taken, and which of its trials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from spikecast.core.checks import check_same_length, shorten_line, suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.core.text_tables import explain_commas
from spikecast.data.array_files import check_row_order
from spikecast.data.cuts.intervals import lie_within, overlap_any
from spikecast.data.event_files import (
    TRIAL_SUFFIXES,
    find_event_file,
    read_event_times,
    read_trials,
)
from spikecast.data.session import RawSession

NONE = "none"
"""The word for no event at all: one long trial."""
MILLISECONDS = 1000.0
MOST_NAMED = 4  # columns, or codes, that a message names
MOST_CODES = 10  # numbers that stand for kinds of trials; where times are shared by many rows

EVENT = NoticeKind("event", "minor", "time 0 is '{event}'{of}: {n} of {n_all} trials taken{left}")
ONE_LONG_TRIAL = NoticeKind(
    "one_long_trial", "minor", "no event: one long trial from {start:g} to {stop:g} s"
)
BEYOND_SESSION = NoticeKind(
    "beyond_session",
    "serious",
    "{share:.0%} of the window {start:g} to {stop:g} s lie beyond the first and last time of the "
    "session ({first:g} to {last:g} s): bins there are empty because nothing was recorded",
)
MOST_BEYOND = 0.5  # of a window; more is a window of something else
LEAST_BEYOND = 0.01
REORDERED = NoticeKind(
    "reordered", "minor", "events of {source} were not in order of time: trials were put in order"
)
OVERLAP = NoticeKind(
    "overlap",
    "serious",
    "{n} of {n_all} windows overlap the next one (shortest distance of events: {shortest:.3g} s): "
    "the same spikes then stand in two trials, and a trial that is held out is partly known",
)


OTHER_CLOCK = NoticeKind(
    "other_clock",
    "serious",
    "the last of {n} events lies at {last:g} s of a session that ends at {stop:g} s: are the times "
    "of spikes in milliseconds or samples? They are taken as seconds",
)
FEWEST, MOST_AFTER = 10, 300.0  # events; the session's end, in times of the last event


@dataclass(frozen=True, eq=False)
class Trials:
    """The trials that a session is cut into.

    Attributes
    ----------
    events : array, (trial,)
        Time of each event in seconds.
    table : DataFrame
        One row per trial.
    event : str
        Name of the event.
    source : str
        Name of the trial table; "" where the event is a bare list of times.
    """

    events: np.ndarray
    table: pd.DataFrame
    event: str
    source: str = ""

    def take(self, rows: np.ndarray) -> Trials:
        """Return some of the trials, by a mask or by their numbers."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(self, events=self.events[rows], table=self.table.iloc[rows])


def choose_trials(
    raw: RawSession, found: Trials, window: tuple[float, float], tolerance: float
) -> tuple[Trials, list[Notice]]:
    """Return the trials whose window lies within the session, in order of time.

    `tolerance` is how far, in seconds, a window may reach beyond the first and last time.
    """
    known = found.take(np.isfinite(found.events))
    _refuse_codes(raw, known)
    inside = (known.events + window[0] >= raw.duration[0] - tolerance) & (
        known.events + window[1] <= raw.duration[1] + tolerance
    )
    recorded = inside
    if raw.observed is not None:
        recorded = inside & lie_within(raw.observed, known.events, window, tolerance)
    invalid = np.zeros(len(known.events), dtype=bool)
    if raw.invalid is not None:
        invalid = overlap_any(raw.invalid, known.events, window)
    trials = known.take(recorded & ~invalid)
    if not len(trials.events):
        raise NotEnoughDataError(_explain_none(raw, found, int(recorded.sum())))
    n_all = len(found.events)
    reasons = {
        "without a time": n_all - len(known.events),
        "whose window reaches beyond the session": int((~inside).sum()),
        "whose window reaches where nothing was recorded": int((inside & ~recorded).sum()),
        "whose window overlaps invalid times of the file": int((recorded & invalid).sum()),
    }
    left = ", ".join(f"{n} {why}" for why, n in reasons.items() if n)
    notices = [
        EVENT(
            event=trials.event,
            of=f" of the table '{trials.source}'" if trials.source else "",
            n=len(trials.events),
            n_all=n_all,
            left=f" (left out: {left})" if left else "",
        )
    ]
    if (np.diff(trials.events) < 0).any():
        trials = trials.take(np.argsort(trials.events, kind="stable"))
        notices.append(REORDERED(source=f"'{trials.source or trials.event}'"))
    notices += note_overlap(trials.events, window, tolerance)
    last, stop = trials.events[-1], raw.duration[1]
    if len(trials.events) >= FEWEST and 0 < MOST_AFTER * last < stop:
        notices.append(OTHER_CLOCK(n=len(trials.events), last=float(last), stop=float(stop)))
    return trials, notices


def _refuse_codes(raw: RawSession, known: Trials) -> None:
    """Raise where events are no times: few different numbers, each of which is that of many rows.

    Trials of one time are one trial several times.
    """
    n, codes = len(known.events), np.unique(known.events)
    is_truth = codes.tolist() == [0, 1]
    if n <= 2 or not (is_truth or (codes.size <= MOST_CODES and 2 * codes.size < n)):
        return
    if is_truth:
        what = "holds truth values (0 and 1)"
    elif codes.size == 1:
        or_truth = "truth values or " if codes[0] == 1 else ""
        what = f"is {codes[0]:g} on all {n} rows, like {or_truth}a time within the trial"
    else:
        shown = ", ".join(f"{code:g}" for code in codes[:MOST_NAMED].tolist())
        more = ", ..." * (codes.size > MOST_NAMED)
        what = f"holds {codes.size} numbers only ({shown}{more}) on {n} rows, like codes"
    of = f" of the table '{known.source}'" if known.source else ""
    columns = find_event_columns(known.table, raw.duration)
    named = f" ({', '.join(map(shorten_line, columns[:MOST_NAMED]))})" if columns else ""
    raise InputError(
        f"align '{known.event}'{of} {what}; name a column of times in seconds of the session{named}"
    )


def note_overlap(events: np.ndarray, window: tuple[float, float], tolerance: float) -> list[Notice]:
    """Return a notice where windows around events, in order of time, share bins."""
    steps = np.diff(events)
    n = int((steps < window[1] - window[0] - tolerance).sum())
    return [OVERLAP(n=n, n_all=len(events), shortest=float(steps.min()))] if n else []


def check_long_trial(raw: RawSession, window: tuple[float, float]) -> list[Notice]:
    """Return a notice where one long trial reaches beyond the session; refuse one that mostly does.

    A hundredth of it may, for the first and last spike are not the ends of a recording.
    """
    (start, stop), (first, last) = window, raw.duration
    share = 1 - max(min(stop, last) - max(start, first), 0) / (stop - start)
    if share > MOST_BEYOND:
        raise InputError(
            f"{share:.0%} of the window {start:g} to {stop:g} s lie beyond the session, which goes "
            f"from {first:g} to {last:g} s; without an event the window is on the session's clock"
        )
    beyond = BEYOND_SESSION(share=share, start=start, stop=stop, first=first, last=last)
    return [beyond] if share > LEAST_BEYOND else []


def _explain_none(raw: RawSession, found: Trials, n_recorded: int) -> str:
    """Return why no trial is left; `n_recorded` only overlap times that are invalid."""
    events = found.events[np.isfinite(found.events)]
    if n_recorded and raw.invalid is not None:
        return (
            f"all {n_recorded} windows around '{found.event}' within the session overlap invalid "
            f"times of the {raw.source} ({len(raw.invalid)} intervals, {raw.invalid.min():g} to "
            f"{raw.invalid.max():g} s); name a shorter window, or remove the intervals that are "
            "not meant"
        )
    if not len(events):
        return f"'{found.event}' holds no time in any of its {len(found.events)} trials"
    start, stop = raw.duration
    text = (
        f"none of {len(found.events)} windows around '{found.event}' lies within the session "
        f"({start:g} to {stop:g} s); its events go from {events.min():g} to {events.max():g}"
    )
    if stop < events.max() <= stop * MILLISECONDS * 2:
        text += ". Are they in milliseconds, or in samples? Times must be in seconds"
    if events.min() > stop or events.max() < start:
        text += ". Or are the spikes a piece of a longer recording? Both need one clock"
    return text


def find_events(raw: RawSession, align: str, trials: str | None) -> Trials:
    """Return the event that `align` names, and the trial table that goes with it.

    Parameters
    ----------
    align : str
        A column of a trial table, a name among the session's events, or a file of times.
    trials : str, optional
        Name of the table, or a file; by default the one table that has a column `align`, but for
        second tables.
    """
    opened = dict(raw.tables)
    if trials is not None:
        if trials not in opened and Path(trials).suffix in TRIAL_SUFFIXES:
            opened[trials] = read_trials(Path(trials))
        elif trials not in opened:
            raise InputError(
                f"trials '{trials}': the {raw.source} has no such table."
                f"{suggest_name(trials, opened)}"
            )
        opened = {trials: opened[trials]}
    holders = [name for name, table in opened.items() if align in map(str, table.columns)]
    holders = [name for name in holders if name not in raw.second_tables] or holders
    if len(holders) > 1:
        both = " and ".join(f"'{name}'" for name in holders)
        raise InputError(f"the tables {both} both have a column '{align}'; name one as trials")
    if holders and trials is None and align in raw.events:
        raise InputError(
            f"'{align}' is a column of the table '{holders[0]}' and a list of events; name the "
            f"table as trials, or rename one of them"
        )
    if holders:
        return _take_column(opened[holders[0]], align, holders[0])
    if align in raw.events:
        events = np.asarray(raw.events[align], dtype=float).ravel()
    elif find_event_file(align):
        events = read_event_times(align)
    else:
        known = [str(column) for table in opened.values() for column in table.columns]
        raise InputError(
            f"align '{align}' is neither a column of a trial table, nor a list of events, nor a "
            f"file of times that is there."
            f"{suggest_name(align, [*known, *raw.events])}"
        )
    if trials is None:
        return Trials(events, pd.DataFrame(index=range(len(events))), align)
    check_same_length(f"align '{align}'", len(events), f"the table '{trials}'", len(opened[trials]))
    check_row_order(f"the table '{trials}'", opened[trials])
    return Trials(events, opened[trials], align, trials)


def _take_column(table: pd.DataFrame, column: str, source: str) -> Trials:
    values = table[next(name for name in table.columns if str(name) == column)]
    events = to_numbers(values) if isinstance(values, pd.Series) else np.array([])
    why = explain_commas(values) if isinstance(values, pd.Series) else ""
    if len(table) and (why or not np.isfinite(events).any()):
        what = "text" if why else "no number"
        raise InputError(f"align '{column}' of the table '{source}' holds {what}{why}")
    return Trials(events, table, column, source)


def find_event_columns(table: pd.DataFrame, duration: tuple[float, float]) -> list[str]:
    """Return the columns of a trial table that may be events: times within the session.

    Examples
    --------
    >>> table = pd.DataFrame({"start": [1.5, 9.1], "block": [1, 2], "side": ["L", "R"]})
    >>> find_event_columns(table, (0.0, 20.0))
    ['start']
    """
    found = []
    for name in dict.fromkeys(map(str, table.columns)):
        values = table[next(one for one in table.columns if str(one) == name)]
        if isinstance(values, pd.DataFrame) or values.dtype.kind == "b":
            continue
        times = to_numbers(values)
        times = times[np.isfinite(times)]
        counts = times.size and (times == np.round(times)).all() and (np.diff(times) == 1).all()
        inside = (times >= duration[0]) & (times <= duration[1])
        rising = (np.diff(times) >= 0).mean() if times.size > 1 else 0.0
        distinct = len(np.unique(times)) > times.size / 2
        if times.size > 1 and not counts and inside.mean() > 0.5 and rising > 0.8 and distinct:
            found.append(name)
    return found
