"""A comparison as one self-contained page with a figure per target."""

import os
from dataclasses import astuple
from pathlib import Path
from textwrap import fill
from typing import Any
from urllib.parse import quote

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikecast.core.errors import InputError
from spikecast.core.files import to_file_name
from spikecast.report.many_runs.comparison import Comparison, ModelRow, TargetComparison
from spikecast.report.many_runs.comparison_text import (
    describe_changes,
    list_cells,
    list_claims,
    list_columns,
    list_headlines,
    list_notes,
)
from spikecast.report.shared.pages import make_figure, write_page
from spikecast.report.shared.section import Drawing, Table
from spikecast.report.shared.style import AREAS, GREY, draw_interval, new_figure, report_style
from spikecast.scoring.metric_table import METRICS


def build(comparison: Comparison, path: str | Path) -> Path:
    """Write a comparison as one HTML file, which replaces a page that is there; return its path."""
    path = Path(path)
    if path.suffix != ".html" or path.is_dir():
        raise InputError(f"'{path}' does not name a page; a page's name ends in .html")
    return write_page(
        path,
        "comparison.html",
        title=f"{len(comparison.runs)} runs side by side",
        notes=list_notes(comparison),
        runs=[_describe_run(comparison, name, path) for name in comparison.runs],
        targets=[_describe_target(target) for target in comparison.targets],
    )


def _describe_run(comparison: Comparison, name: str, page: Path) -> dict[str, Any]:
    run = comparison.runs[name]
    return {
        "name": name,
        "link": _link(run.layout.report, page),
        "session": run.manifest["data"]["session"] or "unnamed recording",
        "day": run.manifest["started"][:10],
        "changes": describe_changes(comparison, name) if name in comparison.changes else "",
        "only_in": comparison.only_in.get(name, ()),
    }


def _link(page: Path, from_page: Path) -> str:
    """Return a relative link from one page to another; empty where that is not there."""
    if not page.exists():
        return ""
    return quote(Path(os.path.relpath(page.resolve(), from_page.resolve().parent)).as_posix())


def _describe_target(target: TargetComparison) -> dict[str, Any]:
    columns = list_columns(target)
    columns[4] += "<br>(paired interval)"
    return {
        "name": target.target,
        "headlines": list_headlines(target),
        "claims": list_claims(target),
        "table": Table(columns, list_cells(target), 2, "", "compared", _list_row_classes(target)),
        "figure": make_figure(_make_drawing(target)),
    }


def _make_drawing(target: TargetComparison) -> Drawing:
    return Drawing(
        f"compared-{to_file_name(target.target)}",
        draw_comparison,
        target,
        f"Left: score on held-out trials with its 95\N{NO-BREAK SPACE}% interval; nulls in "
        f"grey; hollow: not paired with {target.reference.name}. Right: paired difference to "
        f"{target.reference.name} (diamond). An arrow marks a model far below the null; its "
        "difference, and those of nulls, are in the table only.",
        f"Scores of every model of every run on {target.target}, and their paired differences "
        f"to {target.reference.name}, with 95 % intervals",
    )


def _list_row_classes(target: TargetComparison) -> list[str]:
    classes = []
    before = target.rows[0].run
    for row in target.rows:
        names = {
            "null": row.is_null,
            "unpaired": row.mismatch,
            "reference": row is target.reference,
            "starts": row.run != before,
        }
        classes.append(" ".join(name for name, holds in names.items() if holds))
        before = row.run
    return classes


@report_style
def draw_comparison(target: TargetComparison) -> Figure:
    """Draw each model's score at left, its paired difference at right, with 95 % intervals."""
    runs = list(dict.fromkeys(row.run for row in target.rows))
    heights = _place_rows(target.rows)
    figure = new_figure(1.1 + 0.27 * (max(heights) + 1))
    scores, differences = figure.subplots(1, 2, sharey=True, width_ratios=[1.15, 1])
    # scores below this are named at the edge instead of drawn
    left = -0.35 * max(0.02, *(row.score.high for row in target.rows))
    for row, height in zip(target.rows, heights, strict=True):
        color = GREY if row.is_null else AREAS[runs.index(row.run) % len(AREAS)]
        if row.score.value < left:
            scores.plot(0.98 * left, height, "<", color=color, markersize=6)
            text = f"{row.score.value:.2f}"
            scores.text(0.9 * left, height, text, va="center", color=color, fontsize=7.5)
        else:
            draw_interval(scores, astuple(row.score), height, color, filled=not row.mismatch)
        if row.mismatch:
            differences.text(
                0.02, height, f"not paired: {row.mismatch}", color=color, va="center", fontsize=7.5,
                transform=differences.get_yaxis_transform(),
                bbox={"color": "white", "pad": 1, "linewidth": 0},  # hides the line at 0
            )  # fmt: skip
        elif row.to_reference is None:
            differences.plot(0, height, "D", color=color, markersize=5)
        elif row.score.value >= left and not row.is_null:  # these would squeeze all others
            draw_interval(differences, astuple(row.to_reference), height, color)
    for axes in (scores, differences):
        axes.axvline(0, color="black", linewidth=0.8)
    scores.set(
        yticks=heights,
        yticklabels=[f"{row.model}   {row.run}" for row in target.rows],
        ylim=(max(heights) + 0.7, -0.7),
        xlabel=METRICS[target.metric].axis,
        title="Score",
    )
    differences.set(
        xlabel="better than it: right of 0", title=fill(f"Minus {target.reference.name}", 38)
    )
    differences.tick_params(left=False)
    differences.xaxis.set_major_locator(MaxNLocator(4))
    return figure


def _place_rows(rows: list[ModelRow]) -> list[float]:
    """Return a height per row, with room between runs."""
    heights, height = [], 0.0
    for before, row in zip([None, *rows], rows):
        height += 0 if before is None else 1 if before.run == row.run else 1.6
        heights.append(height)
    return heights
