"""What the numbers of study A show, row by row: each sentence follows from this run's numbers."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from spikecast.core.notices import Notice, NoticeKind
from spikecast.runs.studies.livewired_half import NAME as HALF_WAY_UP
from spikecast.runs.studies.livewired_half import compare_half_ways
from spikecast.runs.studies.study import Column, Measure
from spikecast.scoring import metrics

DECODED = NoticeKind(
    "decoded",
    "serious",
    "Their decoder reads the {label} on {described:.0%} of the trials it learnt from. From "
    "latents of trials that no step had seen, their own network gives {theirs:.0%} (chance "
    "{their_chance:.0%}), ours {sound:.0%} ({low:.0%} to {high:.0%}; chance {chance:.0%}), "
    "balanced over classes.",
)
NETWORK_ON_NEW_TRIALS = NoticeKind(
    "network_on_new_trials",
    "serious",
    "Above each neuron's mean rate, the RNN whose latents these are scores {seen:.2f} bits/spike "
    "on its training trials and {unseen:.2f} on the trials it never saw.",
)
BEHAVIOR_BESIDE = NoticeKind(
    "behavior_beside",
    "serious",
    "From {without}, without a neuron, the {label} is told on {behavior:.0%} of trials, from the "
    "latents on {sound:.0%} ({low:.0%} to {high:.0%}), balanced over classes: {what}.",
)
BESIDE = NoticeKind("beside", "minor", "In this run: {described} as described; soundly {sound}.")
CLASSES_MISSED = NoticeKind(
    "classes_missed",
    "serious",
    "Of the SVM's test trials rightly decoded: {classes} - less often than by a guess among "
    "{n_classes}. The share of all trials hides that; the deck's table below shows it.",
)
REMEMBERED = NoticeKind(
    "remembered",
    "serious",
    "In this run: {described:.2f} R² of averages as described, {held_out:.2f} where every trial "
    "was held out. What was remembered is worth {difference:.2f} ({low:.2f} to {high:.2f}, trials "
    "resampled): {what}.",
)
MODELS_BESIDE = NoticeKind(
    "models_beside",
    "minor",
    "Bits/spike in this run: {model} {own:.3f}, timescales {ours:.3f}, their RNN {theirs:.3f}. On "
    "the same spikes of held-out trials {model} has {difference:.3f} ({low:.3f} to {high:.3f}) "
    "more than their RNN: {what}.",
)
MODELS_RANKED = NoticeKind(
    "models_ranked",
    "serious",
    "Of all models {best} scores highest on {target} of held-out trials: {score:.3f} ({low:.3f} to "
    "{high:.3f}) bits/spike above the mean rate; then {others}.",
)
FEWER_SCORED = NoticeKind(
    "fewer_scored",
    "minor",
    "In the sound run {left_out}; its models are scored on the others, as are differences from "
    "them, their RNN by itself on all.",
)
SPIKES = NoticeKind(
    "spikes",
    "serious",
    "In this run their RNN has {seen:.3f} bits/spike on the trials it was fitted on and "
    "{unseen:.3f} on others; refitted in folds, every trial while held out, {folds:.3f}.",
)
TRAINING_LOSS = NoticeKind(
    "training_loss",
    "minor",
    "Its training loss is {first:.4f} in the first iteration and {loss:.4f} after {n}: {what}. "
    "With each neuron's mean rate it would be {mean:.4f}.",
)
THEIRS_AND_OURS = NoticeKind(
    "theirs_and_ours",
    "serious",
    "In this run their own network and kind of decoder give {theirs:.0%} of trials that neither "
    "had seen, {chance:.0%} where labels are drawn anew; our network {ours:.0%}, raw counts "
    "{counts:.0%}.",
)
NEW_LATENTS = NoticeKind(
    "new_latents",
    "serious",
    "The deck's SVM reads {seen:.0%} of its new trials from latents of trials that the RNN was "
    "fitted on, and {new:.0%} ({low:.0%} to {high:.0%}) from latents of trials that it was not: "
    "{what}.",
)
SIDE_TOLD = NoticeKind(
    "side_told",
    "minor",
    "In this run {source} tell the side on {side:.0%} and the {label} on {own:.0%} of trials "
    "(balanced).",
)
MLP_BESIDE_SVM = NoticeKind(
    "mlp_beside_svm",
    "minor",
    "In this run the MLP is right on {new:.0%} of its test trials and {own:.0%} of its training "
    "trials, the SVM on {svm:.0%} of the same test trials; of latents of held-out trials the MLP "
    "has {mlp_sound:.0%}, the SVM {svm_sound:.0%} (balanced), a difference of {difference:+z.0f} "
    "points on the same trials ({low:+z.0f} to {high:+z.0f}, trials resampled): {what}. The best "
    "bin is the largest of {n_bins} numbers on {n_test} trials, which chance alone lifts. No "
    "labels were drawn anew for the MLP; those of the SVM on the same latents give {chance:.0%}.",
)
CHANCES = NoticeKind(
    "chances",
    "minor",
    "Chances differ between cells since each is what the same decoder makes of labels drawn anew: "
    "{how}. The smallest p is 1 / (1 + draws): {draws} draws here and for counts, behaviour and "
    "stimulus; {fewer} for their RNN, the stimulus alone and the side{further}.",
)
BEHAVIOR, STIMULUS_ALONE = "behaviour and stimulus", "the stimulus alone"
"""What the cells without neurons are called."""
HOW_DRAWN = {
    "pseudo_session": "labels of pseudo-sessions, which come in runs as the real ones do, so that "
    "what drifts tells part of them",
    "label_shuffle": "shuffled labels",
}
"""By the null of an answer; of others its name."""


def list_missed(scores: metrics.LabelScores) -> list[Notice]:
    """Return the classes that are decoded less often than by a guess among all, if any are."""
    rows = zip(scores.labels, scores.recall, scores.support, strict=True)
    missed = [
        f"{label} {round(recall * n)} of {n:.0f}"
        for label, recall, n in rows
        if n and recall < 1 / len(scores.labels)
    ]
    return [CLASSES_MISSED(classes=missed, n_classes=len(scores.labels))] if missed else []


def describe_loss(loss: float, first: float, mean: float, n_iterations: int) -> Notice:
    """Return where the training loss begins and ends, beside that of each neuron's mean rate."""
    what = "it has fallen" if loss < first else "it has not fallen"
    return TRAINING_LOSS(n=n_iterations, loss=loss, first=first, mean=mean, what=what)


def compare_steps(steps: dict[str, Measure]) -> list[Notice]:
    """Return whether the deck's SVM reads latents of trials worse that its RNN was not fitted on.

    `steps` has those of :mod:`spikecast.runs.studies.livewired` by key.
    """
    seen, new = steps["unseen"], steps["nested"]
    assert new.low is not None
    assert new.high is not None
    what = "it reads them no worse here, as far as can be told"
    if seen.number > new.high:
        what = "it reads them worse"
    elif seen.number < new.low:
        what = "it reads them better"
    limits = {"low": new.low, "high": new.high}
    return [NEW_LATENTS(seen=seen.number, new=new.number, what=what, **limits)]


def compare_behavior(behavior: Measure, latents: Measure, label: str) -> list[Notice]:
    """Return whether latents tell more of a label than what is known without neurons."""
    assert latents.low is not None
    assert latents.high is not None
    what = "that the neurons add to it cannot be told"
    if behavior.number < latents.low:
        what = "the latents tell more"
    elif behavior.number > latents.high:
        what = "the latents tell less"
    limits = {"low": latents.low, "high": latents.high}
    values = {"behavior": behavior.number, "sound": latents.number, "label": label}
    values["without"] = behavior.name
    return [BEHAVIOR_BESIDE(what=what, **values, **limits)]


def compare_models(own: Measure, ours: float, theirs: float, difference: Measure) -> Notice:
    """Return how a model does beside our network, and beside the deck's on the same spikes.

    `difference` is the model's score above the rates of the deck's network, trial by trial.
    """
    assert difference.low is not None
    assert difference.high is not None
    what = "the two cannot be told apart"
    if difference.low > 0:
        what = f"{own.name} does better"
    elif difference.high < 0:
        what = f"{own.name} does worse"
    values = {"own": own.number, "ours": ours, "theirs": theirs, "difference": difference.number}
    limits = {"low": difference.low, "high": difference.high}
    return MODELS_BESIDE(model=own.name, what=what, **values, **limits)


def rank_models(scores: Sequence[Measure], target: str) -> Notice:
    """Return which model predicts best, and what the others reach."""
    best, *others = sorted(scores, key=lambda measure: -measure.number)
    listed = [f"{one.name} {one.number:.3f}" for one in others]
    limits = {"low": best.low, "high": best.high}
    return MODELS_RANKED(best=best.name, target=target, score=best.number, others=listed, **limits)


def explain_chances(
    null: str, latents: Measure, theirs: Measure, further: Mapping[str, int] = MappingProxyType({})
) -> list[Notice]:
    """Return what chance is, and why it and the smallest p differ between cells.

    `further` has the numbers of draws of other questions, by what they are called.
    """
    if latents.n_permutations is None or theirs.n_permutations is None:
        return []
    draws = {"draws": latents.n_permutations, "fewer": theirs.n_permutations}
    more = "".join(f"; {n} {question}" for question, n in further.items())
    return [CHANCES(how=HOW_DRAWN.get(null, null), further=more, **draws)]


def compare_averages(
    recorded: np.ndarray, every: np.ndarray, held_out: np.ndarray, words: np.ndarray,
    rng: np.random.Generator, n_resamples: int = 200,
) -> Notice:  # fmt: skip
    """Return what having been fitted to the trials adds to the R2 of averages by trial type.

    Parameters
    ----------
    recorded, every, held_out : array, (trial, time, neuron)
        Counts, and their rates by a network fitted on most trials and by ones fitted on others.
    words : array, (trial,)
        Types of trials; each keeps its size where trials are resampled.
    rng : Generator
    n_resamples : int
    """
    parts = [np.asarray(part, dtype=np.float32) for part in (recorded, every, held_out)]
    whole = [np.stack([part[words == word].mean(axis=0) for word in np.unique(words)])
             for part in parts]  # fmt: skip
    described, sound = (_score_averages(whole[0], told) for told in whole[1:])
    differences = []
    for _ in range(n_resamples):
        share = np.zeros((len(np.unique(words)), len(words)), dtype=np.float32)
        for row, word in enumerate(np.unique(words)):
            trials = np.flatnonzero(words == word)
            drawn = rng.choice(trials, size=trials.size)
            np.add.at(share[row], drawn, 1 / trials.size)
        means = [np.tensordot(share, part, axes=1) for part in parts]
        differences.append(_score_averages(*means[:2]) - _score_averages(means[0], means[2]))
    low, high = np.quantile(differences, [0.025, 0.975])
    what = "it cannot be told from none, so that here remembering bought next to nothing"
    if low > 0:
        what = "remembering lifts the figure as described"
    elif high < 0:
        what = "the trials that were remembered are not the better ones"
    values = {"described": described, "held_out": sound, "difference": described - sound}
    return REMEMBERED(low=float(low), high=float(high), what=what, **values)


def _score_averages(recorded: np.ndarray, told: np.ndarray) -> float:
    """Return the mean R2 over neurons whose averages (type, time, neuron) vary."""
    flat, of = (part.reshape(-1, part.shape[-1]).astype(float) for part in (recorded, told))
    spread = ((flat - flat.mean(axis=0)) ** 2).sum(axis=0)
    varying = spread > 0
    missed = ((flat - of) ** 2).sum(axis=0)
    return float(np.mean(1 - missed[varying] / spread[varying]))


def set_beside(column: Column, described: Column, label: str) -> None:
    """Fill in what the run shows of rows whose first numbers are not the ones to compare."""
    svm_sound = column.number("network")
    counts, ours = column.number("test"), column.number("headline")
    unseen, seen = (measure.number for measure in described.measures["spikes"])
    folds = next(one.number for one in column.measures["spikes"] if one.name == "their RNN")
    column.because["spikes"] = [SPIKES(seen=seen, unseen=unseen, folds=folds)]
    chance = column.measures["network"][0].chance
    column.because["network"] = [
        THEIRS_AND_OURS(theirs=svm_sound, chance=chance, ours=ours, counts=counts),
        *compare_steps(described.steps["decoded"]),
    ]
    if "side" in column.measures:
        side, own = column.measures["side"]
        values = {"source": side.name.split(", ")[-1], "side": side.number, "own": own.number}
        column.because["side"] = [SIDE_TOLD(label=label, **values)]
    halves = [one for one in column.measures["when"] if one.name.startswith(HALF_WAY_UP)]
    beside = compare_half_ways(described.measures["when"][0], halves)
    column.because["when"] = [*beside, *column.because["when"]]
    cells = column.measures["test"]
    if len(cells) > 1:
        svm = described.number("test")
        sound = [f"{one.number:.0%} from {one.name}" for one in cells]
        column.because["test"] = [BESIDE(described=f"{svm:.0%}", sound=sound)]
    without = [one for one in cells if one.name in (BEHAVIOR, STIMULUS_ALONE)]
    for behavior in without[:1]:
        beside = compare_behavior(behavior, column.measures["headline"][0], label)
        column.conclusions.extend(beside)


def compare_decoders(described: Column, mlp: Measure, svm: Measure, difference: Measure) -> Notice:
    """Return whether an MLP decodes better or worse than the SVM.

    `mlp` and `svm` are scores on latents of the same held-out trials, `difference` the first less
    the second, trial by trial.
    """
    assert difference.low is not None
    assert difference.high is not None
    new, own = described.measures["mlp_decoder"][:2]
    what = "they cannot be told apart"
    if difference.low > 0:
        what = "the MLP does better"
    elif difference.high < 0:
        what = "the MLP does worse"
    return MLP_BESIDE_SVM(
        new=new.number, own=own.number, svm=described.number("test"), mlp_sound=mlp.number,
        svm_sound=svm.number, difference=100 * difference.number, low=100 * difference.low,
        high=100 * difference.high, what=what, n_test=new.n, chance=svm.chance,
        n_bins=described.arrays["over_time"]["curve"].size,
    )  # fmt: skip
