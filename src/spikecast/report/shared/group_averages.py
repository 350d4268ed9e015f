"""Average responses, recorded beside predicted: a figure that several kinds of page draw."""

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikecast.report.shared.style import make_panels, new_figure

MOST_GROUPS = 4


def draw_group_averages(
    recorded: np.ndarray,
    predicted: np.ndarray,
    group: np.ndarray,
    grouped_by: str,
    time: np.ndarray,
    time_label: str,
    per_bin: float = 1.0,
) -> Figure:
    """Draw averages over groups of trials of recorded and predicted activity (trial, time, neuron).

    `group` names the group of each trial, `grouped_by` what the groups are; `per_bin` turns
    activity into the unit shown.
    """
    names = [name for name in np.unique(group) if np.sum(group == name) > 1][:MOST_GROUPS]
    pairs = [
        [per_bin * array[group == name].mean(axis=0).T for array in (recorded, predicted)]
        for name in names
    ]
    # each neuron on its own scale: 0 at its mean over all, 1 at its recorded standard deviation
    every = np.concatenate([pair[0] for pair in pairs], axis=1)
    mean = every.mean(axis=1, keepdims=True)
    spread = np.maximum(every.std(axis=1, keepdims=True), 1e-9)
    order = np.argsort(np.mean([pair[1] for pair in pairs], axis=0).argmax(axis=1))

    figure = new_figure(min(4.8, 2.4 + 0.02 * len(order)))
    _, axes = make_panels(figure, 2 * len(names), 2 * len(names), sharex=True, sharey=True)
    grid = np.array(axes)
    radius = max(1, len(time) // 50)
    ticks = MaxNLocator(3).tick_values(time[0], time[-1])
    ticks = ticks[(ticks >= time[0]) & (ticks <= time[-1])]
    for pair, name, panels in zip(pairs, names, grid.reshape(-1, 2), strict=True):
        for values, panel, title in zip(pair, panels, ("recorded", "predicted"), strict=True):
            image = panel.imshow(
                _smooth((values - mean) / spread, radius if title == "recorded" else 0)[order],
                aspect="auto",
                origin="lower",
                cmap="RdBu_r",
                norm=Normalize(-2.0, 2.0),
                extent=(time[0], time[-1], 0, len(order)),
                interpolation="nearest",
            )
            panel.set_title(f"{name}\n{title}" if title == "recorded" else f"\n{title}")
            panel.set_xticks([ticks[0], ticks[-1]])  # narrow panels: more labels would touch
    grid[0].set(ylabel="target neurons,\nby time of predicted peak")
    figure.supxlabel(time_label, fontsize=9)
    figure.suptitle(f"By {grouped_by}", fontsize=9, x=0.01, ha="left")
    figure.colorbar(image, ax=list(grid), label="s.d. of the neuron's average", shrink=0.7)
    return figure


def _smooth(values: np.ndarray, radius: int) -> np.ndarray:
    """Return running means over 2 * radius + 1 bins of the last axis, edges repeated."""
    padded = np.pad(values, ((0, 0), (radius, radius)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=1)
    return windows.mean(axis=-1)
