"""The sentences of a verdict, made from its facts: for the pages and the command line."""

from spikecast.evaluation.verdict import Comparison, Verdict
from spikecast.report.shared.formatting import format_interval, name_source
from spikecast.scoring.metric_table import METRICS

OUTCOMES = {
    "no_model": "Only nulls were fitted: add a model.",
    "not_predicted": (
        "No model predicts {target} from {source} better than each target's mean: the best, "
        "{leader}, reaches {score} {unit}."
    ),
    "not_beyond_psth": (
        "No model beats the PSTH on {target}: there is nothing here beyond the task's average "
        "response."
    ),
    "predicted": "{target} can be predicted from {source}: {leader} reaches {score} {unit}.",
}


def describe_verdict(verdict: Verdict) -> list[str]:
    """Return one to three sentences; the first is the answer.

    Examples
    --------
    >>> from spikecast.scoring.ratio_scores import Interval
    >>> score = Interval(0.3, 0.2, 0.4)
    >>> describe_verdict(Verdict("MOs", "rest", "bits_per_spike", "predicted", "lfads", score))
    ['MOs can be predicted from the rest: lfads reaches 0.300 (0.200 to 0.400) bits/spike.']
    """
    unit = METRICS[verdict.metric].phrase
    sentences = [
        OUTCOMES[verdict.outcome].format(
            target=verdict.target,
            source=name_source(verdict.source),
            leader=verdict.leader,
            score=format_interval(verdict.score) if verdict.score else "",
            unit=unit,
        )
    ]
    if verdict.comparison is not None:
        sentences.append(_describe_comparison(verdict.comparison, unit))
    if verdict.below_null:
        worst = ", ".join(f"{name} ({score:.2f})" for name, score in verdict.below_null.items())
        sentences.append(f"Worse than predicting the mean: {worst}.")
    return sentences


def _describe_comparison(comparison: Comparison, unit: str) -> str:
    model, baseline, difference = comparison.model, comparison.baseline, comparison.difference
    size = f"difference {format_interval(difference)} {unit}"
    if difference.low > 0:
        return f"{model} beats {baseline}: {size}."
    if difference.high < 0:
        return f"{model} loses to {baseline}: {size}; prefer the simpler model."
    return f"{model} and {baseline} cannot be told apart: {size}."
