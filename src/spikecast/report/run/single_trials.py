"""Single trials of one target, recorded beside predicted."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.models.catalog import name_model
from spikecast.report.run.neurons import pick_neurons
from spikecast.report.run.target_figure import (
    TargetFigure,
    find_time_axis,
    find_unit_scale,
    is_counts,
    name_trial,
)
from spikecast.report.shared.phone import is_for_phone
from spikecast.report.shared.style import ORANGE, new_figure, report_style
from spikecast.runs.reader import Target

MOST_TRIALS = 3
BUSY_QUANTILE = 0.6  # only neurons with more spikes than this share of all are drawn


@report_style
def draw_single_trials(target: Target) -> Figure:
    """Draw held-out trials of a well and of a middling predicted neuron."""
    score = pick_neurons(target).query("model == @target.shown_model")["value"].to_numpy()
    stored = target.read_arrays(target.shown_model, 0)
    recorded, prediction = target.recorded[stored["test"]], stored["prediction"]
    neurons = _choose_neurons(target, recorded, score)
    # trials with many spikes of these neurons show most
    activity = recorded[:, :, neurons].sum(axis=(1, 2), dtype=float)
    trials = np.sort(np.argsort(-activity)[: 1 if is_for_phone() else MOST_TRIALS])
    names, unit = _name_neurons(target)
    figure = new_figure(1.2 + 1.25 * len(neurons))
    grid = figure.subplots(len(neurons), len(trials), sharex=True, sharey="row", squeeze=False)
    time, time_label = find_time_axis(target)
    for row, neuron in zip(grid, neurons, strict=True):
        for axes, trial in zip(row, trials, strict=True):
            rate = find_unit_scale(target) * prediction[trial, :, neuron]
            axes.plot(time, rate, color=ORANGE, linewidth=1.4, label="predicted")
            _draw_recorded(axes, time, recorded[trial, :, neuron], is_counts(target))
            number = int(stored["test"][trial])
            axes.set_title(f"{names[neuron]}, {name_trial(target)} {number}")
        row[0].set_ylabel(f"{unit}\n(score {score[neuron]:.2f})")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(),
        loc="outside upper right",
        ncols=2,
        handlelength=1.0,
    )
    figure.supxlabel(time_label, fontsize=9)
    return figure


def _choose_neurons(target: Target, recorded: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the best and the middling predicted among the busier neurons."""
    n_neurons = recorded.shape[2]
    spikes = recorded.sum(axis=(0, 1), dtype=float) if is_counts(target) else np.ones(n_neurons)
    busy = np.flatnonzero(spikes >= np.quantile(spikes, BUSY_QUANTILE))
    ranked = busy[np.argsort(-score[busy])]
    return ranked[[0, len(ranked) // 2]] if len(ranked) > 1 else ranked[:1]


def _name_neurons(target: Target) -> tuple[np.ndarray, str]:
    """Return the name of each target, and the unit of its values."""
    if "target_channel" in target.problem:
        return target.problem["target_channel"].values, "value"
    numbers = target.problem["target_neuron"].values
    names = np.array([f"neuron {number}" for number in numbers])
    return names, "Hz" if is_counts(target) else "activity"


def _draw_recorded(axes: Axes, time: np.ndarray, values: np.ndarray, counts: bool) -> None:
    if counts:
        spikes = np.flatnonzero(values)
        zero = np.zeros(spikes.size)
        axes.plot(time[spikes], zero, "|", color="black", markersize=7, label="spike")
    else:
        axes.plot(time, values, color="black", linewidth=0.7, label="recorded")


def _describe(target: Target) -> str:
    trial = name_trial(target)
    numbers = (
        "" if "target_channel" in target.problem else " Neurons are numbered as in neurons.csv."
    )
    return (
        f"Held-out {trial}s: what was recorded (black; ticks are spikes) and what "
        f"{name_model(target.shown_model)} predicted, for the best and for a middling target among "
        "the busier 40 %; the number at the left is the target's score. "
        f"These {trial}s were chosen for having much to see.{numbers}"
    )


SINGLE_TRIALS = TargetFigure(
    "Recorded beside predicted: examples",
    draw_single_trials,
    _describe,
    "Recorded spikes and the predicted rate of well and less well predicted neurons.",
)
