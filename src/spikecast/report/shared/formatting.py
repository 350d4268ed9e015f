"""How numbers, intervals, p values and lists are written, on the pages and the command line."""

from collections.abc import Iterable

import numpy as np

from spikecast.scoring.ratio_scores import Interval

MISSING = "–"
RUNG_PARTS = {
    "psth": "the task",
    "drift": "the session's drift",
    "behavior": "the recorded behaviour",
}
SOURCES = {"rest": "the rest", "all": "all neurons", "source": "the source"}


def format_number(value: float | None, digits: int = 3) -> str:
    """Return a number with a fixed number of decimals, a dash where there is none.

    Examples
    --------
    >>> format_number(0.1234), format_number(-0.0001), format_number(float("nan"))
    ('0.123', '0.000', '–')
    """
    return MISSING if value is None or np.isnan(value) else f"{value:z.{digits}f}"


def format_range(low: float, high: float, digits: int = 3) -> str:
    """Return the limits of an interval, ``"0.123 to 0.456"``."""
    return f"{format_number(low, digits)} to {format_number(high, digits)}"


def format_estimate(value: float, low: float, high: float, digits: int = 3) -> str:
    """Return an estimate with its interval, ``"0.300 (0.123 to 0.456)"``."""
    return f"{format_number(value, digits)} ({format_range(low, high, digits)})"


def format_interval(interval: Interval) -> str:
    """Return an estimate that is an object, ``"0.300 (0.123 to 0.456)"``."""
    return format_estimate(interval.value, interval.low, interval.high)


def format_difference(value: float, low: float, high: float) -> str:
    """Return a signed difference with its interval, ``"+0.300 (+0.123 to +0.456)"``."""
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def format_p(p: float, n_permutations: int) -> str:
    """Return a p value with its sign; the smallest there can be is written as a bound.

    Examples
    --------
    >>> format_p(1 / 201, 200), format_p(0.25, 200)
    ('≤ 0.005', '= 0.250')
    """
    smallest = 1 / (1 + n_permutations)
    return f"≤ {smallest:.3f}" if p <= smallest * 1.001 else f"= {p:.3f}"


def format_ms(seconds: float) -> str:
    """Return seconds in whole milliseconds; infinite ones are ``"unbounded"``."""
    return f"{1000 * seconds:.0f}" if np.isfinite(seconds) else "unbounded"


def format_duration(seconds: float) -> str:
    """Return how long something took.

    Examples
    --------
    >>> format_duration(12), format_duration(150), format_duration(8000)
    ('12 s', '2.5 min', '2.2 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, ``"1 trial"`` or ``"3 trials"``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def join_names(names: Iterable[object], last: str = ", ") -> str:
    """Return each name once, in order.

    Examples
    --------
    >>> join_names(["lda", "ridge", "lda"]), join_names("abc", last=" and ")
    ('lda, ridge', 'a, b and c')
    """
    once = list(dict.fromkeys(map(str, names)))
    return last.join([", ".join(once[:-1]), once[-1]]) if len(once) > 1 else "".join(once)


def name_source(source: str) -> str:
    """Return what a sentence calls the neurons that predict.

    Examples
    --------
    >>> name_source("rest"), name_source("VISp")
    ('the rest', 'VISp')
    """
    return SOURCES.get(source, source)


def name_rung(rungs: Iterable[str], *, one_condition: bool = False) -> str:
    """Return what a sentence calls the highest of some rungs of the ladder.

    Where no trial column names a condition, what is known of the task is the average trial.

    Examples
    --------
    >>> name_rung(["psth", "drift", "source_free", "behavior"])
    "the task, the session's drift and the recorded behaviour"
    >>> name_rung(["psth", "source_free"])
    'the task'
    >>> name_rung(["psth", "drift"], one_condition=True)
    "the average trial and the session's drift"
    """
    present = set(rungs)
    parts = RUNG_PARTS | ({"psth": "the average trial"} if one_condition else {})
    return join_names([name for rung, name in parts.items() if rung in present], last=" and ")
