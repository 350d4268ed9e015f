"""Charts with a name per row: beside the axes on a page, above each row on a narrow screen."""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.report.shared.place import find_place
from spikecast.report.shared.style import WIDTH


class Row(NamedTuple):
    """What is written at a row of a chart: its name, and a label of what is drawn there."""

    name: str
    label: str = ""
    place: float = 0.0  # in data, where what is drawn ends; the label stands right of it
    color: str = "black"  # of the label


class BesideAxes:
    """Names stand left of the axes, labels at what they belong to."""

    width = WIDTH  # inches
    per_row = 0.3  # inches
    letters = 44  # of a line of a name

    def make_figure(self, n_rows: int, margin: float, per_row: float | None = None) -> Figure:
        """Return an empty figure for so many rows; `margin` inches are for the axis below."""
        height = margin + (self.per_row if per_row is None else per_row) * n_rows
        return find_place() or Figure(figsize=(self.width, height))

    def write(self, axes: Axes, rows: Sequence[Row]) -> None:
        """Write names and labels of rows, from the top down; the last row is at height 0."""
        names = [textwrap.fill(row.name, self.letters) for row in rows]
        axes.set(
            yticks=range(len(rows)), yticklabels=names[::-1], ylim=(-0.6, len(rows) - 0.4)
        )  # fmt: skip
        for height, row in enumerate(reversed(rows)):
            axes.annotate(row.label, (row.place, height), (8, 0), textcoords="offset points",
                          va="center", color=row.color, fontsize=8)  # fmt: skip

    def make_room(self, axes: Axes, share: float) -> None:
        """Widen the axes to the right by a share, where labels stand."""
        left, right = axes.get_xlim()
        axes.set_xlim(left, right + share * (right - left))


class AboveRows(BesideAxes):
    """Names stand above their rows, and labels behind the names."""

    width = 3.7
    per_row = 0.46
    letters = 58

    def make_figure(self, n_rows: int, margin: float, per_row: float | None = None) -> Figure:
        """Return an empty figure for so many rows, each with room for its name."""
        return super().make_figure(n_rows, margin + 0.2)

    def write(self, axes: Axes, rows: Sequence[Row]) -> None:
        """Write names and labels of rows, from the top down; the last row is at height 0."""
        axes.set(yticks=[], ylim=(-0.4, len(rows) - 0.2))
        axes.spines["left"].set_visible(False)
        for height, row in enumerate(reversed(rows)):
            words = f"{row.name}: {row.label}" if row.label else row.name
            axes.annotate(textwrap.fill(words, self.letters), (0, height), (2, 6),
                          xycoords=("axes fraction", "data"), textcoords="offset points",
                          va="bottom", color=row.color, fontsize=8, linespacing=1.0,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0})  # fmt: skip

    def make_room(self, axes: Axes, share: float) -> None:
        """Leave the axes as they are: no label stands right of what is drawn."""


BESIDE, ABOVE = BesideAxes(), AboveRows()
