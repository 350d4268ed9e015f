"""Turn the records of an atlas into one tidy table and its cells."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from spikecast.core.stored_tables import Table, read_table
from spikecast.runs.atlas.plan import PairJob, SessionPlan, split_pair
from spikecast.scoring.metric_table import HEADLINE
from spikecast.scoring.ratio_scores import LEVEL

OTHER_NULLS = ("train_mean", "trial_shuffle")
"""Nulls of the columns beside ``value``, which is above the rung."""
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
        source, target = split_pair(name)
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
            missing = {"null": session.rung, "fold": "all", "value": np.nan}
            rows.append(common | missing | {"error": record["failed"]})
            continue
        scores = [(null, "all", *values, "") for null, values in one["scores"].items()]
        for fold, value in enumerate(one["folds"]):
            scores.append((session.rung, str(fold), value, np.nan, np.nan, ""))
        columns = ("null", "fold", "value", "low", "high", "error")
        rows += [common | dict(zip(columns, score, strict=True)) for score in scores]
    return rows


def average_draws(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per session, model, source and target: the mean over draws of neurons.

    ``value`` is above the rung that is named beside it, with its interval; ``train_mean`` and
    ``trial_shuffle`` are above these. Intervals allow for the trials that were scored (mean over
    draws) and, with several draws, for the neurons that were drawn.
    """
    whole = table[table["fold"] == "all"]
    rows = []
    for names, part in whole.groupby(CELL, sort=False):
        row: dict = dict(zip(CELL, names, strict=True))
        (rung,) = set(part["null"]) - set(OTHER_NULLS)
        row["rung"] = rung
        for null in (rung, *OTHER_NULLS):
            name = "value" if null == rung else null
            ends = ("low", "high") if null == rung else (f"{null}_low", f"{null}_high")
            average = _average(part[part["null"] == null].dropna(subset=["value"]))
            row |= dict(zip((name, *ends), average, strict=True))
        first = part.iloc[0]
        row |= {name: int(first[name]) for name in ("n_source", "n_target", "n_trials")}
        row["draws"] = int((part["null"] == rung).sum())
        row["error"] = "; ".join(dict.fromkeys(text for text in part["error"] if text))
        rows.append(row)
    return pd.DataFrame(rows)


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


def read_atlas_table(path: Path, schema: Table) -> pd.DataFrame:
    """Return a table of an atlas; an area may be called "NA" or "1", both are text."""
    names = dict.fromkeys((*CELL, "fold", "rung", "untested", "error"), str)
    table = read_table(path, schema, keep_default_na=False, na_values=[""], dtype=names)
    texts = [name for name in ("untested", "error") if name in table]
    return table.assign(**{name: table[name].fillna("") for name in texts})
