"""Read the tables of scores of a run, and the recording's table of trials."""

from pathlib import Path

import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.stored import damaged, explain_errors
from spikecast.core.stored_tables import Column, Table, check_table, read_columns, read_table
from spikecast.scoring.metric_table import HEADLINE

TEXT = ("session", "task", "source", "target", "model", "metric", "null", "aggregate")
"""Columns of scores that are text: an empty null is "none", and a target may be called "0"."""


SCORES = Table(
    {
        "target": "text",
        "model": "text",
        "fold": "text",
        "metric": "text",
        "null": "text",
        "aggregate": "text",
        "value": "number",
        "fit_seconds": "number",
    }
)


def _check_intervals(table: pd.DataFrame) -> str:
    backwards = table["low"] > table["high"]
    return f"in row {int(backwards.argmax()) + 1} low is above high" if backwards.any() else ""


SUMMARY = Table(
    {"model": "text", "low": "finite", "high": "finite"}, {"target": "text"}, check=_check_intervals
)
NEURONS = Table({"target": "text", "model": "text", "value": "number"})
TRIALS = Table({})
NUMBER: Column = "number"


def read_trial_table(path: Path) -> pd.DataFrame:
    """Return a recording's table of trials; without trial columns it has rows only."""
    with explain_errors(path), path.open("rb") as file:
        rows = [] if file.readline(80).strip() else [line.strip() for line in file]
    if rows and not any(rows):
        return pd.DataFrame(index=pd.RangeIndex(len(rows)))
    return read_score_table(path, TRIALS)


def read_score_table(path: Path, schema: Table) -> pd.DataFrame:
    """Return a table of scores; the columns of :data:`TEXT` are text whatever they hold."""
    with explain_errors(path):
        columns = read_columns(path)
    return read_table(
        path,
        schema,
        keep_default_na=False,
        na_values={name: ["", "nan", "NaN"] for name in columns if name not in TEXT},
        dtype=dict.fromkeys(TEXT, str),
    )


def check_models(path: Path, table: pd.DataFrame, summary: pd.DataFrame) -> None:
    """Raise where a table of scores has no value of a model that the summary names."""
    known = table[table["value"].notna()]
    has = set(zip(known["target"], known["model"], strict=True))
    for target, model in zip(summary["target"], summary["model"], strict=True):
        if (target, model) not in has:
            raise damaged(path, f"it has no value of {quote(model)} for {quote(target)}")


def read_summary(path: Path) -> pd.DataFrame:
    """Return a table of headline scores with intervals."""
    table = read_score_table(path, SUMMARY)
    known = [metric.name for metric in HEADLINE.values() if metric.name in table]
    if not known:
        raise damaged(path, "it has no column of a headline metric")
    nulls = dict.fromkeys(str(name).split("_vs_", 1)[1] for name in table if "_vs_" in str(name))
    pairs = [f"{part}_vs_{null}" for null in nulls for part in (known[0], "low", "high")]
    unique = ("target", "model") if "target" in table else ("model",)
    columns: dict[str, Column] = {known[0]: "finite", **dict.fromkeys(pairs, NUMBER)}
    check_table(path, table, Table(columns, unique=unique))
    return table
