"""The scores of one target: a table and a figure of all models, and what a trial shuffle leaves."""

from dataclasses import replace
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from spikecast.models.catalog import find_best, is_null
from spikecast.report.run.target_figure import TargetFigure, name_trial
from spikecast.report.run.verdict import name_verdict_rung
from spikecast.report.shared.formatting import MISSING, format_estimate, format_number, format_range
from spikecast.report.shared.rows import ABOVE, BESIDE, BesideAxes, Row
from spikecast.report.shared.section import Table, make_table
from spikecast.report.shared.style import GREY, draw_interval, model_color, report_style
from spikecast.runs.reader import Run, Target
from spikecast.scoring.metric_table import METRICS, Metric

NULL_MODEL = "mean_rate"


def list_other_metrics(run: Run) -> list[Metric]:
    """Return the metrics beside the headline that have a column in the score table."""
    kind = METRICS[run.metric].kind
    return [metric for metric in METRICS.values() if metric.kind == kind and metric.in_page]


def make_score_table(target: Target) -> Table:
    """Return a row per model, best first; rows of nulls and of scores below 0 have a class."""
    headline = METRICS[target.run.metric]
    others = list_other_metrics(target.run)
    leader = find_best(target.summary["model"])
    rungs = target.verdict.rungs
    rung = rungs[-1] if rungs else ""
    differences = {
        entry["minus"]: entry for entry in target.run.verdicts[target.name]["differences"]
    }
    every = target.run.scores.query("target == @target.name and fold == 'all'")
    rows, classes = [], []
    for _, row in target.summary.iterrows():
        scores = every[every["model"] == row["model"]]
        behind = differences.get(row["model"])
        limits = format_range(row["low"], row["high"])
        null = is_null(row["model"])
        cells = {
            "model": row["model"] + (" (null)" if null else ""),
            f"{headline.unit}<br>above the mean": format_number(row[headline.name]),
            "95 % interval": "the null" if row["model"] == NULL_MODEL else limits,
        }
        if rung:
            columns = (f"{part}_vs_{rung}" for part in (headline.name, "low", "high"))
            above = "the rung" if row["model"] == rung else format_estimate(*row[list(columns)])
            name = (
                name_verdict_rung(target.verdict)
                .replace(", ", ",<br>")
                .replace(" and ", "<br>and ")
            )
            cells[f"above {name}"] = above
        if headline.kind == "counts":
            cells["mean of<br>neurons"] = _find_score(
                scores, headline.name, "train_mean", "per_neuron"
            )
        for other in others:
            label = other.label.replace(" ", "<br>")
            cells[label] = _find_score(scores, other.name, other.null, other.aggregate)
        gap = "best" if row["model"] == leader else MISSING
        if behind:
            gap = format_estimate(behind["value"], behind["low"], behind["high"])
        cells["behind the best<br>(paired interval)"] = gap
        cells["seconds<br>per fit"] = format_number(
            scores["fit_seconds"].iloc[0] / target.n_folds, 2
        )
        rows.append(cells)
        classes.append("null" if null else "below" if row[headline.name] < 0 else "")
    return replace(make_table(rows), css="scores", row_classes=classes)


def _find_score(scores: pd.DataFrame, metric: str, null: str, aggregate: str) -> str:
    rows = scores.query("metric == @metric and null == @null and aggregate == @aggregate")
    return format_number(rows["value"].iloc[0], METRICS[metric].digits) if len(rows) else MISSING


def draw_scores(target: Target, rows: BesideAxes = BESIDE) -> Figure:
    """Draw the headline score of every model with its interval."""
    rungs = target.verdict.rungs
    rung = rungs[-1] if rungs else ""
    return draw_model_scores(target.summary, target.run.metric, target.shown_model, rung, rows)


@report_style
def draw_model_scores(
    summary: pd.DataFrame, metric: str, shown: str, rung: str = "", rows: BesideAxes = BESIDE
) -> Figure:
    """Draw a score with its interval per row of a summary, best first; `shown` is coloured.

    What the highest `rung` of the ladder reaches without the source is shaded. A column ``title``
    says what models are called, if they are not called by their names.
    """
    figure = rows.make_figure(len(summary), 0.9)
    axes = figure.subplots()
    top = max(float(summary["high"].max()), 0.02)
    left = -0.35 * top  # models far below the null are named at the edge instead of drawn
    written = []
    for height, row in zip(reversed(range(len(summary))), summary.to_dict("records"), strict=True):
        color, name = model_color(row["model"], shown), row.get("title", row["model"])
        label, place = format_number(row[metric]), max(row["high"], 0)
        if row[metric] < left:
            axes.plot(0.98 * left, height, "<", color=color, markersize=6)
            label, place = f"{row[metric]:.2f}", 0.98 * left
        else:
            draw_interval(axes, (row[metric], row["low"], row["high"]), height, color)
        written.append(Row(name, label, place, color))
    rows.write(axes, written)
    axes.axvline(0, color="black", linewidth=0.8)
    reached = summary.loc[summary["model"] == rung, metric]
    if len(reached):
        axes.axvspan(0, float(reached.iloc[0]), color=GREY, alpha=0.15, linewidth=0)
    axes.set(
        xlabel=METRICS[metric].axis + "  (0: the null)",
        xlim=(max(left, min(-0.03 * top, 1.05 * float(summary["low"].min()))), 1.05 * top),
    )
    rows.make_room(axes, 0.1)
    return figure


def describe_scores(target: Target, shown: str = "") -> str:
    """Return the caption of the scores; `shown` is what the model in orange is called."""
    return (
        f"Score of every model on held-out {name_trial(target)}s with its 95 % interval; "
        f"{shown or target.shown_model} in orange, nulls in grey. Shaded: what "
        f"{name_verdict_rung(target.verdict)} can reach without any source; what lies beyond "
        "it can be the source's, and need not be: the verdict tells. An arrow marks a model "
        "that is far below the null."
    )


SCORES = TargetFigure(
    "",
    draw_scores,
    describe_scores,
    "Headline score of every model with its interval.",
    narrow=partial(draw_scores, rows=ABOVE),
)
