"""The figures of two of a kind (areas, folds, models): each a function that returns a Figure."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikecast.report.questions.answer_figures import ALPHA
from spikecast.report.shared.style import BLUE, GREY, ORANGE, figure_of, styled
from spikecast.runs.reader import StoredAnswer


@styled
def joint(answer: StoredAnswer) -> Figure:
    """Held-out correlation of two areas at all pairs of times; who is ahead, bin by bin."""
    source, target = answer["source"], answer["target"]
    time, matrix = 1000 * answer.arrays["time"], answer.arrays["matrix"]
    course = answer.table("course")
    figure = figure_of(3.4)
    grid = figure.add_gridspec(2, 2, width_ratios=[1.15, 1])
    square = figure.add_subplot(grid[:, 0])
    together, lead = (figure.add_subplot(grid[row, 1]) for row in (0, 1))
    half = (time[1] - time[0]) / 2
    edges = (time[0] - half, time[-1] + half)
    away = float(np.abs(matrix).max())
    image = square.imshow(
        matrix, origin="lower", extent=(*edges, *edges), cmap="RdBu_r", vmin=-away, vmax=away
    )
    square.plot(edges, edges, color="black", linewidth=0.8, linestyle="--")
    for place, name in (((0.97, 0.03), source), ((0.03, 0.97), target)):
        square.text(
            *place,
            f"{name} first",
            transform=square.transAxes,
            ha="right" if place[0] > 0.5 else "left",
            va="bottom" if place[1] < 0.5 else "top",
            fontsize=8,
            bbox={"color": "white", "alpha": 0.8, "pad": 1.5, "linewidth": 0},
        )
    ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(*edges)
    ticks = ticks[(ticks >= edges[0]) & (ticks <= edges[1])]
    square.set(xticks=ticks, yticks=ticks)
    square.set(xlabel=f"{target} at (ms)", ylabel=f"{source} at (ms)")
    figure.colorbar(image, ax=square, label="correlation on held-out trials", shrink=0.8)
    bins = 1000 * course["time"]
    together.plot(bins, course["together"], color=BLUE, linewidth=1.4)
    lead.fill_between(bins, course["low"], course["high"], color=GREY, alpha=0.3, linewidth=0)
    lead.plot(bins, course["lead"], color="black", linewidth=1.4)
    for panel in (together, lead):
        panel.axhline(0, color="black", linewidth=0.6)
        if time.min() < 0 < time.max():
            panel.axvline(0, color="black", linewidth=0.6, linestyle=":")
    together.set(title="At the same time", ylabel="correlation")
    together.tick_params(labelbottom=False)
    lead.set(
        title=f"Lead of {source} (below 0: of {target})",
        ylabel="difference",
        xlabel=f"ms from {answer['align_to']}",
    )
    return figure


@styled
def subspace(answer: StoredAnswer) -> Figure:
    """Held-out R2 by number of dimensions, and how those dimensions lie to the dominant ones."""
    source, target = answer["source"], answer["target"]
    figure = figure_of(2.9)
    curve, angles = figure.subplots(1, 2, width_ratios=[1.5, 1])
    table = answer.table("ranks")
    for name, label, rank, color in (
        (target, f"to {target}", answer["rank"], ORANGE),
        (f"{source} (rest)", f"within {source}", answer["rank_within"], BLUE),
    ):
        rows = table[table["to"] == name]
        r2, error = rows["r2"], rows["standard_error"]
        curve.fill_between(rows["rank"], r2 - error, r2 + error, color=color, alpha=0.2, lw=0)
        plural = "dimension" if rank == 1 else "dimensions"
        curve.plot(
            rows["rank"], r2, "o-", color=color, markersize=3, label=f"{label}: {rank} {plural}"
        )
        chosen = rows[rows["rank"] == rank]
        curve.plot(
            chosen["rank"], chosen["r2"], "o", color=color, markerfacecolor="none", markersize=10
        )
    curve.axhline(0, color="black", linewidth=0.6)
    curve.set(xlabel="dimensions", ylabel="R² on held-out trials", title=f"{source} → {target}")
    curve.xaxis.set_major_locator(MaxNLocator(integer=True))
    curve.legend(loc="best")
    angles.set(title="Angle to what dominates", ylim=(0, 95), yticks=[0, 30, 60, 90])
    if not answer["rank"]:
        angles.set(xticks=[])
        angles.text(0.5, 0.5, "nothing is predicted", transform=angles.transAxes, ha="center")
        return figure
    number = np.arange(1, answer["rank"] + 1)
    angles.plot(number, answer["random_angles"], "_", color=GREY, markersize=16, label="random")
    angles.plot(number, answer["angles"], "o", color=ORANGE, markersize=5, label="found")
    angles.set(xlabel="principal angle", ylabel="degrees", xlim=(0.4, answer["rank"] + 0.6))
    angles.set_xticks(number)
    angles.legend(loc="lower left")
    return figure


@styled
def align(groups: Sequence[tuple[str, pd.DataFrame]]) -> Figure:
    """Held-out R2 of aligned latents, pair by pair, beside what permuted trials give."""
    figure = figure_of(0.9 + 0.55 * len(groups))
    axes = figure.subplots()
    for row, (_, found) in enumerate(groups[::-1]):
        heights = row + np.linspace(0.26, -0.26, len(found)) * min(1, len(found) / 4)
        for height, (_, pair) in zip(heights, found.iterrows(), strict=True):
            axes.plot([pair["low"], pair["high"]], [height] * 2, color=ORANGE, linewidth=1)
            face = ORANGE if pair["p"] <= ALPHA else "white"
            axes.plot(
                pair["score"], height, "o", color=ORANGE, markerfacecolor=face, markersize=3.5
            )
            axes.plot(pair["shuffled"], height, "|", color=GREY, markersize=5)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.axvline(1, color="black", linewidth=0.6, linestyle=":")
    axes.set(
        yticks=range(len(groups)),
        yticklabels=[name for name, _ in groups[::-1]],
        ylim=(-0.5, len(groups) - 0.5),
        xlabel="R² of the aligned latents, held out from the map  (1: the same; grey: the null)",
    )
    return figure
