"""The sentences of a verdict, made from its facts: for the pages and the command line."""

from spikecast.evaluation.beyond import Beyond
from spikecast.evaluation.verdict import Comparison, Verdict
from spikecast.report.shared.formatting import (
    format_interval,
    format_number,
    format_p,
    name_rung,
    name_source,
)
from spikecast.scoring.metric_table import METRICS

OUTCOMES = {
    "no_model": "Only nulls were fitted: add a model.",
    "not_predicted": (
        "No model predicts {target} from {source} better than each target's mean: the best, "
        "{leader}, reaches {score} {unit}."
    ),
    "not_beyond": ("{source} tells no more about {target} than {rung}: {reason}."),
    "untested": ("{source} tells more about {target} than {rung} by {gain} {unit}, but {reason}."),
    "predicted": (
        "{target} can be predicted from {source} beyond {rung}: {gain} {unit} more{test}."
    ),
}
NO_LADDER = (
    "{target} is predicted from {source} better than by its mean ({score} {unit}), but this was "
    "not held against the task and the session's drift, which alone can make such a score."
)
UNTESTED = {
    "unordered": (
        "this may be slow change of both, or trials that are there twice, as the trials are in no "
        "known order (the notices say why)"
    ),
    "unrecorded": (
        "this may be a movement of the trials in which behaviour was not recorded (the notices say "
        "in how many)"
    ),
    "few_trials": (
        "whether it is more than slow change of both cannot be tested with so few trials"
    ),
    "off": "whether it is more than slow change of both was not tested (shifts: 0)",
    "no_source": (
        "whether it is more than slow change of both cannot be tested, as the file does not hold "
        "the source: no claim beyond this interval"
    ),
    "": "whether it is more than slow change of both was not tested",
}


def name_verdict_rung(verdict: Verdict) -> str:
    """Return what a sentence calls the highest rung that a verdict was judged by."""
    return name_rung(verdict.rungs, one_condition=verdict.one_condition)


def describe_verdict(verdict: Verdict) -> list[str]:
    """Return one to four sentences; the first is the answer.

    Models are compared only where one of them predicts better than the mean.

    Examples
    --------
    >>> from spikecast.evaluation.beyond import ShiftTest
    >>> from spikecast.scoring.ratio_scores import Interval
    >>> score, gain = Interval(0.3, 0.2, 0.4), Interval(0.2, 0.1, 0.3)
    >>> beyond = Beyond("source_free", gain, ShiftTest(0.024, 0.2, (-1, 1), (0.0, 0.0)))
    >>> verdict = Verdict("MOs", "rest", "bits_per_spike", "predicted", "lfads", score,
    ...                   ("psth", "drift", "source_free"), beyond=beyond)
    >>> print(describe_verdict(verdict)[0])  # doctest: +NORMALIZE_WHITESPACE
    MOs can be predicted from the rest beyond the task and the session's drift: 0.200 (0.100 to
    0.300) bits/spike more (trials shifted against each other: p ≤ 0.333).
    """
    unit = METRICS[verdict.metric].phrase
    gain = verdict.beyond.gain if verdict.beyond else verdict.above_rung
    no_ladder = verdict.outcome == "untested" and gain is None
    sentence = (NO_LADDER if no_ladder else OUTCOMES[verdict.outcome]).format(
        target=verdict.target,
        source=name_source(verdict.source) or "the prediction",
        leader=verdict.leader,
        score=format_interval(verdict.score) if verdict.score else "",
        rung=name_verdict_rung(verdict) or "the mean",
        gain=format_interval(gain) if gain else "",
        reason=_give_reason(verdict, unit),
        test=_describe_test(verdict.beyond),
        unit=unit,
    )
    sentences = [sentence[0].upper() + sentence[1:]]
    if verdict.score is not None and verdict.outcome != "not_predicted" and not no_ladder:
        sentences.append(_describe_leader(verdict, unit))
    if verdict.comparison is not None and verdict.outcome != "not_predicted":
        sentences.append(_describe_comparison(verdict.comparison, unit))
        if verdict.outcome == "not_beyond":
            sentences[-1] += (
                f" This ranks models; it is no evidence for {name_source(verdict.source)}."
            )
    if verdict.below_null:
        below = verdict.below_null.items()
        worst = ", ".join(f"{name} ({format_number(score)})" for name, score in below)
        sentences.append(f"Worse than predicting the mean: {worst}.")
    return sentences


def _describe_leader(verdict: Verdict, unit: str) -> str:
    """Return what the best model reaches; where the highest rung reaches more, that too."""
    source = name_source(verdict.source)
    among = f"The best model that uses {source}" if source else "The best model"
    score = f"{format_interval(verdict.score)} {unit} above the mean" if verdict.score else ""
    above = verdict.above_rung
    short = (
        f", {format_number(-above.value)} less than {name_verdict_rung(verdict)} alone"
        if above and above.value < 0
        else ""
    )
    return f"{among}, {verdict.leader}, reaches {score}{short}."


def _give_reason(verdict: Verdict, unit: str) -> str:
    """Return why nothing is claimed beyond the highest rung."""
    beyond = verdict.beyond
    if verdict.outcome == "untested":
        return UNTESTED[beyond.untested if beyond else ""]
    gain = beyond.gain if beyond else verdict.above_rung
    if gain is None:
        return ""
    if beyond is None:
        return f"{verdict.leader} scores {format_interval(gain)} {unit} above these"
    if gain.low > 0:
        return (
            f"it adds {format_interval(gain)} {unit} to these, but trials shifted against each "
            f"other add as much{_describe_test(beyond)}"
        )
    adds = "what it adds to these cannot be told from nothing"
    return f"{adds}, {format_interval(gain)} {unit}"


def _describe_test(beyond: Beyond | None) -> str:
    if beyond is None or beyond.shift_test is None:
        return ""
    p = format_p(beyond.shift_test.p, len(beyond.shift_test.shifts))
    return f" (trials shifted against each other: p {p})"


def _describe_comparison(comparison: Comparison, unit: str) -> str:
    model, baseline, difference = comparison.model, comparison.baseline, comparison.difference
    size = f"difference {format_interval(difference)} {unit}"
    if difference.low > 0:
        return f"{model} beats {baseline}: {size}."
    if difference.high < 0:
        return f"{model} loses to {baseline}: {size}; prefer the simpler model."
    return f"{model} and {baseline} cannot be told apart: {size}."
