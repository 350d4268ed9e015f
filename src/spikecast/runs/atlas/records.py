"""Score the pairs of a job; records are plain numbers and notices, as the journal keeps them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from spikecast.analysis.interareal.pairwise import Pair, pairwise_ridge
from spikecast.analysis.interareal.pairwise_rungs import expect_without_source
from spikecast.analysis.interareal.pairwise_shifts import score_shifts
from spikecast.core.notices import NoticeKind
from spikecast.data.recording import Recording
from spikecast.evaluation.clearing import NULLS
from spikecast.evaluation.fit import Job, run_job
from spikecast.evaluation.ladder import expect_fold
from spikecast.models.base import Model
from spikecast.models.trial_nulls import TrialNull
from spikecast.parallel.shared_data import SharedValue
from spikecast.runs.atlas.plan import SessionPlan, split_pair
from spikecast.scoring.metric_table import HEADLINE
from spikecast.scoring.ratio_scores import (
    Interval,
    RatioScores,
    compute_interval,
    draw_bootstrap_weights,
)
from spikecast.scoring.scorers import SCORERS
from spikecast.tasks.behavior import read_behavior
from spikecast.tasks.problem import cut_windows
from spikecast.tasks.tasks import NeuronsToNeurons
from spikecast.tasks.trial_facts import TrialFacts, find_lacking

N_CHUNKS = 5  # of a window of a continuous recording, which shifts take for trials
Record = dict[str, Any]
"""Of one pair: see :func:`_make_record`."""

PENALTY_AT_EDGE = NoticeKind(
    "penalty_at_edge", "minor", "a chosen penalty is the smallest or largest that was offered"
)


class Scoring(NamedTuple):
    """What all jobs of a session share besides the plan."""

    condition: np.ndarray  # (trial,)
    bootstrap: int
    seed: int


def score_by_ridge(
    shared: SharedValue, session: SessionPlan, draw: int, scoring: Scoring
) -> dict[str, Record]:
    """Return the records of all pairs of a draw, by ridge regression, with their shift tests.

    On one thread, as all fits: beside other work, threads that wait for each other cost ten times
    what they save.
    """
    recording: Recording = shared.get()
    activity, pairs = cut_windows(recording.activity), session.pairs[draw]
    facts = _collect_facts(recording, session, scoring.condition)
    sides = [one for pair in pairs.values() for one in ([*pair] if session.n_shifts else pair[1:])]
    with threadpool_limits(limits=1):
        weights = draw_bootstrap_weights(len(activity), scoring.bootstrap, scoring.seed)
        expected = expect_without_source(
            activity, np.concatenate(sides), session.folds, _make_null(session), facts, session.kind
        )
        shifted, untested = score_shifts(
            activity,
            pairs,
            expected,
            facts,
            session.n_shifts,
            kind=session.kind,
            n_chunks=N_CHUNKS if recording.n_trials == 1 else 1,
        )
        result = {}
        for name, score in pairwise_ridge(
            activity, pairs, session.folds, scoring.condition, expected, kind=session.kind
        ):
            ratios = {
                session.rung: score.above,
                "train_mean": score.ratios,
                "trial_shuffle": score.beyond,
            }
            record = _make_record(ratios, pairs[name], session, weights)
            record["chosen"] = score.penalties
            record["notices"] = [PENALTY_AT_EDGE().to_json()] if score.at_edge else []
            record["shifts"] = [float(f"{one:.6g}") for one in shifted.get(name, [])]
            record["untested"] = untested
            result[name] = record
        return result


def score_by_model(
    shared: SharedValue,
    session: SessionPlan,
    draw: int,
    name: str,
    estimator: Model,
    scoring: Scoring,
) -> dict[str, Record]:
    """Return the record of one pair, by any other model; on top of the rung where it can be."""
    pair = session.pairs[draw][name]
    source, target = split_pair(name)
    # the plan has left neurons out already
    task = NeuronsToNeurons(
        pair.source, pair.target, source, target, min_rate=0, drop_coincident=False
    )
    recording: Recording = shared.get()
    problem = task.problem(recording)
    facts, null = _collect_facts(recording, session, scoring.condition), _make_null(session)
    metadata = problem.metadata() | {"trials": facts}
    predicted, held_out = np.ones((2, *problem.y.shape), dtype=np.float32)
    on_top = getattr(estimator, "can_add", False)
    for index, fold in enumerate(session.folds):
        with threadpool_limits(limits=1):
            expected = expect_fold(null, problem.y, fold, facts)
        held_out[fold.test] = expected[fold.test]
        known = metadata | ({"base": expected} if on_top else {})
        job = Job("model", estimator, index, fold, scoring.seed, known, latents=False)
        predicted[fold.test] = run_job(job, problem.x, problem.y).prediction
    scorer = SCORERS[problem.kind](problem.y, session.folds, scoring.condition)
    scorer.add_rung(session.rung, held_out)
    scores = scorer.score_nulls(predicted)
    ratios: dict[str, RatioScores | None] = {
        name: scores[name] for name in (session.rung, "train_mean")
    }
    # swapping trials would swap the rung's drift too
    ratios["trial_shuffle"] = None if on_top else scorer.score_beyond_condition(predicted)
    weights = draw_bootstrap_weights(len(problem.y), scoring.bootstrap, scoring.seed)
    record = _make_record(ratios, pair, session, weights)
    return {name: record | {"notices": [notice.to_json() for notice in scorer.notices]}}


def _collect_facts(recording: Recording, session: SessionPlan, condition: np.ndarray) -> TrialFacts:
    """Return what is known of the trials, or of windows of a continuous recording."""
    place = np.arange(session.n_trials, dtype=float) if session.ordered else None
    values, gaps, _ = read_behavior(recording, recording.time)
    values, gaps = (None if one is None else cut_windows(one) for one in (values, gaps))
    return TrialFacts(place, condition, values, find_lacking(gaps, session.n_trials))


def _make_null(session: SessionPlan) -> TrialNull:
    return NULLS[session.rung]().set_params(**session.inner)


def _make_record(
    ratios: Mapping[str, RatioScores | None], pair: Pair, session: SessionPlan, weights: np.ndarray
) -> Record:
    """Return the scores above each null with intervals; above the rung also by fold and neuron.

    The sums of each trial above the rung are kept, so that sessions can be pooled by resampling.
    """
    how = HEADLINE[session.kind].aggregate
    above = ratios[session.rung]
    assert above is not None
    nothing = Interval(np.nan, np.nan, np.nan)
    scores = {
        null: compute_interval(one, weights, how) if one else nothing
        for null, one in ratios.items()
    }
    gained, counted = _sum_trials(above, how)
    return {
        "scores": {null: [one.value, one.low, one.high] for null, one in scores.items()},
        "folds": [above.select_trials(fold.test).aggregate(how) for fold in session.folds],
        "neurons": np.round(above.per_target(), 5).tolist(),
        "trials": [[float(f"{one:.5g}") for one in sums] for sums in (gained, counted)],
        "n_source": int(pair.source.size),
        "n_target": int(pair.target.size),
        "n_trials": session.n_trials,
    }


def _sum_trials(ratios: RatioScores, how: str) -> tuple[np.ndarray, np.ndarray]:
    """Return sums over targets whose ratio, over trials, is the score; each (trial,).

    Where the score is the mean of the targets' own, each target counts by its own denominator.
    """
    numerator, denominator = ratios.numerator, ratios.denominator
    if how != "pooled":
        total = denominator.sum(axis=0)
        kept = total > 0
        numerator, denominator = (one[:, kept] / total[kept] for one in (numerator, denominator))
    return numerator.sum(axis=1), denominator.sum(axis=1)
