"""Study C: latents of visual cortex by stimulus and choice, and correct or not from thalamus."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.manifold import TSNE
from torch import Tensor, nn

from spikecast.analysis.geometry.cell_types import WIDTH
from spikecast.core.checks import suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.training import train_network
from spikecast.models.preprocess import find_principal_axes
from spikecast.models.recurrent import Recipe
from spikecast.runs.provenance import Claim
from spikecast.runs.studies import findings
from spikecast.runs.studies.step_cache import Arrays, Parts
from spikecast.runs.studies.study import Concluded, Described, Prepared, Study, Value
from spikecast.runs.studies.study_data import null_of, with_column
from spikecast.scoring import metrics
from spikecast.tasks.splits import Fold

VISUAL, THALAMUS = "visual cortex", "thalamus"
SIDES = {1: "left", 0: "equal", -1: "right"}
CHOICES = {1: "left", 0: "no-go", -1: "right"}


def prepare(recording: Recording, settings: dict[str, Any]) -> Prepared:
    """Group areas as the deck did, and put labels in words."""
    area = recording.area.astype(object)
    for group in (VISUAL, THALAMUS):
        members = [name for name in settings[group] if name in recording.areas]
        if not members:
            wanted = " + ".join(settings[group])
            raise InputError(
                f"the recording has none of {wanted} ({group}).{suggest_name('', recording.areas)}"
            )
        area[np.isin(recording.area, members)] = group
    dataset = recording.dataset.assign_coords(
        region=("neuron", recording.area), area=("neuron", area.astype(str))
    )
    recording = Recording(dataset)
    trials = recording.trials
    right = trials["feedback"].to_numpy() > 0
    if min(right.sum(), (~right).sum()) < 25:
        raise NotEnoughDataError(
            f"{right.sum()} trials are correct and {(~right).sum()} are not; 25 of each are needed"
        )
    recording = with_column(recording, "feedback", np.where(right, "correct", "incorrect"))
    side = np.sign(trials["contrast_left"] - trials["contrast_right"])
    recording = with_column(recording, "stimulus", [SIDES[int(value)] for value in side])
    labels, notes = ["stimulus", "feedback"], []
    if "response" in trials:
        choice = [CHOICES[int(value)] for value in trials["response"]]
        recording = with_column(recording, "choice", choice)
        labels.insert(1, "choice")
    else:
        notes.append("This recording lacks the animals' responses: latents are shown by stimulus.")
    names: dict[str, Any] = {"labels": labels, "before": None}
    names["null"] = null_of(recording.trials["stimulus"].to_numpy())
    if "feedback_time" in trials:
        first = float(np.nanmin(trials["feedback_time"]))
        names["before"] = [float(recording.time[0]) - recording.bin_size, first]
    else:
        notes.append(
            f"Times of the reward are not in it; the window ends {recording.time[-1]:.2f} s after "
            "the stimulus, before any reward, so that flaw does not occur here."
        )
    return Prepared(recording, names, tuple(notes))


def describe(prepared: Prepared, settings: dict[str, Any], seed: int, parts: Parts) -> Described:
    """The deck's two models, each with its flaws."""
    recording = prepared.recording
    halves, halves_value = _halves(recording, settings, seed, parts)
    trials, trials_value, arrays = _autoencoder(prepared, settings, seed, parts)
    correct, correct_value, confusion = _correct(recording, settings, seed, parts)
    arrays |= {
        "confusion": confusion,
        "maps": parts("maps", partial(_maps, prepared, settings, seed)),
    }
    values = {"halves": halves_value, "trials": trials_value, "correct": correct_value}
    cells = _cells(recording)
    if cells is not None:
        values["cells"] = cells
    claims = {"halves": halves, "trials": trials, "correct": correct}
    return Described(values, claims, {}, arrays)


def drawn_with_replacement(rng: np.random.Generator, n: int, n_drawn: int) -> np.ndarray:
    """FLAW, drawn with replacement: what is called held out holds repeats, and units in use."""
    return rng.integers(n, size=n_drawn)


def first_of_each(label: np.ndarray, n: int) -> np.ndarray:
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


def _network(
    settings: dict[str, Any],
    seed: int,
    name: str,
    learnt: tuple[np.ndarray, np.ndarray],
    scored: tuple[np.ndarray, np.ndarray],
) -> dict[str, Any]:
    """The template's RNN, fitted to (x, y): first and last cost, loss elsewhere, latents."""
    model = Recipe(
        settings["n_latents"],
        settings["learning_rate"],
        settings["n_iterations"],
        seed=derive_seed(seed, "ninja", name),
    ).fit(*learnt)
    # as the deck gives it: without the part that is constant
    costs = np.array(model.training_["train_loss"])[:, 0]
    return {
        "cost": costs[[0, -1]],
        "loss": metrics.poisson_nll(scored[1], model.predict(scored[0])),
        "latents": model.transform(learnt[0]),
    }


def _cost(found: Arrays) -> str:
    first, last = found["cost"]
    return f"training cost {first:.4f} → {last:.4f}"


def _halves(
    recording: Recording, settings: dict[str, Any], seed: int, parts: Parts
) -> tuple[Claim, Value]:
    x = recording.select(area=VISUAL).activity
    n_half = x.shape[2] // 2
    rng = make_rng(seed, "ninja", "halves")
    held_in = np.sort(rng.permutation(x.shape[2])[:n_half])
    held_out = drawn_with_replacement(rng, x.shape[2], n_half)
    source, target = x[:, :, held_in], x[:, :, held_out]
    found = parts(
        "RNN, halves of visual cortex",
        # FLAW, neurons changed: the evaluation puts the held-out neurons through the network
        partial(_network, settings, seed, "halves", (source, target), (target, target)),
    )
    loss = float(found["loss"])
    claim = Claim(
        name="halves",
        metric="poisson_nll",
        value=loss,
        target=VISUAL,
        unit="neurons",
        train=held_in,
        test=held_out,
        fit_neurons=held_in,
        used_neurons=held_out,
        # the deck sets the last cost against the first
        null="the cost before training",
    )
    shared = len(np.intersect1d(held_in, held_out))
    text = f"{_cost(found)}; {shared} of the {n_half} 'held-out' draws are neurons that went in"
    return claim, Value(text, loss)


def _autoencoder(
    prepared: Prepared, settings: dict[str, Any], seed: int, parts: Parts
) -> tuple[Claim, Value, dict[str, Arrays]]:
    recording = prepared.recording
    x = recording.select(area=VISUAL).activity
    rng = make_rng(seed, "ninja", "trials")
    n_train = round(0.8 * len(x))
    learnt = drawn_with_replacement(rng, len(x), n_train)
    scored = drawn_with_replacement(rng, len(x), len(x) - n_train)
    found = parts(
        "RNN, visual cortex as an autoencoder",
        partial(_network, settings, seed, "trials", (x[learnt], x[learnt]), (x[scored], x[scored])),
    )
    arrays = {}
    for name in prepared.names["labels"][:-1]:
        words = recording.trials[name].to_numpy().astype(str)
        # FLAW, labels out of step: trials were drawn anew, their labels stayed in order
        arrays[f"latents_{name}"] = {
            "latents": found["latents"], "label": words[:n_train], "time": recording.time,
        }  # fmt: skip
    loss = float(found["loss"])
    claim = Claim(
        name="trials",
        metric="poisson_nll",
        value=loss,
        target=VISUAL,
        train=learnt,
        test=scored,
        rows=learnt,
        label_rows=np.arange(n_train),
        null="the cost before training",
    )
    seen = np.isin(scored, learnt).mean()
    text = f"{_cost(found)}; {seen:.0%} of the 'held-out' trials were trained on"
    return claim, Value(text, loss), arrays


def _correct(
    recording: Recording, settings: dict[str, Any], seed: int, parts: Parts
) -> tuple[Claim, Value, Arrays]:
    label = recording.trials["feedback"].to_numpy().astype(str)
    classes, codes = np.unique(label, return_inverse=True)
    # FLAW, outcome in the window: all bins, those after the reward too
    x = recording.select(area=THALAMUS).activity.astype(np.float32)
    kept = first_of_each(label, int(np.bincount(codes).min()))
    order = make_rng(seed, "ninja", "correct").permutation(kept)
    n_test = round(0.3 * len(order))
    learnt, scored = order[n_test:], order[:n_test]
    predicted = parts(
        "RNN classifier, correct or not from thalamus",
        partial(_classified, x[learnt], codes[learnt], x[scored], settings, seed),
    )["class"]
    found = metrics.labels(codes[scored], predicted)
    outcome = {}
    if "feedback_time" in recording.trials:
        first = float(np.nanmin(recording.trials["feedback_time"]))
        outcome = {"window_end": float(recording.time[-1]), "outcome_time": first}
    claim = Claim(
        name="correct",
        metric="accuracy",
        value=found.accuracy,
        target="feedback",
        train=learnt,
        test=scored,
        kept={str(name): np.sort(kept[label[kept] == name]) for name in classes},
        pool={str(name): np.flatnonzero(label == name) for name in classes},
        loss_on="probabilities",
        # classes were made equal, so that a guess is right half of the time
        null="even classes",
        **outcome,
    )
    n_right = round(found.accuracy * len(scored))
    value = Value(f"{found.accuracy:.1%} ({n_right}/{len(scored)})", found.accuracy)
    confusion = {"test": found.confusion, "classes": classes[found.labels]}
    return claim, value, confusion


def _classified(
    x: np.ndarray, codes: np.ndarray, new: np.ndarray, settings: dict[str, Any], seed: int
) -> dict[str, np.ndarray]:
    """The ``class`` of new trials by the deck's classifier."""
    one_hot = np.eye(codes.max() + 1, dtype=np.float32)[codes][:, np.newaxis]
    network, _ = train_network(
        lambda: SoftmaxTwice(x.shape[2], settings["n_classifier"], one_hot.shape[2]),
        torch.from_numpy(x),
        torch.from_numpy(one_hot),
        [Fold(np.arange(len(x)), np.arange(0))],
        Plan.plain(settings["n_iterations"], settings["classifier_rate"]),
        derive_seed(seed, "ninja", "classifier"),
        torch.device("cpu"),
    )
    with torch.no_grad():
        found = network(torch.from_numpy(new)[None])[0, :, 0].argmax(dim=1)
    return {"class": found.numpy()}


def _maps(prepared: Prepared, settings: dict[str, Any], seed: int) -> Arrays:
    """t-SNE of trials of visual cortex, principal components first, as in the deck."""
    recording = prepared.recording
    x = recording.select(area=VISUAL).activity.astype(np.float32)
    flat = x.reshape(len(x), -1)
    mean, axes, _ = find_principal_axes(flat, min(settings["n_components"], len(flat) - 1))
    place = TSNE(2, init="pca", random_state=derive_seed(seed, "tsne")).fit_transform(
        (flat - mean) @ axes.T
    )
    labels = {
        f"label_{name}": recording.trials[name].to_numpy() for name in prepared.names["labels"]
    }
    return {"place": place, **labels}


def _cells(recording: Recording) -> Value | None:
    """Putative cell types by the deck's rule: rate and width of the spike."""
    if WIDTH not in recording.neurons:
        return None
    part = recording.select(area=VISUAL)
    rate, width = part.firing_rate, part.neurons[WIDTH].to_numpy(dtype=float)
    excitatory, inhibitory = (rate < 5) & (width > 0.4), (rate > 5) & (width < 0.4)
    neither = rate.size - excitatory.sum() - inhibitory.sum()
    return Value(
        f"{excitatory.sum()} excitatory, {inhibitory.sum()} inhibitory, {neither} neither",
        float(excitatory.sum()),
    )


def conclude(sound: Path, described: Described, prepared: Prepared, parts: Parts) -> Concluded:
    """The same questions to the sound runs."""
    scores = findings.scores(sound / "halves")
    whole = findings.several(scores, "recipe", "timescales", "poisson_glm")
    values = {"halves": whole, "trials": scores["recipe"]}
    run = sound / "correct"
    counts, beside = findings.decoded(run, "counts"), findings.decoded(run, "behavior")
    lines = [f"{THALAMUS}, before any reward: {counts.text}"] if counts else []
    lines += [f"behaviour and stimulus: {beside.text}"] if beside else []
    assert counts is not None
    values["correct"] = Value("\n".join(lines), counts.number)
    values["maps"] = Value("\n".join(_scored_maps(run)))
    sentences = [
        f"Correct or not from thalamus: {described.values['correct'].text} as described; "
        f"{counts.text} with random folds, the reward outside the window and runs of outcomes in "
        "the null."
        + (f" Behaviour and stimulus without a neuron: {beside.text}." if beside else ""),
        f"{_phrase(described.claims['halves'])} What new neurons can be predicted by is "
        f"{scores['timescales'].text} by timescales, {scores['recipe'].text} by the deck's RNN.",
    ]
    return Concluded(values, sentences)


def _scored_maps(run: Path) -> Sequence[str]:
    found = []
    for name, facts in findings.answers(run, "embed").items():
        table = findings.table(run, name, "scores").set_index("score")
        if "knn_accuracy" in table.index:
            row = table.loc["knn_accuracy"]
            found.append(
                f"{facts['label']}, {facts['method']}: neighbours right {row['value']:.0%}, chance "
                f"{row['chance']:.0%}"
            )
    return found or ["no map placed new trials"]


def _phrase(claim: Claim) -> str:
    shared = len(set(claim.train) & set(claim.test))
    return (
        f"{shared} of {len(set(claim.test))} 'held-out' neurons were inputs as well, so the "
        "falling cost says how well a network copies."
    )


NINJA = Study(prepare, describe, conclude)
