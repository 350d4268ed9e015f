"""The verdict on a score table: whether a target is predicted, by which model, how well."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from spikecast.evaluation.score_table import Scores
from spikecast.models.catalog import DEFAULT_MODEL, is_baseline, is_null, strongest_baseline
from spikecast.scoring.ratio_scores import Interval

Outcome = Literal["no_model", "not_predicted", "not_beyond_psth", "predicted"]


@dataclass(frozen=True)
class Comparison:
    """The paired difference of a model to the strongest baseline."""

    model: str
    baseline: str
    difference: Interval


@dataclass(frozen=True)
class Verdict:
    """Whether a target is predicted, by which model, and by how much.

    Outcomes: only nulls were fitted; the leader's interval against the training mean does not lie
    above 0; that against the PSTH does not; both do.
    """

    target: str
    source: str
    metric: str
    outcome: Outcome
    leader: str = ""  # the model with the highest score; "" where only nulls were fitted
    score: Interval | None = None  # of the leader, above the training mean
    # of the default model, or the first that is no baseline, to the strongest baseline
    comparison: Comparison | None = None
    below_null: dict[str, float] = field(default_factory=dict)  # model -> score

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values, as run directories keep it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Verdict":
        """Return the verdict that :meth:`to_json` wrote."""
        score, comparison = content["score"], content["comparison"]
        if comparison is not None:
            difference = Interval(**comparison["difference"])
            comparison = Comparison(**comparison | {"difference": difference})
        score = None if score is None else Interval(**score)
        return cls(**dict(content) | {"score": score, "comparison": comparison})


def judge_scores(scores: Scores) -> Verdict:
    """Return the verdict on a score table.

    Whether anything is predicted is judged by the best model's intervals against the training mean
    and against the PSTH. It is the best by its test score, but models that learn nothing score
    below the mean, not around it: on 30 simulated recordings of pure noise no claim was made. The
    default model is compared with the strong baseline by a paired interval, both named beforehand.

    Examples
    --------
    >>> import spikecast as sc
    >>> scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea("MOs"), sc.load("simulated"))
    >>> verdict = judge_scores(scores)
    >>> verdict.outcome, verdict.leader, verdict.score.low > 0
    ('predicted', 'pca_ridge', True)
    """
    target, source = scores.table["target"].iloc[0], scores.table["source"].iloc[0]
    intervals = {name: scores.interval(name) for name in scores.models if not is_null(name)}
    if not intervals:
        return Verdict(target, source, scores.metric, "no_model")
    leader = max(intervals, key=lambda name: intervals[name].value)
    return Verdict(
        target,
        source,
        scores.metric,
        _judge_leader(scores, leader),
        leader,
        intervals[leader],
        _compare_with_baseline(scores, list(intervals)),
        {name: interval.value for name, interval in intervals.items() if interval.high < 0},
    )


def _judge_leader(scores: Scores, leader: str) -> Outcome:
    if not scores.interval(leader).low > 0:
        return "not_predicted"
    has_psth = (leader, scores.metric, "psth") in scores.ratios
    if has_psth and not scores.interval(leader, null="psth").low > 0:
        return "not_beyond_psth"
    return "predicted"


def _compare_with_baseline(scores: Scores, models: list[str]) -> Comparison | None:
    others = [name for name in models if not is_baseline(name)]
    baseline = strongest_baseline(models)
    if not others or baseline is None:
        return None
    model = DEFAULT_MODEL if DEFAULT_MODEL in others else others[0]
    return Comparison(model, baseline, scores.interval(model, minus=baseline))
