"""A comparison as lines for the terminal, and as one self-contained page with a figure."""

import os
from pathlib import Path
from urllib.parse import quote

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.core.errors import InputError
from spikecast.report.many_runs.compare import Comparison, Row, Shared
from spikecast.report.shared.pages import inline_image, to_svg, write_page
from spikecast.report.shared.style import AREAS, GREY, new_figure, report_style
from spikecast.scoring.metric_table import METRICS
from spikecast.scoring.ratio_scores import Interval

SAME = "-"
NOTES = (
    "A difference is of a row's model minus the one it is compared with, over the same held-out "
    "trials: above 0 is better. Intervals are 95 % bootstrap intervals over trials.",
    "'Not paired': the two were not scored on the same bins of the same neurons in the same folds. "
    "Their scores stand side by side, each with its own interval; that one is higher than the "
    "other is then no result. Where only the folds differ, run again with the same --seed, "
    "--folds and --split: the seed also cuts the folds.",
    "What others are compared with is the best model of the first run, picked by its score on "
    "these very trials, which favours it.",
    "The intervals are over this recording's trials. They say nothing of other animals, and hold "
    "the fits fixed: the same model with another seed can differ by more. To see by how much, run "
    "a second --seed with --split block, which keeps the folds.",
)


def notes(comparison: Comparison) -> list[str]:
    """What to know before reading the numbers."""
    several = comparison.n_differences
    chance = f"There are {several} differences: about one in 20 intervals leaves out 0 by chance."
    return [*NOTES, *([chance] if several > 5 else [])]


def lines(comparison: Comparison) -> list[str]:
    """The comparison as text, a table per target."""
    said = []
    for shared in comparison.targets:
        said.append(f"{shared.target}: {METRICS[shared.metric].axis}")
        heads = ["run", "model", "score", "95 % interval", f"minus {shared.reference}"]
        cells = [
            [row.run, row.model, f"{row.score.value:.3f}", limits(row.score), to_reference(row)]
            for row in shared.rows
        ]
        if shows_same(shared):
            heads.append(f"minus the same in {shared.rows[0].run}")
            for cell, row in zip(cells, shared.rows, strict=True):
                cell.append(SAME if row.to_same is None else difference(row.to_same))
        said += [f"  {line}" for line in _aligned([heads, *cells])]
        said += shared.said
        said.append("")
    first = next(iter(comparison.runs))
    for name, changed in comparison.changes.items():
        settings = "; ".join(changed) or "no setting (models: see the table)"
        said.append(f"{name} differs from {first} in: {settings}")
    for name, targets in comparison.alone.items():
        said.append(f"only in {name}: {', '.join(targets)}")
    return said


def limits(found: Interval) -> str:
    """An interval without its estimate."""
    return f"{found.low:.3f} to {found.high:.3f}"


def difference(found: Interval) -> str:
    """A signed difference with its interval."""
    if found.low == found.high == 0:
        return "0: the same scores"
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def to_reference(row: Row) -> str:
    """A row's difference to the reference, or why there is none."""
    if row.unpaired:
        return f"not paired: {row.unpaired}"
    return "the reference" if row.to_reference is None else difference(row.to_reference)


def shows_same(shared: Shared) -> bool:
    """Whether differences to the model of the same name say more than those to the reference."""
    return any(
        row.to_same is not None and row.to_same != row.to_reference and not row.is_null
        for row in shared.rows
    )


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


# -------------------------------------------------------------------------------------- page


def build(comparison: Comparison, path: str | Path) -> Path:
    """Write a comparison as one HTML file.

    Parameters
    ----------
    comparison : Comparison
    path : str or Path
        Of the page, ``.html``; a page that is there is replaced.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When `path` does not name an HTML file.
    """
    path = Path(path)
    if path.suffix != ".html" or path.is_dir():
        raise InputError(f"'{path}' does not name a page; --out takes a file that ends in .html")
    runs = comparison.runs.items()
    return write_page(
        path,
        "comparison.html",
        comparison=comparison,
        notes=notes(comparison),
        links={name: _link(run.layout.report, path) for name, run in runs},
        shown=[
            (shared, _rows(shared), shows_same(shared), inline_image(to_svg(draw(shared))))
            for shared in comparison.targets
        ],
    )


def _link(page: Path, of: Path) -> str:
    """A relative link from one page to another; empty where that is not there."""
    if not page.exists():
        return ""
    return quote(Path(os.path.relpath(page.resolve(), of.resolve().parent)).as_posix())


def _rows(shared: Shared) -> list[dict[str, object]]:
    return [
        {
            "run": row.run,
            "model": row.model,
            "css": " ".join(
                name
                for name, holds in (
                    ("null", row.is_null),
                    ("unpaired", row.unpaired),
                    ("reference", row.name == shared.reference),
                )
                if holds
            ),
            "score": f"{row.score.value:.3f}",
            "interval": limits(row.score),
            "to_reference": to_reference(row),
            "to_same": SAME if row.to_same is None else difference(row.to_same),
        }
        for row in shared.rows
    ]


@report_style
def draw(shared: Shared) -> Figure:
    """Left, each model's score; right, its paired difference; both with 95 % intervals."""
    runs = list(dict.fromkeys(row.run for row in shared.rows))
    heights = _heights(shared.rows)
    figure = new_figure(1.1 + 0.27 * (max(heights) + 1))
    scores, differences = figure.subplots(1, 2, sharey=True, width_ratios=[1.15, 1])
    left = _left(shared)
    for row, height in zip(shared.rows, heights, strict=True):
        color = GREY if row.is_null else AREAS[runs.index(row.run) % len(AREAS)]
        if row.score.value < left:
            _named_at_the_edge(scores, left, height, row.score.value, color)
        else:
            _dot(scores, row.score, height, color, filled=not row.unpaired)
        if row.unpaired:
            differences.text(
                0.02, height, f"not paired: {row.unpaired}", color=color, va="center", fontsize=7.5,
                transform=differences.get_yaxis_transform(),
            )  # fmt: skip
        elif row.to_reference is None:
            differences.plot(0, height, "D", color=color, markersize=5)
        elif row.score.value >= left and not row.is_null:  # these would squeeze all others
            _dot(differences, row.to_reference, height, color, filled=True)
    for axes in (scores, differences):
        axes.axvline(0, color="black", linewidth=0.8)
    scores.set(
        yticks=heights,
        yticklabels=[f"{row.model}   {row.run}" for row in shared.rows],
        ylim=(max(heights) + 0.7, -0.7),
        xlabel=METRICS[shared.metric].axis,
        title="Score",
    )
    differences.set(xlabel="better than it: right of 0", title=f"Minus {shared.reference}")
    differences.tick_params(left=False)
    return figure


def _heights(rows: list[Row]) -> list[float]:
    """A line per row, with room between runs."""
    heights, height = [], 0.0
    for before, row in zip([None, *rows], rows):
        height += 0 if before is None else 1 if before.run == row.run else 1.6
        heights.append(height)
    return heights


def _left(shared: Shared) -> float:
    """Scores below this are named at the edge instead of drawn."""
    return -0.35 * max(0.02, *(row.score.high for row in shared.rows))


def _dot(axes: Axes, found: Interval, height: float, color: str, *, filled: bool) -> None:
    axes.plot([found.low, found.high], [height, height], color=color, linewidth=1.6)
    face = color if filled else "white"
    axes.plot(found.value, height, "o", color=color, markerfacecolor=face, markersize=4.5)


def _named_at_the_edge(axes: Axes, left: float, height: float, value: float, color: str) -> None:
    axes.plot(0.98 * left, height, "<", color=color, markersize=6)
    axes.text(0.9 * left, height, f"{value:.2f}", va="center", color=color, fontsize=7.5)
