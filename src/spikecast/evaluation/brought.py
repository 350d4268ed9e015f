"""What predictions that another tool made add to a rung of the ladder."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spikecast.evaluation.beyond import Beyond, Untested
from spikecast.models.base import is_counts
from spikecast.models.families import FAMILIES, fit_weights
from spikecast.models.rate_ceiling import MAX_LOG_RATE
from spikecast.scoring.metric_table import HEADLINE
from spikecast.scoring.metrics import RATE_FLOOR
from spikecast.scoring.ratio_scores import Interval, compute_interval, draw_bootstrap_weights
from spikecast.scoring.scorers import SCORERS
from spikecast.tasks.splits import Fold

N_PARTS = 5


def combine_with_rung(
    y: np.ndarray, base: np.ndarray, predicted: np.ndarray, folds: Sequence[Fold]
) -> np.ndarray:
    """Return a rung's predictions changed by those of another tool, (trial, time, target).

    log rate = log mean + a (log rung - log mean) + b (log prediction - log mean), and the like with
    sums for continuous values: two weights, not below 0, for all targets. Those that a part is
    predicted with are fitted to the held-out predictions of the other parts; one part is cut into
    five.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rate = rng.gamma(2.0, 0.2, (20, 30, 2))
    >>> counts, base = rng.poisson(rate), np.full(rate.shape, 0.4)
    >>> folds = [Fold(np.arange(20), np.arange(20))]
    >>> combined = combine_with_rung(counts, base, rate, folds)
    >>> bool(np.corrcoef(combined.ravel(), rate.ravel())[0, 1] > 0.9)
    True
    """
    counts = is_counts(y)
    family = FAMILIES["counts" if counts else "continuous"]
    parts = [fold.test for fold in folds]
    if len(parts) == 1:
        parts = np.array_split(parts[0], min(N_PARTS, len(parts[0])))
    scored = np.concatenate(parts)
    mean = y[scored].mean(axis=(0, 1))
    if counts:
        mean = np.maximum(mean, 0.5 / y[scored, :, 0].size)
        base, predicted = (np.maximum(one, RATE_FLOOR) for one in (base, predicted))
    combined = base.astype(np.float32)
    for part in parts:
        others = np.setdiff1d(scored, part)
        sides = [
            [family.measure_deviation(one[rows], mean) for one in (base, predicted)]
            for rows in (others, part)
        ]
        if counts:
            sides = [[np.minimum(one, MAX_LOG_RATE) for one in side] for side in sides]
        a, b = fit_weights(family, y[others], mean, sides[0])
        combined[part] = family.combine(mean, a * sides[1][0] + b * sides[1][1])
    return combined


def measure_brought(
    y: np.ndarray,
    base: np.ndarray,
    predicted: np.ndarray,
    folds: Sequence[Fold],
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return what predictions add to a rung's, `base`, in the headline metric.

    Two weights may mend the rung by themselves: one that follows chance is better off with less of
    it. What counts is therefore also compared with the rung and a prediction that is the mean of
    each target's, and the smaller difference is returned.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> counts = rng.poisson(0.4, (20, 30, 2))
    >>> base = np.full(counts.shape, 0.4) * rng.gamma(9, 1 / 9, counts.shape)  # follows chance
    >>> folds = [Fold(np.arange(20), np.arange(20))]
    >>> measure_brought(counts, base, np.full(counts.shape, 0.4), folds).value
    0.0
    """
    scorer = SCORERS["counts" if is_counts(y) else "continuous"](y, folds, np.zeros(len(y)))
    scored = scorer.scored
    mean = np.broadcast_to(predicted[scored].mean(axis=(0, 1), keepdims=True), predicted.shape)
    scorer.add_rung("rung", base)
    scorer.add_rung("mended", combine_with_rung(y, base, mean, folds))
    ratios = scorer.score_nulls(combine_with_rung(y, base, predicted, folds))
    weights = draw_bootstrap_weights(len(scored), n_resamples, seed)
    gains = [
        compute_interval(
            ratios[name].select_trials(scored), weights, HEADLINE[scorer.kind].aggregate
        )
        for name in ("rung", "mended")
    ]
    return min(gains, key=lambda gain: gain.value)


def judge_brought(
    rung: str, gain: Interval, of_source: Beyond | None, untested: Untested
) -> Beyond:
    """Return what predictions of another tool add to a rung, with the shift test of their source.

    The fits that made the predictions cannot be repeated with shifted trials. What takes their
    place is a regression on the same source, `of_source`; without one, `untested` says why.
    """
    if of_source is None:
        return Beyond(rung, gain, None, untested)
    return replace(of_source, gain=gain)
