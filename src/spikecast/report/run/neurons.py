"""The scores of one target neuron by neuron."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.core.stored import damaged
from spikecast.report.run.target_figure import TargetFigure, is_counts
from spikecast.report.shared.style import ORANGE, new_figure, report_style, set_log_ticks
from spikecast.runs.reader import Target
from spikecast.scoring.metric_table import METRICS

FEWEST_POINTS = 4  # of a scatter; fewer are in the table


@report_style
def draw_neurons(target: Target) -> Figure:
    """Draw the scores of the model shown against the baseline's, and against firing rate."""
    table = pick_neurons(target)
    figure = new_figure(3.0)
    n_panels = 1 + (target.shown_baseline is not None)
    panels = figure.subplots(1, n_panels, squeeze=False)[0]
    if target.shown_baseline is not None:
        _draw_against_baseline(panels[0], target, table)
    _draw_against_rate(panels[-1], target, table)
    return figure


def _draw_against_baseline(axes: Axes, target: Target, table: pd.DataFrame) -> None:
    score, baseline = (
        table[table["model"] == name]["value"].to_numpy()
        for name in (target.shown_model, target.shown_baseline)
    )
    limits = [np.nanmin([baseline, score]), np.nanmax([baseline, score])]
    unit = METRICS[target.run.metric].unit
    axes.plot(baseline, score, "o", color=ORANGE, markersize=3.5, alpha=0.6)
    axes.plot(limits, limits, color="black", linewidth=0.8)
    axes.set(
        xlabel=f"{target.shown_baseline} ({unit})",
        ylabel=f"{target.shown_model} ({unit})",
        title=f"Above the line: {100 * np.mean(score > baseline):.0f} % of neurons",
    )


def _draw_against_rate(axes: Axes, target: Target, table: pd.DataFrame) -> None:
    score = table[table["model"] == target.shown_model]["value"].to_numpy()
    mean = target.recorded.mean(axis=(0, 1))
    if is_counts(target):
        axes.set(xlabel="mean rate (Hz)")
        set_log_ticks(axes)
        mean = mean / target.problem.attrs["bin_size"]
    else:
        axes.set(xlabel="mean activity")
    axes.plot(mean, score, "o", color=ORANGE, markersize=3.5, alpha=0.6)
    axes.axhline(0, color="black", linewidth=0.8)
    above = [f"Above 0: {100 * np.mean(score > 0):.0f} % of neurons"]
    for rung in target.verdict.rungs[-1:]:
        without_source = table[table["model"] == rung]["value"].to_numpy()
        above.append(f"above {rung}: {100 * np.mean(score > without_source):.0f} %")
    axes.set(
        ylabel=f"{target.shown_model} ({METRICS[target.run.metric].unit})", title="\n".join(above)
    )


def _describe(target: Target) -> str:
    rare = (
        "how often the neuron fires; scores of rare firers are noisy. 0 is each target's mean: "
        "what is above it may be the task, drift or movement, and does not say which targets the "
        "source tells anything about."
    )
    if target.shown_baseline is None:
        return f"One point per target: its score by {target.shown_model} against {rare}"
    return (
        f"One point per target. Left: {target.shown_model} against {target.shown_baseline}. "
        f"Right: against {rare}"
    )


NEURONS = TargetFigure(
    "Neuron by neuron",
    draw_neurons,
    _describe,
    "Scores neuron by neuron: the model shown against the baseline, and against firing rate.",
    lambda target: bool(target.problem.sizes["target"] >= FEWEST_POINTS),
)


def pick_neurons(target: Target) -> pd.DataFrame:
    """Return the scores of a target neuron by neuron, of each model as many as it has neurons."""
    table, n_targets = target.run.neurons, target.recorded.shape[2]
    picked = table[table["target"] == target.name]
    wrong = picked["model"].value_counts().loc[lambda rows: rows != n_targets]
    if len(wrong):
        what = f"it has {wrong.iloc[0]} rows of {wrong.index[0]} for {target.name}"
        raise damaged(target.run.layout.neurons, f"{what}, which has {n_targets} neurons")
    return picked
