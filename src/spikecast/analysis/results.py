"""What the results of all analyses have in common: how they print."""

from html import escape
from typing import Any


class Result:
    """Base class of a result: one line of facts, and in a notebook its table below it.

    A result has a ``table`` (DataFrame) and says its facts in ``__str__``.
    """

    table: Any

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table._repr_html_()}"
