"""What all analyses have in common: how results print, and how plain values become settings."""

from html import escape
from typing import Any, TypeVar

import pandas as pd

from spikecast.core.drawing import Drawable
from spikecast.core.notices import Notice

T = TypeVar("T")

UNITS = {
    "time": "s",
    "train_time": "s",
    "test_time": "s",
    "lag": "bins",
    "lag_seconds": "s",
    "median_width": "ms",
    "median_rate": "Hz",
}
"""Units of the columns of results; all others are shares, scores, numbers and names."""


class Result(Drawable):
    """Base class of a result: one line of facts, a table, a figure.

    A result has a ``table`` (DataFrame), says its facts in ``__str__``, and names the function of
    ``spikecast.plot`` that draws it.
    """

    table: Any
    notices: tuple[Notice, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self}"

    def to_frame(self) -> pd.DataFrame:
        """Return the table, tidy; ``frame.attrs["units"]`` has the units of its columns."""
        frame = self.table.copy()
        frame.attrs["units"] = {name: UNITS[name] for name in frame if name in UNITS}
        return frame

    def to_html(self) -> str:
        """Return the facts, what to know about them, and the table as HTML, as a notebook does."""
        notices = "".join(f"<li>{escape(str(notice))}</li>" for notice in self.notices)
        listed = f"<ul>{notices}</ul>" if notices else ""
        return f"<p>{escape(repr(self))}</p>{listed}{self.table._repr_html_()}"

    def _repr_html_(self) -> str:
        return self.to_html()


def make_settings(kind: type[T], value: Any) -> T:
    """Return settings as they are, or those whose first field is a plain value.

    Examples
    --------
    >>> from spikecast.tasks.splits import Split
    >>> make_settings(Split, 5) == make_settings(Split, Split(5)) == Split(n_folds=5)
    True
    """
    return value if isinstance(value, kind) else kind(value)  # type: ignore[call-arg]
