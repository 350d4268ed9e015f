"""The figures of a sweep: its tries, selected and nested scores, setting by setting."""

import json

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.report.shared.phone import is_for_phone
from spikecast.report.shared.style import (
    BLUE,
    GREY,
    ORANGE,
    make_panels,
    new_figure,
    report_style,
    set_log_ticks,
)
from spikecast.report.sweep.reading import SweptModel
from spikecast.scoring.metric_table import METRICS

COLUMNS = 3
LONGEST = 16  # characters of a list of values, as a tick


@report_style
def history(model: SweptModel) -> Figure:
    """Score of every try in its order and the best so far, a panel per study."""
    folds = list(model.trials["fold"].unique())
    n_rows = -(-len(folds) // COLUMNS)
    figure = new_figure(0.5 + 1.75 * n_rows)
    grid, panels = make_panels(figure, len(folds), COLUMNS, sharex=True, sharey=True)
    low, high = _score_limits(model.trials["score"])
    for fold, axes in zip(folds, panels, strict=True):
        study = model.trials.query("fold == @fold")
        number = study["trial"].to_numpy() + 1
        score = study["score"].to_numpy(dtype=float)  # NaN unless scored on all inner folds
        axes.plot(number, np.where(score >= low, score, np.nan), "o", color=BLUE, markersize=3.5)
        for where, marker, color in (
            (score < low, "v", BLUE),
            # what it scored on its few folds cannot be compared with scores on all of them
            ((study["state"] == "pruned").to_numpy(), "|", GREY),
            ((study["state"] == "failed").to_numpy(), "x", "black"),
        ):
            _draw_at_edge(axes, number[where], low, marker, color)
        best = np.maximum.accumulate(np.nan_to_num(score, nan=-np.inf))
        axes.step(number, np.maximum(best, low), where="post", color=ORANGE, linewidth=1.4)
        axes.set(title="all trials" if fold == "all" else f"outer fold {fold}", ylim=(low, high))
        axes.set_axisbelow(True)
    for axes in grid[:, 0]:
        axes.set_ylabel(f"{METRICS[model.metric].label}\non inner folds")
    for axes in panels[-grid.shape[1] :]:
        axes.set_xlabel("settings tried")
        axes.xaxis.set_tick_params(labelbottom=True)
    return figure


def _draw_at_edge(axes: Axes, at: np.ndarray, low: float, marker: str, color: str) -> None:
    """Draw marks on the lower edge; an empty set of them, not clipped, would take all the room."""
    if at.size:
        axes.plot(at, np.full(at.size, low), marker, color=color, markersize=5, clip_on=False)


def _score_limits(scores: pd.Series) -> tuple[float, float]:
    """Return where the better half of scores lies; the worst would flatten all others."""
    score = scores.dropna().to_numpy()
    high, middle, worst = score.max(), np.median(score), score.min()
    room = max(high - middle, 0.02 * abs(high), 1e-3)
    low = max(worst - 0.15 * room, high - 4 * room)
    return low, high + 0.15 * max(high - low, room)


@report_style
def nested(model: SweptModel) -> Figure:
    """Selected score, and scores of the winner and of the defaults on held-out trials, by fold."""
    folds = pd.DataFrame(model["folds"])
    figure = new_figure(2.9)
    by_fold, pooled = figure.subplots(1, 2, width_ratios=[2.2, 1], sharey=True)
    place = np.arange(len(folds))
    for at, fold in enumerate(model["folds"]):
        ends = [fold["default"], fold["nested"]]
        by_fold.plot([at - 0.05, at + 0.2], ends, color=ORANGE, linewidth=0.8)
    marks = (
        ("selected", -0.3, "o", GREY, "none", "selected: on the inner folds that chose it"),
        ("default", -0.05, "s", BLUE, BLUE, "with its defaults, held out"),
        ("nested", 0.2, "o", ORANGE, ORANGE, "nested: as tuned, held out"),
    )
    for column, shift, marker, color, face, label in marks:
        by_fold.plot(
            place + shift, folds[column], marker, color=color, markerfacecolor=face, markersize=5,
            label=label,
        )  # fmt: skip
    by_fold.set(
        xticks=place, xticklabels=[f"fold {fold}" for fold in folds["fold"]],
        ylabel=f"{METRICS[model.metric].label} above the null",
    )  # fmt: skip
    for row, (key, color) in enumerate((("default", BLUE), ("nested", ORANGE))):
        limits = model[key]
        pooled.plot([row, row], [limits["low"], limits["high"]], color=color, linewidth=1.6)
        pooled.plot(row, limits["value"], "o" if row else "s", color=color, markersize=5)
    pooled.set(xticks=[0, 1], xticklabels=["defaults", "tuned"], xlim=(-0.6, 1.6),
               title="all held-out trials")  # fmt: skip
    for axes in (by_fold, pooled):
        axes.axhline(0, color="black", linewidth=0.8)
    figure.legend(*by_fold.get_legend_handles_labels(), loc="outside lower center",
                  ncols=1 if is_for_phone() else 3,
                  handlelength=1.0)  # fmt: skip
    return figure


@report_style
def importance(model: SweptModel) -> Figure:
    """Share of the score's variance over the tries that each setting explains."""
    shares = model["importance"]
    names = list(shares)[::-1]
    figure = new_figure(1.1 + 0.28 * len(names))
    axes = figure.subplots()
    axes.barh(names, [100 * shares[name] for name in names], color=BLUE, height=0.65)
    axes.set(xlabel="share of the differences between tries (%)", xlim=(0, 100))
    return figure


@report_style
def slices(model: SweptModel) -> Figure:
    """Score against each setting; the defaults and the chosen settings marked."""
    names = list(model["space"])
    study = model.trials.query("fold == 'all' and state == 'complete'")
    low, high = _score_limits(study["score"])
    n_rows = -(-len(names) // COLUMNS)
    figure = new_figure(2.15 * n_rows)
    grid, panels = make_panels(figure, len(names), COLUMNS, sharey=True)
    for name, axes in zip(names, panels, strict=True):
        axis = _Axis(model, name, study[name])
        _draw_slice(axes, axis, study["score"].to_numpy(), low)
        best = study["score"].argmax()
        axes.plot(axis.at[best], study["score"].max(), "o", color=ORANGE, markersize=6.5)
        axes.set(title=name, ylim=(low, high))
        if axis.own is not None:
            axes.axvline(axis.own, color="black", linewidth=0.8, linestyle=":", zorder=0)
    for axes in grid[:, 0]:
        axes.set_ylabel(f"{METRICS[model.metric].label}\non inner folds")
    return figure


class _Axis:
    """The places `at` of a setting's values on an axis, and `own` of its default.

    Numbers stand where they are, others in their order, with `names`.
    """

    def __init__(self, model: SweptModel, name: str, values: pd.Series) -> None:
        own, best = model["own"][name], model["best"][name]
        if isinstance(best, int | float) and not isinstance(best, bool):
            self.at = values.to_numpy(dtype=float)
            self.own, self.names = (own if isinstance(own, int | float) else None), []
            self.log = model["space"][name].get("log", False)
            return
        tried = [value if isinstance(value, str) else json.dumps(value) for value in values]
        order = sorted({json.dumps(own), *tried}, key=lambda text: (len(text), text))
        self.at = np.array([order.index(text) for text in tried], dtype=float)
        self.own, self.log = float(order.index(json.dumps(own))), False
        self.names = [text if len(text) <= LONGEST else text[: LONGEST - 1] + "…" for text in order]


def _draw_slice(axes: Axes, axis: _Axis, score: np.ndarray, low: float) -> None:
    """Draw scores against a setting; those below the panel are marked on its edge."""
    below = score < low
    axes.plot(axis.at[~below], score[~below], "o", color=BLUE, markersize=3.5)
    _draw_at_edge(axes, axis.at[below], low, "v", BLUE)
    if axis.log:
        set_log_ticks(axes)
    if axis.names:
        at = range(len(axis.names))
        axes.set_xticks(at, axis.names, rotation=30, ha="right", fontsize=6.5)
        axes.set_xlim(-0.5, len(axis.names) - 0.5)
