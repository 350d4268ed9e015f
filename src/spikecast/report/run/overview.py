"""The figures of a whole run: what was recorded, and its targets ranked."""

import numpy as np
from matplotlib.figure import Figure

from spikecast.report.shared.style import (
    AREAS,
    GREY,
    draw_score,
    model_color,
    new_figure,
    report_style,
    set_log_ticks,
)
from spikecast.runs.reader import Run
from spikecast.scoring.metric_table import METRICS


@report_style
def recording(run: Run) -> Figure:
    """Raster (or heat map) of one trial, neurons by area, and the distribution of rates."""
    excerpt = run.excerpt
    area, mean = excerpt["mean_activity_area"].values, excerpt["mean_activity"].values
    names = sorted(set(area), key=lambda name: (-np.sum(area == name), name))
    color = {name: AREAS[index % len(AREAS)] for index, name in enumerate(names)}
    figure = new_figure(4.2)
    raster, rates = figure.subplots(1, 2, width_ratios=[2.4, 1])

    shown = excerpt["area"].values
    order = np.concatenate([np.flatnonzero(shown == name) for name in names])
    trial = len(excerpt["trial_number"]) // 2
    activity = excerpt["activity"].values[trial][:, order]  # (time, neuron)
    time = excerpt["time"].values
    counts = run.manifest["data"]["kind"] == "counts"
    if counts:
        bins, neurons = np.nonzero(activity)
        size = max(2.0, 250 / len(order))  # points: a tick about as high as a neuron's row
        raster.scatter(
            time[bins],
            neurons,
            s=size**2,
            marker="|",
            linewidths=0.8,
            rasterized=True,
            c=[color[name] for name in shown[order][neurons]],
        )
        if time[0] < 0 < time[-1]:
            raster.axvline(0, color="black", linewidth=0.8, linestyle=":")
    else:
        z = (activity - activity.mean(axis=0)) / np.maximum(activity.std(axis=0), 1e-6)
        raster.imshow(
            z.T,
            aspect="auto",
            cmap="Greys",
            vmin=0,
            vmax=3,
            origin="lower",
            extent=(time[0], time[-1], 0, len(order)),
            interpolation="nearest",
        )
    edges = np.cumsum([np.sum(shown == name) for name in names])
    for name, low, high in zip(names, [0, *edges[:-1]], edges, strict=True):
        if high - low > 0.015 * len(order):
            raster.text(
                1.01,
                (low + high) / 2 / len(order),
                name,
                color=color[name],
                va="center",
                transform=raster.transAxes,
                fontsize=7,
            )
    raster.set(
        xlabel=f"seconds from {run.manifest['data']['attributes']['align_to']}",
        ylabel="neurons, by area",
        ylim=(0, len(order)),
        xlim=(time[0], time[-1]),
        title=f"Trial {int(excerpt['trial_number'][trial])}",
    )

    if counts:
        rate = mean / run.manifest["data"]["bin_size"]
        for name in names[:6]:
            values = np.sort(np.clip(rate[area == name], 0.01, None))
            rates.plot(
                values, (np.arange(values.size) + 1) / values.size, color=color[name], label=name
            )
        rates.axvline(np.median(rate), color="black", linewidth=0.8, linestyle=":")
        rates.legend(loc="upper left", handlelength=1.0)
        set_log_ticks(rates)
        rates.set(
            xlabel="mean rate (Hz)",
            ylabel="share of the area's neurons below",
            ylim=(0, 1),
            title=f"Median {np.median(rate):.1f} Hz",
        )
    else:
        rates.hist(mean, bins=40, color=GREY)
        rates.set(xlabel="mean activity", ylabel="neurons")
    return figure


@report_style
def ranking(run: Run) -> Figure:
    """Every target's score: the model shown, the strong baseline, the PSTH."""
    targets = run.targets[::-1]
    figure = new_figure(0.8 + 0.32 * len(targets))
    axes = figure.subplots()
    for row, target in enumerate(targets):
        for name, shift in (
            (target.shown_model, 0.16),
            (target.shown_baseline, -0.16),
            ("psth", -0.3),
        ):
            found = target.summary.query("model == @name")
            if not found.empty:
                draw_score(
                    axes,
                    found.iloc[0],
                    run.metric,
                    row + shift,
                    model_color(str(name), target.shown_model),
                )
    axes.axvline(0, color="black", linewidth=0.8)
    n_targets = [target.problem.sizes["target"] for target in targets]
    axes.set(
        yticks=range(len(targets)),
        xlabel=METRICS[run.metric].axis,
        yticklabels=[f"{t.name} ({n})" for t, n in zip(targets, n_targets, strict=True)],
    )
    first = targets[0]
    for name in (first.shown_model, first.shown_baseline, "psth"):
        if name is not None:
            axes.plot([], [], "o", color=model_color(name, first.shown_model), label=name)
    axes.legend(loc="lower right")
    return figure
