"""Figures of study E: where neurons are, what preprocessing does, who lives with another plane."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure

from spikecast.report.shared.style import AREAS, GREY, ORANGE, new_figure, report_style

Arrays = Mapping[str, np.ndarray]

MOST_POINTS = 3000
TRAITS = {
    "mean_activity": "activity",
    "follows_plane": "follows its\nplane",
    "follows_running": "follows\nrunning",
}


@report_style
def positions(arrays: Arrays) -> Figure:
    """Neurons from above and, where the depth is known, from the side; those drawn are filled."""
    plane, drawn = arrays["plane"].astype(str), arrays["drawn"]
    views = [("x", "y"), *([("x", "z")] if "z" in arrays else [])]
    figure = new_figure(3.2)
    row = figure.subplots(1, len(views), squeeze=False)[0]
    shown = np.arange(plane.size) % max(plane.size // MOST_POINTS, 1) == 0
    for (first, second), axes in zip(views, row):
        for name, color in zip(np.unique(plane), cycle(AREAS)):
            here = shown & (plane == name)
            point = {"color": color, "markersize": 2.2, "markeredgewidth": 0.5, "alpha": 0.7}
            axes.plot(*(arrays[axis][here & drawn] for axis in (first, second)), "o",
                      label=name, **point)  # fmt: skip
            axes.plot(*(arrays[axis][here & ~drawn] for axis in (first, second)), "o",
                      markerfacecolor="none", **point)  # fmt: skip
        axes.set(xlabel=first, ylabel=second)
    figure.legend(*row[0].get_legend_handles_labels(), loc="outside upper center", ncols=5,
                  handlelength=0.8)  # fmt: skip
    return figure


@report_style
def preprocessing(arrays: Arrays) -> Figure:
    """Activity of some neurons before and after; above it the mean that is divided out."""
    before, after = arrays["before"], arrays["after"].T
    if before.shape[0] != after.shape[0]:
        after = after.T
    bin_size = float(arrays["bin_size"])
    end = bin_size * before.shape[1]
    figure = new_figure(3.6)
    grid = figure.subplots(2, 2, height_ratios=[1, 4], sharex=True)
    seconds = bin_size * (np.arange(before.shape[1]) + 0.5)
    grid[0, 0].plot(seconds, arrays["mean"], color=ORANGE, linewidth=0.7)
    pairs = after.mean(axis=0)
    grid[0, 1].plot(2 * bin_size * (np.arange(pairs.size) + 0.5), pairs, color=ORANGE,
                    linewidth=0.7)  # fmt: skip
    top = 1.2 * max(float(np.abs(pairs).max()), 1e-9)
    grid[0, 1].set_ylim(0, top)
    grid[0, 0].set_title(f"as recorded, {arrays['plane']} (above: mean)")
    grid[0, 1].set_title("divided by it, pairs averaged")
    for x, axes in zip((before, after), grid[1]):
        low, high = np.percentile(x, [2, 98], axis=1, keepdims=True)
        scaled = (x - low) / np.maximum(high - low, 1e-9)
        axes.imshow(scaled, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest",
                    extent=(0, end, len(x), 0))  # fmt: skip
        axes.set(xlabel="seconds")
    grid[1, 0].set_ylabel("neurons")
    return figure


@report_style
def other_planes(arrays: Arrays) -> Figure:
    """Planes of neurons and of their neighbours; where those of another's lie; how they fire."""
    names, strange = arrays["names"], arrays["strange"]
    traits = [name for name in TRAITS if name in arrays]
    figure = new_figure(3.0)
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.1, 1, 1.4])
    share = arrays["matrix"] / np.maximum(arrays["matrix"].sum(axis=1, keepdims=True), 1)
    left.imshow(share, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= 5:
        for (i, j), value in np.ndenumerate(share):
            left.text(j, i, f"{100 * value:.0f} %", ha="center", va="center", fontsize=8,
                      color="white" if value > 0.6 else "black")  # fmt: skip
    left.set_xticks(range(len(names)), names, rotation=90)
    left.set_yticks(range(len(names)), names)
    left.spines[:].set_visible(False)
    left.set(xlabel="plane of the neighbours", ylabel="plane of the neurons")
    if "x" in arrays:
        for which, face in ((~strange, "none"), (strange, ORANGE)):
            middle.plot(arrays["x"][which], arrays["y"][which], "o", markersize=3,
                        markerfacecolor=face, color=ORANGE if face != "none" else GREY,
                        markeredgewidth=0.6)  # fmt: skip
        middle.set(xlabel="x", ylabel="y", title="filled: neighbours\nof another plane")
    else:
        middle.set_axis_off()
    for place, name in enumerate(traits):
        values = arrays[name]
        z = (values - values.mean()) / max(float(values.std()), 1e-9)
        for shift, which, color in ((-0.17, ~strange, GREY), (0.17, strange, ORANGE)):
            scatter = place + shift + 0.1 * np.sin(12.9898 * np.arange(int(which.sum())))
            right.plot(scatter, z[which], "o", color=color, markersize=2, alpha=0.5)
            if which.any():
                mean = z[which].mean()
                right.plot([place + shift - 0.12, place + shift + 0.12], [mean, mean],
                           color="black", linewidth=1.4)  # fmt: skip
    right.set_xticks(range(len(traits)), [TRAITS[name] for name in traits])
    right.set(ylabel="standard deviations", title="orange: neighbours\nof another plane",
              ylim=(-3, 4))  # fmt: skip
    return figure
