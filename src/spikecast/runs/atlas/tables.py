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
CELL = ["session", "model", "source", "target"]


def tabulate_scores(jobs: Sequence[tuple[SessionPlan, PairJob]], records: dict) -> pd.DataFrame:
    """Return one row per job, pair, null and fold, in the order of the plan.

    Parameters
    ----------
    jobs : sequence of (SessionPlan, PairJob)
    records : dict of job name -> record
        Of the journal; jobs that are not in it are left out, those that failed say why under
        ``error``.
    """
    rows = []
    for session, job in jobs:
        if job.name in records:
            rows += _score_rows(job, session, records[job.name])
    return pd.DataFrame(rows)


def _score_rows(job: PairJob, session: SessionPlan, record: dict) -> list[dict]:
    rows: list[dict] = []
    names = [job.pair] if job.pair else list(session.pairs[job.draw])
    for name in names:
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
        for prefix, null in NULLS.items():
            limits = {key: one[prefix + key] for key in ("value", "low", "high")}
            rows.append(common | {"null": null, "fold": "all"} | limits | {"error": ""})
        for fold, value in enumerate(one["folds"]):
            limits = {"value": value, "low": np.nan, "high": np.nan}
            rows.append(common | {"null": "train_mean", "fold": str(fold)} | limits)
            rows[-1]["error"] = ""
    return rows


def average_draws(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per session, model, source and target: the mean over draws of neurons.

    Its interval allows for the trials that were scored (mean over draws) and, with several draws,
    for the neurons that were drawn. ``clear`` says whether the score is above the null after
    correction for all cells of the session and model (Benjamini & Hochberg 1995).

    Parameters
    ----------
    table : DataFrame
        From :func:`tabulate_scores`.

    Returns
    -------
    DataFrame
        Columns session, model, source, target, value, low, high, beyond, beyond_low, beyond_high,
        n_source, n_target, n_trials, draws, p, clear, error.
    """
    whole = table[table["fold"] == "all"]
    rows = []
    for names, part in whole.groupby(CELL, sort=False):
        row: dict = dict(zip(CELL, names, strict=True))
        for prefix, null in (("", "train_mean"), ("beyond_", "trial_shuffle")):
            mine = part[part["null"] == null].dropna(subset=["value"])
            value, low, high = _average(mine)
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
    mean, spread = value.mean(), 0.0
    if value.size > 1:
        reach = stats.t.ppf((1 + LEVEL) / 2, value.size - 1)
        spread = float(reach * value.std(ddof=1) / np.sqrt(value.size))
    below = np.sqrt(((value - part["low"]) ** 2).mean() + spread**2)
    above = np.sqrt(((part["high"] - value) ** 2).mean() + spread**2)
    return float(mean), float(mean - below), float(mean + above)


def pool_sessions(cells: pd.DataFrame) -> pd.DataFrame:
    """Return means over sessions, each session counting once.

    The 95 % interval is Student's over sessions: with the two to six sessions that share a pair, a
    percentile bootstrap over sessions covers far too little (with two, half of the time). One
    session has none.

    Parameters
    ----------
    cells : DataFrame
        From :func:`average_draws`.

    Returns
    -------
    DataFrame
        Columns model, source, target, value, low, high, beyond, n_sessions.
    """
    rows = []
    whole = cells.dropna(subset=["value"])
    for names, part in whole.groupby(["model", "source", "target"], sort=False):
        value = part["value"].to_numpy()
        low = high = np.nan
        if value.size > 1:
            reach = stats.t.ppf((1 + LEVEL) / 2, value.size - 1)
            half = reach * value.std(ddof=1) / np.sqrt(value.size)
            low, high = value.mean() - half, value.mean() + half
        rows.append(
            dict(zip(["model", "source", "target"], names, strict=True))
            | {"value": value.mean(), "low": low, "high": high}
            | {"beyond": part["beyond"].mean(), "n_sessions": value.size}
        )
    columns = ["model", "source", "target", "value", "low", "high", "beyond", "n_sessions"]
    return pd.DataFrame(rows, columns=columns)


def read_atlas_table(path: Path) -> pd.DataFrame:
    """Return a table of an atlas; an area may be called "NA" or "1", both are text."""
    names = dict.fromkeys(("session", "model", "source", "target", "fold", "error"), str)
    table = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=names)
    return table.assign(error=table["error"].fillna("")) if "error" in table else table
