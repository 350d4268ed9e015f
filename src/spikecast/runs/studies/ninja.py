"""Study C: latents of visual cortex by stimulus and choice, and correct or not from thalamus."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.manifold import TSNE
from torch import Tensor, nn

from spikecast.analysis.geometry.cell_types import WIDTH
from spikecast.core.checks import suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import fit_model
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.training import train_network
from spikecast.models.preprocess import find_principal_axes
from spikecast.models.recurrent import Recipe
from spikecast.runs.reader import read_answers
from spikecast.runs.studies.sound_runs import read_decoding, read_scores
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, Prepared, StudyInputs
from spikecast.runs.studies.study_data import with_column
from spikecast.scoring import metrics
from spikecast.tasks.splits import Fold

VISUAL, THALAMUS = "visual cortex", "thalamus"
SIDES = {1: "left", 0: "equal", -1: "right"}
CHOICES = {1: "left", 0: "no-go", -1: "right"}
FEWEST = 25  # trials of an outcome

NO_RESPONSES = NoticeKind(
    "no_responses",
    "serious",
    "This recording lacks the animals' responses: latents are shown by stimulus.",
)
NO_REWARD_TIMES = NoticeKind(
    "no_reward_times",
    "minor",
    "Times of the reward are not in it; the window ends {end:.2f} s after the stimulus, before any "
    "reward, so that flaw does not occur here.",
)
CORRECT_OR_NOT = NoticeKind(
    "correct_or_not",
    "severe",
    "Correct or not from thalamus: {described:.1%} as described; {sound:.0%} ({low:.0%} to "
    "{high:.0%}), chance {chance:.0%}, with random folds, the reward outside the window and runs "
    "of outcomes in the null.",
)
WITHOUT_NEURONS = NoticeKind(
    "without_neurons",
    "serious",
    "Behaviour and stimulus without a neuron: {value:.0%} ({low:.0%} to {high:.0%}).",
)
INPUTS_HELD_OUT = NoticeKind(
    "inputs_held_out",
    "severe",
    "{n_shared} of {n} 'held-out' neurons were inputs as well, so the falling cost says how well a "
    "network copies. New neurons are predicted with {timescales:.3f} bits/spike by timescales and "
    "{recipe:.3f} by the deck's RNN.",
)


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Group areas as the deck did, and put labels in words."""
    recording = _group_areas(recording, settings)
    trials = recording.trials
    right = trials["feedback"].to_numpy() > 0
    if min(right.sum(), (~right).sum()) < FEWEST:
        raise NotEnoughDataError(
            f"{right.sum()} trials are correct and {(~right).sum()} are not; {FEWEST} of each are "
            "needed"
        )
    recording = with_column(recording, "feedback", np.where(right, "correct", "incorrect"))
    side = np.sign(trials["contrast_left"] - trials["contrast_right"])
    recording = with_column(recording, "stimulus", [SIDES[int(value)] for value in side])
    labels, notices = ["stimulus", "feedback"], []
    if "response" in trials:
        choice = [CHOICES[int(value)] for value in trials["response"]]
        recording = with_column(recording, "choice", choice)
        labels.insert(1, "choice")
    else:
        notices.append(NO_RESPONSES())
    names: dict[str, Any] = {"labels": labels, "before": None}
    if "feedback_time" in trials:
        first = float(np.nanmin(trials["feedback_time"]))
        names["before"] = [float(recording.time[0]) - recording.bin_size, first]
    else:
        notices.append(NO_REWARD_TIMES(end=float(recording.time[-1])))
    return Prepared(recording, names, tuple(notices))


def _group_areas(recording: Recording, settings: dict[str, Any]) -> Recording:
    """Return the recording with the deck's two regions as areas."""
    area = recording.area.astype(object)
    for group in (VISUAL, THALAMUS):
        members = [name for name in settings[group] if name in recording.areas]
        if not members:
            raise InputError(
                f"the recording has none of {' + '.join(settings[group])} ({group})."
                f"{suggest_name('', recording.areas)}"
            )
        area[np.isin(recording.area, members)] = group
    return Recording(
        recording.dataset.assign_coords(
            region=("neuron", recording.area), area=("neuron", area.astype(str))
        )
    )


def describe(inputs: StudyInputs) -> Column:
    """Fit the deck's two models, each with its flaws."""
    column = Column()
    _predict_half(column, inputs)
    _fit_autoencoder(column, inputs)
    _classify_outcome(column, inputs)
    column.add("cells", *_count_cell_types(inputs.recording))
    column.arrays["maps"] = inputs.steps.compute("maps", _map_trials, inputs)
    return column


def draw_with_replacement(rng: np.random.Generator, n: int, n_drawn: int) -> np.ndarray:
    """FLAW, drawn with replacement: what is called held out holds repeats, and units in use."""
    return rng.integers(n, size=n_drawn)


def choose_first_trials(label: np.ndarray, n: int) -> np.ndarray:
    """FLAW, balanced in time order: of each class the first `n` trials of the session."""
    return np.concatenate([np.flatnonzero(label == name)[:n] for name in np.unique(label)])


class SoftmaxTwice(Network):
    """The deck's classifier: a tanh RNN, its last state, a softmax; trained by cross-entropy.

    FLAW, softmax twice: the cross-entropy takes logits and applies a softmax itself.
    """

    def __init__(self, n_features: int, n_latents: int, n_classes: int) -> None:
        super().__init__("label")
        self.recurrence = nn.RNN(n_features, n_latents, batch_first=True)
        self.readout = nn.Linear(n_latents, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(1, trial, time, neuron) -> probabilities, (1, trial, 1, class)."""
        states, _ = self.recurrence(x[0])
        return self.readout(states[:, -1]).softmax(dim=-1)[None, :, None]


def _fit_network(
    settings: dict[str, Any],
    seed: int,
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> dict[str, Any]:
    """Return first and last cost, loss elsewhere and latents of the template's RNN."""
    model = Recipe(
        settings["n_latents"],
        settings["learning_rate"],
        settings["n_iterations"],
        seed=derive_seed(seed, "ninja", name),
    )
    every = np.arange(len(train[0]))
    model = fit_model(model, *train, Fold(every, every[:0])).model
    # as the deck gives it: without the part that is constant
    costs = np.array(model.training_["train_loss"])[:, 0]
    return {
        "cost": costs[[0, -1]],
        "loss": metrics.poisson_nll(test[1], model.predict(test[0])),
        "latents": model.transform(train[0]),
    }


def _measure_costs(network: Arrays) -> list[Measure]:
    """Return what the deck reports, and the loss on what it calls held out."""
    first, last = (float(cost) for cost in network["cost"])
    return [
        Measure("loss on what was called held out", float(network["loss"]), "poisson_nll"),
        Measure("training cost at first", first, "cost"),
        Measure("training cost at the end", last, "cost"),
    ]


def _predict_half(column: Column, inputs: StudyInputs) -> None:
    """Predict one half of visual cortex from the other."""
    x = inputs.recording.select(area=VISUAL).activity
    n_half = x.shape[2] // 2
    rng = make_rng(inputs.seed, "ninja", "halves")
    held_in = np.sort(rng.permutation(x.shape[2])[:n_half])
    held_out = draw_with_replacement(rng, x.shape[2], n_half)
    source, target = x[:, :, held_in], x[:, :, held_out]
    # FLAW, neurons changed: the evaluation puts the held-out neurons through the network
    pairs = (source, target), (target, target)
    fit = _fit_network, inputs.settings, inputs.seed, "halves", *pairs
    network = inputs.steps.compute("RNN, halves of visual cortex", *fit)
    shared = len(np.intersect1d(held_in, held_out)) / n_half
    leak = Measure("'held-out' draws that are neurons that went in", shared, "share", n=n_half)
    column.add("halves", *_measure_costs(network), leak)
    column.claim(
        "halves",
        metric="poisson_nll",
        target=VISUAL,
        unit="neurons",
        train=held_in,
        test=held_out,
        fit_neurons=held_in,
        used_neurons=held_out,
        # the deck sets the last cost against the first
        null="the cost before training",
    )


def _fit_autoencoder(column: Column, inputs: StudyInputs) -> None:
    """Reconstruct visual cortex, and average its latents by label."""
    recording = inputs.recording
    x = recording.select(area=VISUAL).activity
    rng = make_rng(inputs.seed, "ninja", "trials")
    n_train = round(0.8 * len(x))
    train = draw_with_replacement(rng, len(x), n_train)
    test = draw_with_replacement(rng, len(x), len(x) - n_train)
    pairs = (x[train], x[train]), (x[test], x[test])
    fit = _fit_network, inputs.settings, inputs.seed, "trials", *pairs
    network = inputs.steps.compute("RNN, visual cortex as an autoencoder", *fit)
    for name in inputs.names["labels"][:-1]:
        words = recording.trials[name].to_numpy().astype(str)
        # FLAW, labels out of step: trials were drawn anew, their labels stayed in order
        column.arrays[f"latents_{name}"] = {
            "latents": network["latents"], "label": words[:n_train], "time": recording.time,
        }  # fmt: skip
    seen = float(np.isin(test, train).mean())
    leak = Measure("'held-out' trials that were trained on", seen, "share")
    column.add("trials", *_measure_costs(network), leak)
    column.claim(
        "trials",
        metric="poisson_nll",
        target=VISUAL,
        train=train,
        test=test,
        rows=train,
        label_rows=np.arange(n_train),
        null="the cost before training",
    )


def _classify_outcome(column: Column, inputs: StudyInputs) -> None:
    """Classify correct and incorrect trials from thalamus."""
    recording = inputs.recording
    label = recording.trials["feedback"].to_numpy().astype(str)
    classes, codes = np.unique(label, return_inverse=True)
    # FLAW, outcome in the window: all bins, those after the reward too
    x = recording.select(area=THALAMUS).activity.astype(np.float32)
    chosen = choose_first_trials(label, int(np.bincount(codes).min()))
    order = make_rng(inputs.seed, "ninja", "correct").permutation(chosen)
    n_test = round(0.3 * len(order))
    train, test = order[n_test:], order[:n_test]
    fit = _predict_classes, x[train], codes[train], x[test], inputs.settings, inputs.seed
    title = "RNN classifier, correct or not from thalamus"
    predicted = inputs.steps.compute(title, *fit)["class"]
    scores = metrics.score_labels(codes[test], predicted)
    outcome = {}
    if "feedback_time" in recording.trials:
        first = float(np.nanmin(recording.trials["feedback_time"]))
        outcome = {"window_end": float(recording.time[-1]), "outcome_time": first}
    column.add("correct", Measure("its test trials", scores.accuracy, "accuracy", n=len(test)))
    column.claim(
        "correct",
        metric="accuracy",
        target="feedback",
        train=train,
        test=test,
        kept={str(name): np.sort(chosen[label[chosen] == name]) for name in classes},
        pool={str(name): np.flatnonzero(label == name) for name in classes},
        loss_on="probabilities",
        # classes were made equal, so that a guess is right half of the time
        null="even classes",
        **outcome,
    )
    column.arrays["confusion"] = {"test": scores.confusion, "classes": classes[scores.labels]}


def _predict_classes(
    x: np.ndarray, codes: np.ndarray, new: np.ndarray, settings: dict[str, Any], seed: int
) -> dict[str, np.ndarray]:
    """Return the ``class`` of new trials by the deck's classifier."""
    one_hot = np.eye(codes.max() + 1, dtype=np.float32)[codes][:, np.newaxis]
    network, _ = train_network(
        lambda: SoftmaxTwice(x.shape[2], settings["n_classifier"], one_hot.shape[2]),
        x,
        one_hot,
        [Fold(np.arange(len(x)), np.arange(0))],
        Plan.plain(settings["n_iterations"], settings["classifier_rate"]),
        derive_seed(seed, "ninja", "classifier"),
        torch.device("cpu"),
    )
    with torch.no_grad():
        classes = network(torch.from_numpy(new)[None])[0, :, 0].argmax(dim=1)
    return {"class": classes.numpy()}


def _map_trials(inputs: StudyInputs) -> Arrays:
    """Return a t-SNE of the trials of visual cortex, principal components first, as in the deck."""
    recording, n_components = inputs.recording, inputs.settings["n_components"]
    x = recording.select(area=VISUAL).activity.astype(np.float32)
    flat = x.reshape(len(x), -1)
    mean, axes, _ = find_principal_axes(flat, min(n_components, len(flat) - 1))
    tsne = TSNE(2, init="pca", random_state=derive_seed(inputs.seed, "tsne"))
    place = tsne.fit_transform((flat - mean) @ axes.T)
    labels = inputs.names["labels"]
    return {"place": place} | {f"label_{n}": recording.trials[n].to_numpy() for n in labels}


def _count_cell_types(recording: Recording) -> Iterator[Measure]:
    """Yield putative cell types by the deck's rule: rate and width of the spike."""
    if WIDTH not in recording.neurons:
        return
    part = recording.select(area=VISUAL)
    rate, width = part.firing_rate, part.neurons[WIDTH].to_numpy(dtype=float)
    excitatory, inhibitory = (rate < 5) & (width > 0.4), (rate > 5) & (width < 0.4)
    yield Measure("excitatory", int(excitatory.sum()), "count")
    yield Measure("inhibitory", int(inhibitory.sum()), "count")
    yield Measure("neither", int(rate.size - excitatory.sum() - inhibitory.sum()), "count")


def conclude(inputs: StudyInputs, sound: Path, described: Column) -> Column:
    """Read the same numbers from the sound runs."""
    column, run = Column(), sound / "correct"
    scores = read_scores(sound / "halves")
    column.add("halves", *scores.choose("recipe", "timescales", "poisson_glm"))
    column.add("trials", scores["recipe"])
    counts = read_decoding(run, "counts", f"{THALAMUS}, before any reward")
    beside = read_decoding(run, "behavior", "behaviour and stimulus")
    assert counts is not None
    column.add("correct", counts, beside)
    column.add("maps", *_score_maps(run))
    share = described.number("correct")
    column.conclusions.append(CORRECT_OR_NOT(described=share, sound=counts.number, **counts.limits))
    if beside:
        column.conclusions.append(
            WITHOUT_NEURONS(value=beside.number, low=beside.low, high=beside.high)
        )
    claim = described.claims["halves"]
    held_in, held_out = set(claim.train), set(claim.test)
    numbers = {name: scores[name].number for name in ("timescales", "recipe")}
    column.conclusions.append(
        INPUTS_HELD_OUT(n_shared=len(held_in & held_out), n=len(held_out), **numbers)
    )
    return column


def _score_maps(run: Path) -> Iterator[Measure]:
    """Yield how often a new trial's neighbours share its label, map by map."""
    for answer in read_answers(run, "embedding"):
        scores = answer.table("scores").query("score == 'knn_accuracy'")
        title = f"{answer['label']}, {answer['method']}: neighbours right"
        for row in scores.to_dict("records"):
            yield Measure(title, row["value"], "accuracy", chance=row["chance"])
