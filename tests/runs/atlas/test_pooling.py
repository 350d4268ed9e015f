"""Pooled cells: counts of sessions, and an interval that allows for sessions and trials."""

import numpy as np
import pandas as pd
import pytest

from spikecast.runs.atlas.pooling import pool_sessions
from spikecast.runs.atlas.settings import AtlasSettings

PAIR = {"model": "ridge", "source": "A", "target": "B"}


def pool(true, n_trials=40, spread=1.0, seed=0):
    """Sessions with these true scores, whose trials scatter."""
    rng = np.random.default_rng(seed)
    cells, records = [], {}
    for number, score in enumerate(true):
        gained = rng.normal(score, spread, n_trials)
        name = f"s{number}"
        trials = [gained.tolist(), [1.0] * n_trials]
        records[f"ridge | {name} | draw 0"] = {"pairs": {"A > B": {"trials": trials}}}
        value = gained.mean()
        cells.append(PAIR | {
            "session": name, "value": value, "n_trials": n_trials, "passes": number == 0,
            "p": 0.01, "train_mean": value, "trial_shuffle": value,
        })  # fmt: skip
    settings = AtlasSettings(data=["x"], bootstrap=400)
    return pool_sessions(pd.DataFrame(cells), records, settings).iloc[0]


def test_one_session_is_one():
    one = pool([0.5])
    assert (one["n_sessions"], one["passes"]) == (1, 1)
    assert np.isnan(one["low"])


def test_sessions_that_pass_are_counted():
    some = pool([0.5, 0.5, 0.5])
    assert (some["n_sessions"], some["n_tested"], some["passes"]) == (3, 3, 1)


@pytest.mark.parametrize(("n_sessions", "between"), [(2, 0.0), (4, 0.0), (4, 0.5)])
def test_the_interval_covers_the_mean_of_all_sessions(n_sessions, between):
    rng = np.random.default_rng(1)
    covered = []
    for seed in range(60):
        found = pool(rng.normal(0.3, between, n_sessions), seed=seed)
        covered.append(found["low"] <= 0.3 <= found["high"])
    assert np.mean(covered) >= 0.9


def test_scatter_of_trials_widens_it():
    assert pool([0.3, 0.3, 0.3], spread=2.0)["high"] > pool([0.3, 0.3, 0.3], spread=0.2)["high"]
