"""Events and trial tables against the recording: outside it, in another unit, out of order."""

from collections.abc import Hashable, Iterator

import numpy as np
import pandas as pd

from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.data.cuts.behavior import LARGEST
from spikecast.data.session import RawSession

TOLERANCE = 1.0  # seconds that an event may lie outside: the last spike is not the very end
LEAST_STEP = 0.05  # seconds between events, in the median; less is no clock of the session
ASCENDING = 0.9  # of the steps of a clock
FACTORS = {1000.0: "milliseconds", 1e6: "microseconds"}
SAMPLING_RATES = (10_000.0, 20_000.0, 24_414.0625, 25_000.0, 30_000.0, 32_000.0, 40_000.0)
MOST_OUTSIDE = 0.5  # of the events; more are not in seconds on this clock
LEAST_COVERED = 0.2  # of the session, by events that are in another unit
FEWEST_EVENTS = 5
STARTS = ("start_time", "start", "intervals_0", "trial_start", "starts")
STOPS = ("stop_time", "stop", "end_time", "intervals_1", "trial_end", "stops")

OUTSIDE = NoticeKind(
    "events_outside",
    "serious",
    "{n} of {n_events} times of '{name}' lie outside the recording ({start:.0f} to {stop:.0f} s; "
    "they go from {first:.0f} to {last:.0f} s): there are no spikes for them. Trials around them "
    "are left out; are both on the same clock?",
)
LONGER = NoticeKind(
    "table_longer",
    "serious",
    "the table '{table}' is longer than the recording: its last {n} of {n_trials} rows begin after "
    "the end ({stop:.0f} s; the last at {last:.0f} s). They are left out; is it the table of "
    "another recording?",
)
OTHER_UNIT = NoticeKind(
    "not_seconds",
    "severe",
    "the times of '{name}' look like {unit}, not seconds: {outside:.0%} lie outside the recording "
    "({start:.0f} to {stop:.0f} s), and divided by {factor:g} all lie within. Divide them",
)
BACKWARD = NoticeKind(
    "events_out_of_order",
    "serious",
    "the times of '{name}' go back {n} {times_word} (first after row {row}): the rows were sorted, "
    "or a clock began anew. Trials are not in the order in which they were recorded",
)
TRIALS_OVERLAP = NoticeKind(
    "trials_overlap",
    "serious",
    "{n} of {n_trials} trials of the table '{table}' begin before the one before has ended: the "
    "same spikes are in two trials",
)


def find_clocks(raw: RawSession) -> dict[str, np.ndarray]:
    """Return the event times of a session by name: bare lists, and columns that run on.

    A column of a table is a clock where it is a number, rises from row to row (nine steps of ten),
    and by more than reaction times do; row numbers and other even integers are none. Names of
    columns are ``table.column``.
    """
    clocks = {name: np.asarray(times, dtype=float).ravel() for name, times in raw.events.items()}
    for table, rows in raw.tables.items():
        for name, column in rows.items():
            if is_clock(column, str(name)):
                clocks[f"{table}.{name}"] = to_numbers(column)
    return clocks


def is_clock(column: pd.Series, name: str = "") -> bool:
    """Return whether a column of a trial table holds times on the session's clock.

    Examples
    --------
    >>> is_clock(pd.Series([3.2, 9.1, 14.0, 21.7])), is_clock(pd.Series([0.3, 0.2, 0.4, 0.2]))
    (True, False)
    >>> is_clock(pd.Series([1, 2, 3, 4])), is_clock(pd.Series(["a", "b"]))
    (False, False)
    """
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return False
    values = to_numbers(column)
    values = values[np.abs(values) <= LARGEST]
    if name.lower() in (*STARTS, *STOPS):
        return values.size > 0
    if values.size < 3:
        return False
    step = np.diff(values)
    if np.ptp(step) == 0 and np.all(values % 1 == 0):
        return False  # counted, not measured
    return bool(np.mean(step > 0) >= ASCENDING and np.median(step) > LEAST_STEP)


def check_events(raw: RawSession, start: float, stop: float) -> list[Notice]:
    """Return notices of events that do not fit a recording from `start` to `stop` seconds."""
    notices = []
    checked = set()  # tables of which a notice says that they are longer
    for name, times in find_clocks(raw).items():
        times = times[np.isfinite(times)]
        table = name.rpartition(".")[0] if name not in raw.events else ""
        if not times.size or (table and table in checked):
            continue
        if (notice := _check_unit(name, times, start, stop)) is not None:
            notices.append(notice)
            continue
        after = int(np.count_nonzero(times > stop + TOLERANCE))
        outside = after + int(np.count_nonzero(times < start - TOLERANCE))
        if table and after and np.all(np.sort(times)[-after:] == times[-after:]):
            checked.add(table)
            notices.append(
                LONGER(table=table, n=after, n_trials=times.size, stop=stop, last=times.max())
            )
        elif outside:
            ends = {"first": float(times.min()), "last": float(times.max())}
            notices.append(
                OUTSIDE(name=name, n=outside, n_events=times.size, start=start, stop=stop, **ends)
            )
    return notices + [notice for one in _list_tables(raw) for notice in one]


def _check_unit(name: str, times: np.ndarray, start: float, stop: float) -> Notice | None:
    """Return a notice where times fit the recording in another unit only."""

    def is_outside(values: np.ndarray) -> np.ndarray:
        return (values < start - TOLERANCE) | (values > stop + TOLERANCE)

    outside = np.mean(is_outside(times))
    if times.size < FEWEST_EVENTS or outside <= MOST_OUTSIDE:
        return None
    whole = bool(np.all(times % 1 == 0))
    units = FACTORS | (dict.fromkeys(SAMPLING_RATES, "samples") if whole else {})
    for factor, unit in sorted(units.items()):
        scaled = times / factor
        covered = np.ptp(scaled) >= LEAST_COVERED * (stop - start)
        if covered and not is_outside(scaled).any():
            return OTHER_UNIT(
                name=name, unit=unit, factor=factor, outside=float(outside), start=start, stop=stop
            )
    return None


def _list_tables(raw: RawSession) -> Iterator[list[Notice]]:
    """Yield notices of times that go back, and of trials that overlap."""
    for name, times in raw.events.items():
        yield _check_order(name, np.asarray(times, dtype=float).ravel())
    for table, rows in raw.tables.items():
        names = {str(column).lower(): column for column in rows.columns}
        starts = [names[name] for name in STARTS if name in names]
        stops = [names[name] for name in STOPS if name in names]
        clocks: list[Hashable] = [*starts] or [
            name for name, one in rows.items() if is_clock(one, str(name))
        ]
        if clocks and pd.api.types.is_numeric_dtype(rows[clocks[0]]):
            start = to_numbers(rows[clocks[0]])
            yield _check_order(f"{table}.{clocks[0]}", start)
            if starts and stops and pd.api.types.is_numeric_dtype(rows[stops[0]]):
                yield _check_trials(table, start, to_numbers(rows[stops[0]]))


def _check_order(name: str, times: np.ndarray) -> list[Notice]:
    rows = np.flatnonzero(np.isfinite(times))
    back = np.flatnonzero(times[rows][1:] < times[rows][:-1])
    if not back.size:
        return []
    word = "time" if back.size == 1 else "times"
    return [BACKWARD(name=name, n=back.size, times_word=word, row=int(rows[back[0]]))]


def _check_trials(table: str, start: np.ndarray, stop: np.ndarray) -> list[Notice]:
    known = np.isfinite(start) & np.isfinite(stop)
    order = np.argsort(start[known], kind="stable")
    start, stop = start[known][order], stop[known][order]
    n = int(np.count_nonzero(start[1:] < stop[:-1] - 1e-6))
    return [TRIALS_OVERLAP(n=n, n_trials=start.size, table=table)] if n else []
