"""Study C's second model: correct or not from thalamus by an RNN, as described and soundly."""

from typing import Any

import numpy as np
import torch
from sklearn.model_selection import StratifiedKFold, cross_val_score
from torch import Tensor, nn

from spikecast.analysis.decoding.decode import decode
from spikecast.analysis.decoding.nulls import LabelNull, permutation_p
from spikecast.analysis.decoding.problem import Draws
from spikecast.analysis.decoding.sources import Counts
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.models.classifiers import ShrunkDiscriminant
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.training import train_network
from spikecast.models.preprocess import signed_sqrt
from spikecast.models.rnn_classifier import RNNClassifier
from spikecast.runs.studies.ninja_network import THALAMUS
from spikecast.runs.studies.staircase import score_step
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.scoring import metrics
from spikecast.tasks.splits import Fold, split_by_stratum

LABEL = "correctness"  # a column of its own: by the deck's rule it is not the reward
TRAIN_SHARE = 73 / 104  # of each class, as in the notebook
N_DRAWS = 200
N_REPEATS, N_MIXED = 100, 5  # draws of balanced trials, and folds in which they are mixed
LIMITS = (0.025, 0.975)

BALANCE_LIFTED = NoticeKind(
    "balance_lifted",
    "severe",
    "Balancing by taking the first trials lifts a score here: from bins before any reward, a "
    "linear decoder tells {first:.0%} of these trials where training and test trials are mixed in "
    "folds, {drawn:.0%} ({low:.0%} to {high:.0%}) of as many trials drawn at random over the "
    "session. In the deck's time order it tells {own:.0%}.",
)
BALANCE_FREE = NoticeKind(
    "balance_free",
    "minor",
    "Balancing by taking the first trials lifted nothing that can be told here: from bins before "
    "any reward, a linear decoder tells {first:.0%} of these trials where training and test trials "
    "are mixed in folds, {drawn:.0%} ({low:.0%} to {high:.0%}) of as many trials drawn at random "
    "over the session. In the deck's time order it tells {own:.0%}.",
)
REWARD_READ = NoticeKind(
    "reward_read",
    "severe",
    "The reward was read here: with all bins a linear decoder has {whole:.0%} of held-out trials "
    "(balanced), with those before any reward {before:.0%} ({low:.0%} to {high:.0%}).",
)
REWARD_NOT_READ = NoticeKind(
    "reward_not_read",
    "minor",
    "The reward in the window lifted nothing that can be told here: with all bins a linear decoder "
    "has {whole:.0%} of held-out trials (balanced), with those before any reward {before:.0%} "
    "({low:.0%} to {high:.0%}).",
)


class LastState(Network):
    """The deck's classifier with one softmax: a tanh RNN, and logits from its last state."""

    def __init__(self, n_features: int, n_latents: int, n_classes: int) -> None:
        super().__init__("label")
        self.recurrence = nn.RNN(n_features, n_latents, batch_first=True)
        self.readout = nn.Linear(n_latents, n_classes)

    def latents(self, x: Tensor) -> Tensor:
        """(1, trial, time, neuron) -> states, (1, trial, time, unit)."""
        return self.recurrence(x[0])[0][None]

    def forward(self, x: Tensor) -> Tensor:
        """(1, trial, time, neuron) -> logits, (1, trial, 1, class)."""
        return self.readout(self.latents(x)[:, :, -1:])


class SoftmaxTwice(LastState):
    """The deck's classifier: a tanh RNN, its last state, a softmax; trained by cross-entropy.

    FLAW, softmax twice: the cross-entropy takes logits and applies a softmax itself.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(1, trial, time, neuron) -> probabilities, (1, trial, 1, class)."""
        return super().forward(x).softmax(dim=-1)


def fit_classifier(
    kind: type[LastState],
    x: np.ndarray,
    codes: np.ndarray,
    fold: Fold,
    settings: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Return the ``class`` of a fold's test trials, and the ``states`` of the units in them."""
    one_hot = np.eye(codes.max() + 1, dtype=np.float32)[codes][:, np.newaxis]
    network, _ = train_network(
        lambda: kind(x.shape[2], settings["n_classifier"], one_hot.shape[2]),
        x[fold.train],
        one_hot[fold.train],
        [Fold(np.arange(len(fold.train)), np.arange(0))],
        Plan.plain(settings["classifier_iterations"], settings["classifier_rate"]),
        derive_seed(seed, "ninja", "classifier"),
        torch.device("cpu"),
    )
    with torch.no_grad():
        new = torch.from_numpy(x[fold.test])[None]
        states, classes = network.latents(new)[0], network(new)[0, :, 0].argmax(dim=1)
    return {"class": classes.numpy(), "states": states.numpy(), "test": fold.test}


def choose_first_trials(label: np.ndarray, n: int) -> np.ndarray:
    """FLAW, balanced in time order: of each class the first `n` trials of the session."""
    return np.concatenate([np.flatnonzero(label == name)[:n] for name in np.unique(label)])


def split_in_time_order(codes: np.ndarray) -> Fold:
    """Return the notebook's trials: the first of each class to learn from, its next to test."""
    n = int(np.bincount(codes).min())
    n_train = round(TRAIN_SHARE * n)
    train, both = choose_first_trials(codes, n_train), choose_first_trials(codes, n)
    return Fold(np.sort(train), np.setdiff1d(both, train))


def split_at_random(codes: np.ndarray, rng: np.random.Generator, *, first: bool = False) -> Fold:
    """Return as many trials of each class to learn from and to test as in the notebook.

    They are drawn at random over the session, or with `first` are the notebook's, mixed at random.
    """
    n = int(np.bincount(codes).min())
    n_train = round(TRAIN_SHARE * n)
    classes = [np.flatnonzero(codes == c) for c in range(codes.max() + 1)]
    drawn = [rng.permutation(own[:n] if first else own)[:n] for own in classes]
    train, test = ([own[part] for own in drawn] for part in (np.s_[:n_train], np.s_[n_train:]))
    return Fold(np.sort(np.concatenate(train)), np.sort(np.concatenate(test)))


def read_trials(recording: Recording) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the counts of thalamus, the codes of the outcome, and its names."""
    label = recording.trials[LABEL].to_numpy().astype(str)
    classes, codes = np.unique(label, return_inverse=True)
    return recording.select(area=THALAMUS).activity.astype(np.float32), codes, classes


def classify_outcome(column: Column, inputs: StudyInputs) -> None:
    """Classify correct and incorrect trials from thalamus as described."""
    recording, seed = inputs.recording, inputs.seed
    # FLAW, outcome in the window: all bins, those after the reward too
    x, codes, classes = read_trials(recording)
    fold = split_in_time_order(codes)
    fit = fit_classifier, SoftmaxTwice, x, codes, fold, inputs.settings, seed
    found = inputs.steps.compute("RNN classifier, correct or not from thalamus", *fit)
    truth, chosen = codes[fold.test], np.concatenate(fold)
    scores = metrics.score_labels(truth, found["class"])
    outcome = {}
    if "feedback_time" in recording.trials:
        first = float(np.nanmin(recording.trials["feedback_time"]))
        outcome = {"window_end": float(recording.time[-1]), "outcome_time": first}
    column.add("correct", Measure("its test trials", scores.accuracy, "accuracy", n=truth.size))
    column.claim(
        "correct",
        metric="accuracy",
        target=LABEL,
        train=fold.train,
        test=fold.test,
        kept={str(c): np.sort(chosen[codes[chosen] == i]) for i, c in enumerate(classes)},
        pool={str(c): np.flatnonzero(codes == i) for i, c in enumerate(classes)},
        loss_on="probabilities",
        # classes were made equal, so that a guess is right half of the time
        null="even classes",
        **outcome,
    )
    column.arrays["confusion"] = {"test": scores.confusion, "classes": classes[scores.labels]}
    column.arrays["units"] = {
        "latents": found["states"], "label": classes[truth], "time": recording.time,
        "called": np.array("unit"),
    }  # fmt: skip
    between = measure_separation([found], codes, 0, seed)
    column.add("units", between)
    column.add("n_trials", Measure("balanced trials", chosen.size, "count"))
    steps = {"own": score_step("", truth, found["class"], balanced=False, seed=seed)}
    for key, title in (("mixed", "training and test mixed"), ("random", "balanced at random")):
        own = draw_trials(codes, seed, first=key == "mixed")
        fit = fit_classifier, SoftmaxTwice, x, codes, own, inputs.settings, seed
        told = inputs.steps.compute(f"RNN classifier, {title}", *fit)["class"]
        steps[key] = score_step("", codes[own.test], told, balanced=False, seed=seed)
    column.steps["correct"] = steps
    early = read_trials(select_before(inputs))[0]
    column.because["correct"] = [explain_balance(early, codes, seed)]


def draw_trials(codes: np.ndarray, seed: int, *, first: bool = False) -> Fold:
    """Return the one draw of :func:`split_at_random` that the staircase has."""
    return split_at_random(codes, make_rng(seed, "ninja", "balance"), first=first)


def select_before(inputs: StudyInputs) -> Recording:
    """Return the bins before the earliest reward; all of them where none is known."""
    before = inputs.names["before"]
    return inputs.recording if before is None else inputs.recording.select(time=tuple(before))


def measure_separation(fits: list[Arrays], codes: np.ndarray, n_draws: int, seed: int) -> Measure:
    """Return how much of the units' variance at the last bin lies between the classes.

    Fit by fit, since units of two fits are not the same; the mean is given. With `n_draws`, labels
    are shuffled within each fit's trials for chance and p.
    """
    rng = make_rng(seed, "ninja", "separation")

    def share(states: np.ndarray, own: np.ndarray) -> float:
        means = np.stack([states[own == c].mean(axis=0) for c in np.unique(own)])
        sizes = np.unique(own, return_counts=True)[1]
        between = sizes @ ((means - states.mean(axis=0)) ** 2) / len(states)
        return float(between.sum() / states.var(axis=0).sum())

    last = [(fit["states"][:, -1], codes[fit["test"]]) for fit in fits]
    value = float(np.mean([share(*pair) for pair in last]))
    measure = Measure("at the last bin, between the classes", value, "variance")
    if not n_draws:
        return measure
    null = np.array(
        [
            np.mean([share(states, rng.permutation(own)) for states, own in last])
            for _ in range(n_draws)
        ]
    )
    return Measure(
        measure.name, value, "variance", chance=float(null.mean()),
        p=permutation_p(value, null), n_permutations=n_draws,
    )  # fmt: skip


def explain_balance(x: np.ndarray, codes: np.ndarray, seed: int) -> Notice:
    """Return whether balancing in time order lifts the score of a linear decoder."""
    features = signed_sqrt(x.mean(axis=1))
    rng = make_rng(seed, "ninja", "random balance")
    decoder = ShrunkDiscriminant()

    def score(fold: Fold) -> float:
        trials = np.concatenate(fold)
        folds = StratifiedKFold(N_MIXED, shuffle=True, random_state=int(rng.integers(2**31)))
        return float(cross_val_score(decoder, features[trials], codes[trials], cv=folds).mean())

    train, test = split_in_time_order(codes)
    first = [score(split_at_random(codes, rng, first=True)) for _ in range(N_REPEATS)]
    drawn = [score(split_at_random(codes, rng)) for _ in range(N_REPEATS)]
    low, high = (float(limit) for limit in np.quantile(drawn, LIMITS))
    kind = BALANCE_LIFTED if np.mean(first) > high else BALANCE_FREE
    own = decoder.fit(features[train], codes[train]).score(features[test], codes[test])
    return kind(
        first=float(np.mean(first)), drawn=float(np.mean(drawn)), low=low, high=high, own=own
    )  # fmt: skip


def explain_window(inputs: StudyInputs) -> list[Notice]:
    """Return whether bins after the reward lifted the score of a linear decoder."""
    if inputs.names["before"] is None:
        return []
    whole, early = (
        decode(
            part.select(area=THALAMUS), LABEL, source=Counts(n_components=40),
            folds=inputs.settings["folds"], null=LabelNull(strata=()), n_permutations=Draws(0),
            seed=inputs.seed,
        )
        for part in (inputs.recording, select_before(inputs))
    )  # fmt: skip
    values = {"whole": whole.score, "before": early.score}
    values |= {"low": early.interval.low, "high": early.interval.high}
    read = whole.score > early.interval.high
    return [(REWARD_READ if read else REWARD_NOT_READ)(**values)]


def judge_classifier(column: Column, inputs: StudyInputs) -> None:
    """Fill in the deck's classifier where one thing after another is done soundly."""
    settings, seed, part = inputs.settings, inputs.seed, select_before(inputs)
    x, codes, classes = read_trials(part)
    steps = column.steps.setdefault("correct", {})
    at_random = draw_trials(codes, seed)
    fit = fit_classifier, SoftmaxTwice, x, codes, at_random, settings, seed
    early = inputs.steps.compute("their classifier, before any reward", *fit)
    steps["window"] = score_step(
        "", codes[at_random.test], early["class"], balanced=False, seed=seed
    )
    folds = split_by_stratum(codes, settings["folds"], seed)
    fits = {
        kind: [
            inputs.steps.compute(
                f"their classifier, {title}, fold {row + 1}", fit_classifier, kind, x,
                codes, balance_training(fold, codes, seed), settings, seed,
            )
            for row, fold in enumerate(folds)
        ]
        for kind, title in ((SoftmaxTwice, "as in the deck"), (LastState, "one softmax"))
    }  # fmt: skip
    tuned = [
        inputs.steps.compute(
            f"rnn_classifier, fold {row + 1}", _fit_tuned, x, codes, fold, settings, seed
        )
        for row, fold in enumerate(folds)
    ]
    measures = []
    for key, name, own in (
        ("pooled", "as in the deck, but in folds", fits[SoftmaxTwice]),
        ("once", "the same with one softmax", fits[LastState]),
        ("tuned", "our RNN classifier, as large: tanh, 3 units, last state, stopped early", tuned),
    ):
        order = np.concatenate([fit["test"] for fit in own])
        told = np.concatenate([fit["class"] for fit in own])
        measures.append(score_step(name, codes[order], told, balanced=True, seed=seed))
        steps[key] = measures[-1]
    column.add("classifier", *measures)
    column.add("units", measure_separation(fits[LastState], codes, N_DRAWS, seed))
    first = fits[LastState][0]
    column.arrays["units_held_out"] = {
        "latents": first["states"], "label": classes[codes[first["test"]]], "time": part.time,
        "called": np.array("unit"),
    }  # fmt: skip
    column.because["correct"] = explain_window(inputs)


def balance_training(fold: Fold, codes: np.ndarray, seed: int) -> Fold:
    """Return the fold with as many training trials of each class, drawn at random."""
    rng = make_rng(seed, "ninja", "fold", int(fold.test[0]))
    own = codes[fold.train]
    n = int(np.bincount(own).min())
    drawn = [rng.permutation(fold.train[own == c])[:n] for c in np.unique(own)]
    return Fold(np.sort(np.concatenate(drawn)), fold.test)


def _fit_tuned(
    x: np.ndarray, codes: np.ndarray, fold: Fold, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return the classes of test trials by the package's classifier, as large as the deck's."""
    model = RNNClassifier(
        "rnn", settings["n_classifier"], "last", seed=derive_seed(seed, "ninja", "tuned")
    )
    model.fit(x[fold.train], codes[fold.train])
    return {"class": model.predict(x[fold.test]), "test": fold.test}
