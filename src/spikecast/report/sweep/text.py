"""The sentences of a sweep, made from its facts: for the page and the command line."""

import json
from collections.abc import Iterable
from typing import Any

from spikecast.core.notices import Notice
from spikecast.report.shared.formatting import format_estimate, name_rung, name_source
from spikecast.report.sweep.reading import SweepRun, SweptModel
from spikecast.runs.sweep.results import NEGLIGIBLE
from spikecast.scoring.metric_table import METRICS

FEW = 30
"""Finished tries below which importance is mostly chance."""

OUTCOMES = {
    "not_predicted": (
        "Even tuned, {label} does not predict {target} from {source} better than each target's "
        "mean: {nested} {unit} on trials that no search saw."
    ),
    "defaults_chosen": (
        "The search chose the defaults of {label} in every fold: {nested} {unit} on trials that no "
        "search saw."
    ),
    "negligible": (
        "Tuning {label} gains next to nothing on {target}: {gain} {unit}, less than {negligible} "
        "of its score, on trials that no search saw. The defaults will do."
    ),
    "gain": (
        "Tuning {label} pays on {target}: {gain} {unit} more than its defaults on trials that no "
        "search saw."
    ),
    "loss": (
        "Tuning {label} made it worse on {target}: {gain} {unit} against its defaults on trials "
        "that no search saw. Keep the defaults."
    ),
    "no_difference": (
        "Tuning {label} does not measurably pay on {target}: {gain} {unit} against its defaults on "
        "trials that no search saw. Keep the defaults."
    ),
}
"""What :func:`spikecast.runs.sweep.results.judge_gain` found -> the sentence."""

CAPTIONS = {
    "history": (
        "Every dot is one try, scored on all inner folds; triangles are below the panel. Ticks at "
        "the bottom were stopped early, being below the median of the tries before them; crosses "
        "failed. Orange: the best so far. The first try has the config's own settings, the first "
        "ten of a search are drawn at random. The best so far can only rise: that it rises is no "
        "sign that anything was learnt."
    ),
    "nested": (
        "Left: in each outer fold the winner's score on the inner folds that chose it (hollow), "
        "and on the fold's held-out trials the model with its defaults (square) and as tuned "
        "(dot). Winners are fitted to more trials than in the search, and folds differ in "
        "difficulty, so that hollow and filled differ for other reasons too; compare square and "
        "dot. Right: pooled, with 95 % intervals over trials; whether they differ is in the table, "
        "for the paired interval is the narrower one."
    ),
    "slices": (
        "The search over all recorded trials; every dot is one try, scored on all inner folds. "
        "Dotted: the default; orange: the best. Tries differ in all settings at once: a trend here "
        "may be another setting's, and the sampler looks more often where it found something good."
    ),
    "importance": (
        "From {finished} tries of the search over all recorded trials (fANOVA). {doubt} It says "
        "what made a difference within the range searched, bad values included, not what would be "
        "gained."
    ),
}


def title(run: SweepRun) -> str:
    """Return the question of the sweep."""
    labels = " and ".join(model["label"] for model in run.models)
    return f"Does tuning {labels} pay on {run.facts['target']}?"


def headlines(facts: dict[str, Any]) -> list[str]:
    """Return two sentences per model: did tuning pay, and which score to quote."""
    return [line for model in facts["models"] for line in describe_model(model, facts)]


def describe_model(model: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    """Return what tuning one model did, and which of its scores to quote."""
    words = {
        "label": model["label"],
        "target": facts["target"],
        "source": name_source(facts["source"]),
        "unit": METRICS[facts["metric"]].phrase,
        "negligible": f"{NEGLIGIBLE:.0%}",
    } | {key: format_estimate(**model[key]) for key in ("nested", "default", "gain")}
    quote = (
        "Quote the nested score of {label}: {nested} {unit} (with its defaults {default}). Do not "
        f"quote the selected score, {model['selected']:.3f}: it is the best of {facts['trials']} "
        f"on the inner folds that chose it, hence optimistic. {_compare_gains(model)}"
    )
    if not model["beyond_rung"] and model["nested"]["low"] > 0:
        quote += f" As tuned it does not measurably beat {name_rung(facts['rungs'])}."
    return [OUTCOMES[model["outcome"]].format(**words), quote.format(**words)]


def _compare_gains(model: dict[str, Any]) -> str:
    """Return what tuning gained by the scores that chose, and on held-out trials."""
    gain = f"{model['gain']['value']:.3f}"
    if model["promised"] is None:
        return (
            "Of the defaults the search has no score: they lie outside of what was searched, or "
            f"could not be fitted. On held-out trials tuning gained {gain}."
        )
    return f"By that score tuning gained {model['promised']:.3f}, on held-out trials {gain}."


def warnings(facts: dict[str, Any]) -> list[str]:
    """Return what to know before believing in the settings, each sentence once."""
    return format_notices([notice for model in facts["models"] for notice in model["notices"]])


def format_notices(notices: Iterable[Notice]) -> list[str]:
    """Return stored notices as sentences, each once."""
    return list(dict.fromkeys(str(notice) for notice in notices))


def limits(run: SweepRun) -> list[str]:
    """Return what the sweep cannot show."""
    sentences = [
        "A selected score is not a result. Every search finds something that did well on the "
        "trials it looked at; only the nested score is of trials that played no part in choosing.",
        "best.yaml was chosen on all trials. Its score on this recording would be a selected one: "
        "for a number to publish take the nested score, or run best.yaml on another recording.",
        "The nested score is of the procedure (search, then fit), not of the settings in "
        "best.yaml: the outer folds' winners differ from them and from each other.",
        "Intervals say how much a score depends on which trials were scored. They hold the fits "
        "fixed: another seed would choose other settings, and scores would move a little.",
        f"This is one recording ({run.manifest['data']['n_trials']} trials): what pays here need "
        "not pay elsewhere.",
    ]
    if len(run.models) > 1:
        sentences.append(
            "The best of several tuned models is again a choice, made on the scores shown here: "
            "their order is less certain than each score."
        )
    return sentences


def protocol(run: SweepRun) -> list[str]:
    """Return how the numbers came about, as short paragraphs."""
    inner, evaluation = run.search.inner_folds, run.config.evaluation
    return [
        f"Nested cross-validation: trials were cut into {evaluation.folds} outer folds (split "
        f"by {evaluation.split}). For each, a search looked at its training trials only, cut "
        f"again into {inner} inner folds; the winner was fitted to all training "
        "trials and scored once on the test trials, beside the same model with the config's "
        "settings and the nulls.",
        f"Each search tried up to {run.search.trials} settings by the tree-structured Parzen "
        "estimator of Optuna; settings below the median after an inner fold were not fitted on "
        "the others. The score of a try is the mean over inner folds, against the mean of the "
        "inner training part.",
        METRICS[run.facts["metric"]].help,
        f"Intervals are 95 % bootstrap intervals over trials ({evaluation.bootstrap} "
        "resamples); the gain over the defaults is paired.",
    ]


def caption(figure: str, model: SweptModel) -> str:
    """Return what a figure of a model shows, and where it misleads."""
    finished = int((model.trials.query("fold == 'all'")["state"] == "complete").sum())
    doubt = (
        f"With fewer than {FEW} the order is mostly chance."
        if finished < FEW
        else "It is uncertain even with many tries."
    )
    return CAPTIONS[figure].format(finished=finished, doubt=doubt)


def describe_range(space: dict[str, Any]) -> str:
    """Return where a setting was searched.

    Examples
    --------
    >>> describe_range({"low": 1, "high": 100, "log": True})
    '1 to 100, logarithmic'
    """
    if "low" in space:
        return f"{space['low']:g} to {space['high']:g}{', logarithmic' if space['log'] else ''}"
    values = "one of " + ", ".join(json.dumps(value) for value in space["values"])
    lists = all(isinstance(value, list) for value in space["values"])
    return values if len(values) < 60 or not lists else f"{len(space['values'])} lists"


def format_setting(value: Any) -> str:
    """Return a value of a setting, short enough for a table."""
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value).replace(".0", "")
