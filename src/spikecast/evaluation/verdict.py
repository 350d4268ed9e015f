"""What a score table says, in plain words."""

from spikecast.evaluation.score_table import Scores
from spikecast.models.catalog import DEFAULT_MODEL, is_baseline, is_null, strongest_baseline
from spikecast.scoring.metric_table import METRICS

SOURCES = {"rest": "the rest", "all": "all neurons"}


def verdict(scores: Scores) -> list[str]:
    """Return one to four sentences; the first is the answer.

    Whether anything is predicted is judged by the best model's intervals against the training mean
    and against the PSTH. It is the best by its test score, but models that learn nothing score
    below the mean, not around it: on 30 simulated recordings of pure noise no claim was made. The
    default model is compared with the strong baseline by a paired interval, both named beforehand.

    Parameters
    ----------
    scores : Scores

    Returns
    -------
    list of str
    """
    unit = METRICS[scores.metric].phrase
    target, source = scores.table["target"].iloc[0], scores.table["source"].iloc[0]
    source = SOURCES.get(source, source)
    candidates = [name for name in scores.models if not is_null(name)]
    if not candidates:
        return ["Only nulls were fitted: add a model."]
    leader = max(candidates, key=lambda name: scores.interval(name).value)
    of_leader = scores.interval(leader)
    if not of_leader.low > 0:
        said = [
            f"No model predicts {target} from {source} better than each target's mean: the best, "
            f"{leader}, reaches {of_leader} {unit}."
        ]
    elif _beyond_psth(scores, leader) is False:
        said = [
            f"No model beats the PSTH on {target}: there is nothing here beyond the task's "
            f"average response."
        ]
    else:
        said = [f"{target} can be predicted from {source}: {leader} reaches {of_leader} {unit}."]
    said += _comparison(scores, candidates, unit)
    below = [name for name in candidates if scores.interval(name).high < 0]
    if below:
        worst = ", ".join(f"{name} ({scores.interval(name).value:.2f})" for name in below)
        said.append(f"Worse than predicting the mean: {worst}.")
    return said


def _beyond_psth(scores: Scores, model: str) -> bool | None:
    """Whether the model's interval against the PSTH lies above 0; None where there is no PSTH."""
    if (model, scores.metric, "psth") not in scores.ratios:
        return None
    return bool(scores.interval(model, null="psth").low > 0)


def _comparison(scores: Scores, candidates: list[str], unit: str) -> list[str]:
    """The default model, or the first that is not classical, against the strong baseline."""
    deep = [name for name in candidates if not is_baseline(name)]
    baseline = strongest_baseline(candidates)
    if not deep or baseline is None:
        return []
    ours = DEFAULT_MODEL if DEFAULT_MODEL in deep else deep[0]
    difference = scores.interval(ours, minus=baseline)
    size = f"{abs(difference.value):.3f} {unit} [{difference.low:.3f}, {difference.high:.3f}]"
    if difference.low > 0:
        return [f"{ours} beats {baseline} by {size}."]
    if difference.high < 0:
        return [f"{ours} loses to {baseline} by {size}: prefer the simpler model."]
    return [f"{ours} and {baseline} cannot be told apart: their difference is {difference} {unit}."]
