"""The table of metrics: all that score tables, pages, verdicts and audits know of each.

A metric is added by one entry of :data:`METRICS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator

from spikecast.core.checks import quote
from spikecast.scoring import metrics
from spikecast.scoring.ratio_scores import RatioScores
from spikecast.scoring.scorers import CountScorer, HeldOut, Scorer

Aggregate = Literal["pooled", "per_neuron"]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Examples
    --------
    >>> METRICS["bits_per_spike"].unit, METRICS["rmse"].higher_is_better
    ('bits/spike', False)
    """

    name: str  # as in the columns ``metric`` of tables
    kind: Literal["counts", "continuous", "labels"]  # of the targets that it scores
    label: str  # in headings and figures
    help: str  # what it says, in a sentence or two
    unit: str = ""  # behind a number in tables and on axes; by default the label
    phrase: str = ""  # behind a number in a sentence; by default the unit
    axis: str = ""  # of an axis of scores against the default null; by default the label
    null: str = "train_mean"  # what it is measured against by default; "" for none
    aggregate: Aggregate = "pooled"  # over targets, by default
    higher_is_better: bool = True
    # whether it depends on how much targets fire or vary: never compare it between targets
    depends_on_rate: bool = False
    is_share: bool = False  # of trials, with a binomial interval
    digits: int = 3  # after the point
    in_page: bool = False  # whether the page's score table has a column for it
    # of a score that is a ratio of sums over trials, and hence resamples: given a scorer and the
    # predictions of all trials, returns RatioScores per null
    ratios: Callable[..., Mapping[str, RatioScores]] | None = None
    # of any other score: given held-out trials, returns the number, or None where there is none
    value: Callable[[HeldOut], float | None] | None = None

    def __post_init__(self) -> None:
        for name, default in (("unit", "label"), ("phrase", "unit"), ("axis", "label")):
            if not getattr(self, name):
                object.__setattr__(self, name, getattr(self, default))


def _score_nulls(scorer: Scorer, prediction: np.ndarray) -> dict[str, RatioScores]:
    return scorer.score_nulls(prediction)


def _d2(scorer: CountScorer, rate: np.ndarray) -> dict[str, RatioScores]:
    return {"train_mean": scorer.score_deviance(rate)}


def _poisson_nll(held_out: HeldOut) -> float:
    counted = held_out.counted
    return metrics.poisson_nll(held_out.truth[..., counted], held_out.prediction[..., counted])


def _psth_r2(held_out: HeldOut) -> float | None:
    if not held_out.complete or np.unique(held_out.condition).size < 2:
        return None
    return metrics.psth_r2(held_out.truth, held_out.prediction, held_out.condition)


def _continuous(name: str) -> Callable[[HeldOut], float]:
    def value(held_out: HeldOut) -> float:
        scores = metrics.score_continuous(held_out.truth, held_out.prediction, held_out.null)
        return float(np.mean(getattr(scores, name)))

    return value


_ENTRIES = [
    Metric(
        "bits_per_spike",
        "counts",
        "bits per spike",
        "Bits per spike say how much better the predicted rates explain the held-out spikes than "
        "each neuron's mean rate over the training trials does (the null, 0). Pooled over neurons: "
        "neurons that fire more weigh more. At 1 the rates make the recorded spikes, on average, "
        "twice as likely per spike as the mean rate does.",
        unit="bits/spike",
        axis="bits per spike above the mean rate",
        ratios=_score_nulls,
    ),
    Metric(
        "d2",
        "counts",
        "deviance explained",
        "Share of the Poisson deviance from the training mean that is explained.",
        in_page=True,
        ratios=_d2,
    ),
    Metric(
        "poisson_nll",
        "counts",
        "Poisson loss",
        "Mean of r - y log r. It depends on the firing rate: never compare it between targets.",
        null="",
        higher_is_better=False,
        depends_on_rate=True,
        value=_poisson_nll,
    ),
    Metric(
        "psth_r2",
        "counts",
        "R² of condition averages",
        "R² of predicted against recorded condition averages, mean over neurons.",
        null="",
        aggregate="per_neuron",
        value=_psth_r2,
    ),
    Metric(
        "r2",
        "continuous",
        "R²",
        "R² is the share of the held-out variance that is predicted, measured against the mean of "
        "the training part (the null, 0).",
        phrase="of the variance (R2)",
        axis="R² above the mean",
        aggregate="per_neuron",
        ratios=_score_nulls,
    ),
    Metric(
        "mse",
        "continuous",
        "MSE",
        "Mean squared error, in the target's unit squared.",
        null="",
        aggregate="per_neuron",
        higher_is_better=False,
        depends_on_rate=True,
        value=_continuous("mse"),
    ),
    Metric(
        "rmse",
        "continuous",
        "RMSE",
        "Root of the mean squared error, in the target's unit.",
        null="",
        aggregate="per_neuron",
        higher_is_better=False,
        depends_on_rate=True,
        in_page=True,
        value=_continuous("rmse"),
    ),
    Metric(
        "pearson",
        "continuous",
        "correlation",
        "Pearson's correlation of predicted and recorded values, mean over targets.",
        null="",
        aggregate="per_neuron",
        value=_continuous("pearson"),
    ),
    Metric(
        "accuracy",
        "labels",
        "accuracy",
        "Share of held-out trials that are decoded correctly.",
        null="label_shuffle",
        is_share=True,
    ),
    Metric(
        "balanced_accuracy",
        "labels",
        "balanced accuracy",
        "Share of held-out trials of each class that are decoded correctly, mean over classes.",
        null="label_shuffle",
        is_share=True,
    ),
]
METRICS: dict[str, Metric] = {entry.name: entry for entry in _ENTRIES}
"""By name. Score tables list the metrics of a kind in this order."""

HEADLINE: dict[str, Metric] = {
    "counts": METRICS["bits_per_spike"],
    "continuous": METRICS["r2"],
    "labels": METRICS["balanced_accuracy"],
}
"""The metric that a page, a verdict and a ranking go by, by kind of target."""


def score_ratios(scorer: Scorer, prediction: np.ndarray) -> dict[tuple[str, str], RatioScores]:
    """Return (metric, null) -> ratio scores of every metric that resamples."""
    return {
        (metric.name, null): ratio
        for metric in METRICS.values()
        if metric.kind == scorer.kind and metric.ratios is not None
        for null, ratio in metric.ratios(scorer, prediction).items()
    }


def score_values(
    scorer: Scorer, prediction: np.ndarray, trials: np.ndarray
) -> list[dict[str, object]]:
    """Return a row of the score table for every metric that does not resample."""
    held_out = scorer.select_held_out(prediction, trials)
    rows: list[dict[str, object]] = []
    for metric in METRICS.values():
        value = metric.value(held_out) if metric.kind == scorer.kind and metric.value else None
        if value is not None:
            named = {"metric": metric.name, "null": metric.null, "aggregate": metric.aggregate}
            rows.append({**named, "value": value})
    return rows


def _check_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"the name of a metric is expected, not {quote(name)}")
    return name


MetricName = Annotated[str, AfterValidator(_check_metric)]
"""The name of a metric in a file, as a schema names it."""


def find_headline(names: object) -> Metric:
    """Return the headline metric of a table from the names that it holds (columns, values).

    Examples
    --------
    >>> find_headline(["model", "r2", "low"]).name
    'r2'
    """
    present = set(names)  # type: ignore[call-overload]
    return next(metric for metric in HEADLINE.values() if metric.name in present)
