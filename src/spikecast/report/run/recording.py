"""What was recorded: one trial of all neurons, and how active they are."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.report.shared.section import Drawing
from spikecast.report.shared.style import AREAS, GREY, new_figure, report_style, set_log_ticks
from spikecast.runs.reader import Run

MOST_RATE_CURVES = 6
LEAST_SHARE = 0.015  # of the neurons, for an area to be named beside the raster


def make_recording_figure(run: Run) -> Drawing:
    """Return the figure of what was recorded."""
    return Drawing(
        "recording",
        draw_recording,
        run,
        "Left: one trial, every neuron a row, coloured by area (imaging: the darker the more "
        "active). Right: how active the neurons of the largest areas are.",
        alt="Raster (or heat map) of one trial, neurons by area, and the distribution of rates.",
    )


@report_style
def draw_recording(run: Run) -> Figure:
    """Draw a raster (or heat map) of one trial by area, and the distribution of rates."""
    data = run.manifest["data"]
    area = run.excerpt["mean_activity_area"].values
    names = sorted(set(area), key=lambda name: (-np.sum(area == name), name))
    colors = {name: AREAS[index % len(AREAS)] for index, name in enumerate(names)}
    figure = new_figure(4.2)
    raster, rates = figure.subplots(1, 2, width_ratios=[2.4, 1])
    _draw_trial(raster, run.excerpt, colors, data["kind"] == "counts")
    raster.set_xlabel(f"seconds from {data['attributes']['align_to']}")
    if data["kind"] == "counts":
        rate = run.excerpt["mean_activity"].values / data["bin_size"]
        _draw_rates(rates, rate, area, colors)
    else:
        rates.hist(run.excerpt["mean_activity"].values, bins=40, color=GREY)
        rates.set(xlabel="mean activity", ylabel="neurons")
    return figure


def _draw_trial(axes: Axes, excerpt: xr.Dataset, colors: dict[str, str], counts: bool) -> None:
    area, time = excerpt["area"].values, excerpt["time"].values
    order = np.concatenate([np.flatnonzero(area == name) for name in colors])
    trial = len(excerpt["trial_number"]) // 2
    activity = excerpt["activity"].values[trial][:, order]  # (time, neuron)
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
        if time[0] < 0 < time[-1]:
            axes.axvline(0, color="black", linewidth=0.8, linestyle=":")
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
    edges = np.cumsum([0, *(np.sum(area == name) for name in colors)]) / len(order)
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
    axes.set(
        ylabel="neurons, by area",
        ylim=(0, len(order)),
        xlim=(time[0], time[-1]),
        title=f"Trial {int(excerpt['trial_number'][trial])}",
    )


def _draw_rates(axes: Axes, rate: np.ndarray, area: np.ndarray, colors: dict[str, str]) -> None:
    for name in list(colors)[:MOST_RATE_CURVES]:
        values = np.sort(np.clip(rate[area == name], 0.01, None))
        share = (np.arange(values.size) + 1) / values.size
        axes.plot(values, share, color=colors[name], label=name)
    axes.axvline(np.median(rate), color="black", linewidth=0.8, linestyle=":")
    axes.legend(loc="upper left", handlelength=1.0)
    set_log_ticks(axes)
    axes.set(
        xlabel="mean rate (Hz)",
        ylabel="share of the area's neurons below",
        ylim=(0, 1),
        title=f"Median {np.median(rate):.1f} Hz",
    )
