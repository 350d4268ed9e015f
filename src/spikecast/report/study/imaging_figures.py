"""Figures of imaging studies: where neurons are, what they do, and how networks compare."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from spikecast.report.shared.rows import BESIDE, BesideAxes, Row
from spikecast.report.shared.style import BLUE, GREY, ORANGE, SKY, new_figure, report_style

Arrays = Mapping[str, np.ndarray]


@report_style
def space(arrays: Arrays) -> Figure:
    """Neurons from above and, where their depth is known, from the side."""
    x, y, z = arrays["x"], arrays["y"], arrays.get("z")
    figure = new_figure(3.2)
    dots = {"s": 60 / max(len(x), 1) ** 0.5, "linewidths": 0, "rasterized": True, "alpha": 0.7}
    if z is None:
        above = figure.subplots()
        above.scatter(x, y, color=BLUE, **dots)
    else:
        above, side = figure.subplots(1, 2, width_ratios=[1, 1.2])
        above.scatter(x, y, c=z, cmap="viridis", **dots)
        points = side.scatter(x, z, c=z, cmap="viridis", **dots)
        side.set(xlabel="x", ylabel="depth", title="from the side")
        figure.colorbar(points, ax=side, label="depth")
    above.set(xlabel="x", ylabel="y", aspect="equal", title=f"from above, {len(x):,} neurons")
    return figure


@report_style
def heat(arrays: Arrays) -> Figure:
    """Activity of neurons over time, below what is predicted from it."""
    values, seconds = arrays["heat"], arrays["seconds"]
    minutes = seconds / 60
    figure = new_figure(3.8)
    trace, axes = figure.subplots(2, 1, sharex=True, height_ratios=[1, 3])
    trace.plot(minutes, arrays["speed"], color="black", linewidth=0.7)
    trace.set_ylabel("predicted\nvariable")
    limit = float(np.quantile(np.abs(values), 0.98)) or 1.0
    image = axes.imshow(
        values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest",
        extent=(minutes[0], minutes[-1], int(arrays["n_neurons"]), 0),
    )  # fmt: skip
    axes.set(xlabel="minutes", ylabel="neuron")
    figure.colorbar(image, ax=[trace, axes], label="standard deviations", shrink=0.6)
    return figure


@report_style
def networks(arrays: Arrays, rows: BesideAxes = BESIDE) -> Figure:
    """R2 of each network as described, with its shapes mended, and soundly."""
    *names, _ = arrays["names"].tolist()
    *sound, linear = arrays["sound"]
    figure = rows.make_figure(len(names), 1.0, per_row=0.24)
    axes = figure.subplots()
    heights = np.arange(len(names))[::-1]
    axes.plot(arrays["described"], heights, "o", color=ORANGE, label="as described")
    axes.plot(arrays["mended"], heights, "o", color=SKY, label="only the shapes mended")
    value, low, high = np.array(sound).T
    axes.hlines(heights, low, high, color=BLUE, linewidth=1.5)
    axes.plot(value, heights, "o", color=BLUE, label="soundly")
    axes.axvline(linear[0], color="black", linestyle="--", linewidth=0.8, label="linear regression")
    axes.axvline(0, color=GREY, linewidth=0.6)
    rows.write(axes, [Row(name) for name in names])
    axes.set_xlabel("R²")
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside upper center",
        ncols=4 if rows is BESIDE else 2,
        handlelength=1.2,
    )
    return figure
