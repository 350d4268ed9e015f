"""Figures drawn into axes that someone else made, instead of a figure of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure, SubFigure
from matplotlib.gridspec import GridSpec, SubplotSpec
from matplotlib.legend import Legend

from spikecast.core.errors import InputError


class Place:
    """What stands for an empty figure within :func:`draw_into`.

    A chart of one panel is drawn on the axes themselves. One of several panels takes their place:
    the axes are removed, and the panels stand in a part of the figure of the same size.
    """

    def __init__(self, axes: Axes):
        self._axes = axes
        self._part: SubFigure | None = None
        self.root = cast(Figure, axes.get_figure(root=True))

    def subplots(self, nrows: int = 1, ncols: int = 1, **settings: Any) -> Any:
        """Return the panels, as those of a figure."""
        if nrows == ncols == 1:
            return self._axes if settings.get("squeeze", True) else np.array([[self._axes]])
        return self._divide().subplots(nrows, ncols, **settings)

    def add_gridspec(self, *shape: int, **settings: Any) -> GridSpec:
        """Return a grid for panels of unlike sizes."""
        return self._divide().add_gridspec(*shape, **settings)

    def add_subplot(self, place: SubplotSpec) -> Axes:
        """Return the panel at a place of the grid."""
        return self._divide().add_subplot(place)

    def legend(self, *handles: Any, **settings: Any) -> Legend:
        """Draw a legend: within a chart of one panel, above or below several."""
        if self._part is None:
            return self._axes.legend(*handles, **settings | {"loc": "best"})
        return self._part.legend(*handles, **settings)

    def colorbar(self, mappable: Any, **settings: Any) -> Colorbar:
        """Draw the colour scale of an image."""
        return (self._part or self.root).colorbar(mappable, **settings)

    def supxlabel(self, label: str, **settings: Any) -> None:
        """Write below the panels."""
        if self._part is None:
            self._axes.set_xlabel(label, **settings)
        else:
            self._part.supxlabel(label, **settings)

    def supylabel(self, label: str, **settings: Any) -> None:
        """Write left of the panels."""
        if self._part is None:
            self._axes.set_ylabel(label, **settings)
        else:
            self._part.supylabel(label, **settings)

    def get_figheight(self) -> float:
        """Return the height of the axes in inches."""
        return float(self._axes.get_position().height) * self.root.get_figheight()

    def set_figheight(self, height: float) -> None:
        """Leave the height as it is: the figure is someone else's."""

    def _divide(self) -> SubFigure:
        """Return the part of the figure where the axes were."""
        if self._part is None:
            place = self._axes.get_subplotspec()
            if place is None:
                raise InputError(
                    "ax has no place in a grid, and this figure has several panels; give one of "
                    "the axes of figure.subplots()"
                )
            owner = cast(Figure, self._axes.get_figure(root=False))
            self._axes.remove()
            self._part = owner.add_subfigure(place)
        return self._part


_place: ContextVar[Place | None] = ContextVar("place", default=None)


@contextmanager
def draw_into(axes: Axes | None) -> Iterator[None]:
    """Draw the next figure that is made within the block into `axes`; None: on its own.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from spikecast.report.shared.style import new_figure
    >>> axes = Figure().subplots()
    >>> with draw_into(axes):
    ...     new_figure(3.0).subplots() is axes
    True
    """
    if axes is not None and not isinstance(axes, Axes):
        raise InputError(f"ax is {type(axes).__name__}; it must be one matplotlib Axes, or None")
    if getattr(axes, "name", "") == "3d":
        raise InputError("ax is three-dimensional; give axes of a plane: figure.subplots()")
    token = _place.set(None if axes is None else Place(axes))
    try:
        yield
    finally:
        _place.reset(token)


def find_place() -> Figure | None:
    """Return what the next figure is drawn into, if it is not to be one of its own."""
    return cast("Figure | None", _place.get())
