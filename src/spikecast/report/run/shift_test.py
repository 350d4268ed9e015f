"""The shift test of a target: the true pairing of trials among shifted ones."""

from typing import cast

import numpy as np
from matplotlib.figure import Figure

from spikecast.evaluation.beyond import ShiftTest
from spikecast.report.run.target_figure import TargetFigure, is_cut_into_windows
from spikecast.report.run.verdict import name_verdict_rung
from spikecast.report.shared.formatting import format_p
from spikecast.report.shared.style import GREY, ORANGE, new_figure, report_style
from spikecast.runs.reader import Target
from spikecast.scoring.metric_table import METRICS


@report_style
def draw_shift_test(target: Target) -> Figure:
    """Draw the score of each shift, and of the true pairing."""
    test = cast(ShiftTest, _find_test(target))  # drawn only where there is one
    figure = new_figure(2.2)
    axes = figure.subplots()
    order = np.argsort(test.shifts)
    shifts, scores = np.array(test.shifts)[order], np.array(test.scores)[order]
    axes.plot(shifts, scores, "o-", color=GREY, markersize=3, linewidth=0.8, label="shifted")
    axes.plot(0, test.true, "o", color=ORANGE, markersize=6, label="as recorded")
    axes.axhline(0, color="black", linewidth=0.6)
    unit = "tenths of a window" if is_cut_into_windows(target) else "trials"
    axes.set(xlabel=f"source shifted by ({unit})", ylabel=METRICS[target.run.metric].unit)
    axes.legend(loc="best")
    return figure


def _name_unit(target: Target) -> str:
    return "tenth of a window" if is_cut_into_windows(target) else "trial"


def _describe(target: Target) -> str:
    test = cast(ShiftTest, _find_test(target))  # drawn only where there is one
    return (
        f"The source of each {_name_unit(target)} is paired with the target of a later or earlier "
        f"one and a regression on top of {name_verdict_rung(target.verdict)} is fitted anew, with "
        "fixed settings and a strong penalty, so that the scores are low. Slow change survives a "
        "shift, what belongs to the moment does not. As recorded it ranks with p "
        f"{format_p(test.p, len(test.shifts))}."
    )


def _find_test(target: Target) -> ShiftTest | None:
    beyond = target.verdict.beyond
    return None if beyond is None else beyond.shift_test


SHIFT_TEST = TargetFigure(
    "More than slow change?",
    draw_shift_test,
    _describe,
    "Score of shifted pairings of trials and of the pairing as recorded.",
    lambda target: _find_test(target) is not None,
)
