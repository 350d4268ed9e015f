"""The figure of a staircase: from a number as described to the sound one, change by change."""

import textwrap
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from spikecast.report.shared.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    draw_interval,
    new_figure,
    report_style,
)
from spikecast.report.study.text import SHARES, UNITS

COLORS = {"start": GREY, "protocol": ORANGE, "decoder": GREEN, "model": BLUE, "data": SKY}
LONGEST = 44  # letters of a line


def _name_axis(unit: str) -> str:
    """Return what stands below the axis of a unit."""
    if unit in ("share", "variance"):
        return "%" if unit == "share" else "share of the variance"
    return "% of trials" if unit in SHARES else UNITS[unit].phrase.format("").strip()


@report_style
def draw_staircase(facts: Mapping[str, Any]) -> Figure:
    """Draw the number after each change with its interval, and what the change won or lost.

    Parameters
    ----------
    facts : mapping
        An entry of ``staircases`` in ``study.json``.
    """
    steps = facts["steps"]
    unit = steps[-1]["measure"]["unit"]
    scale = 100 if unit in SHARES else 1
    names = [textwrap.fill(step["change"], LONGEST) for step in steps]
    figure = new_figure(0.8 + 0.42 * len(steps))
    axes = figure.subplots()
    before = None
    for height, step in zip(reversed(range(len(steps))), steps, strict=True):
        measure, color = step["measure"], COLORS[step["kind"]]
        value = scale * measure["value"]
        low, high = (scale * measure.get(limit, measure["value"]) for limit in ("low", "high"))
        draw_interval(axes, (value, low, high), height, color, markersize=6)
        label, place = UNITS[unit].number.format(measure["value"]), high
        if before is not None:  # down from the step above, then across
            path = [before, before, value], [height + 1, height, height]
            axes.plot(*path, color=GREY, linewidth=0.7, zorder=0)
            number = "{:+z.0f}" if unit in SHARES else "{:+z.3f}"
            label += f"  ({number.format(scale * step['difference'])}, {step['kind']})"
            place = max(high, before)
        before = value
        axes.annotate(label, (place, height), (8, 0), textcoords="offset points", va="center",
                      color=color, fontsize=8)  # fmt: skip
    left, right = axes.get_xlim()
    axes.set(
        yticks=range(len(steps)), yticklabels=names[::-1], ylim=(-0.6, len(steps) - 0.4),
        xlabel=_name_axis(unit),
        # words stand right of the last dot
        xlim=(left, right + (0.42 if unit in SHARES else 0.5) * (right - left)),
    )  # fmt: skip
    if unit in (*SHARES, "r2"):  # room for words, but no share above all
        axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick < scale + 1e-6])
    return figure
