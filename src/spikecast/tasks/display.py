"""How tasks and problems show themselves: what was set, in one line."""

from dataclasses import MISSING, fields
from html import escape
from inspect import getdoc
from typing import Any

LONGEST = 6  # items of a sequence that are shown


class TaskDisplay:
    """Base of tasks: a line with the settings that are not those by default."""

    def __repr__(self) -> str:
        given = []
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if one.default is MISSING or (value is not one.default and value != one.default):
                given.append(f"{one.name}={_shorten(value)}")
        return f"{type(self).__name__}({', '.join(given)})"

    def _repr_html_(self) -> str:
        about = (getdoc(type(self)) or "").partition("\n")[0]
        return f"<p><b>{escape(repr(self))}</b></p><p>{escape(about)}</p>"


def _shorten(value: Any) -> str:
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) <= LONGEST:
        return repr(value)
    return f"<{len(value)} of {value[0]} to {value[-1]}>"
