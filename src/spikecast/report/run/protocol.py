"""How the scores of a run were made, in the sentences of a methods section."""

from spikecast.report.run.scores import list_other_metrics
from spikecast.report.run.target_figure import is_cut_into_windows
from spikecast.report.shared.formatting import format_count, join_names
from spikecast.runs.reader import Run, Target
from spikecast.scoring.metric_table import METRICS, Metric

SPLITS = {
    "trial": "at random",
    "stratum": "at random with the same share of every stratum in each part",
    "block": "into contiguous blocks",
}


def describe_protocol(run: Run) -> list[str]:
    """Return how trials were held out, how models were fitted, and what the intervals are."""
    evaluation, first = run.config.evaluation, run.targets[0]
    windows = is_cut_into_windows(first)
    unit = "windows of the recording" if windows else "trials"
    if first.brought:
        return _describe_brought(run, first)
    split = "block" if windows else evaluation.split
    gap = max(evaluation.gap, 1) if windows else evaluation.gap
    long = f" ({first.problem.sizes['time']} bins each)" if windows else ""
    held_out = (
        f"The {first.problem.sizes['trial']} {unit}{long} were cut {SPLITS[split]} into "
        f"{first.n_folds} parts. Each part was predicted once, by models that were fitted to the "
        "other parts only"
    )
    if split == "stratum":
        held_out += f" (strata: {evaluation.strata})"
    held_out += f", with {gap} {unit} left unused on either side." if gap else "."
    if evaluation.beside:
        held_out += f" All of it was done once more with the {unit} cut {SPLITS[evaluation.beside]}"
        held_out += ": what slowly changes over the session is shared by neighbouring trials only."
    lag = 1000 * run.task.lag * run.manifest["data"]["bin_size"]
    return [
        held_out,
        "Everything a model learns (smoothing widths, principal components, penalties, when to "
        "stop training) it learns from the training parts; choices are made on validation trials "
        "cut from them.",
        METRICS[run.metric].help,
        *_describe_ladder(first),
        *map(_describe_metric, list_other_metrics(run)),
        *([f"The source is taken {lag:g} ms before the target."] if lag else []),
        _describe_intervals(run, unit),
    ]


def _describe_brought(run: Run, target: Target) -> list[str]:
    """Return how predictions of another tool were scored."""
    n_scored = sum(fold.test.size for fold in target.folds)
    number = format_count(target.n_folds, "part")
    return [
        f"The predictions were made by another tool. Its file states that {n_scored} of "
        f"{target.problem.sizes['trial']} trials were held out, in {number}, and which trials each "
        "part learnt from. The nulls were fitted here, in the same parts. Nobody watched the fits "
        "that made the predictions: what can be measured of them from outside is in the audit.",
        METRICS[run.metric].help,
        *_describe_ladder(target),
        *map(_describe_metric, list_other_metrics(run)),
        _describe_intervals(run, "trials"),
    ]


def _describe_intervals(run: Run, unit: str) -> str:
    return (
        f"Intervals are 95 % bootstrap intervals over {unit} ({run.config.evaluation.bootstrap} "
        "resamples); differences between models are paired. They say how much a score depends on "
        "which of this recording's trials were scored, not how it would vary between animals."
    )


def _describe_ladder(target: Target) -> list[str]:
    """Return how what is claimed was held against task, drift, behaviour, and against shifts."""
    rungs, beyond = target.verdict.rungs, target.verdict.beyond
    if not rungs:
        return []
    steps = [
        "psth: each neuron's average response by condition, shrunk to that over all conditions",
        "drift: each neuron's rate in nearby training trials",
        "source_free: both together",
        "behavior: these and a regression on recorded behaviour at several lags",
    ]
    known = [step for step in steps if step.partition(":")[0] in rungs]
    sentences = [
        f"The ladder of nulls, fitted in the same folds without any source: {'; '.join(known)}. "
        "Their settings are chosen on inner folds."
    ]
    if target.brought:
        sentences.append(_describe_brought_claim(beyond is not None and bool(beyond.shift_test)))
    elif beyond is not None:
        sentences.append(
            "What the source tells beyond the highest rung is what a regression on several "
            "smoothing widths of the source adds with that rung as its offset. It is claimed where "
            "its 95 % interval lies above 0 and at most one in twenty shifted pairings of trials "
            "(Harris 2021: linear shifts, refitted, no wrap-around) does as well."
        )
    return sentences


def _describe_brought_claim(tested: bool) -> str:
    sentence = (
        "What is claimed is what the best prediction adds to the highest rung: both log rates (or "
        "values) are summed with a weight each, which is learnt from the held-out predictions of "
        "the other parts"
    )
    if not tested:
        return f"{sentence}. It is shown with its 95 % interval; there is no shift test."
    return (
        f"{sentence}. It is claimed where its 95 % interval lies above 0 and the source passes a "
        "shift test. The other tool's fits cannot be repeated with shifted trials: a regression on "
        "the source takes their place, and at most one in twenty shifted pairings of trials "
        "(Harris 2021: linear shifts, refitted, no wrap-around) may do as well as the true one."
    )


def _describe_metric(metric: Metric) -> str:
    """Return what a column of the score table says, and which way is better."""
    label = metric.label[0].upper() + metric.label[1:]
    return f"{label}: {metric.help}" + ("" if metric.higher_is_better else " Lower is better.")


def describe_task(target: Target) -> str:
    """Return which neurons predict which, in a sentence."""
    attributes, n_targets = target.problem.attrs, target.problem.sizes["target"]
    if target.brought:
        source = attributes["source"] or "a source that is not in the file"
        size = f"{attributes['n_sources']} neurons of " if attributes["source"] else ""
        return (
            f"{join_names(target.brought)}: predictions of {n_targets} neurons of {target.name} "
            f"that another tool made from {size}{source}, bin by bin "
            f"({1000 * attributes['bin_size']:g} ms)."
        )
    source, n_sources = attributes["source"], attributes["n_sources"]
    sources = {
        "rest": f"{n_sources} neurons of all other areas (neurons without an area left out)",
        "all": f"All {n_sources} neurons",
    }.get(source, f"{n_sources} neurons of {source}")
    if attributes["task"] != "behavior":
        targets = f"{n_targets} neurons of {target.name}"
        if attributes["task"] == "held_out_neurons":  # the names say that they are neurons
            sources, targets = source[0].upper() + source[1:] + f" ({n_sources})", target.name
    else:
        targets = target.name if n_targets == 1 else f"{n_targets} channels of {target.name}"
    return f"{sources} predict {targets}, bin by bin ({1000 * attributes['bin_size']:g} ms)."
