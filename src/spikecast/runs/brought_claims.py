"""What can be measured of predictions that another tool made: claims for the audit."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from spikecast.data.predictions import Predictions
from spikecast.evaluation.brought import measure_brought
from spikecast.evaluation.prediction_checks import (
    correlate_with_truth,
    count_by_part,
    measure_zero_lag,
)
from spikecast.evaluation.score_table import Scores
from spikecast.runs.provenance import Claim
from spikecast.runs.targets import TargetRun, read_held_out
from spikecast.scoring.metric_table import HEADLINE
from spikecast.scoring.scorers import SCORERS
from spikecast.tasks.neuron_groups import COINCIDENT_SOURCES
from spikecast.tasks.splits import Fold


def describe_brought(target: TargetRun, brought: Predictions, scores: Scores) -> Iterator[Claim]:
    """Yield a claim per prediction and part, and one per prediction on all that is scored."""
    metric, null = scores.metric, HEADLINE[scores.kind].null
    drift = read_held_out(target, "drift") if "drift" in scores.models else None
    copies = [one.values for one in target.problem.notices if one.code == COINCIDENT_SOURCES.code]
    cell = {"metric": metric, "null": null, "aggregate": scores.aggregate}
    table = scores.table[(scores.table[list(cell)] == pd.Series(cell)).all(axis=1)]
    for name in brought.predicted:
        of_model = table[table["model"] == name].set_index("fold")["value"]
        shared = {"metric": metric, "target": target.problem.target, "null": null}
        for index, fold in enumerate(target.folds):
            yield Claim(
                name=f"{target.problem.target} by {name}, part {index}",
                value=of_model[index],
                train=fold.train,
                test=fold.test,
                repeats=len(target.folds),
                **shared,
            )
        yield Claim(
            name=f"{target.problem.target} by {name}",
            value=of_model["all"],
            train_value=_score_training(brought, name, target),
            beyond_drift=None if drift is None else _measure_beyond(drift, target, name),
            parts=count_by_part(target.problem.condition, target.folds),
            compared_spikes=brought.source is not None,
            source_copies=copies[0]["neurons"] if copies else [],
            **_measure_counts(brought, name, target.folds),
            **shared,
        )


def _measure_beyond(drift: np.ndarray, target: TargetRun, name: str) -> float:
    predicted, y = target.brought[name], target.problem.y
    return measure_brought(y, drift, predicted, target.folds, n_resamples=1).value


def _score_training(brought: Predictions, name: str, target: TargetRun) -> float | None:
    """Return the score on trials that were learnt from, above their mean."""
    predicted = brought.train_predicted.get(name)
    if predicted is None:
        return None
    rows = np.flatnonzero(np.isfinite(predicted).all(axis=(1, 2)))
    if rows.size < 2:
        return None
    every = np.arange(rows.size)
    kind = target.problem.kind
    scorer = SCORERS[kind](target.problem.y[rows], [Fold(every, every)], np.zeros(rows.size))
    ratios = scorer.score_headline(predicted[rows].astype(np.float32))
    return ratios.aggregate(HEADLINE[kind].aggregate)


def _measure_counts(brought: Predictions, name: str, folds: list[Fold]) -> dict[str, object]:
    """Return how predictions go along with the counts of their own bin, target by target."""
    if brought.kind != "counts":
        return {}
    rows = np.concatenate([fold.test for fold in folds])
    truth, predicted = brought.truth[rows], brought.predicted[name][rows]
    z, correlation = measure_zero_lag(truth, predicted), correlate_with_truth(truth, predicted)
    return {
        "zero_lag": {str(j): float(one) for j, one in enumerate(z) if np.isfinite(one)},
        "own_correlation": {str(j): float(one) for j, one in enumerate(correlation)},
    }
