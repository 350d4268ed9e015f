"""The figure of a staircase: from a number as described to the sound one, change by change."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from spikecast.report.shared.rows import BESIDE, BesideAxes, Row
from spikecast.report.shared.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    draw_interval,
    report_style,
)
from spikecast.report.study.steps import count_digits
from spikecast.report.study.units import SHARES, UNITS

COLORS = {"start": GREY, "protocol": ORANGE, "decoder": GREEN, "model": BLUE, "data": SKY}


def _name_axis(unit: str) -> str:
    """Return what stands below the axis of a unit."""
    if unit in ("share", "variance"):
        return "%" if unit == "share" else "share of the variance"
    return "% of trials" if unit in SHARES else UNITS[unit].phrase.format("").strip()


@report_style
def draw_staircase(facts: Mapping[str, Any], rows: BesideAxes = BESIDE) -> Figure:
    """Draw the number after each change with its interval, and what the change won or lost.

    Parameters
    ----------
    facts : mapping
        An entry of ``staircases`` in ``study.json``.
    rows : BesideAxes
        Where the changes are named.
    """
    steps = facts["steps"]
    unit = steps[-1]["measure"]["unit"]
    scale, digits = (100 if unit in SHARES else 1), count_digits(steps)
    percent = f"{{:.{digits}%}}"
    figure = rows.make_figure(len(steps), 0.8, per_row=0.42)
    axes = figure.subplots()
    before, written = None, []
    for height, step in zip(reversed(range(len(steps))), steps, strict=True):
        measure, color = step["measure"], COLORS[step["kind"]]
        value = scale * measure["value"]
        low, high = (scale * measure.get(limit, measure["value"]) for limit in ("low", "high"))
        draw_interval(axes, (value, low, high), height, color, markersize=6)
        number = percent if unit in SHARES else UNITS[unit].number
        label, place = number.format(measure["value"]), high
        if before is not None:  # down from the step above, then across
            path = [before, before, value], [height + 1, height, height]
            axes.plot(*path, color=GREY, linewidth=0.7, zorder=0)
            number = f"{{:+z.{digits}f}}" if unit in SHARES else "{:+z.3f}"
            label += f"  ({number.format(scale * step['difference'])}, {step['kind']})"
            place = max(high, before)
        before = value
        written.append(Row(step["change"], label, place, color))
    left, right = axes.get_xlim()
    rows.write(axes, written)
    axes.set(xlabel=_name_axis(unit), xlim=(left, right))
    rows.make_room(axes, 0.42 if unit in SHARES and not digits else 0.55)
    if unit in (*SHARES, "r2"):  # room for words, but no share above all
        axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick < scale + 1e-6])
    return figure
