"""Study A: MOs from all other areas by an RNN, and the choice from its latents."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from spikecast.analysis.conditions import STIMULUS, number_conditions
from spikecast.analysis.decoding.labels import differs_within
from spikecast.analysis.decoding.nulls import permutation_p, shuffle_labels
from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.data.simulate.decision import CHOICE_ONSET
from spikecast.runs.studies.livewired_before import (
    ASKED_BEFORE,
    N_FOLDS,
    decode_before,
    explain_before,
    find_before,
    measure_ways,
)
from spikecast.runs.studies.livewired_dynamics import measure_dynamics
from spikecast.runs.studies.livewired_flow import FEWEST as FEWEST_NEURONS
from spikecast.runs.studies.livewired_flow import choose_pairs
from spikecast.runs.studies.livewired_half import measure_half_way, resample_half_way
from spikecast.runs.studies.livewired_network import find_shown, fit_as_described, make_task
from spikecast.runs.studies.livewired_sound import conclude
from spikecast.runs.studies.livewired_words import describe_loss, list_missed
from spikecast.runs.studies.staircase import score_step
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, Prepared, StudyInputs
from spikecast.runs.studies.study_data import with_column
from spikecast.runs.studies.study_labels import choose_label, name_sides
from spikecast.scoring import metrics
from spikecast.tasks.splits import Fold

__all__ = ["conclude", "describe", "prepare"]

FEWEST = 10  # trials of a class
MOST_BINS = 50  # of an MLP per bin, which takes a hundred times as long as an SVM

CHOICE_IS_STIMULUS = NoticeKind(
    "choice_is_stimulus",
    "serious",
    "The choice is the same on all trials of equal contrasts: nothing here can tell when it is "
    "known apart from the stimulus.",
)


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Add the label in words: movement or choice, or where neither was recorded the stimulus."""
    target = settings["target"]
    recording.in_area(target)  # refuses data without it by the areas that there are
    pairs, planted = choose_pairs(recording, target)
    if not pairs:
        found = ", ".join(f"{area} ({n})" for area, n in recording.areas.items())
        raise NotEnoughDataError(
            f"this study asks what other areas tell of '{target}': one of {FEWEST_NEURONS} neurons "
            f"or more is needed beside it; these data have {found}"
        )
    names: dict[str, Any] = {
        "target": target,
        "flow": pairs,
        "planted_drives": planted,
        "sources": ["counts", "latents", "behavior"],
        "beyond": None,
        "planted_onset": CHOICE_ONSET.get(target) if planted is not None else None,
        "before": find_before(recording.time)[1],
    }
    recording, label, words, notices = choose_label(recording)
    trials = recording.trials
    if label == "stimulus":
        # behaviour and stimulus alone would be the label itself
        names["sources"] = ["counts", "latents"]
    else:
        # a choice follows the stimulus: what tells it first is the response to the stimulus
        columns = [name for name in STIMULUS if name in trials]
        codes = np.unique(words, return_inverse=True)[1]
        if differs_within(codes, number_conditions(trials, columns)):
            names["beyond"] = columns or None
        else:
            notices.append(CHOICE_IS_STIMULUS())
        if set(STIMULUS) <= set(trials):
            recording = with_column(recording, "side", name_sides(trials))
    sizes = pd.Series(words).value_counts()
    if sizes.min() < FEWEST:
        raise NotEnoughDataError(
            f"only {sizes.min()} trials of '{label}' are {sizes.idxmin()}; this study needs "
            f"{FEWEST} of each class"
        )
    theirs = "" if label == "choice" else " (theirs: the choice)"
    names |= {"label": label, "decoded": label.capitalize() + theirs}
    return Prepared(with_column(recording, label, words), names, tuple(notices))


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's RNN to 80 % of the trials, then its SVM to those same trials."""
    column, settings = Column(), inputs.settings
    problem = make_task(settings).problem(inputs.recording)
    fold = _cut_randomly(len(problem.y), inputs.seed, "trials")
    train, test = fold
    title = f"RNN, {settings['n_iterations']} iterations"
    fit = fit_as_described, problem, fold, settings, inputs.seed
    network = inputs.steps.compute(title, *fit)
    column.add(
        "spikes",
        Measure("trials it never saw", float(network["unseen"]), "bits_per_spike"),
        Measure("its training trials", float(network["seen"]), "bits_per_spike"),
    )
    # FLAW, evaluated on training data: the loss is only ever that of the training trials
    loss, first, mean = (float(network[key]) for key in ("loss", "first_loss", "loss_of_mean"))
    column.because["spikes"] = [describe_loss(loss, first, mean, settings["n_iterations"])]
    facts = {"metric": "poisson_nll", "null": "the loss of each neuron's mean rate"}
    column.claim("spikes", value=loss, train=train, test=train, **facts)
    words = inputs.recording.trials[str(inputs.names["label"])].to_numpy().astype(str)
    _average(column, problem.y[..., find_shown(problem)], network["predicted"], words, test)
    for arrays in (column.arrays["averages"], column.arrays["averages_test"]):
        arrays |= {"time": problem.time, "bin_size": np.array(problem.bin_size)}
    # FLAW, fitted outside the fold: the SVM's trials, test ones too, are those the RNN was fitted
    # on; the RNN's own test trials never reach it
    # FLAW, evaluated on training data: four fifths of the trials averaged were learnt from
    column.claim("averages", metric="psth_r2", train=train, test=train)
    _decode_latents(column, inputs, problem.time, train, network, words)
    _take_first_steps(column, inputs.seed, fold, network["latents"], words)
    _explain_before(column, inputs, problem.time, train, network, words)
    column.add("dynamics", *measure_dynamics([network], problem.bin_size, inputs.seed))
    return column


def _cut_randomly(n: int, seed: int, name: str) -> Fold:
    """Return 80 % of `n` trials, rounded down as in the deck, and the rest, each in order."""
    order = make_rng(seed, "livewired", name).permutation(n)
    n_train = int(0.8 * n)
    return Fold(np.sort(order[:n_train]), np.sort(order[n_train:]))


def _average(
    column: Column, recorded: np.ndarray, predicted: np.ndarray, words: np.ndarray, test: np.ndarray
) -> None:
    """Fill in the deck's averages by trial type, of all trials and of the test trials."""
    measures = []
    for name, title, trials in (
        ("averages", "all trials", np.arange(len(words))),
        ("averages_test", "trials the RNN never saw", test),
    ):
        r2 = metrics.psth_r2(recorded[trials], predicted[trials], words[trials])
        measures.append(Measure(title, r2, "psth_r2"))
        column.arrays[name] = {
            "recorded": recorded[trials], "predicted": predicted[trials], "label": words[trials],
        }  # fmt: skip
    column.add("averages", *measures)


def _decode_latents(
    column: Column,
    inputs: StudyInputs,
    time: np.ndarray,
    train: np.ndarray,
    network: Arrays,
    words: np.ndarray,
) -> None:
    """Fill in what the deck's decoders say of the latents of the RNN's training trials."""
    latents, words = network["latents"][train], words[train]
    svm_train, svm_test = svm_fold = _cut_randomly(len(train), inputs.seed, "svm")
    flat = latents.reshape(len(latents), -1)
    svm = SVC(kernel="rbf").fit(flat[svm_train], words[svm_train])
    own, new = (
        metrics.score_labels(words[part], svm.predict(flat[part])) for part in (svm_train, svm_test)
    )
    bins = inputs.steps.compute("one SVM per bin", _decode_bins, latents, words, svm_fold)
    curve = bins["curve"]
    mlp = inputs.steps.compute("MLPs", _decode_by_mlp, latents, words, svm_fold, inputs.seed)
    majority = float(pd.Series(words[svm_test]).value_counts(normalize=True).iloc[0])
    column.add("headline", Measure("training trials", own.accuracy, "accuracy", n=len(svm_train)))
    column.add("test", Measure("the SVM's test trials", new.accuracy, "accuracy", n=len(svm_test)))
    column.because["test"] = list_missed(new)
    column.add("when", *_date_curve(bins["right"], time, majority, inputs.seed))
    column.add(
        "mlp_decoder",
        Measure("on all bins, its test trials", float(mlp["new"]), "accuracy", n=len(svm_test)),
        Measure("its training trials", float(mlp["own"]), "accuracy", n=len(svm_train)),
        Measure("one per bin, the best bin", float(mlp["curve"].max()), "accuracy"),
        Measure("the best bin by SVM", float(curve.max()), "accuracy"),
    )
    if "side" in inputs.recording.trials:
        side = inputs.recording.trials["side"].to_numpy().astype(str)[train]
        _decode_side(column, flat, side, svm_fold, inputs)
    facts: dict[str, Any] = {
        "metric": "accuracy",
        "target": str(inputs.names["label"]),
        "train": train[svm_train],
        "fitted_on": {"the RNN": train},
        "features": "latents",
    }
    # FLAW, evaluated on training data: the accuracy that the deck leads with
    column.claim("headline", test=train[svm_train], **facts)
    for key in ("test", "mlp_decoder"):
        column.claim(key, test=train[svm_test], **facts)
    if "side" in column.measures:
        column.claim("side", test=train[svm_test], **facts | {"target": "side"})
    dated = {"dated": True, "causal": bool(network["causal"])}
    column.claim("when", value=float(curve.max()), test=train[svm_test], **dated, **facts)
    column.tables["per_class"] = tabulate_classes(own, new)
    column.arrays["latents"] = {"latents": latents, "label": words, "time": time}
    column.arrays["over_time"] = {"curve": curve, "majority": np.array(majority), "time": time}
    counted = {"balanced": bins["balanced"], "n_classes": np.array(len(np.unique(words)))}
    column.arrays["over_time"] |= counted
    column.arrays["confusion"] = {
        "train": own.confusion, "test": new.confusion, "classes": np.unique(words)
    }  # fmt: skip


def _decode_side(
    column: Column, flat: np.ndarray, side: np.ndarray, fold: Fold, inputs: StudyInputs
) -> None:
    """Fill in how well the side of the stimulus is decoded, and how well shuffled ones are."""
    train, test = fold

    def score(labels: np.ndarray) -> float:
        told = SVC().fit(flat[train], labels).predict(flat[test])
        return float((told == side[test]).mean())

    accuracy, draws = score(side[train]), inputs.settings["permutations"]
    drawn = shuffle_labels(side[train], draws, make_rng(inputs.seed, "livewired", "side"))
    null = np.array([score(labels) for labels in drawn])
    measure = Measure(
        "the SVM's test trials", accuracy, "accuracy", n=len(test), chance=float(null.mean()),
        p=permutation_p(accuracy, null), n_permutations=draws,
    )  # fmt: skip
    column.add("side", measure)


def _decode_bins(latents: np.ndarray, words: np.ndarray, fold: Fold) -> dict[str, Any]:
    """Return the accuracy of one SVM per bin, over trials and balanced over classes.

    FLAW, acausal timing: at every bin, latents of both directions know the whole trial.
    """
    train, test = fold
    told = [SVC().fit(z[train], words[train]).predict(z[test]) for z in latents.transpose(1, 0, 2)]
    scores = [metrics.score_labels(words[test], one) for one in told]
    return {
        "right": np.stack([one == words[test] for one in told], axis=1),  # (trial, time)
        "curve": [own.accuracy for own in scores],
        "balanced": [own.balanced_accuracy for own in scores],
    }


def _decode_by_mlp(latents: np.ndarray, words: np.ndarray, fold: Fold, seed: int) -> dict[str, Any]:
    """Return the accuracy of an MLP on all bins (``own`` and ``new`` trials), and per bin."""
    train, _ = fold

    def score(features: np.ndarray) -> list[float]:
        mlp = MLPClassifier(random_state=derive_seed(seed, "livewired", "mlp"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # its defaults, as they are
            mlp.fit(features[train], words[train])
        return [float((mlp.predict(features[part]) == words[part]).mean()) for part in fold]

    own, new = score(latents.reshape(len(latents), -1))
    bins = np.unique(np.linspace(0, latents.shape[1] - 1, MOST_BINS).astype(int))
    return {"own": own, "new": new, "curve": [score(latents[:, b])[1] for b in bins], "bins": bins}


def _take_first_steps(
    column: Column, seed: int, fold: Fold, latents: np.ndarray, words: np.ndarray
) -> None:
    """Fill in the steps from the deck's number to new latents, all by the deck's one SVM."""
    train, test = fold
    svm_train, svm_test = _cut_randomly(len(train), seed, "svm")
    flat = latents.reshape(len(latents), -1)
    svm = SVC(kernel="rbf").fit(flat[train[svm_train]], words[train[svm_train]])
    steps = {}
    for key, trials, balanced in (
        ("own", train[svm_train], False),
        ("unseen", train[svm_test], False),
        ("nested", test, False),
        ("balanced", test, True),
    ):
        told = svm.predict(flat[trials])
        steps[key] = score_step("", words[trials], told, balanced=balanced, seed=seed)
    column.steps["decoded"] = steps


def _explain_before(
    column: Column,
    inputs: StudyInputs,
    time: np.ndarray,
    train: np.ndarray,
    network: Arrays,
    words: np.ndarray,
) -> None:
    """Fill in what latents tell before the stimulus, and which reasons can be behind it."""
    before, when = find_before(time)
    parts = (network[name][train][:, before] for name in ("latents", "forward"))
    decode = decode_before, *parts, words[train], inputs.settings["draws"], inputs.seed
    found = inputs.steps.compute("before the stimulus", *decode)
    column.add("before", *measure_ways(found))
    label = str(inputs.names["label"])
    column.claim("before", metric="balanced_accuracy", target=label)
    asked = ASKED_BEFORE(n=len(train), n_bins=int(before.sum()), when=when, folds=N_FOLDS)
    column.because["before"] = [asked, *explain_before(found, label, when, len(train))]
    column.arrays["reasons"] = found


def tabulate_classes(own: metrics.LabelScores, new: metrics.LabelScores) -> pd.DataFrame:
    """Return precision, recall, F1 and support of each class on training and on test trials."""
    columns = {
        f"{name}_{part}": pd.Series(getattr(scores, name), scores.labels)
        for part, scores in (("train", own), ("test", new))
        for name in ("precision", "recall", "f1", "support")
    }
    return pd.DataFrame(columns).rename_axis("class").reset_index()


def _date_curve(right: np.ndarray, time: np.ndarray, majority: float, seed: int) -> list[Measure]:
    """Return when the curve rises, and how often it is high before the stimulus."""
    resampled = resample_half_way(right, make_rng(seed, "livewired", "half-way"))
    curve, before = right.mean(axis=0), time < 0
    share = float(np.mean(curve[before] > majority)) if before.any() else None
    return [
        measure_half_way("", curve, time, resampled),
        Measure(
            "share of the bins before the stimulus whose accuracy is above that of always saying "
            f"the most frequent class ({majority:.0%} of the SVM's {len(right)} test trials)",
            share,
            "share",
        ),
    ]
