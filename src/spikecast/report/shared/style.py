"""How the report's figures look: type, colours, and the parts that several of them share."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from spikecast.models.catalog import is_null
from spikecast.report.shared.phone import WIDTH as PHONE_WIDTH
from spikecast.report.shared.phone import PhoneFigure, fit_phone, is_for_phone
from spikecast.report.shared.place import Place, find_place

P = ParamSpec("P")

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "text.parse_math": False,  # names from data may hold dollars
    "text.usetex": False,  # and what LaTeX would run, or is not there to run
}
WIDTH = 7.2  # inches: the width of the page's column

# Okabe & Ito's colours, told apart by colour-blind readers
GREY, BLUE, ORANGE, GREEN, PINK, SKY = (
    "#8a8a8a",
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
)
GROUPS = (BLUE, ORANGE, GREEN, PINK, SKY, GREY)
SIDES = {"left": BLUE, "right": ORANGE, "equal or none": GREY}
AREAS = (BLUE, ORANGE, GREEN, PINK, SKY, "#e69f00", "#7a5195", "#5b8c5a", "#444444", "#b07aa1")


def report_style(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Return a function that draws in the report's style and leaves matplotlib's as it was."""

    @wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with rc_context(STYLE), allow_what_does_not_fit():
            figure = draw(*args, **kwargs)
            if isinstance(figure, Place):
                return figure.root  # its maker lays it out
            if is_for_phone():
                fit_phone(figure)
            if engine := figure.get_layout_engine():
                engine.execute(figure)  # while the style holds, and once
                figure.set_layout_engine("none")
            return figure

    return wrapped


def to_label(name: str) -> str:
    """Return a name from the data as a label: legends leave out what begins with an underscore.

    Examples
    --------
    >>> to_label("VISp"), len(to_label("_a"))
    ('VISp', 3)
    """
    return f"\N{ZERO WIDTH SPACE}{name}" if name.startswith("_") else name


@contextmanager
def allow_what_does_not_fit() -> Iterator[None]:
    """Draw what does not fit without a warning: letters that the font lacks, names too long.

    The page's text has them.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def new_figure(height: float) -> Figure:
    """Return an empty figure of the page's width, or a phone's, `height` inches high.

    Within :func:`draw_into` it is what stands for one.
    """
    if place := find_place():
        return place
    if is_for_phone():
        return PhoneFigure(figsize=(PHONE_WIDTH, height))
    return Figure(figsize=(WIDTH, height))


def set_log_ticks(axes: Axes) -> None:
    """Make the x axis logarithmic: 0.1, 0.3, 1, 3 (matplotlib's labels of one decade touch).

    Of what is drawn already, more than two and a half decades are labelled 0.1, 1, 10.
    """
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    is_wide = low > 0 and np.log10(high / low) > 2.5
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if is_wide else (1, 3), numticks=20))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())


def model_color(name: str, default: str) -> str:
    """Return grey for nulls, orange for the model shown, blue for the others."""
    return GREY if is_null(name) else ORANGE if name == default else BLUE


def draw_interval(
    axes: Axes,
    estimate: tuple[float, float, float],
    height: float,
    color: str,
    *,
    filled: bool = True,
    linewidth: float = 1.6,
    markersize: float = 4.5,
) -> None:
    """Draw a value with its limits (value, low, high) as a dot on a horizontal line."""
    value, *limits = estimate
    axes.plot(limits, [height, height], color=color, linewidth=linewidth)
    face = color if filled else "white"
    axes.plot(value, height, "o", color=color, markerfacecolor=face, markersize=markersize)


def mark_event(axes: Axes, time: np.ndarray) -> None:
    """Draw a dotted line at the event, 0, where it lies within the time shown."""
    if time.min() < 0 < time.max():
        axes.axvline(0, color="black", linewidth=0.6, linestyle=":")


def make_panels(
    figure: Figure, n_panels: int, n_columns: int, *, sharex: bool = False, sharey: bool = False
) -> tuple[np.ndarray, list[Axes]]:
    """Return the grid of axes, (row, column), and those in use; the last ones may be left empty."""
    if is_for_phone() and n_columns > 1:  # as high as before, and fewer beside each other
        before = -(-n_panels // n_columns)
        n_columns = 2 if n_columns > 2 and n_panels > 3 else 1
        figure.set_figheight(figure.get_figheight() * -(-n_panels // n_columns) / before)
    n_rows = -(-n_panels // n_columns)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=sharex, sharey=sharey)
    if isinstance(figure, PhoneFigure):
        figure.is_wide = False
    for panel in grid.flat[n_panels:]:
        panel.set_axis_off()
    return grid, list(grid.flat[:n_panels])


def draw_top_legend(figure: Figure, axes: Axes, n_columns: int, title: str | None = None) -> None:
    """Draw the legend of some axes above the whole figure, in at most `n_columns` columns."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        title=title,
        title_fontsize=8,
        loc="outside upper center",
        ncols=min(n_columns, len(labels), 2 if is_for_phone() else n_columns),
        handlelength=1.0,
    )
