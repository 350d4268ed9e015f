"""Study A: MOs from all other areas by an RNN, and the choice from its latents."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.svm import SVC

from spikecast.analysis.conditions import STIMULUS, number_conditions
from spikecast.analysis.decoding.labels import differs_within
from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import fit_model
from spikecast.models.recurrent import Recipe
from spikecast.runs.reader import read_answers
from spikecast.runs.studies.sound_runs import read_decoding, read_onset, read_scores
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, Prepared, StudyInputs
from spikecast.runs.studies.study_data import with_column
from spikecast.scoring import metrics
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import AreaToArea

SLOWEST = 0.5  # Hz; the averages of neurons that fire less often are noise
CHOICES = {1: "Left", 0: "NoGo", -1: "Right"}
SIDES = {1: "Left", 0: "Equal", -1: "Right"}
COST = 3  # percent points from which on the flaws' cost is named

CHOICE_IS_STIMULUS = NoticeKind(
    "choice_is_stimulus",
    "serious",
    "The choice is the same on all trials of equal contrasts: nothing here can tell when it is "
    "known apart from the stimulus.",
)
NO_RESPONSES = NoticeKind(
    "no_responses",
    "serious",
    "This recording lacks the animals' responses, so the choice cannot be decoded. Decoded is what "
    "is there: on which side the stimulus was stronger (three classes as well).",
)
_DECODED = (
    "Their decoder reads the {label} on {described:.0%} of the trials it learnt from; from latents "
    "of trials that no step had seen, a decoder reads {sound:.0%} ({low:.0%} to {high:.0%}, "
    "balanced over classes; chance {chance:.0%}). "
)
PROTOCOL_COST = NoticeKind(
    "protocol_cost", "severe", _DECODED + "{points:.0f} points of the headline were the protocol."
)
FLAWS_COST_LITTLE = NoticeKind(
    "flaws_cost_little",
    "minor",
    _DECODED + "On these data the {label} is so easy to read that the flaws cost little; on harder "
    "data the first number would look the same.",
)
NETWORK_ON_NEW_TRIALS = NoticeKind(
    "network_on_new_trials",
    "serious",
    "Above each neuron's mean rate, the RNN whose latents these are scores {seen:.2f} bits/spike "
    "on its training trials and {unseen:.2f} on the trials it never saw: a falling training loss "
    "says nothing of new trials.",
)


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Add the label in words: the choice, or where that was not recorded the stimulus."""
    trials, target = recording.trials, settings["target"]
    others = {
        area: n for area, n in recording.areas.items() if area not in (target, "root") and n >= 10
    }
    names: dict[str, Any] = {
        "target": target,
        "flow": [[max(others, key=others.__getitem__), target]] if others else None,
        "sources": ["counts", "latents", "behavior"],
        "beyond": None,
    }
    notices = []
    if "response" in trials:
        label, classes, values = "choice", CHOICES, trials["response"]
        # a choice follows the stimulus: what tells it first is the response to the stimulus
        columns = [name for name in STIMULUS if name in trials]
        if differs_within(values.to_numpy(), number_conditions(trials, columns)):
            names["beyond"] = columns or None
        else:
            notices.append(CHOICE_IS_STIMULUS())
    else:
        label, classes = "stimulus", SIDES
        values = (trials["contrast_left"] - trials["contrast_right"]).apply(np.sign)
        # behaviour and stimulus alone would be the label itself
        names["sources"] = ["counts", "latents"]
        notices.append(NO_RESPONSES())
    words = np.array([classes[int(value)] for value in values])
    sizes = pd.Series(words).value_counts()
    if sizes.min() < 10:
        raise NotEnoughDataError(
            f"only {sizes.min()} trials of '{label}' are {sizes.idxmin()}; this study needs 10 of "
            "each class"
        )
    names |= {
        "label": label,
        "decoded": "Choice" if label == "choice" else "Stimulus (theirs: the choice)",
    }
    return Prepared(with_column(recording, label, words), names, tuple(notices))


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's RNN to 80 % of the trials, then its SVM to those same trials."""
    column, settings = Column(), inputs.settings
    problem = AreaToArea(settings["target"], min_rate=0.0).problem(inputs.recording)
    fold = _cut_randomly(len(problem.y), inputs.seed, "trials")
    train = fold.train
    title = f"RNN, {settings['n_iterations']} iterations"
    fit = _fit_network, problem, fold, settings, inputs.seed
    network = inputs.steps.compute(title, *fit)
    column.add(
        "spikes",
        Measure("trials it never saw", float(network["unseen"]), "bits_per_spike"),
        Measure("its training trials", float(network["seen"]), "bits_per_spike"),
    )
    # FLAW, evaluated on training data: the loss is only ever that of the training trials
    loss = float(network["loss"])
    column.claim("spikes", metric="poisson_nll", value=loss, train=train, test=train)
    # FLAW, fitted outside the fold: the SVM's trials, test ones too, are those the RNN was fitted
    # on; the RNN's own test trials never reach it
    words = inputs.recording.trials[str(inputs.names["label"])].to_numpy()[train]
    _decode_latents(column, inputs, problem.time, train, network, words)
    column.arrays["averages"] = {
        "recorded": problem.y[train][..., network["shown"]],
        "predicted": network["predicted"],
        "label": words,
        "time": problem.time,
        "bin_size": np.array(problem.bin_size),
    }
    return column


def _cut_randomly(n: int, seed: int, name: str) -> Fold:
    """Return 80 % of `n` trials to learn from and 20 % to test, each in order."""
    order = make_rng(seed, "livewired", name).permutation(n)
    n_train = round(0.8 * n)
    return Fold(np.sort(order[:n_train]), np.sort(order[n_train:]))


def _decode_latents(
    column: Column,
    inputs: StudyInputs,
    time: np.ndarray,
    train: np.ndarray,
    network: Arrays,
    words: np.ndarray,
) -> None:
    """Fill in what the deck's SVMs say of the latents of the training trials."""
    latents = network["latents"]
    svm_train, svm_test = svm_fold = _cut_randomly(len(train), inputs.seed, "svm")
    flat = latents.reshape(len(latents), -1)
    svm = SVC(kernel="rbf").fit(flat[svm_train], words[svm_train])
    own, new = (
        metrics.score_labels(words[part], svm.predict(flat[part])) for part in (svm_train, svm_test)
    )
    curve = inputs.steps.compute("one SVM per bin", _decode_bins, latents, words, svm_fold)["curve"]
    majority = float(pd.Series(words[svm_test]).value_counts(normalize=True).iloc[0])

    column.add("headline", Measure("training trials", own.accuracy, "accuracy", n=len(svm_train)))
    column.add("test", Measure("the SVM's test trials", new.accuracy, "accuracy", n=len(svm_test)))
    column.add("when", *_date_curve(curve, time, majority))
    facts: dict[str, Any] = {
        "metric": "accuracy",
        "target": str(inputs.names["label"]),
        "train": train[svm_train],
        "fitted_on": {"the RNN": train},
        "features": "latents",
    }
    # FLAW, evaluated on training data: the accuracy that the deck leads with
    column.claim("headline", test=train[svm_train], **facts)
    column.claim("test", test=train[svm_test], **facts)
    column.claim(
        "when",
        value=float(curve.max()),
        test=train[svm_test],
        dated=True,
        causal=bool(network["causal"]),
        **facts,
    )
    column.tables["per_class"] = tabulate_classes(own, new)
    column.arrays["latents"] = {"latents": latents, "label": words, "time": time}
    column.arrays["over_time"] = {"curve": curve, "majority": np.array(majority), "time": time}
    column.arrays["confusion"] = {
        "train": own.confusion, "test": new.confusion, "classes": np.unique(words)
    }  # fmt: skip


def _fit_network(
    problem: Problem, fold: Fold, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return the latents and the loss of the deck's RNN, and the score they did not compute."""
    train, test = fold
    network = Recipe(
        settings["n_latents"],
        settings["learning_rate"],
        settings["n_iterations"],
        seed=derive_seed(seed, "livewired", "rnn"),
    )
    network = fit_model(network, problem.x, problem.y, Fold(train, test)).model
    predicted = network.predict(problem.x[train])
    seen, unseen = (
        metrics.bits_per_spike(
            problem.y[trials], rate, metrics.null_rate(problem.y[train], problem.y[trials])
        )
        for trials, rate in ((train, predicted), (test, network.predict(problem.x[test])))
    )
    shown = problem.y[train].mean(axis=(0, 1)) / problem.bin_size >= SLOWEST
    return {
        "latents": network.transform(problem.x[train]),
        "predicted": predicted[..., shown].astype(np.float32),
        "shown": shown,
        "causal": network.causal,
        "loss": metrics.poisson_nll(problem.y[train], predicted),
        "seen": seen,
        "unseen": unseen,
    }


def _decode_bins(latents: np.ndarray, words: np.ndarray, fold: Fold) -> dict[str, Any]:
    """Return the accuracy of one SVM per bin.

    FLAW, acausal timing: at every bin, latents of both directions know the whole trial.
    """
    train, test = fold
    accuracy = [
        (SVC().fit(z[train], words[train]).predict(z[test]) == words[test]).mean()
        for z in latents.transpose(1, 0, 2)
    ]
    return {"curve": accuracy}


def tabulate_classes(own: metrics.LabelScores, new: metrics.LabelScores) -> pd.DataFrame:
    """Return precision, recall, F1 and support of each class on training and on test trials."""
    columns = {
        f"{name}_{part}": pd.Series(getattr(scores, name), scores.labels)
        for part, scores in (("train", own), ("test", new))
        for name in ("precision", "recall", "f1", "support")
    }
    return pd.DataFrame(columns).rename_axis("class").reset_index()


def _date_curve(curve: np.ndarray, time: np.ndarray, majority: float) -> list[Measure]:
    """Return when the curve rises, and how often it is high before the stimulus."""
    half = (curve.max() + np.median(curve[time < time[0] + 0.2 * np.ptp(time)])) / 2
    before = time < 0
    share = float(np.mean(curve[before] > majority)) if before.any() else None
    return [
        Measure("half-way up", float(time[np.argmax(curve >= half)]), "onset"),
        Measure("bins before the stimulus above the majority class", share, "share"),
    ]


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Read the same numbers from the sound run."""
    run, column = sound / "main", Column()
    scores = read_scores(run)
    column.add("spikes", *scores.choose("recipe", "timescales", "poisson_glm"))
    if "mlp" in scores:
        column.add("mlp", scores["mlp"])
    latents = read_decoding(run, "latents", "latents of held-out trials")
    assert latents is not None
    column.add("headline", latents)
    column.add(
        "test",
        read_decoding(run, "counts", "raw counts"),
        read_decoding(run, "behavior", "behaviour and stimulus"),
    )
    column.add(
        "when",
        read_onset(run, "beyond the stimulus", within_strata=True),
        read_onset(run, "by whatever tells it, the stimulus included"),
    )
    for answer in read_answers(run, "granger")[:1]:
        pair = f"{answer['source']} and {answer['target']}"
        column.add("flow", Measure(pair, answer["leader"] or None, "leader"))
    headline = described.number("headline")
    points = 100 * (headline - latents.number)
    kind = PROTOCOL_COST if points >= COST else FLAWS_COST_LITTLE
    values = {"label": inputs.names["label"], "described": headline, "points": points}
    values |= {"sound": latents.number} | latents.limits
    unseen, seen = (measure.number for measure in described.measures["spikes"])
    column.conclusions.extend([kind(**values), NETWORK_ON_NEW_TRIALS(seen=seen, unseen=unseen)])
    return column
