"""Search spaces: ranges and lists of values for the settings of a model.

A model states its own as the class attribute ``search_space``. Every space holds the model's own
settings, so that a search can start at them. No space holds what changes the question
(``causal``), the machine (``device``) or the draw (``seed``), nor what a model chooses by itself
inside ``fit``: penalties and ranks of the linear models.
"""

import json
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

from spikecast.core.checks import check_kind, quote, to_list
from spikecast.core.errors import InputError

LARGEST_END = 1e12
MOST_TRIES = 100_000
"""Settings that one search tries; more are noted in memory, and take days."""


class Between(NamedTuple):
    """A setting from a range; whole numbers where both ends are."""

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def holds(self, value: Any) -> bool:
        """Return whether a value lies in the range."""
        number = isinstance(value, int if self.whole else int | float)
        return number and self.low <= value <= self.high


class OneOf(NamedTuple):
    """A setting from a list."""

    values: Sequence[Any]

    def holds(self, value: Any) -> bool:
        """Return whether a value is in the list; a list and a tuple of the same are the same."""
        return _tuples_to_lists(value) in map(_tuples_to_lists, self.values)


Space = Mapping[str, Between | OneOf]


def format_value(value: Any) -> Any:
    """Return a value as a table and a journal hold it: lists as text, all else as it is.

    Examples
    --------
    >>> format_value((1.0, 3.0)), format_value(8)
    ('[1.0, 3.0]', 8)
    """
    return json.dumps(value) if isinstance(value, list | tuple) else value


def check_values(setting: str, values: Between | OneOf, own: Any) -> Between | OneOf:
    """Return the values to search of a setting whose value is `own` by default.

    Raises InputError for ends in the wrong order, a logarithmic range that starts at 0, or an
    empty list.

    Examples
    --------
    >>> check_values("dropout", Between(0, 1), 0.3)  # all between, not two whole numbers
    Between(low=0.0, high=1.0, log=False)
    """
    check_kind(values, Between, OneOf)
    if isinstance(values, OneOf):
        listed = to_list(f"the values of '{setting}'", values.values, "a list")
        if not listed:
            raise InputError(f"the list of values of '{setting}' is empty")
        for value in listed:
            if isinstance(value, dict):
                raise InputError(f"'{setting}' cannot be searched among keys and values")
        return values
    low, high, log = values
    for end in (low, high):
        infinite = isinstance(end, float) and not math.isfinite(end)
        is_number = isinstance(end, Real) and not isinstance(end, bool)
        if not is_number or (abs(end) > LARGEST_END and not infinite):
            raise InputError(f"'{setting}' cannot run to {quote(end)}; give two numbers")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError(f"'{setting}' runs from {low:g} to {high:g}; both must be numbers")
    if not low < high:
        raise InputError(f"'{setting}' runs from {low:g} to {high:g}; low must be below high")
    if log and low <= 0:
        raise InputError(f"'{setting}' starts at {low:g}; a logarithmic range must start above 0")
    return Between(float(low), float(high), log) if isinstance(own, float) else values


def _tuples_to_lists(value: Any) -> Any:
    return [_tuples_to_lists(part) for part in value] if isinstance(value, list | tuple) else value
