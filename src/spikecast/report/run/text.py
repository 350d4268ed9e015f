"""The report's sentences: the protocol in words, and what the data cannot show."""

import numpy as np

from spikecast.runs.reader import Run, Target
from spikecast.scoring.metric_table import METRICS

SPLITS = {
    "trial": "at random",
    "stratum": "at random with the same share of every stratum in each part",
    "block": "into contiguous blocks",
}

HEADINGS = {
    "neurons": "Neuron by neuron",
    "averages": "Recorded beside predicted: average responses",
    "single_trials": "Recorded beside predicted: examples",
    "latents": "Latents over time",
    "time_constants": "Time constants",
    "training": "Training",
}
"""Of a target's figures, in the order of the page; scores stand in a section of their own."""

CAPTIONS = {
    "recording": (
        "Left: one trial, every neuron a row, coloured by area (imaging: the darker the more "
        "active). Right: how active the neurons of the largest areas are."
    ),
    "ranking": "Each target with its number of neurons; bars are 95 % intervals over trials.",
    "scores": (
        "Score of every model on held-out trials with its 95 % interval; {model} in orange, nulls "
        "in grey. An arrow marks a model that is far below the null."
    ),
    "neurons": (
        "One point per target. Left: {model} against {baseline}. Right: against how often the "
        "neuron fires; scores of rare firers are noisy."
    ),
    "neurons alone": (
        "One point per target: its score by {model} against how often the neuron fires; scores of "
        "rare firers are noisy."
    ),
    "averages": (
        "Held-out trials averaged within each group: recorded (lightly smoothed) beside predicted "
        "by {model}, one target per row, on the same scale. It shows the average response; it does "
        "not show that single trials are predicted."
    ),
    "single_trials": (
        "Held-out trials: what was recorded (black; ticks are spikes) and what {model} predicted, "
        "for the best and for a middling target among the busier 40 %; the number at the left is "
        "the target's score. These trials were chosen for having much to see."
    ),
    "latents": (
        "Principal components of the latents of {model} on the held-out trials of fold 0 (latents "
        "of different folds have different axes and are not mixed). Their order is by variance, "
        "not by what they encode."
    ),
    "time_constants": (
        "Left: sorted time constants of all latents of {model}, one thin line per fold; a steep "
        "stretch is a favoured time scale. Right: each latent against where it started, mean of "
        "members and folds with a 95 % interval over folds; where it crosses the dashed line, "
        "training did not measurably move that latent. It does not show time constants of neurons: "
        "several latents may serve one of them."
    ),
    "training": (
        "Loss per epoch, one line per fold, mean over members. The weights kept are those of the "
        "lowest validation loss."
    ),
}


def caption(name: str, subject: Run | Target) -> str:
    """What a figure shows, and where it misleads, what it does not."""
    if isinstance(subject, Run):
        return CAPTIONS[name]
    if name == "neurons" and subject.shown_baseline is None:
        name = "neurons alone"
    said = CAPTIONS[name].format(model=subject.shown_model, baseline=subject.shown_baseline)
    return said.replace("trial", "window") if subject.problem.attrs["windows"] else said


def protocol(run: Run) -> list[str]:
    """How the scores were made, as short paragraphs."""
    data, evaluation = run.manifest["data"], run.config.evaluation
    first = run.targets[0]
    windows = bool(first.problem.attrs["windows"])
    unit = "windows of the recording" if windows else "trials"
    split = "block" if windows else evaluation.split
    gap = max(evaluation.gap, 1) if windows else evaluation.gap
    held_out = (
        f"The {first.problem.sizes['trial']} {unit} were cut {SPLITS[split]} into {first.n_folds} "
        f"parts. Each part was predicted once, by models that had learnt from the other parts only"
    )
    if split == "stratum":
        held_out += f" (strata: {evaluation.strata})"
    held_out += f", with {gap} {unit} left unused on either side." if gap else "."
    inside = (
        "Everything a model learns (smoothing widths, principal components, penalties, when to "
        "stop training) it learns from the training parts; choices are made on validation trials "
        "cut from them."
    )
    interval = (
        f"Intervals are 95 % bootstrap intervals over {unit} ({evaluation.bootstrap} resamples); "
        "differences between models are paired. They say how much a score depends on which of "
        "this recording's trials were scored, not how it would vary between animals."
    )
    lag = run.task.lag * data["bin_size"] * 1000
    lagged = [] if not lag else [f"The source is taken {lag:g} ms before the target."]
    return [held_out, inside, METRICS[run.metric].help, *lagged, interval]


def what_predicts(target: Target) -> str:
    """One sentence on sources and targets."""
    attributes, n_targets = target.problem.attrs, target.problem.sizes["target"]
    source, n_sources = attributes["source"], attributes["n_sources"]
    sources = {
        "rest": f"{n_sources} neurons of all other areas (neurons without an area left out)",
        "all": f"All {n_sources} neurons",
    }.get(source, f"{n_sources} neurons of {source}")
    if attributes["task"] != "behavior":
        targets = f"{n_targets} neurons of {target.name}"
    else:
        targets = target.name if n_targets == 1 else f"{n_targets} channels of {target.name}"
    return f"{sources} predict {targets}, bin by bin ({1000 * attributes['bin_size']:g} ms)."


def trial_specific(target: Target) -> str | None:
    """How much of the prediction is about the trial and not its condition."""
    row = target.summary.query("model == @target.shown_model").iloc[0]
    metric = target.run.metric
    column = f"{metric}_vs_trial_shuffle"
    if column not in row or np.isnan(row[column]):
        return None
    left = row[metric] - row[column]
    return (
        f"Is it more than the stimulus? Predictions of {target.shown_model} swapped between "
        f"held-out trials of the same condition score {left:.2f} {METRICS[metric].phrase} "
        f"instead of {row[metric]:.2f}: "
        + (
            "what is predicted is the single trial, not the condition's average."
            if left < 0.25 * row[metric]
            else "a good part of what is predicted is the condition's average."
        )
    )
