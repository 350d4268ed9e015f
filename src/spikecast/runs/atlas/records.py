"""Score the pairs of a job; records are plain numbers and notices, as the journal keeps them."""

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from spikecast.analysis.interareal.pairwise import Pair, pairwise_ridge
from spikecast.core.notices import NoticeKind
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import Job, run_job
from spikecast.models.base import Model
from spikecast.parallel.shared_data import SharedValue
from spikecast.runs.atlas.plan import BETWEEN, SessionPlan
from spikecast.scoring.metric_table import HEADLINE
from spikecast.scoring.ratio_scores import (
    Interval,
    RatioScores,
    compute_interval,
    draw_bootstrap_weights,
)
from spikecast.scoring.scorers import SCORERS
from spikecast.tasks.problem import cut_windows
from spikecast.tasks.tasks import NeuronsToNeurons

Record = dict[str, Any]
"""Of one pair: see :func:`_make_record`."""

PENALTY_AT_EDGE = NoticeKind(
    "penalty_at_edge", "minor", "a chosen penalty is the smallest or largest that was offered"
)


def score_by_ridge(
    shared: SharedValue,
    session: SessionPlan,
    draw: int,
    condition: np.ndarray,
    bootstrap: int,
    seed: int,
) -> dict[str, Record]:
    """Return the records of all pairs of a draw, by ridge regression.

    On one thread, as all fits: beside other work, threads that wait for each other cost ten times
    what they save.
    """
    recording: Recording = shared.get()
    activity, pairs = cut_windows(recording.activity), session.pairs[draw]
    with threadpool_limits(limits=1):
        weights = draw_bootstrap_weights(len(activity), bootstrap, seed)
        result = {}
        for name, score in pairwise_ridge(
            activity, pairs, session.folds, condition, kind=session.kind
        ):
            record = _make_record(score.ratios, score.beyond, pairs[name], session, weights)
            record["chosen"] = score.penalties
            record["notices"] = [PENALTY_AT_EDGE().to_json()] if score.at_edge else []
            result[name] = record
        return result


def score_by_model(
    shared: SharedValue,
    session: SessionPlan,
    draw: int,
    name: str,
    estimator: Model,
    condition: np.ndarray,
    bootstrap: int,
    seed: int,
) -> dict[str, Record]:
    """Return the record of one pair, by any other model."""
    pair = session.pairs[draw][name]
    source, target = name.split(BETWEEN)
    # the plan has left neurons out already
    task = NeuronsToNeurons(
        pair.source, pair.target, source, target, min_rate=0, drop_coincident=False
    )
    problem = task.problem(shared.get())
    predicted = np.empty(problem.y.shape, dtype=np.float32)
    for index, fold in enumerate(session.folds):
        job = Job("model", estimator, index, fold, seed, problem.metadata(), latents=False)
        predicted[fold.test] = run_job(job, problem.x, problem.y).prediction
    scoring = SCORERS[problem.kind](problem.y, session.folds, condition)
    weights = draw_bootstrap_weights(len(problem.y), bootstrap, seed)
    headline, beyond = scoring.score_headline(predicted), scoring.score_beyond_condition(predicted)
    record = _make_record(headline, beyond, pair, session, weights)
    return {name: record | {"notices": [notice.to_json() for notice in scoring.notices]}}


def _make_record(
    ratios: RatioScores,
    beyond: RatioScores | None,
    pair: Pair,
    session: SessionPlan,
    weights: np.ndarray,
) -> Record:
    """Return the headline score with interval, by fold, by neuron, and beyond the condition."""
    how = HEADLINE[session.kind].aggregate
    score = compute_interval(ratios, weights, how)
    above = compute_interval(beyond, weights, how) if beyond else Interval(np.nan, np.nan, np.nan)
    return {
        **{name: getattr(score, name) for name in ("value", "low", "high")},
        **{f"beyond_{name}": getattr(above, name) for name in ("value", "low", "high")},
        "folds": [ratios.select_trials(fold.test).aggregate(how) for fold in session.folds],
        "neurons": np.round(ratios.per_target(), 5).tolist(),
        "n_source": int(pair.source.size),
        "n_target": int(pair.target.size),
        "n_trials": session.n_trials,
    }
