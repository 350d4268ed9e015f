"""What explains an area: unique parts with their intervals, what is shared, what is its own."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spikecast.core.files import to_file_name
from spikecast.report.questions.claims import UNTESTED
from spikecast.report.shared.formatting import (
    MISSING,
    format_number,
    format_p,
    format_range,
    join_names,
)
from spikecast.report.shared.section import Drawing, Section, Table, make_table
from spikecast.report.shared.style import BLUE, GREEN, GREY, ORANGE, new_figure, report_style
from spikecast.runs.reader import StoredAnswer
from spikecast.scoring.metric_table import METRICS

COLORS = {"total": "black", "rung": GREY, "area": ORANGE, "shared": BLUE, "own": GREEN}
NAMES = {"shared": "shared by several", "own neurons": "its own neurons, beside all else"}
REASONS = {
    "unordered": "order unknown",
    "unrecorded": "behaviour not recorded",
    "few_trials": "too few trials",
    "off": "turned off",
}
"""Reasons of :func:`spikecast.evaluation.beyond.run_shift_test` -> keys of ``UNTESTED``."""


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per area: what explains it, largest part first."""
    return [_headline(answer) for answer in answers]


def _headline(answer: StoredAnswer) -> str:
    table, unit = answer.table("parts"), METRICS[answer["metric"]].phrase
    total = table[table["kind"] == "total"].iloc[0]
    if not total["stands"]:
        return f"{answer['target']}: nothing of it is explained on held-out trials."
    parts = table[table["stands"] & (table["kind"] != "total")].sort_values("value")[::-1]
    named = [f"{row['value']:.3f} {_name_cause(row)}" for _, row in parts.iterrows()]
    areas = table[table["kind"] == "area"]
    silent = areas[~areas["stands"]]["part"]
    sentence = f"{answer['target']}: {total['value']:.3f} {unit} above the mean are explained"
    sentence += f": {join_names(named)}" if named else ", no part of it by one cause alone"
    if len(silent):
        sentence += f". Nothing that only {join_names(silent, ' or ')} would tell is found"
    return sentence + "."


def _name_cause(row: pd.Series) -> str:
    """Return what a part is explained by, ``"only by MD"``."""
    causes = {"shared": "by several of them", "own": "by its own neurons, beside all else"}
    return causes.get(row["kind"], f"only by {row['part']}")


def _name(row: pd.Series) -> str:
    return NAMES.get(row["part"], row["part"])


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on what explains areas."""
    first = answers[0]
    methods = (
        "A regression on components of every source area, side by side, on top of task, drift and "
        f"recorded movement predicts held-out trials ({first['folds']} folds). The part that only "
        "one of these tells is the score of the whole less that of the whole without it, fitted "
        "anew; what no single one tells is shared by several. What the area's own neurons add "
        "(half of them predict the other half, both ways) comes last, since they follow whatever "
        "drives the area. A source's part and that of its own neurons count where the interval "
        "lies above 0 and at most one in twenty shifted pairings of trials does as well; others "
        "are not drawn. Parts of areas are what these neurons show of them: with more neurons or "
        "trials they grow."
    )
    if first["lag"]:
        methods += f" The sources are taken {1000 * first['lag']:g} ms before the target."
    return Section(
        "What explains an area",
        sentences=[methods, *headlines(answers), *_explain_missing_tests(answers)],
        tables=[_make_table(answer) for answer in answers],
        figures=[_figure(answer) for answer in answers],
    )


def _explain_missing_tests(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return why there is no shift test, where there is none."""
    reasons = (row for answer in answers for row in answer.table("parts")["untested"].dropna())
    known = dict.fromkeys(REASONS[reason] for reason in reasons if reason)
    return [f"No area's part is claimed: {UNTESTED[reason]}." for reason in known]


def _make_table(answer: StoredAnswer) -> Table:
    unit, title = METRICS[answer["metric"]].unit, f"{answer['target']}, {answer['n_trials']} trials"
    rows = [
        {
            "part": _name(row),
            "neurons": str(row["n_neurons"]) if row["n_neurons"] else MISSING,
            unit: format_number(row["value"]),
            "95 % interval": format_range(row["low"], row["high"]),
            "shifted trials, p": MISSING
            if np.isnan(row["p"])
            else format_p(row["p"], answer["shifts"]),
            "counts": "yes" if row["stands"] else "no",
        }
        for _, row in answer.table("parts").iterrows()
    ]
    return make_table(rows, title=title)


def _figure(answer: StoredAnswer) -> Drawing:
    return Drawing(
        f"explain-{to_file_name(answer['target'])}",
        _draw_answer,
        answer,
        f"What is explained of {answer['target']} in all (black), and the parts of it with their "
        "95 % intervals: what only task, drift or movement (grey) or one area (orange) tells, what "
        "several of them share (blue), what its own neurons add (green). Parts that do not count "
        "are left empty. It does not show a direction: areas that follow a third one explain each "
        "other.",
        alt="Bars of the unique and shared parts of what explains an area, with intervals.",
    )


def _draw_answer(answer: StoredAnswer) -> Figure:
    return draw_parts(answer.table("parts"), answer["target"], answer["metric"])


@report_style
def draw_parts(table: pd.DataFrame, target: str, metric: str) -> Figure:
    """Draw a bar per part; those that do not count have a name only."""
    figure = new_figure(0.9 + 0.32 * len(table))
    axes = figure.subplots()
    top = max(float(table["high"].max()), 1e-3)
    for height, (_, row) in enumerate(table[::-1].iterrows()):
        if not row["stands"]:
            axes.text(0.01 * top, height, "not above chance", va="center", color=GREY, fontsize=8)
            continue
        color = COLORS[row["kind"]]
        axes.barh(height, row["value"], height=0.6, color=color, alpha=0.75)
        axes.plot([row["low"], row["high"]], [height, height], color="black", linewidth=1.2)
        axes.text(row["high"] + 0.02 * top, height, f"{row['value']:.3f}", va="center", fontsize=8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        yticks=range(len(table)),
        yticklabels=[_name(row) for _, row in table[::-1].iterrows()],
        ylim=(-0.6, len(table) - 0.4),
        xlim=(-0.02 * top, 1.15 * top),
        xlabel=METRICS[metric].axis,
        title=f"What explains {target}",
    )
    return figure
