"""Pictures of a session: activity, presence, intervals, coincidences, events, responses."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from spikecast.data.doctor.refractory import MOST_CONTAMINATION
from spikecast.report.doctor.correlograms import LAGS
from spikecast.report.doctor.material import REFRACTORY, Material
from spikecast.report.shared.populations import (
    choose_area_colors,
    draw_activity,
    draw_mean_activity,
    draw_rates,
    name_areas,
    order_by_area,
)
from spikecast.report.shared.style import (
    BLUE,
    GREY,
    ORANGE,
    make_panels,
    new_figure,
    report_style,
    set_log_ticks,
)

MOST_AREAS = 20  # of a matrix of areas
MOST_CLOCKS = 8
BEYOND = 0.25  # of the recording, that is shown after its end


@report_style
def draw_activity_figure(material: Material) -> Figure:
    """Draw a short piece of the activity of all units, and how active they are."""
    colors = choose_area_colors(material.area)
    figure = new_figure(4.2)
    raster, rates = figure.subplots(1, 2, width_ratios=[2.4, 1])
    excerpt = material.excerpt
    assert excerpt is not None
    draw_activity(raster, excerpt.activity, excerpt.time, material.area, colors, excerpt.counts)
    for event in excerpt.events:
        raster.axvline(event, color="black", linewidth=0.6, linestyle=":")
    raster.set(xlabel=excerpt.label, title=excerpt.title, ylabel=material.rows)
    if excerpt.counts:
        draw_rates(rates, material.activity, material.area, colors)
    else:
        draw_mean_activity(rates, material.activity)
    return figure


@report_style
def draw_presence(material: Material) -> Figure:
    """Draw the rate of all units over the session, and of each, relative to its own highest."""
    presence = material.presence
    assert presence is not None
    colors = choose_area_colors(material.area)
    order = order_by_area(material.area, colors)
    figure = new_figure(4.6)
    rates, map_ = figure.subplots(2, 1, height_ratios=[1, 2.6], sharex=True)
    middle = (presence.edges[1:] + presence.edges[:-1]) / 2
    for name, color in list(colors.items())[:6]:
        mean = presence.counts[:, material.area == name].mean(axis=1) * presence.per_spike
        rates.plot(middle, mean, color=color, linewidth=1.2)
    rates.set(ylabel="mean rate (Hz)", ylim=(0, None))
    most = np.quantile(presence.counts, 0.95, axis=0)
    share = presence.counts / np.maximum(most, 1)
    map_.imshow(
        share.T[order],
        aspect="auto",
        cmap="Greys",
        vmin=0,
        vmax=1,
        origin="lower",
        extent=(presence.edges[0], presence.edges[-1], 0, len(order)),
        interpolation="nearest",
    )
    rows = np.flatnonzero(presence.absent[order])
    map_.plot(
        np.full(rows.size, presence.edges[0]),
        rows + 0.5,
        ">",
        color=ORANGE,
        markersize=5,
        clip_on=False,
    )
    name_areas(map_, material.area, colors)
    map_.set(xlabel=presence.label, ylabel=material.rows)
    return figure


@report_style
def draw_contamination(material: Material) -> Figure:
    """Draw the contamination that each unit's refractory violations imply, against its rate."""
    intervals = material.intervals
    assert intervals is not None
    figure = new_figure(3.0)
    axes = figure.subplots()
    rate = np.maximum(intervals.rate, 0.01)
    for found, color, label in ((False, GREY, "not beyond chance"), (True, ORANGE, "found")):
        here = intervals.found == found
        if here.any():
            axes.plot(
                rate[here],
                100 * intervals.contamination[here],
                "o",
                color=color,
                markersize=4,
                alpha=0.7,
                label=f"{label} ({here.sum()})",
                clip_on=False,
            )
    axes.axhline(100 * MOST_CONTAMINATION, color="black", linewidth=0.8, linestyle=":")
    set_log_ticks(axes)
    axes.legend(loc="best")
    axes.set(xlabel="mean rate (Hz)", ylabel="foreign spikes (%)", ylim=(0, 100))
    return figure


@report_style
def draw_autocorrelograms(material: Material) -> Figure:
    """Draw autocorrelograms of the units with most violations, the refractory period shaded."""
    assert material.intervals is not None
    shown = material.intervals.shown
    figure = new_figure(0.5 + 1.5 * -(-len(shown) // 4))
    grid, panels = make_panels(figure, len(shown), 4, sharex=True)
    for axes, (title, counts, found) in zip(panels, shown):
        _draw_lags(axes, counts, ORANGE if found else GREY)
        axes.axvspan(-1000 * REFRACTORY, 1000 * REFRACTORY, color=BLUE, alpha=0.15, linewidth=0)
        axes.set_title(title)
    for axes in grid[:, 0]:
        axes.set_ylabel("pairs")
    figure.supxlabel("ms between spikes", fontsize=9)
    return figure


@report_style
def draw_pairs(material: Material) -> Figure:
    """Draw cross-correlograms of the pairs of units that look like one neuron twice."""
    assert material.twins is not None
    shown = material.twins.shown
    figure = new_figure(0.5 + 1.5 * -(-len(shown) // 3))
    grid, panels = make_panels(figure, len(shown), 3, sharex=True)
    for axes, (title, counts) in zip(panels, shown):
        _draw_lags(axes, counts, ORANGE)
        axes.set_title(title)
    for axes in grid[:, 0]:
        axes.set_ylabel("pairs")
    figure.supxlabel("ms from a spike of the first to one of the second", fontsize=9)
    return figure


def _draw_lags(axes: Axes, counts: np.ndarray, color: str) -> None:
    lags = 1000 * LAGS
    axes.bar(lags[:-1], counts, width=np.diff(lags), align="edge", color=color)
    axes.set(xlim=(lags[0], lags[-1]))


@report_style
def draw_area_pairs(material: Material) -> Figure:
    """Draw how many pairs that look like one neuron twice lie within and between areas."""
    assert material.twins is not None
    names = list(choose_area_colors(material.area))[:MOST_AREAS]
    pairs = material.twins.pairs
    sides = [material.area[pairs[side].to_numpy(dtype=int)] for side in ("first", "second")]
    matrix = np.zeros((len(names), len(names)), dtype=int)
    for first, second in zip(*sides):
        if first in names and second in names:
            places = sorted((names.index(first), names.index(second)))
            matrix[places[1], places[0]] += 1
    shown = np.where(np.tri(len(names), dtype=bool), matrix, np.nan)
    figure = new_figure(1.6 + 0.28 * len(names))
    axes = figure.subplots()
    axes.imshow(shown, cmap="Oranges", vmin=0, vmax=max(matrix.max(), 1))
    for row, column in zip(*np.tril_indices(len(names))):
        dark = matrix[row, column] > 0.6 * matrix.max() > 0
        axes.text(
            float(column),
            float(row),
            str(matrix[row, column]),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "black",
        )
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


@report_style
def draw_events(material: Material) -> Figure:
    """Draw when the events happen, beside the time of the recording."""
    clocks = dict(list(material.clocks.items())[:MOST_CLOCKS])
    figure = new_figure(1.0 + 0.32 * (len(clocks) + 1))
    axes = figure.subplots()
    start, stop = material.duration
    axes.add_patch(Rectangle((start, len(clocks) - 0.35), stop - start, 0.7, color=BLUE))
    later = any(np.any(times > stop) for times in clocks.values())
    left, right = start - 0.05 * (stop - start), stop + (BEYOND if later else 0.05) * (stop - start)
    box: dict[str, Any] = {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}}
    for place, times in enumerate(reversed(clocks.values())):
        times = times[np.isfinite(times)]
        if n := np.count_nonzero(times > right):
            axes.text(right, place, f"{n} later, to {times.max():.0f} s  \N{RIGHTWARDS ARROW}",
                      ha="right", va="center", color=ORANGE, fontsize=8, **box)  # fmt: skip
        if n := np.count_nonzero(times < left):
            axes.text(left, place, f"\N{LEFTWARDS ARROW}  {n} earlier, from {times.min():.0f} s",
                      ha="left", va="center", color=ORANGE, fontsize=8, **box)  # fmt: skip
        times = times[(times >= left) & (times <= right)]
        outside = (times < start) | (times > stop)
        for some, color in ((times[~outside], GREY), (times[outside], ORANGE)):
            axes.vlines(some, place - 0.35, place + 0.35, color=color, linewidth=0.7)
    axes.axvspan(start, stop, color=BLUE, alpha=0.08, linewidth=0, zorder=0)
    axes.set_yticks(range(len(clocks) + 1), [*reversed(clocks), "recording"])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set(xlabel="seconds", xlim=(left, right), ylim=(-0.6, len(clocks) + 0.6))
    return figure


@report_style
def draw_responses(material: Material) -> Figure:
    """Draw the mean response to an event in blocks of trials, from the first to the last."""
    drift = material.drift
    assert drift is not None
    responses = drift.responses
    figure = new_figure(3.2)
    axes = figure.subplots()
    half = (drift.time[1] - drift.time[0]) / 2
    image = axes.imshow(
        responses,
        aspect="auto",
        cmap="Greys",
        extent=(drift.time[0] - half, drift.time[-1] + half, len(responses), 0),
        interpolation="nearest",
    )
    if drift.is_clear:
        peak = drift.time[responses.mean(axis=0).argmax()]
        shift = peak + drift.shift * (np.array([0, 1]) - 0.5)
        axes.plot(shift, [0, len(responses)], color=ORANGE, linewidth=1.6)
    elif drift.time[0] < 0 < drift.time[-1]:
        axes.axvline(0, color="black", linewidth=0.8, linestyle=":")
    axes.set(
        xlabel=f"seconds from {drift.name}",
        ylabel="twelfths of the trials,\nfirst on top",
        yticks=[0, len(responses)],
        yticklabels=["first", "last"],
    )
    figure.colorbar(image, ax=axes, label="Hz per unit", shrink=0.8)
    return figure
