"""Turn the records of an atlas into one tidy table, its cells, and cells pooled over sessions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from spikecast.runs.atlas.plan import BETWEEN, PairJob, SessionPlan
from spikecast.scoring.metric_table import HEADLINE
from spikecast.scoring.ratio_scores import LEVEL

NULLS = {"": "train_mean", "beyond_": "trial_shuffle"}
"""Prefix of a record's fields -> the null that they are scored against."""
RATE = 0.05
"""Of false discoveries among the cells of a session."""
PAIR = ["model", "source", "target"]
CELL = ["session", *PAIR]


def tabulate_scores(jobs: Sequence[tuple[SessionPlan, PairJob]], records: dict) -> pd.DataFrame:
    """Return one row per job, pair, null and fold, in the order of the plan.

    Jobs without a record are left out; those that failed say why under ``error``.
    """
    rows = []
    for session, job in jobs:
        if job.name in records:
            rows += _score_rows(job, session, records[job.name])
    return pd.DataFrame(rows)


def _score_rows(job: PairJob, session: SessionPlan, record: dict) -> list[dict]:
    rows: list[dict] = []
    for name in [job.pair] if job.pair else session.pairs[job.draw]:
        source, target = name.split(BETWEEN)
        pair = session.pairs[job.draw][name]
        common = {
            "session": session.name,
            "model": job.model,
            "source": source,
            "target": target,
            "draw": job.draw,
            "metric": HEADLINE[session.kind].name,
            "aggregate": HEADLINE[session.kind].aggregate,
            "n_source": pair.source.size,
            "n_target": pair.target.size,
            "n_trials": session.n_trials,
        }
        one = record.get("pairs", {}).get(name)
        if one is None:
            missing = {"null": "train_mean", "fold": "all", "value": np.nan}
            rows.append(common | missing | {"error": record["failed"]})
            continue
        scores = [
            (null, "all", *(one[prefix + key] for key in ("value", "low", "high")), "")
            for prefix, null in NULLS.items()
        ]
        for fold, value in enumerate(one["folds"]):
            scores.append(("train_mean", str(fold), value, np.nan, np.nan, ""))
        columns = ("null", "fold", "value", "low", "high", "error")
        rows += [common | dict(zip(columns, score, strict=True)) for score in scores]
    return rows


def average_draws(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per session, model, source and target: the mean over draws of neurons.

    Its interval allows for the trials that were scored (mean over draws) and, with several draws,
    for the neurons that were drawn. ``clear`` says whether the score is above the null after
    correction for all cells of the session and model (Benjamini & Hochberg 1995).
    """
    whole = table[table["fold"] == "all"]
    rows = []
    for names, part in whole.groupby(CELL, sort=False):
        row: dict = dict(zip(CELL, names, strict=True))
        for prefix, null in NULLS.items():
            value, low, high = _average(part[part["null"] == null].dropna(subset=["value"]))
            row |= {f"{prefix}value": value, f"{prefix}low": low, f"{prefix}high": high}
        first = part.iloc[0]
        row |= {name: int(first[name]) for name in ("n_source", "n_target", "n_trials")}
        row["draws"] = int((part["null"] == "train_mean").sum())
        row["error"] = "; ".join(dict.fromkeys(text for text in part["error"] if text))
        rows.append(row)
    cells = pd.DataFrame(rows).rename(columns={"beyond_value": "beyond"})
    # the interval's lower half-width is what stands between the score and the null
    spread = (cells["value"] - cells["low"]) / stats.norm.ppf((1 + LEVEL) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        cells["p"] = stats.norm.sf(cells["value"] / spread)
    cells["clear"] = False
    for _, part in cells.dropna(subset=["p"]).groupby(["session", "model"]):
        corrected = stats.false_discovery_control(part["p"])
        cells.loc[part.index, "clear"] = corrected < RATE
    return cells


def _average(part: pd.DataFrame) -> tuple[float, float, float]:
    value = part["value"].to_numpy()
    if not value.size:
        return np.nan, np.nan, np.nan
    mean, spread = value.mean(), _half_width(value) if value.size > 1 else 0.0
    below = np.sqrt(((value - part["low"]) ** 2).mean() + spread**2)
    above = np.sqrt(((part["high"] - value) ** 2).mean() + spread**2)
    return float(mean), float(mean - below), float(mean + above)


def _half_width(values: np.ndarray) -> float:
    """Return half of Student's interval of a mean."""
    reach = stats.t.ppf((1 + LEVEL) / 2, values.size - 1)
    return float(reach * values.std(ddof=1) / np.sqrt(values.size))


def pool_sessions(cells: pd.DataFrame) -> pd.DataFrame:
    """Return means over sessions, each session counting once: a row per model, source and target.

    The 95 % interval is Student's over sessions: with the two to six sessions that share a pair, a
    percentile bootstrap over sessions covers far too little (with two, half of the time). One
    session has none.
    """
    rows = []
    whole = cells.dropna(subset=["value"])
    for names, part in whole.groupby(PAIR, sort=False):
        value = part["value"].to_numpy()
        mean, half = value.mean(), _half_width(value) if value.size > 1 else np.nan
        rows.append((*names, mean, mean - half, mean + half, part["beyond"].mean(), value.size))
    columns = [*PAIR, "value", "low", "high", "beyond", "n_sessions"]
    return pd.DataFrame(rows, columns=columns)


def read_atlas_table(path: Path) -> pd.DataFrame:
    """Return a table of an atlas; an area may be called "NA" or "1", both are text."""
    names = dict.fromkeys(("session", "model", "source", "target", "fold", "error"), str)
    table = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=names)
    return table.assign(error=table["error"].fillna("")) if "error" in table else table
