"""Study B's LSTM soundly: what it predicts, and what its embedding holds."""

import numpy as np

from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.nulls import LabelNull
from spikecast.analysis.decoding.problem import Draws
from spikecast.analysis.decoding.sources import Counts, Source
from spikecast.core.notices import Notice, NoticeKind
from spikecast.evaluation.fit import fit_model
from spikecast.models.linear import PCARidge
from spikecast.runs.studies.diggers_network import OPTIMISERS, make_network
from spikecast.runs.studies.kept_latents import KeptLatents, keep_rates, pool_rates
from spikecast.runs.studies.sound_runs import measure_decoding
from spikecast.runs.studies.staircase import score_spikes
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.scoring import metrics
from spikecast.tasks.problem import Problem, Task
from spikecast.tasks.splits import Fold, split_by_trial
from spikecast.tasks.tasks import AreaToArea

PLAIN = LabelNull(strata=())  # against all that tells the label, the stimulus included
ALPHA = 0.05
LEAST_RATE = 1e-6  # per bin; a rate is above 0
NO_ACTION = NoticeKind("no_action", "minor", "this recording has no label of the action")
EMBEDDING = NoticeKind(
    "embedding",
    "serious",
    "In this run the {label} is read from their latents on {latents:.0%}, from the counts they are "
    "made of on {counts:.0%} and from as many principal components on {components:.0%} of held-out "
    "trials (balanced): {what}.",
)
WITHIN = NoticeKind(
    "within",
    "serious",
    "In this run their LSTM, refitted in folds, has {plain:.3f} bits/spike of held-out trials by "
    "AdamW and {l2:.3f} by Adam with L2, {above}; {name} has {best:.3f}: {what}.",
)
NOISE = NoticeKind(
    "noise",
    "serious",
    "In this run averages by {label} of held-out trials are explained to {own:.2f} by their LSTM, "
    "to {linear:.2f} by ridge regression on components and to {average:.2f} by the average of the "
    "training trials: {what}.",
)


def judge_their_network(column: Column, inputs: StudyInputs) -> None:
    """Fill in the deck's LSTM in folds, by both optimisers, and what its latents tell."""
    settings, seed, label = inputs.settings, inputs.seed, inputs.names["label"]
    task = AreaToArea(settings["target"], min_rate=0.0)
    problem = task.problem(inputs.recording)
    folds = split_by_trial(len(problem.y), settings["folds"], seed)
    fits = {}
    for name, l2 in OPTIMISERS.items():
        source = KeptLatents(
            make_network(settings, seed, "between", l2), task,
            steps=inputs.steps, title=f"their LSTM, {name}", keep=keep_rates,
        )  # fmt: skip
        if label is None:
            fits[name] = [source.fit_fold(problem, fold, row) for row, fold in enumerate(folds)]
            continue
        told = decode(
            inputs.recording, label, source=source, folds=settings["folds"], null=PLAIN,
            n_permutations=Draws(settings["permutations"]), seed=seed,
        )  # fmt: skip
        column.measures.setdefault("embedding", []).append(
            measure_decoding(told, f"15 latents of the LSTM, {name}")
        )
        fits[name] = source.read_fits(told, problem)
    scored = []
    for name, own in fits.items():
        order, predicted, null = pool_rates(own, problem)
        scored.append(score_spikes(f"their LSTM, {name}", problem.y[order], predicted, null, seed))
    column.add("held_out", *scored)
    column.steps["between"] = {"pooled": scored[0], "l2": scored[1]}
    if label is None:
        column.lacks.update(embedding=NO_ACTION(), noise=NO_ACTION())
        return
    _read_beside(column, inputs)
    _measure_noise(column, inputs, problem, fits)


def judge_within(column: Column, inputs: StudyInputs, task: Task) -> None:
    """Fill in the deck's LSTM in folds, by both optimisers, from half of the target to the other.

    The row holds the models of the sound run already, the best first.
    """
    settings, seed = inputs.settings, inputs.seed
    problem = task.problem(inputs.recording)
    folds = split_by_trial(len(problem.y), settings["folds"], seed)
    theirs = []
    for name, l2 in OPTIMISERS.items():
        source = KeptLatents(
            make_network(settings, seed, "within", l2), task,
            steps=inputs.steps, title=f"their LSTM within, {name}", keep=keep_rates,
        )  # fmt: skip
        fits = [source.fit_fold(problem, fold, row) for row, fold in enumerate(folds)]
        order, predicted, null = pool_rates(fits, problem)
        theirs.append(score_spikes(f"their LSTM, {name}", problem.y[order], predicted, null, seed))
    best = column.measures["within"][0]
    column.because["within"] = [compare_within(theirs, best)]
    column.measures["within"].extend(theirs)


def compare_within(theirs: list[Measure], best: Measure) -> Notice:
    """Return what the deck's LSTM predicts of one half by the other, beside the best of ours."""
    own = max(theirs, key=lambda measure: measure.number)
    assert own.low is not None
    assert best.low is not None
    what = "the two cannot be told apart"
    if own.number < best.low:
        what = "theirs does worse"
    above = "no better than each neuron's mean rate" if own.low <= 0 else "above the mean rate"
    plain, l2 = (measure.number for measure in theirs)
    values = {"plain": plain, "l2": l2, "name": best.name, "best": best.number}
    return WITHIN(what=what, above=above, **values)


def _read_beside(column: Column, inputs: StudyInputs) -> None:
    """Fill in the action read from counts, and from as many components as there are latents."""
    settings, label = inputs.settings, inputs.names["label"]
    n = settings["n_latents"]
    others = inputs.recording.dataset.isel(neuron=~inputs.recording.in_area(settings["target"]))
    recording = type(inputs.recording)(others)
    sources: dict[str, Source] = {"counts": Counts(), f"{n} components": Counts(n_components=n)}
    for name, source in sources.items():
        told = decode(
            recording, label, source=source, folds=settings["folds"], null=PLAIN,
            n_permutations=Draws(settings["permutations"]), seed=inputs.seed,
        )  # fmt: skip
        column.measures["embedding"].append(measure_decoding(told, name))
    *theirs, counts, components = column.measures["embedding"]
    best = max(theirs, key=lambda measure: measure.number)
    column.because["embedding"] = [
        EMBEDDING(
            label=label,
            latents=best.number,
            counts=counts.number,
            components=components.number,
            what=_judge_embedding(best, counts.number, components.number),
        )
    ]


def _judge_embedding(latents: Measure, counts: float, components: float) -> str:
    """Return what a decoding from latents shows beside those from counts and components."""
    assert latents.p is not None
    assert latents.low is not None
    assert latents.high is not None
    if latents.p > ALPHA:
        return "the embedding does not tell it beyond chance"
    if counts > latents.high:
        return "the embedding holds it, but less of it than the counts"
    if latents.low <= components <= latents.high:
        return "the embedding holds it, as do as many components"
    return (
        f"the embedding holds it, {'less' if components > latents.high else 'more'} than components"
    )


def _measure_noise(
    column: Column, inputs: StudyInputs, problem: Problem, fits: dict[str, list[Arrays]]
) -> None:
    """Fill in how well averages by action of held-out trials are explained."""
    label = inputs.names["label"]
    words = inputs.recording.trials[label].to_numpy().astype(str)
    kept = next(iter(fits.values()))
    rates = {
        f"their LSTM, {name}": [fit["predicted"] for fit in own] for name, own in fits.items()
    } | _predict_simply(problem, kept, words)
    measures = []
    for name, predicted in rates.items():
        # fold by fold: over all folds together, averages of other trials are those of all trials
        r2 = [
            metrics.psth_r2(problem.y[fit["test"]], rate, words[fit["test"]])
            for fit, rate in zip(kept, predicted, strict=True)
        ]
        measures.append(Measure(name, float(np.mean(r2)), "psth_r2"))
    column.add("noise", *measures)
    theirs = max(one.number for one in measures[:2])
    simpler = [one.number for one in measures[2:]]
    what = "not less noisy than what is simpler"
    if theirs > max(simpler):
        what = "less noisy than either"
    column.because["noise"] = [
        NOISE(label=label, own=theirs, linear=simpler[0], average=simpler[1], what=what)
    ]


def _predict_simply(
    problem: Problem, fits: list[Arrays], words: np.ndarray
) -> dict[str, list[np.ndarray]]:
    """Return the rates of each fold's test trials by ridge regression, and by averages."""
    ridge, averages = [], []
    for fit in fits:
        fold = Fold(fit["train"], fit["test"])
        model = fit_model(PCARidge(), problem.x, problem.y, fold).model
        ridge.append(np.maximum(model.predict(problem.x[fold.test]), LEAST_RATE))
        mean = {
            word: problem.y[fold.train[words[fold.train] == word]].mean(axis=0)
            for word in np.unique(words)
        }
        means = np.stack([mean[word] for word in words[fold.test]])
        averages.append(np.maximum(means, LEAST_RATE))
    return {"ridge on components": ridge, "averages of other trials": averages}
