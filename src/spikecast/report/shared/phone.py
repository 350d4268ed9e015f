"""Figures for the width of a phone: panels below each other, long names in several lines.

A page holds a figure twice, and the browser shows the one that fits. Within :func:`draw_for_phone`
the functions that draw make the narrow one; where they cannot, they say so by :func:`keep_wide`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 3.7  # inches: at this width type is as large on a phone as beside it
NAME, LINE = 17, 44  # characters of a row's name, and of a line of text
MOST_STACKED = 3  # panels

_on_phone: ContextVar[bool] = ContextVar("on_phone", default=False)


@contextmanager
def draw_for_phone() -> Iterator[None]:
    """Make figures that are drawn within the block as narrow as a phone."""
    token = _on_phone.set(True)
    try:
        yield
    finally:
        _on_phone.reset(token)


def is_for_phone() -> bool:
    """Return whether what is drawn now is for a phone.

    Examples
    --------
    >>> with draw_for_phone():
    ...     is_for_phone()
    True
    """
    return _on_phone.get()


class PhoneFigure(Figure):
    """A narrow figure; two or three panels in a row stand below each other.

    `is_wide` says that its panels are a grid that does not fit a phone.
    """

    is_wide = False

    def subplots(self, nrows: int = 1, ncols: int = 1, **settings: Any) -> Any:
        """Return the axes of panels, in the shape that was asked for."""
        if ncols == 1 or nrows > 1 or ncols > MOST_STACKED:
            self.is_wide = self.is_wide or ncols > 1
            return super().subplots(nrows, ncols, **settings)
        self.set_figheight(ncols * self.get_figheight())
        squeezed = settings.get("squeeze", True)
        shared = {"sharex": settings.get("sharex", False), "sharey": settings.get("sharey", False)}
        panels = super().subplots(ncols, 1, squeeze=False, **shared)
        return panels[:, 0] if squeezed else panels.T


def fit_phone(figure: Figure) -> None:
    """Break long names and titles of a figure into lines, before it is laid out."""
    lines = 1
    for axes in figure.axes:
        lines = max(lines, _break_names(axes))
        for part in (axes.title, axes._left_title, axes.xaxis.label):  # type: ignore[attr-defined]
            part.set_text(_break_line(part.get_text(), LINE))
        height = figure.get_figheight() / len(figure.axes)
        label = axes.yaxis.label
        label.set_text(_break_line(label.get_text(), max(14, int(12 * height))))
    if lines > 2:
        figure.set_figheight(figure.get_figheight() * lines / 2)


def _break_names(axes: Axes) -> int:
    """Break the names of the rows of a panel; return the most lines of one."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    if max(map(len, names), default=0) <= NAME:
        return 1
    broken = [fill(name, NAME) for name in names]
    axes.set_yticks(np.asarray(axes.get_yticks()), broken, fontsize=8)
    return 1 + max(name.count("\n") for name in broken)


def _break_line(text: str, length: int) -> str:
    return "\n".join(fill(line, length) for line in text.split("\n"))
