"""The figures of what activity encodes: each a function of answers that returns a Figure."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikecast.report.shared.style import AREAS, BLUE, GREEN, GREY, ORANGE, figure_of, styled
from spikecast.runs.reader import StoredAnswer
from spikecast.scoring.metric_table import METRICS

SOURCES = {"counts": BLUE, "latents": ORANGE, "behavior": GREEN}
ALPHA = 0.05


def named(answer: StoredAnswer) -> str:
    """What was decoded from: counts of VISp, latents of timescales, behaviour and stimulus."""
    if answer["source"] == "behavior":
        parts = str(answer["features"]).split(" + ")
        return f"{' and '.join(parts) if len(parts) < 3 else 'behaviour and stimulus'} alone"
    of = "all neurons" if answer["area"] is None else answer["area"]
    return f"counts of {of}" if answer["source"] == "counts" else str(answer["features"])


# ------------------------------------------------------------------------------------ decoding


@styled
def decoding(answers: Sequence[StoredAnswer]) -> Figure:
    """Score of each label and source with its interval, beside what shuffled labels give."""
    figure = figure_of(0.9 + 0.34 * len(answers))
    axes = figure.subplots()
    for row, answer in enumerate(answers[::-1]):
        null = answer.arrays["null"]
        low, high = np.quantile(null, [0.025, 0.975])
        axes.barh(row, high - low, 0.62, left=low, color="#dddddd")
        axes.plot([null.mean()] * 2, [row - 0.31, row + 0.31], color=GREY, linewidth=1)
        color = SOURCES[answer["source"]]
        axes.plot([answer["low"], answer["high"]], [row, row], color=color, linewidth=1.8)
        face = color if answer["p"] <= ALPHA else "white"
        axes.plot(answer["score"], row, "o", color=color, markerfacecolor=face, markersize=5.5)
    if METRICS[answers[0]["metric"]].is_share:
        axes.set_xlim(right=1.02)
    axes.set(
        yticks=range(len(answers)),
        yticklabels=[f"{a['label']} ← {named(a)}" for a in answers[::-1]],
        ylim=(-0.6, len(answers) - 0.4),
        xlabel=f"{METRICS[answers[0]['metric']].label} on held-out trials",
    )
    return figure


@styled
def confusion(answers: Sequence[StoredAnswer]) -> Figure:
    """Share of each true class that was decoded as each class, on held-out trials."""
    tables = [answer.table("confusion").set_index("truth") for answer in answers]
    n_rows = -(-len(tables) // 3)
    side = 0.7 + 0.32 * max(len(table) for table in tables)
    figure = figure_of(min(2.2, 0.6 + side) * n_rows + 0.3)
    grid = figure.subplots(n_rows, min(3, len(tables)), squeeze=False)
    for panel in grid.flat[len(tables) :]:
        panel.set_axis_off()
    for answer, table, panel in zip(answers, tables, grid.flat, strict=False):
        counts = table.to_numpy(dtype=float)
        share = counts / counts.sum(axis=1, keepdims=True)
        panel.imshow(share, cmap="Blues", vmin=0, vmax=1)
        if len(table) <= 6:
            for (i, j), value in np.ndenumerate(share):
                color = "white" if value > 0.6 else "black"
                panel.text(j, i, f"{100 * value:.0f} %", ha="center", va="center", color=color)
        sizes = counts.sum(axis=1).astype(int)
        panel.set(
            xticks=range(len(table)),
            xticklabels=list(table.columns),
            yticks=range(len(table)),
            yticklabels=[f"{name} ({n})" for name, n in zip(table.index, sizes, strict=True)],
            title=fill(named(answer), 20),
            xlabel="decoded",
        )
        panel.spines[:].set_visible(False)
    for row in grid:
        row[0].set_ylabel(f"{answers[0]['label']} (trials)")
    return figure


# ------------------------------------------------------------------------------------ over time


@styled
def over_time(answer: StoredAnswer) -> Figure:
    """Decoding bin by bin, significant stretches as bars below, onsets with intervals at right."""
    curves, onsets = answer.table("curves"), answer.table("onsets")
    names = list(onsets["area"])
    figure = figure_of(2.9 + 0.1 * max(0, len(names) - 4))
    axes, dated = figure.subplots(1, 2, width_ratios=[2.1, 1])
    span = curves["high"].max() - curves["low"].min()
    base = curves["low"].min() - 0.04 * span
    for place, name in enumerate(names):
        curve = curves[curves["area"] == name]
        color, time = AREAS[place % len(AREAS)], 1000 * curve["time"].to_numpy()
        axes.fill_between(time, curve["low"], curve["high"], color=color, alpha=0.15, linewidth=0)
        axes.plot(time, curve["score"], color=color, linewidth=1.4)
        height = base - 0.045 * span * place
        axes.broken_barh(_stretches(time, curve["significant"]), (height, 0.03 * span), color=color)
        _onset(dated, onsets.iloc[place], len(names) - 1 - place, color)
    time = 1000 * curves["time"].to_numpy()
    chance = curves.groupby("time")["chance"].mean()
    axes.plot(1000 * chance.index, chance, color="black", linewidth=0.8, linestyle="--")
    axes.text(time.max(), chance.iloc[-1], " chance", va="bottom", ha="right", fontsize=7)
    if time.min() < 0 < time.max():
        axes.axvline(0, color="black", linewidth=0.6, linestyle=":")
    flawed = "  (ACAUSAL FEATURES)" if answer["acausal"] else ""
    last = "bin" if flawed else "last bin used"
    axes.set(
        xlabel=f"ms from {answer['align_to']}, centre of the {last}",
        ylabel=METRICS[answer["metric"]].label,
        title=f"{answer['label']} from {_what(answer)}{flawed}",
    )
    sizes = onsets["n_neurons"].astype(int)
    dated.set(
        yticks=range(len(names)),
        yticklabels=[f"{a} ({n})" for a, n in zip(names[::-1], sizes[::-1], strict=True)]
        if answer["source"] == "counts"
        else [""] * len(names),
        ylim=(-0.6, len(names) - 0.4),
        xlim=(time.min(), time.max()),
        xlabel="onset (ms)",
        title="acausal: not onsets" if flawed else "from when",
    )
    return figure


def _stretches(time: np.ndarray, significant: pd.Series) -> list[tuple[float, float]]:
    """Start and length of each run of significant bins."""
    inside = np.diff(np.r_[0, significant.to_numpy(dtype=int), 0])
    width = time[1] - time[0]
    return [
        (time[start] - width / 2, (stop - start) * width)
        for start, stop in zip(np.flatnonzero(inside > 0), np.flatnonzero(inside < 0), strict=True)
    ]


def _what(answer: StoredAnswer) -> str:
    return "counts" if answer["source"] == "counts" else named(answer)


def _onset(axes: Axes, row: pd.Series, height: float, color: str) -> None:
    """An onset and its interval, which runs off the axis where it may be after the last bin."""
    if np.isnan(row["onset"]):
        axes.text(
            0.5,
            height,
            "none found",
            color=color,
            va="center",
            ha="center",
            transform=axes.get_yaxis_transform(),
        )
        return
    onset, low, high = (1000 * row[name] for name in ("onset", "low", "high"))
    axes.plot([low, min(high, 1e6)], [height] * 2, color=color, linewidth=1.8)
    axes.plot(onset, height, "o", color=color, markersize=5.5)
    axes.annotate(
        f"{onset:.0f}",
        (onset, height),
        xytext=(0, 6),
        textcoords="offset points",
        ha="center",
        color=color,
    )


@styled
def generalization(answers: Sequence[StoredAnswer]) -> Figure:
    """Decoders trained at one time (rows) and tested at every other (columns)."""
    n_rows = -(-len(answers) // 3)
    figure = figure_of(2.5 * n_rows)
    grid = figure.subplots(n_rows, 3, squeeze=False)
    for panel in grid.flat[len(answers) :]:
        panel.set_axis_off()
    away = max(np.abs(a.arrays["score"] - a.arrays["chance"].mean()).max() for a in answers)
    for answer, panel in zip(answers, grid.flat, strict=False):
        kept = answer.arrays
        time, chance = 1000 * kept["time"], kept["chance"].mean()
        edges = [time[0], time[-1], time[0], time[-1]]
        image = panel.imshow(
            kept["score"],
            origin="lower",
            extent=edges,
            cmap="RdBu_r",
            vmin=chance - away,
            vmax=chance + away,
            interpolation="nearest",
        )
        if kept["significant"].any() and not kept["significant"].all():
            panel.contour(
                time, time, kept["significant"].astype(float), [0.5], colors="black", linewidths=0.8
            )
        panel.plot(edges[:2], edges[:2], color="black", linewidth=0.5, linestyle=":")
        panel.set(xlabel="tested at (ms)", title=fill(_short(answer), 24))
    for row in grid:
        row[0].set_ylabel("trained at (ms)")
    figure.colorbar(image, ax=list(grid.flat), label="balanced accuracy", shrink=0.7)
    return figure


def _short(answer: StoredAnswer) -> str:
    where = answer["area"] or ("all neurons" if answer["source"] == "counts" else named(answer))
    return f"{answer['label']}, {where}" + (" (ACAUSAL)" if answer["acausal"] else "")


# ------------------------------------------------------------------------------------ between areas


@styled
def flow(answer: StoredAnswer) -> Figure:
    """Gain over the target's own past by lag, both ways; the asymmetry over time and overall."""
    lags, course = answer.table("lags"), answer.table("over_time")
    pair = answer["source"], answer["target"]
    figure = figure_of(2.9)
    by_lag, by_time, overall = figure.subplots(1, 3, width_ratios=[1.5, 1.3, 0.6])
    for (source, target), color in ((pair, BLUE), (pair[::-1], ORANGE)):
        rows = lags[(lags["source"] == source) & (lags["target"] == target)].sort_values("lag")
        for side in (rows[rows["lag"] < 0], rows[rows["lag"] > 0]):
            time = 1000 * side["lag_seconds"]
            by_lag.fill_between(time, side["low"], side["high"], color=color, alpha=0.15, lw=0)
            label = f"{source} → {target}" if side["lag"].iloc[0] > 0 else None
            by_lag.plot(time, side["gain"], "o-", color=color, markersize=3, lw=1.2, label=label)
            by_lag.plot(time, side["shuffled"], ":", color=color, linewidth=1)
    for panel in (by_lag, by_time, overall):
        panel.axhline(0, color="black", linewidth=0.6)
    by_lag.axvline(0, color="black", linewidth=0.6, linestyle=":")
    by_lag.set(
        xlabel="lag (ms); below 0: time reversed",
        ylabel="gain (bits/spike)",
        title="Beyond the target's own past",
    )
    by_lag.margins(y=0.25)
    by_lag.legend(loc="upper left", handlelength=1.0)
    time = 1000 * course["time"]
    by_time.fill_between(time, course["low"], course["high"], color=GREY, alpha=0.25, linewidth=0)
    by_time.plot(time, course["asymmetry"], color="black", linewidth=1.2)
    by_time.set(
        xlabel=f"ms from {answer['align_to']}", ylabel="bits/spike", title=f"Lead of {pair[0]}"
    )
    for place, key, color in ((0, "asymmetry", "black"), (1, "plain", GREY)):
        value, low, high = answer[key]
        overall.plot([place, place], [low, high], color=color, linewidth=1.8)
        overall.plot(place, value, "o", color=color, markersize=5)
    overall.set(
        xticks=[0, 1], xticklabels=["cor-\nrected", "as\nit is"], xlim=(-0.6, 1.6), title="Overall"
    )
    return figure


# ------------------------------------------------------------------------------------ geometry


@styled
def dimensions(answers: Sequence[StoredAnswer]) -> Figure:
    """Variance explained in sample and held out; what other neurons confirm of each component."""
    figure = figure_of(2.9)
    explained, reliable = figure.subplots(1, 2)
    for place, answer in enumerate(answers):
        color, table = AREAS[place % len(AREAS)], answer.table("components")
        number = table["n_components"]
        name = f"{answer['area'] or 'all'} ({answer['n_neurons']} neurons)"
        explained.plot(number, 100 * table["cross_validated"], color=color, label=name)
        explained.plot(number, 100 * table["in_sample"], "--", color=color, linewidth=0.9)
        reliable.plot(number, 100 * table["reliable"], color=color, linewidth=1)
        sure = (table["p"] <= ALPHA) & (number <= answer["n_reliable"])
        label = f"{answer['n_reliable']} reliable"
        reliable.plot(
            number[sure], 100 * table["reliable"][sure], "o", color=color, markersize=4, label=label
        )
        ratio = answer["participation_ratio"]
        explained.plot(ratio, 0, "^", color=color, clip_on=False, markersize=6)
    explained.set(
        xlabel="principal components",
        ylabel="variance explained (%)",
        ylim=(0, None),
        title="— held out   - - in sample   ▲ participation ratio",
    )
    explained.legend(loc="lower right")
    reliable.axhline(0, color="black", linewidth=0.6)
    reliable.set(
        xlabel="shared component",
        ylabel="reliable variance (%)",
        title="Confirmed by the other half of the neurons",
    )
    reliable.xaxis.set_major_locator(MaxNLocator(integer=True))
    reliable.legend(loc="upper right")
    return figure


@styled
def embedding(answers: Sequence[StoredAnswer]) -> Figure:
    """Trials in two dimensions: dots were held out from the map, small crosses made it."""
    n_columns = min(3, max(2, len(answers)))
    n_rows = -(-len(answers) // n_columns)
    figure = figure_of(2.6 * n_rows + 0.3)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for panel in grid.flat[len(answers) :]:
        panel.set_axis_off()
    for answer, panel in zip(answers, grid.flat, strict=False):
        points = answer.table("points")
        for place, (name, rows) in enumerate(points.groupby("label")):
            color = AREAS[place % len(AREAS)]
            held_out = rows["held_out"].to_numpy(dtype=bool)
            made, new = rows[~held_out], rows[held_out]
            panel.plot(made["x"], made["y"], "x", color=color, markersize=2.5, alpha=0.5)
            panel.plot(new["x"], new["y"], "o", color=color, markersize=3.5, alpha=0.85)
            panel.plot([], [], "o", color=color, markersize=4, label=str(name))
        method = str(answer["method"]).replace("tsne", "t-SNE").upper().replace("T-SNE", "t-SNE")
        title = f"{method}, supervised" if answer["supervised"] else method
        panel.set(title=title, xticks=[], yticks=[])
    handles = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        *handles,
        title=answers[0]["label"],
        title_fontsize=8,
        loc="outside upper center",
        ncols=min(6, len(handles[1])),
        handlelength=1.0,
    )
    return figure


@styled
def paths(answer: StoredAnswer) -> Figure:
    """Average path of each condition with single trials, through two dimensions."""
    means, trials = answer.table("means"), answer.table("trials")
    figure = figure_of(3.6)
    plane, first = figure.subplots(1, 2)
    for place, (name, mean) in enumerate(means.groupby("condition", sort=False)):
        color = AREAS[place % len(AREAS)]
        for _, single in trials[trials["condition"] == name].groupby("trial"):
            plane.plot(single["x"], single["y"], color=color, linewidth=0.4, alpha=0.25)
        label = f"{name} ({mean['n_trials'].iloc[0]} trials)"
        plane.plot(mean["x"], mean["y"], color=color, linewidth=2, label=label)
        plane.plot(mean["x"].iloc[0], mean["y"].iloc[0], "o", color=color, markersize=5)
        plane.plot(mean["x"].iloc[-1], mean["y"].iloc[-1], "s", color=color, markersize=5)
        time = 1000 * mean["time"]
        if time.min() < 0 < time.max():
            at_event = int(np.abs(time.to_numpy()).argmin())
            plane.plot(
                mean["x"].iloc[at_event],
                mean["y"].iloc[at_event],
                "*",
                color=color,
                markeredgecolor="black",
                markersize=9,
            )
        first.fill_between(
            time, mean["x"] - mean["x_sem"], mean["x"] + mean["x_sem"], color=color, alpha=0.2, lw=0
        )
        first.plot(time, mean["x"], color=color, linewidth=1.4)
    one, two = (100 * share for share in answer["explained"][:2])
    # single trials are noisy: the paths' own range is what is looked at
    for setter, axis in ((plane.set_xlim, "x"), (plane.set_ylim, "y")):
        margin = 0.5 * np.ptp(means[axis])
        setter(means[axis].min() - margin, means[axis].max() + margin)
    plane.set(
        xlabel=f"dimension 1 ({one:.0f} % of variance)",
        ylabel=f"dimension 2 ({two:.0f} %)",
        title="● start   ★ event   ■ end",
    )
    first.set(xlabel=f"ms from {answer['align_to']}", ylabel="dimension 1 (mean ± s.e.m.)")
    figure.legend(
        *plane.get_legend_handles_labels(),
        loc="outside upper center",
        ncols=min(4, means["condition"].nunique()),
        handlelength=1.0,
    )
    return figure
