"""The verdict on a score table: whether a target is predicted, beyond what, by which model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, TypeAdapter

from spikecast.evaluation.beyond import Beyond
from spikecast.evaluation.ladder import CONTEXT, ONE_CONDITION
from spikecast.evaluation.score_table import Scores
from spikecast.models.catalog import DEFAULT_MODEL, is_baseline, is_null, strongest_baseline
from spikecast.scoring.metric_table import MetricName
from spikecast.scoring.ratio_scores import Interval
from spikecast.scoring.scorers import RUNGS

Outcome = Literal["no_model", "not_predicted", "not_beyond", "untested", "predicted"]


@dataclass(frozen=True)
class Comparison:
    """The paired difference of a model to the strongest baseline."""

    model: str
    baseline: str
    difference: Interval


@dataclass(frozen=True)
class Verdict:
    """Whether a target is predicted, beyond what, by which model, and by how much.

    Outcomes: only nulls were fitted (``no_model``); no score lies above the training mean
    (``not_predicted``); the source tells no more than the highest rung of the ladder
    (``not_beyond``: by the interval on top of it, or because shifted trials do as well); it does by
    the interval, but there is no shift test (``untested``); it does by both (``predicted``).
    """

    target: str
    source: str
    metric: MetricName
    outcome: Outcome
    leader: str = ""  # the model with the highest score; "" where only nulls were fitted
    score: Interval | None = None  # of the leader, above the training mean
    rungs: tuple[str, ...] = ()  # of the ladder, lowest first; the highest is the one judged by
    above_rung: Interval | None = None  # the leader's score above the highest rung
    beyond: Beyond | None = None  # what a regression on top of the highest rung adds
    # of the default model, or the first that is no baseline, to the strongest baseline
    comparison: Comparison | None = None
    below_null: dict[str, float] = field(default_factory=dict)  # model -> score
    one_condition: bool = False  # no column names a condition: the task is the average trial

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values, as run directories keep it."""
        content = asdict(replace(self, beyond=None))
        return content | {"beyond": self.beyond.to_json() if self.beyond else None}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Verdict":
        """Return the verdict that :meth:`to_json` wrote."""
        return TypeAdapter(StoredVerdict).validate_python(content)


def _judge_without_ladder(verdict: Verdict) -> Verdict:
    """Return the verdict of a run made before there was a ladder as this version says it."""
    if verdict.outcome == "predicted" and not verdict.rungs:
        return replace(verdict, outcome="untested")
    return verdict


StoredVerdict = Annotated[Verdict, AfterValidator(_judge_without_ladder)]
"""A verdict in a file, as a schema names it."""


def judge_scores(scores: Scores) -> Verdict:
    """Return the verdict on a score table.

    Whether anything is predicted is judged by what a regression adds on top of the highest rung of
    the ladder and by its shift test (`scores.beyond`), not by the best of the models: none of them
    was chosen by its test score. Models that look at nearby trials (`context`) do not lead. The
    default model is compared with the strong baseline by a paired interval, both named beforehand.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.decision_task(40, n_bins=80, stim_onset=0.2, seed=3).recording
    >>> scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea("MOs"), recording)
    >>> verdict = judge_scores(scores)
    >>> verdict.outcome, verdict.leader, verdict.rungs[-1]
    ('predicted', 'pca_ridge', 'behavior')
    """
    target, source = scores.table["target"].iloc[0], scores.table["source"].iloc[0]
    intervals = {name: scores.interval(name) for name in scores.models if not is_null(name)}
    if not intervals:
        return Verdict(target, source, scores.metric, "no_model")
    in_context = {
        name
        for notice in scores.notices
        if notice.code == CONTEXT.code
        for name in notice.values["models"]
    }
    # what a context adds is no evidence for the source: such a model leads only where all are such
    leader = max(intervals, key=lambda name: (name not in in_context, intervals[name].value))
    rungs = tuple(name for name in RUNGS if name in scores.models)
    known = bool(rungs) and leader not in in_context
    above = scores.interval(leader, null=rungs[-1]) if known else None
    return Verdict(
        target,
        source,
        scores.metric,
        _find_outcome(intervals[leader], above, scores.beyond),
        leader,
        intervals[leader],
        rungs,
        above,
        scores.beyond,
        _compare_with_baseline(scores, list(intervals)),
        {name: interval.value for name, interval in intervals.items() if interval.high < 0},
        ONE_CONDITION.code in {notice.code for notice in scores.notices},
    )


def _find_outcome(score: Interval, above: Interval | None, beyond: Beyond | None) -> Outcome:
    gain = above if beyond is None else beyond.gain
    if gain is not None and gain.low > 0:
        if beyond is None or beyond.shift_test is None:
            return "untested"
        return "predicted" if beyond.passes else "not_beyond"
    if not score.low > 0:
        return "not_predicted"
    return "untested" if gain is None else "not_beyond"


def _compare_with_baseline(scores: Scores, models: list[str]) -> Comparison | None:
    others = [name for name in models if not is_baseline(name)]
    baseline = strongest_baseline(models)
    if not others or baseline is None:
        return None
    model = DEFAULT_MODEL if DEFAULT_MODEL in others else others[0]
    return Comparison(model, baseline, scores.interval(model, minus=baseline))
