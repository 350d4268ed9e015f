"""What all analyses have in common: how results print, and how plain values become settings."""

from html import escape
from typing import Any, TypeVar

T = TypeVar("T")


class Result:
    """Base class of a result: one line of facts, and in a notebook its table below it.

    A result has a ``table`` (DataFrame) and says its facts in ``__str__``.
    """

    table: Any

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table._repr_html_()}"


def make_settings(kind: type[T], value: Any) -> T:
    """Return settings as they are, or those whose first field is a plain value.

    Examples
    --------
    >>> from spikecast.tasks.splits import Split
    >>> make_settings(Split, 5) == make_settings(Split, Split(5)) == Split(n_folds=5)
    True
    """
    return value if isinstance(value, kind) else kind(value)  # type: ignore[call-arg]
