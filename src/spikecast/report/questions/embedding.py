"""Embeddings: maps of the trials in two dimensions, and what they are worth."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spikecast.core.files import to_file_name
from spikecast.report.questions.phrases import describe_left_out, group_answers
from spikecast.report.shared.section import Drawing, Section
from spikecast.report.shared.style import (
    AREAS,
    draw_top_legend,
    make_panels,
    new_figure,
    report_style,
    to_label,
)
from spikecast.runs.reader import StoredAnswer

METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per label: the accuracy of nearest neighbours in each map."""
    return [
        f"Maps of the trials by '{group[0]['label']}'; balanced accuracy of nearest neighbours on "
        f"held-out trials: {'; '.join(_map_score(answer) for answer in group)}."
        for group in group_answers(answers, "label")
    ]


def _map_score(answer: StoredAnswer) -> str:
    scores = answer.table("scores").set_index("score")
    if "knn_accuracy" not in scores.index:
        return f"{_name_map(answer)} none (it cannot place new points)"
    inside, outside = scores.loc["knn_accuracy"], scores.loc["knn_accuracy_without"]
    p = (
        f"p = {inside['p']:.2g}"
        if np.isfinite(inside["p"])
        else "no p: the map was made with the label"
    )
    return (
        f"{_name_map(answer)} {inside['value']:.2f} (chance {inside['chance']:.2f}, "
        f"{p}; without the map {outside['value']:.2f})"
    )


def _name_map(answer: StoredAnswer) -> str:
    return METHODS[answer["method"]] + (", supervised" if answer["supervised"] else "")


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on maps of the trials."""
    return Section(
        "Maps of the trials",
        sentences=headlines(answers),
        figures=[_figure(group) for group in group_answers(answers, "label")],
    )


def _figure(answers: list[StoredAnswer]) -> Drawing:
    label = answers[0]["label"]
    return Drawing(
        f"embed-{to_file_name(label)}",
        draw_embedding,
        answers,
        "Each point is a trial, placed by its whole course; dots were held out from the map, "
        "crosses made it. It does not show how far apart classes are: distances and sizes of "
        "clusters mean nothing in t-SNE and little in UMAP, and a supervised map pulls its own "
        "crosses apart whatever the data. Where dots lie apart from crosses (in the middle, at the "
        "rim), the map has fitted noise." + describe_left_out(answers[0]["n_left_out"], label),
        alt="Trials in two dimensions: dots were held out from the map, small crosses made it.",
    )


def draw_embedding(answers: Sequence[StoredAnswer]) -> Figure:
    """Draw a map per method, coloured by label."""
    maps = [(_name_map(answer), answer.table("points")) for answer in answers]
    return draw_maps(maps, answers[0]["label"])


@report_style
def draw_maps(
    maps: Sequence[tuple[str, pd.DataFrame]], label: str | None = None, least_columns: int = 2
) -> Figure:
    """Draw titled maps: tables of points with columns ``x``, ``y``, ``held_out``, ``label``."""
    n_columns = min(3, max(least_columns, len(maps)))
    figure = new_figure(2.6 * -(-len(maps) // n_columns) + 0.3)
    _, panels = make_panels(figure, len(maps), n_columns)
    for (title, points), panel in zip(maps, panels, strict=True):
        for place, (name, rows) in enumerate(points.groupby("label")):
            color = AREAS[place % len(AREAS)]
            held_out = rows["held_out"].to_numpy(dtype=bool)
            training, new = rows[~held_out], rows[held_out]
            panel.plot(training["x"], training["y"], "x", color=color, markersize=2.5, alpha=0.5)
            panel.plot(new["x"], new["y"], "o", color=color, markersize=3.5, alpha=0.85)
            panel.plot([], [], "o", color=color, markersize=4, label=to_label(str(name)))
        panel.set(title=title, xticks=[], yticks=[])
    draw_top_legend(figure, panels[0], 6, label)
    return figure
