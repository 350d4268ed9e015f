"""Which cells of an atlas pass: the score above the rung, and the shift test of all pairs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from spikecast.runs.atlas.plan import BETWEEN, PairJob, SessionPlan
from spikecast.runs.atlas.settings import RIDGE
from spikecast.tasks.shifts import rank_p

RATE = 0.05
"""Of false discoveries among the cells of a session."""


def test_cells(
    cells: pd.DataFrame, sessions: Sequence[SessionPlan], records: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the cells with the columns ``p, p_corrected, n_shifts, untested`` and ``passes``.

    p is the rank of the true pairing of trials among shifted ones, by ridge regression, whatever
    the model of the cell. A cell passes if its interval lies above 0 and its p, corrected
    (Benjamini & Hochberg 1995), is at most .05: for all pairs of areas of its session, and apart
    from these for all halves of areas, most of which share something.
    """
    tested = pd.DataFrame([
        {"session": session.name, "source": source, "target": target} | test
        for session in sessions
        for (source, target), test in _test_session(session, records).items()
    ])  # fmt: skip
    cells = cells.merge(tested, on=["session", "source", "target"], how="left")
    cells["passes"] = (cells["low"] > 0) & (cells["p_corrected"] <= RATE)
    return cells


def count_needed(n_pairs: int, n_shifts: int) -> int:
    """Return how many pairs have to beat every shift before any of them passes.

    Examples
    --------
    >>> count_needed(56, 170), count_needed(2, 40)
    (7, 1)
    """
    return max(1, int(np.ceil(n_pairs / (RATE * (n_shifts + 1)) - 1e-9)))


def _test_session(
    session: SessionPlan, records: Mapping[str, Any]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return p, corrected p, number of shifts, and why there is none, of every pair."""
    jobs = [PairJob(RIDGE, session.name, draw, None).name for draw in range(len(session.pairs))]
    stored = [records.get(job, {}).get("pairs", {}) for job in jobs]
    tests = {}
    for name in session.pairs[0]:
        source, target = name.split(BETWEEN)
        found = [one[name] for one in stored if name in one]
        tests[source, target] = _test_pair([one["shifts"] for one in found if one["shifts"]])
        reasons = [one["untested"] for one in found if one["untested"]]
        if tests[source, target]["n_shifts"] == 0:
            tests[source, target]["untested"] = reasons[0] if reasons else "turned off"
    for within in (True, False):
        family = [test for (a, b), test in tests.items()
                  if (a == b) == within and np.isfinite(test["p"])]  # fmt: skip
        if family:
            corrected = stats.false_discovery_control([test["p"] for test in family])
            for test, p in zip(family, corrected, strict=True):
                test["p_corrected"] = float(p)
    return tests


def _test_pair(draws: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return the test of a pair, its scores averaged over draws of neurons."""
    test = {"p": np.nan, "p_corrected": np.nan, "n_shifts": 0, "untested": ""}
    if draws:
        true, *shifted = np.mean(draws, axis=0)
        test |= {"p": rank_p(true, np.array(shifted)), "n_shifts": len(shifted)}
    return test
