"""What a simulation may be asked for."""

from collections.abc import Mapping, Sequence

from spikecast.core.checks import check_count, check_in_range, check_kind, quote
from spikecast.core.errors import InputError

MOST = 10_000_000
"""Trials, bins or neurons."""
LARGEST = 1e6
"""Hz, seconds per bin, standard deviations, or any other number that is no count."""


def check_counts(low: int, **counts: int) -> None:
    """Raise an InputError where one of the named numbers is no count from `low` on.

    Examples
    --------
    >>> check_counts(1, n_trials=0.5)
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: n_trials is 0.5; it must be between 1 and 1e+07
    """
    for name, count in counts.items():
        check_count(name, count, low, MOST)


def check_sizes(low: float, **sizes: float) -> None:
    """Raise an InputError where one of the named numbers is below `low`, or without bounds.

    Examples
    --------
    >>> check_sizes(0, median_rate=5.0)
    """
    for name, size in sizes.items():
        check_in_range(name, size, low, LARGEST)


def check_range(name: str, values: Sequence[float], low: float) -> tuple[float, float]:
    """Return the least and the most that a simulation draws between, or raise an InputError.

    Examples
    --------
    >>> check_range("interval", [3.0, 5.0], 0.1)
    (3.0, 5.0)
    """
    check_kind(values, Sequence)
    if len(values) != 2 or isinstance(values, str | bytes):
        raise InputError(f"{name} is {quote(values)}; it must be the least and the most")
    first, last = values
    check_sizes(low, **{f"{name}, the least,": first})
    check_sizes(first, **{f"{name}, the most,": last})
    return first, last


def complete_areas(areas: Mapping[str, int] | None, usual: Mapping[str, int]) -> dict[str, int]:
    """Return the number of neurons of each area, the usual ones by default.

    Examples
    --------
    >>> complete_areas(None, {"VISp": 20})
    {'VISp': 20}
    """
    if areas is None:
        return dict(usual)
    check_kind(areas, Mapping)
    check_in_range("the number of areas", len(areas), 1)
    for name, size in areas.items():
        check_kind(name, str)
        check_count(f"the number of neurons of {quote(name)}", size, 1, MOST)
    return dict(areas)
