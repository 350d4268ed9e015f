"""Study C's first model: the template's RNN within and between regions, as described."""

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import fit_model
from spikecast.models.base import Model
from spikecast.models.recurrent import Recipe
from spikecast.runs.studies.kept_latents import KeptLatents
from spikecast.runs.studies.livewired_network import split_directions
from spikecast.runs.studies.staircase import score_spikes
from spikecast.runs.studies.step_cache import Arrays, Step
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.scoring import metrics
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold

VISUAL, THALAMUS = "visual cortex", "thalamus"
REGIONS = {"to_thalamus": (VISUAL, THALAMUS), "to_visual": (THALAMUS, VISUAL)}
"""Row -> which region predicts which."""
N_PARTS = 4  # into which neurons are cut to be hidden in turn


@dataclass(frozen=True)
class SameNeurons:
    """Reconstruct the neurons of an area from themselves, as an autoencoder does."""

    area: str
    name = "same_neurons"

    def problem(self, recording: Recording) -> Problem:
        """Return the area's activity as source and as target."""
        part = recording.select(area=self.area)
        x = part.activity
        return Problem(
            self.name, self.area, self.area, x, x, "counts", part.time, part.bin_size,
            part.trials, part.neurons,
        )  # fmt: skip


@dataclass(frozen=True)
class AutoencoderLatents(KeptLatents):
    """Latents of the deck's autoencoder; folds that are alike share their fits.

    Parameters
    ----------
    part : {"latents", "forward"}
        States of both directions averaged, or of the forward direction, which at a bin follow from
        this bin and earlier ones only.
    """

    @property
    def causal(self) -> bool:  # type: ignore[override]
        """Whether features at bin t use bins up to t only."""
        return self.part == "forward"

    def make_step(self, problem: Problem, fold: Fold, index: int) -> tuple[str, tuple[Step, tuple]]:
        """Return the name of a fold's fit, and the function and arguments that make it."""
        # questions about other trials have other folds
        key = crc32(np.ascontiguousarray(fold.test).tobytes())
        name = f"{self.title}, {len(problem.y)} trials, fold {key:08x}"
        return name, (fit_autoencoder, (self.model, problem, fold))


def make_network(settings: dict[str, Any], seed: int, name: str) -> Recipe:
    """Return the deck's RNN, not fitted."""
    return Recipe(
        settings["n_latents"],
        settings["learning_rate"],
        settings["n_iterations"],
        seed=derive_seed(seed, "ninja", name),
    )


def fit_autoencoder(model: Model, problem: Problem, fold: Fold) -> dict[str, Any]:
    """Return what the deck's autoencoder, fitted on a fold's training trials, makes of all trials.

    ``latents`` and ``forward`` states (trial, time, latent); ``predicted`` rates of the test
    trials, and the same ``hidden``: of each neuron, while its own spikes are kept from the network
    (a quarter of the neurons at a time is given at its mean rate).
    """
    fitted = fit_model(model, problem.x, problem.y, fold).model
    assert isinstance(fitted, Recipe)
    x, mean = problem.x[fold.test].astype(np.float32), problem.x[fold.train].mean(axis=(0, 1))
    hidden = np.empty(x.shape, dtype=np.float32)
    for part in range(N_PARTS):
        here = np.arange(x.shape[2]) % N_PARTS == part
        without = np.where(here, mean, x)
        hidden[..., here] = fitted.predict(without)[..., here]
    return {
        "latents": fitted.transform(problem.x),
        "forward": split_directions(fitted, problem.x)[0],
        "predicted": fitted.predict(x).astype(np.float32),
        "hidden": hidden,
        "train": fold.train,
        "test": fold.test,
    }


def draw_with_replacement(rng: np.random.Generator, n: int, n_drawn: int) -> np.ndarray:
    """FLAW, drawn with replacement: what is called held out holds repeats, and units in use."""
    return rng.integers(n, size=n_drawn)


def _fit_as_described(
    model: Recipe, x: np.ndarray, y: np.ndarray, fold: Fold
) -> tuple[Recipe, dict[str, Any]]:
    """Return the fitted RNN, and its first and last training cost with its latents."""
    fitted = fit_model(model, x, y, fold).model
    assert isinstance(fitted, Recipe)
    # as the deck gives it: without the part that is constant
    costs = np.array(fitted.training_["train_loss"])[:, 0]
    return fitted, {"cost": costs[[0, -1]], "latents": fitted.transform(x[fold.train])}


def _score(
    fitted: Recipe, x: np.ndarray, y: np.ndarray, null: np.ndarray, seed: int
) -> tuple[float, float, float]:
    """Return bits per spike above mean rates, with limits."""
    measure = score_spikes("", y, fitted.predict(x), np.broadcast_to(null, y.shape), seed)
    assert measure.low is not None
    assert measure.high is not None
    return measure.number, measure.low, measure.high


def _measure_costs(network: Arrays) -> list[Measure]:
    """Return what the deck reports, and the loss on what it calls held out."""
    first, last = (float(cost) for cost in network["cost"])
    return [
        Measure("loss on what was called held out", float(network["loss"]), "poisson_nll"),
        Measure("training cost at first", first, "cost"),
        Measure("training cost at the end", last, "cost"),
    ]


def predict_half(column: Column, inputs: StudyInputs) -> None:
    """Predict one half of visual cortex from the other, and the first steps from there."""
    x = inputs.recording.select(area=VISUAL).activity
    n_half = x.shape[2] // 2
    rng = make_rng(inputs.seed, "ninja", "halves")
    held_in = np.sort(rng.permutation(x.shape[2])[:n_half])
    held_out = draw_with_replacement(rng, x.shape[2], n_half)
    fit = _fit_half, x, held_in, held_out, inputs.settings, inputs.seed
    network = inputs.steps.compute("RNN, halves of visual cortex", *fit)
    shared = float(np.isin(held_out, held_in).mean())
    leak = Measure(
        "'held-out' draws (a neuron may be drawn twice) that are neurons that went in", shared,
        "share", n=n_half,
    )  # fmt: skip
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
    again = _fit_disjoint_halves, x, held_in, inputs.settings, inputs.seed
    disjoint = inputs.steps.compute("RNN, disjoint halves of visual cortex", *again)
    found = network | disjoint
    column.steps["halves"] = {
        key: read_score("", found[key]) for key in ("own", "right_inputs", "disjoint", "unseen")
    }


def write_p(measure: Measure) -> str:
    """Return the p of a measure in words; no p is below what its permutations can show.

    Examples
    --------
    >>> write_p(Measure("", 0.7, "accuracy", p=0.01, n_permutations=99))
    'p ≤ 0.01'
    """
    assert measure.p is not None
    assert measure.n_permutations is not None
    least = 1 / (1 + measure.n_permutations)
    return f"p {'≤' if measure.p <= 1.001 * least else '='} {max(measure.p, least):.2g}"


def read_score(name: str, values: np.ndarray) -> Measure:
    """Return bits per spike, (value, low, high), as a measure."""
    value, low, high = (float(number) for number in values)
    return Measure(name, value, "bits_per_spike", low, high)


def _fit_half(
    x: np.ndarray, held_in: np.ndarray, held_out: np.ndarray, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return costs and loss of the deck's RNN from one half to what it draws as the other.

    ``own`` and ``right_inputs`` are its scores with the deck's inputs, and with those it was
    fitted to, (value, low, high).
    """
    source, target = x[:, :, held_in], x[:, :, held_out]
    every = np.arange(len(x))
    model = make_network(settings, seed, "halves")
    fitted, found = _fit_as_described(model, source, target, Fold(every, every[:0]))
    null = target.mean(axis=(0, 1))
    # FLAW, neurons changed: the evaluation puts the held-out neurons through the network
    return found | {
        "loss": metrics.poisson_nll(target, fitted.predict(target)),
        "own": _score(fitted, target, target, null, seed),
        "right_inputs": _score(fitted, source, target, null, seed),
    }


def _fit_disjoint_halves(
    x: np.ndarray, held_in: np.ndarray, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return scores of the RNN between halves without a common neuron, fitted on 80 % of trials.

    ``disjoint`` is that of the training trials, ``unseen`` that of the others.
    """
    source = x[:, :, held_in]
    target = x[:, :, np.setdiff1d(np.arange(x.shape[2]), held_in)]
    order = make_rng(seed, "ninja", "disjoint").permutation(len(x))
    n_train = round(0.8 * len(x))
    fold = Fold(np.sort(order[:n_train]), np.sort(order[n_train:]))
    fitted, _ = _fit_as_described(make_network(settings, seed, "halves"), source, target, fold)
    null = target[fold.train].mean(axis=(0, 1))
    return {
        name: _score(fitted, source[trials], target[trials], null, seed)
        for name, trials in (("disjoint", fold.train), ("unseen", fold.test))
    }


def reconstruct_trials(column: Column, inputs: StudyInputs) -> tuple[np.ndarray, np.ndarray]:
    """Reconstruct visual cortex; return the latents of its training trials, and which those are."""
    x = inputs.recording.select(area=VISUAL).activity
    rng = make_rng(inputs.seed, "ninja", "trials")
    n_train = round(0.8 * len(x))
    train = draw_with_replacement(rng, len(x), n_train)
    test = draw_with_replacement(rng, len(x), len(x) - n_train)
    fit = _fit_trials, x, train, test, make_network(inputs.settings, inputs.seed, "trials")
    network = inputs.steps.compute("RNN, visual cortex as an autoencoder", *fit)
    leak = Measure(
        "'held-out' trials that were trained on", float(np.isin(test, train).mean()), "share",
        n=len(test),
    )  # fmt: skip
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
    return network["latents"], train


def _fit_trials(
    x: np.ndarray, train: np.ndarray, test: np.ndarray, model: Recipe
) -> dict[str, Any]:
    drawn = x[train]
    every = np.arange(len(drawn))
    fitted, found = _fit_as_described(model, drawn, drawn, Fold(every, every[:0]))
    return found | {"loss": metrics.poisson_nll(x[test], fitted.predict(x[test]))}
