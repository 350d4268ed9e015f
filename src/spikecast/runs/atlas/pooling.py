"""Cells of an atlas pooled over sessions: in how many a pair passes, and the group's mean."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from spikecast.core.seeding import make_rng
from spikecast.runs.atlas.plan import BETWEEN, PairJob
from spikecast.runs.atlas.settings import RIDGE, AtlasSettings
from spikecast.runs.atlas.tables import PAIR
from spikecast.scoring.ratio_scores import LEVEL


def pool_sessions(
    cells: pd.DataFrame, records: Mapping[str, Any], settings: AtlasSettings
) -> pd.DataFrame:
    """Return means over sessions, each session counting once: a row per model, source and target.

    ``passes`` is the number of sessions in which the pair passes, ``n_tested`` in which it was
    tested, ``n_sessions`` in which it was scored. The interval is from a bootstrap over sessions
    and, within each, over trials, widened to Student's for so few sessions (with two to six that
    share a pair, percentiles of a bootstrap cover far too little). One session has none.
    """
    rows = []
    resamples = _Resamples(cells, records, settings)
    for names, part in cells.dropna(subset=["value"]).groupby(PAIR, sort=False):
        value = part["value"].to_numpy()
        half = np.nan
        if value.size > 1:
            spread = resamples.find_spread(
                dict(zip(PAIR, map(str, names), strict=True)), part["session"]
            )
            half = stats.t.ppf((1 + LEVEL) / 2, value.size - 1) * spread
        mean = value.mean()
        others = [part[null].mean() for null in ("train_mean", "trial_shuffle")]
        counts = [int(part["passes"].sum()), int(part["p"].notna().sum()), value.size]
        rows.append((*names, mean, mean - half, mean + half, *others, *counts))
    columns = [*PAIR, "value", "low", "high", "train_mean", "trial_shuffle", "passes", "n_tested"]
    return pd.DataFrame(rows, columns=[*columns, "n_sessions"])


class _Resamples:
    """Resampled scores of cells, from the sums of their trials; the same trials for all pairs."""

    def __init__(
        self, cells: pd.DataFrame, records: Mapping[str, Any], settings: AtlasSettings
    ) -> None:
        self.records, self.settings = records, settings
        self.weights = {}
        for session, n_trials in cells.groupby("session", sort=False)["n_trials"].first().items():
            rng = make_rng(settings.seed, "pooled", session)
            even = np.full(n_trials, 1 / n_trials)
            self.weights[session] = rng.multinomial(n_trials, even, settings.bootstrap)

    def find_spread(self, pair: Mapping[str, str], sessions: pd.Series) -> float:
        """Return the standard error of a pair's mean over sessions."""
        scores = np.stack([self._resample_cell(pair, session) for session in sessions])
        n, n_resamples = scores.shape
        rng = make_rng(self.settings.seed, "pooled sessions", *pair.values())
        drawn = rng.integers(n, size=(n_resamples, n))
        rows = rng.integers(n_resamples, size=drawn.shape)  # a session drawn twice: other trials
        spread = np.nanstd(scores[drawn, rows].mean(axis=1))
        return float(spread * np.sqrt(n / (n - 1)))

    def _resample_cell(self, pair: Mapping[str, str], session: str) -> np.ndarray:
        """Return a cell's score for each resample of its trials, (resample,)."""
        weights, name = self.weights[session], pair["source"] + BETWEEN + pair["target"]
        alone = None if pair["model"] == RIDGE else name
        draws = []
        for draw in range(self.settings.draws):
            job = PairJob(pair["model"], session, draw, alone).name
            record = self.records.get(job, {}).get("pairs", {}).get(name)
            if record:
                gained, counted = (weights @ np.array(sums) for sums in record["trials"])
                draws.append(np.divide(gained, counted, where=counted > 0, out=gained * np.nan))
        return np.nanmean(draws, axis=0)
