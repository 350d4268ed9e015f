"""Panels of a whole population: its activity row by row, and how active its neurons are."""

import numpy as np
from matplotlib.axes import Axes

from spikecast.report.shared.style import AREAS, GREY, set_log_ticks, to_label

MOST_RATE_CURVES = 6
LEAST_SHARE = 0.015  # of the neurons, for an area to be named beside the raster


def choose_area_colors(area: np.ndarray) -> dict[str, str]:
    """Return area -> colour, largest area first."""
    names = sorted(set(area), key=lambda name: (-np.sum(area == name), name))
    return {name: AREAS[index % len(AREAS)] for index, name in enumerate(names)}


def order_by_area(area: np.ndarray, colors: dict[str, str]) -> np.ndarray:
    """Return the numbers of neurons, area by area in the order of the colours."""
    return np.concatenate([np.flatnonzero(area == name) for name in colors])


def draw_activity(
    axes: Axes,
    activity: np.ndarray,
    time: np.ndarray,
    area: np.ndarray,
    colors: dict[str, str],
    counts: bool,
) -> None:
    """Draw activity (time, neuron) as a raster of counts, or as a heat map, neurons by area."""
    order = order_by_area(area, colors)
    activity = activity[:, order]
    if counts:
        bins, neurons = np.nonzero(activity)
        size = max(2.0, 250 / len(order))  # points: a tick about as high as a neuron's row
        axes.scatter(
            time[bins],
            neurons,
            s=size**2,
            marker="|",
            linewidths=0.8,
            rasterized=True,
            c=[colors[name] for name in area[order][neurons]],
        )
    else:
        z = (activity - activity.mean(axis=0)) / np.maximum(activity.std(axis=0), 1e-6)
        axes.imshow(
            z.T,
            aspect="auto",
            cmap="Greys",
            vmin=0,
            vmax=3,
            origin="lower",
            extent=(time[0], time[-1], 0, len(order)),
            interpolation="nearest",
        )
    name_areas(axes, area, colors)
    axes.set(ylabel="neurons, by area", ylim=(0, len(order)), xlim=(time[0], time[-1]))


def name_areas(axes: Axes, area: np.ndarray, colors: dict[str, str]) -> None:
    """Write the names of the areas beside the rows of their neurons."""
    edges = np.cumsum([0, *(np.sum(area == name) for name in colors)]) / len(area)
    for name, low, high in zip(colors, edges[:-1], edges[1:], strict=True):
        if high - low > LEAST_SHARE:
            axes.text(
                1.01,
                (low + high) / 2,
                name,
                color=colors[name],
                va="center",
                transform=axes.transAxes,
                fontsize=7,
            )


def draw_rates(axes: Axes, rate: np.ndarray, area: np.ndarray, colors: dict[str, str]) -> None:
    """Draw which share of the neurons of the largest areas fires less than each rate, in Hz."""
    for name in list(colors)[:MOST_RATE_CURVES]:
        values = np.sort(np.clip(rate[area == name], 0.01, None))
        share = (np.arange(values.size) + 1) / values.size
        axes.plot(values, share, color=colors[name], label=to_label(name))
    axes.axvline(np.median(rate), color="black", linewidth=0.8, linestyle=":")
    axes.legend(loc="lower right", handlelength=1.0, frameon=True, edgecolor="none")
    set_log_ticks(axes)
    axes.set(
        xlabel="mean rate (Hz)",
        ylabel="share of the area's neurons below",
        ylim=(0, 1),
        title=f"Median {np.median(rate):.1f} Hz",
    )


def draw_mean_activity(axes: Axes, values: np.ndarray) -> None:
    """Draw the distribution of the neurons' mean activity, where it is no rate."""
    axes.hist(values, bins=40, color=GREY)
    axes.set(xlabel="mean activity", ylabel="neurons")
