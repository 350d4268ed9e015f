"""Alignment: whether folds of a model, and models of a run, have the same latents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spikecast.report.questions.phrases import ALPHA
from spikecast.report.shared.formatting import format_number, format_range, join_names
from spikecast.report.shared.section import Drawing, Section, Table, make_table
from spikecast.report.shared.style import GREY, ORANGE, draw_interval, new_figure, report_style
from spikecast.runs.reader import StoredAnswer

METHODS = {
    "procrustes": "rotated, scaled and shifted (Procrustes)",
    "cca": "mapped through canonical correlations",
}
ALIGNED_ON = {"trials": "same trials", "averages": "condition averages"}


@dataclass(frozen=True)
class Group:
    """Pairs of latents that were aligned on the same thing.

    `name` says which latents, `on` on what, `size` on how many of it; `pairs` has a row per pair.
    """

    name: str
    on: str
    size: str
    pairs: pd.DataFrame


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per group of pairs: the median R2, and that of the null."""
    return [
        f"Latents of {group.name}, aligned on {group.on}: median R² "
        f"{format_number(group.pairs['score'].median())} held out, null "
        f"{format_number(group.pairs['shuffled'].median())}."
        for group in _group_pairs(answers)
    ]


def _group_pairs(answers: Sequence[StoredAnswer]) -> list[Group]:
    groups = []
    for answer in answers:
        folds = answer["compared"] == "folds"
        beside = ", fold beside fold" if folds else f" beside {answer['second']}"
        for on, pairs in answer.table("pairs").groupby("on", sort=False):
            sizes = np.unique(pairs["n"])
            size = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
            groups.append(Group(f"{answer['first']}{beside}", ALIGNED_ON[str(on)], size, pairs))
    return groups


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on how alike latents are."""
    groups = _group_pairs(answers)
    return Section(
        "Are the latents the same in every fold and model",
        sentences=_describe_methods(answers),
        tables=[_summary_table(groups)],
        more_tables=[_pair_table(groups)],
        figures=[_figure(groups)],
    )


def _describe_methods(answers: Sequence[StoredAnswer]) -> list[str]:
    first = answers[0]
    sentences = [
        f"The leading {first['components']} principal components of one set of latents were "
        f"{METHODS[first['method']]} onto those of another; R² is of what was held out from that "
        f"map, and the null does the same with trials (or conditions) permuted {first['shuffles']} "
        "times: it is what a time course common to all trials gives."
    ]
    compared = {answer["compared"] for answer in answers}
    if "folds" in compared:
        sentences.append(
            "Folds hold out different trials, so two things are aligned. Same trials: both fitted "
            "models are given the trials that either held out; each trial is new to one of the two "
            "and was in the training set of the other. Condition averages: every trial is new to "
            "its model, but the averages are of different and few trials, whose noise alone keeps "
            "R² far below 1 (below 0: the map does worse than the mean)."
        )
    if "models" in compared:
        sentences.append("Two models are aligned on the trials that both held out.")
    return sentences


def _summary_table(groups: list[Group]) -> Table:
    rows = [
        {
            "latents": group.name,
            "aligned on": f"{group.size} {group.on}",
            "pairs": str(len(group.pairs)),
            "R² held out<br>median": format_number(group.pairs["score"].median(), 2),
            "lowest to highest": format_range(
                group.pairs["score"].min(), group.pairs["score"].max(), 2
            ),
            "null": format_number(group.pairs["shuffled"].median(), 2),
            "pairs with<br>p ≤ 0.05": str((group.pairs["p"] <= ALPHA).sum()),
        }
        for group in groups
    ]
    return make_table(rows, n_words=2)


def _pair_table(groups: list[Group]) -> Table:
    rows = [
        {
            "latents": group.name,
            "aligned on": f"{row['n']} {group.on}",
            "folds": join_names([row["first"], row["second"]], last=" and "),
            "R²": format_number(row["score"]),
            "95 % interval": format_range(row["low"], row["high"]),
            "null": format_number(row["shuffled"]),
            "p": f"{row['p']:.2g}",
        }
        for group in groups
        for _, row in group.pairs.iterrows()
    ]
    return make_table(rows, 2, "Every pair")


def _figure(groups: list[Group]) -> Drawing:
    return Drawing(
        "align",
        draw_alignment,
        groups,
        "R² of one set of latents predicted from the other by the map, each dot a pair of folds, "
        "or a fold of two models, with its 95 % interval over trials or conditions (hollow: "
        "p > 0.05); grey: the null. It does not show that latents are right, only that they are "
        "alike: two fits of one method on the same recording can share their mistakes. Compare "
        "trials with trials and averages with averages.",
        alt="Held-out R2 of aligned latents, pair by pair, beside what permuted trials give.",
    )


@report_style
def draw_alignment(groups: Sequence[Group]) -> Figure:
    """Draw the R2 of every pair with its interval, and its null."""
    figure = new_figure(0.9 + 0.55 * len(groups))
    axes = figure.subplots()
    for row, group in enumerate(groups[::-1]):
        n_pairs = len(group.pairs)
        heights = row + np.linspace(0.26, -0.26, n_pairs) * min(1, n_pairs / 4)
        for height, (_, pair) in zip(heights, group.pairs.iterrows(), strict=True):
            draw_interval(
                axes, (pair["score"], pair["low"], pair["high"]), height, ORANGE,
                filled=pair["p"] <= ALPHA, linewidth=1, markersize=3.5,
            )  # fmt: skip
            axes.plot(pair["shuffled"], height, "|", color=GREY, markersize=5)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.axvline(1, color="black", linewidth=0.6, linestyle=":")
    axes.set(
        yticks=range(len(groups)),
        yticklabels=[f"{group.name}\n{group.on}" for group in groups[::-1]],
        ylim=(-0.5, len(groups) - 0.5),
        xlabel="R² of the aligned latents, held out from the map  (1: the same; grey: the null)",
    )
    return figure
