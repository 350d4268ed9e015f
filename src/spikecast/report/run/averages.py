"""Average responses of one target, recorded beside predicted."""

import numpy as np
from matplotlib.figure import Figure

from spikecast.models.catalog import name_model
from spikecast.report.run.target_figure import (
    TargetFigure,
    find_time_axis,
    find_unit_scale,
    group_trials,
    is_cut_into_windows,
)
from spikecast.report.shared.group_averages import draw_group_averages
from spikecast.report.shared.style import report_style
from spikecast.runs.reader import Target


@report_style
def draw_averages(target: Target) -> Figure:
    """Draw the averages of held-out trials over groups of trials."""
    grouped_by, group = group_trials(target)
    predicted = target.read_predictions(target.shown_model)
    scored = np.isfinite(predicted[:, 0, 0])
    return draw_group_averages(
        target.recorded[scored],
        predicted[scored],
        group[scored],
        grouped_by,
        *find_time_axis(target),
        find_unit_scale(target),
    )


def _describe(target: Target) -> str:
    return (
        "Held-out trials averaged within each group: recorded (lightly smoothed) beside predicted "
        f"by {name_model(target.shown_model)}, one target per row, on the same scale. It shows the "
        "average response; it does not show that single trials are predicted."
    )


AVERAGES = TargetFigure(
    "Recorded beside predicted: average responses",
    draw_averages,
    _describe,
    "Recorded beside predicted: neurons x time, averaged over each group of trials.",
    lambda target: not is_cut_into_windows(target),  # a window begins anywhere: nothing to average
)
