"""Figures of studies: each draws the arrays a study kept, most of them as the deck did."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle, product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from spikecast.report.shared.group_averages import draw_group_averages
from spikecast.report.shared.phone import is_for_phone
from spikecast.report.shared.rows import ABOVE, BESIDE, BesideAxes, Row
from spikecast.report.shared.style import (
    AREAS,
    BLUE,
    GREEN,
    GREY,
    GROUPS,
    ORANGE,
    draw_top_legend,
    make_panels,
    new_figure,
    report_style,
    to_label,
)
from spikecast.report.study.imaging_figures import heat, networks, space
from spikecast.report.study.plane_figures import other_planes, positions, preprocessing

Arrays = Mapping[str, np.ndarray]
MOST_LATENTS = 10  # that are all shown


@report_style
def averages(arrays: Arrays) -> Figure:
    """Average activity of the target neurons by trial type, recorded beside predicted."""
    return draw_group_averages(
        arrays["recorded"],
        arrays["predicted"],
        arrays["label"],
        "trial type",
        1000 * arrays["time"],
        "ms from the stimulus",
        per_bin=1 / float(arrays["bin_size"]),
    )


@report_style
def latents(arrays: Arrays) -> Figure:
    """Average of each latent over the trials of each type, with standard errors."""
    values, label = arrays["latents"], arrays["label"].astype(str)
    time = 1000 * arrays["time"]
    n_latents = values.shape[2]
    n_shown = n_latents if n_latents <= MOST_LATENTS else 6
    strongest = np.sort(np.argsort(-values.std(axis=(0, 1)))[:n_shown])
    called = str(arrays.get("called", "latent"))
    figure = new_figure(1.0 + 1.6 * -(-n_shown // 3))
    _, panels = make_panels(figure, n_shown, min(3, n_shown), sharex=True)
    names = [name for name in np.unique(label) if np.sum(label == name) > 1][: len(GROUPS)]
    for latent, panel in zip(strongest, panels, strict=True):
        for name, color in zip(names, GROUPS):
            trials = values[label == name][:, :, latent]
            mean, error = trials.mean(axis=0), trials.std(axis=0, ddof=1) / len(trials) ** 0.5
            panel.plot(time, mean, color=color, label=to_label(f"{name} ({len(trials)} trials)"))
            panel.fill_between(
                time, mean - error, mean + error, color=color, alpha=0.2, linewidth=0
            )
        panel.set_title(f"{called} {latent + 1}")
        if time[0] < 0 < time[-1]:
            panel.axvline(0, color="black", linewidth=0.6, linestyle=":")
    draw_top_legend(figure, panels[0], len(names))
    chosen = "" if n_shown == n_latents else f"; the {n_shown} of {n_latents} that vary most"
    figure.supxlabel(f"ms from the stimulus{chosen}", fontsize=9)
    return figure


@report_style
def over_time(arrays: Arrays) -> Figure:
    """Accuracy bin by bin: latents as described, and the sound curve from causal counts."""
    figure = new_figure(4.0 if is_for_phone() else 3.1)
    axes = figure.subplots()
    time = 1000 * arrays["time"]
    balanced = "balanced" in arrays
    axes.plot(
        time,
        arrays["curve"],
        color=ORANGE,
        linewidth=0.7 if balanced else None,
        label="as described, share of trials: latents that know the end",
    )
    if balanced:
        axes.plot(time, arrays["balanced"], color=ORANGE, label="the same, balanced over classes")
        chance = 1 / float(arrays["n_classes"])
        axes.axhline(chance, color="black", linewidth=0.6, linestyle=":",
                     label="chance by the number of classes")  # fmt: skip
    if "forward_curve" in arrays:
        axes.plot(1000 * arrays["forward_time"], arrays["forward_curve"], color=GREEN,
                  label="their RNN soundly: forward states, held out (balanced)")  # fmt: skip
    if "sound_curve" in arrays:
        axes.plot(
            1000 * arrays["sound_time"],
            arrays["sound_curve"],
            color=BLUE,
            label="sound: causal counts, held out (balanced over classes)",
        )
    if "sound_chance" in arrays:
        axes.plot(1000 * arrays["sound_time"], arrays["sound_chance"], color=BLUE, linewidth=0.8,
                  linestyle="--", label="chance of the sound curve: labels drawn anew")  # fmt: skip
    majority = float(arrays["majority"])
    axes.axhline(
        majority, color=GREY, linestyle="--", linewidth=0.8,
        label="always the most frequent class of the trials as described",
    )  # fmt: skip
    if time[0] < 0 < time[-1]:
        axes.axvline(0, color="black", linewidth=0.6, linestyle=":")
    axes.set(xlabel="ms from the stimulus", ylabel="accuracy", ylim=(0, 1.03))
    columns, size = (1, 7) if is_for_phone() else (2, 8)
    figure.legend(loc="outside upper center", ncols=columns, handlelength=1.0, fontsize=size)
    return figure


@report_style
def confusion(arrays: Arrays) -> Figure:
    """Share of each true class decoded as each class, on training and on test trials."""
    names = arrays["classes"]
    parts = [part for part in ("train", "test") if part in arrays]
    figure = new_figure(0.9 + 0.45 * len(names))
    grid = figure.subplots(1, len(parts), squeeze=False)[0]
    for part, panel in zip(parts, grid):
        counts = pd.DataFrame(arrays[part]).to_numpy(dtype=float)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        panel.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (i, j), value in np.ndenumerate(share):
            color = "white" if value > 0.6 else "black"
            panel.text(
                j, i, f"{100 * value:.0f} %\n({counts[i, j]:.0f})", ha="center", va="center",
                color=color, fontsize=7,
            )  # fmt: skip
        _name_cells(panel, names)
        title = "training trials" if part == "train" else "test trials"
        panel.set(xlabel="decoded", title=title)
    grid[0].set_ylabel("true")
    return figure


@report_style
def maps(arrays: Arrays) -> Figure:
    """Points of each map coloured by each label in turn; open where the map never saw them."""
    places, labels = (
        {name.removeprefix(kind).lstrip("_"): values for name, values in arrays.items()
         if name.startswith(kind)}
        for kind in ("place", "label")
    )  # fmt: skip
    figure = new_figure(2.6)
    n_maps = len(places) * len(labels)
    _, row = make_panels(figure, n_maps, n_maps)
    shown = product(places.items(), labels.items())
    for ((where, place), (what, values)), panel in zip(shown, row, strict=True):
        new = arrays.get("held_out", np.zeros(len(place), dtype=bool))
        for name, color in zip(np.unique(values), cycle(AREAS)):
            point: dict[str, Any] = {
                "color": color,
                "markersize": 2.8,
                "markeredgewidth": 0.6,
                "alpha": 0.7,
            }
            of = values == name
            panel.plot(*place[of & ~new].T, "o", label=to_label(str(name)), **point)
            panel.plot(*place[of & new].T, "o", markerfacecolor="none", **point)
        panel.set(xticks=[], yticks=[], title=", by ".join(filter(None, (where, what))))
        panel.legend(handlelength=0.8, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3,
                     fontsize=7, columnspacing=0.6)  # fmt: skip
    return figure


@report_style
def reasons(arrays: Arrays, rows: BesideAxes = BESIDE) -> Figure:
    """Score of each way to decode, with the middle 95 % of its null in grey."""
    figure = rows.make_figure(len(arrays["ways"]), 0.8, per_row=0.34)
    axes = figure.subplots()
    written = []
    for row, way in enumerate(arrays["ways"].astype(str)):
        height = len(arrays["ways"]) - 1 - row
        limits = 100 * arrays["low"][row], 100 * arrays["high"][row]
        score = 100 * arrays["score"][row]
        axes.plot(limits, [height, height], color=GREY, alpha=0.4, linewidth=7)
        axes.plot(score, height, "o", color=ORANGE)
        p = arrays["p"][row]
        sign = "≤" if p <= 1.001 / (1 + float(arrays["n_draws"])) else "="
        written.append(Row(way, f"p {sign} {p:.2g}", max(score, limits[1])))
    rows.write(axes, written)
    rows.make_room(axes, 0.12)
    axes.axvline(100 / float(arrays["n_classes"]), color="black", linewidth=0.6, linestyle=":")
    axes.set_xlabel("balanced accuracy (%)")
    return figure


@report_style
def raster(arrays: Arrays) -> Figure:
    """Rates of all neurons over the session, and the spikes of its first trials, by area."""
    area, rate = arrays["area"], arrays["rate"]  # (neuron,), (neuron, trial)
    names = list(dict.fromkeys(area.tolist()))
    figure = new_figure(4.0)
    whole, axes = figure.subplots(1, 2, sharey=True, width_ratios=[1.6, 1])
    mean = np.maximum(rate.mean(axis=1, keepdims=True), 1e-9)
    whole.imshow(
        rate / mean, cmap="Greys", vmin=0, vmax=2, aspect="auto", origin="lower",
        extent=(0, rate.shape[1], 0, area.size),
    )  # fmt: skip
    whole.set(xlabel="trial", ylabel="neurons, by area", title="the whole session")
    color = np.array([AREAS[names.index(name) % len(AREAS)] for name in area])
    axes.scatter(
        arrays["seconds"], arrays["neurons"], s=0.6, c=color[arrays["neurons"]], linewidths=0,
        rasterized=True,
    )  # fmt: skip
    for place, name in enumerate(names):
        here = np.flatnonzero(area == name)
        if here.size > 0.015 * area.size:
            axes.text(1.01, here.mean() / area.size, name, color=AREAS[place % len(AREAS)],
                      va="center", fontsize=7, transform=axes.transAxes)  # fmt: skip
    end = arrays["seconds"].max()
    for start in np.arange(float(arrays["trial"]), end, float(arrays["trial"])):
        axes.axvline(start, color="black", linewidth=0.4)
    axes.set(xlabel="seconds (lines: next trial)", title="its first trials", xlim=(0, end),
             ylim=(0, area.size))  # fmt: skip
    return figure


@report_style
def losses(arrays: Arrays) -> Figure:
    """Training loss of each network at each iteration."""
    figure = new_figure(2.4)
    axes = figure.subplots()
    courses = {name: values for name, values in arrays.items() if name.startswith("loss_")}
    for (name, values), color in zip(courses.items(), cycle(AREAS)):
        axes.plot(1 + np.arange(len(values)), values, color=color, label=name.removeprefix("loss_"))
    axes.set(xlabel=str(arrays.get("step", "iteration")), ylabel="loss on training data")
    axes.legend(loc="upper right")
    return figure


@report_style
def similarity(arrays: Arrays) -> Figure:
    """Correlation between the average activity of areas."""
    names = arrays["areas"]
    figure = new_figure(1.2 + 0.28 * len(names))
    axes = figure.subplots()
    image = axes.imshow(arrays["matrix"], cmap="RdBu_r", vmin=-1, vmax=1)
    _name_cells(axes, names, rotation=90)
    _draw_color_bar(image, "correlation")
    return figure


@report_style
def predicted(arrays: Arrays) -> Figure:
    """Predicted against actual values, and both over time."""
    truth, prediction = arrays["truth"], arrays["predicted"]
    figure = new_figure(2.8)
    against, over = figure.subplots(1, 2, width_ratios=[1, 1.7])
    many = len(truth) > 2000  # points as vectors would make the page heavy
    against.plot(truth, prediction, "o", color=ORANGE, markersize=2, alpha=0.4, rasterized=many)
    limits = [min(truth.min(), prediction.min()), max(truth.max(), prediction.max())]
    against.plot(limits, limits, color="black", linewidth=0.8)
    against.set(xlabel="actual", ylabel="predicted")
    shown = slice(0, 400)
    over.plot(arrays["seconds"][shown], truth[shown], color="black", linewidth=0.7, label="actual")
    over.plot(arrays["seconds"][shown], prediction[shown], color=ORANGE, label="predicted")
    over.set(xlabel="seconds")
    over.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    return figure


@report_style
def explained(arrays: Arrays) -> Figure:
    """Cumulative variance explained by principal components."""
    figure = new_figure(2.4)
    axes = figure.subplots()
    for (name, share), color in zip(arrays.items(), cycle(AREAS)):
        number = 1 + np.arange(len(share))
        axes.plot(number, 100 * share, color=color, label=name.removeprefix("share_"))
    axes.set(xlabel="principal components", ylabel="variance explained (%)", ylim=(0, None))
    axes.legend(loc="lower right", ncols=3)
    return figure


@report_style
def importance(arrays: Arrays) -> Figure:
    """How much each setting mattered in a search, and the score of each of its trials."""
    names, share = arrays["names"], arrays["importance"]
    figure = new_figure(1.0 + 0.3 * max(len(names), 4))
    bars, trials = figure.subplots(1, 2)
    bars.barh(range(len(names)), 100 * share[::-1], color=BLUE)
    words = [name.removeprefix("n_").replace("_", " ") for name in names.astype(str)]
    bars.set(yticks=range(len(names)), yticklabels=words[::-1], xlabel="importance (%)")
    score = arrays["score"]
    number = 1 + np.arange(len(score))
    trials.plot(number, score, "o", color=GREY, markersize=3.5, label="one try")
    best = np.maximum.accumulate(np.nan_to_num(score, nan=-np.inf))
    trials.plot(number, best, color=ORANGE, label="best so far")
    trials.set(xlabel="try of the search", ylabel="score on inner folds")
    trials.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    return figure


@report_style
def planes(arrays: Arrays) -> Figure:
    """R2 of each group predicted from each other; a dot where the two share dynamics."""
    names, r2, shared = arrays["names"], arrays["r2"], arrays["shared"]
    figure = new_figure(1.4 + 0.32 * len(names))
    axes = figure.subplots()
    image = axes.imshow(np.maximum(r2, 0), cmap="Blues", vmin=0)
    for source, target in np.argwhere(shared):
        dark = r2[source, target] > 0.6 * np.nanmax(r2)
        axes.plot(target, source, "o", color="white" if dark else "black", markersize=3.5)
    _name_cells(axes, names, rotation=90)
    axes.set(xlabel="predicted", ylabel="predicts")
    _draw_color_bar(image, "R² on held-out time")
    return figure


def _name_cells(axes: Axes, names: np.ndarray, rotation: float = 0) -> None:
    """Write the names of rows and columns of a matrix beside it."""
    axes.set_xticks(range(len(names)), names, rotation=rotation)
    axes.set_yticks(range(len(names)), names)
    axes.spines[:].set_visible(False)


def _draw_color_bar(image: AxesImage, label: str) -> None:
    """Draw a colour bar beside its square, which the page's width leaves in the middle."""
    axes = image.axes
    assert axes is not None
    place = axes.inset_axes((1.06, 0.05, 0.04, 0.9))
    axes.figure.colorbar(image, cax=place, label=label)


DRAW: dict[str, Callable[[Arrays], Figure]] = {
    draw.__name__: draw
    for draw in (
        averages, latents, over_time, confusion, reasons, maps, raster, losses, similarity,
        predicted, explained, importance, planes, space, heat, networks, positions,
        preprocessing, other_planes,
    )
}  # fmt: skip
"""What presets call their figures by."""

NARROW: dict[str, Callable[[Arrays], Figure]] = {
    "reasons": partial(reasons, rows=ABOVE),
    "networks": partial(networks, rows=ABOVE),
}
"""The same for narrow screens, of those with long names."""
