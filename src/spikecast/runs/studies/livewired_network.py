"""Study A's network: fitted as described, its two directions, its weights."""

from typing import Any

import numpy as np
import torch

from spikecast.core.seeding import derive_seed
from spikecast.evaluation.fit import fit_model
from spikecast.models.base import Model
from spikecast.models.recurrent import Recipe
from spikecast.runs.studies.kept_latents import keep_rates
from spikecast.runs.studies.step_cache import Arrays
from spikecast.scoring import metrics
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import AreaToArea

SLOWEST = 0.5  # Hz; the averages of neurons that fire less often are noise


def make_network(settings: dict[str, Any], seed: int) -> Recipe:
    """Return the deck's RNN, which is not fitted."""
    return Recipe(
        settings["n_latents"],
        settings["learning_rate"],
        settings["n_iterations"],
        seed=derive_seed(seed, "livewired", "rnn"),
    )


def find_shown(problem: Problem) -> np.ndarray:
    """Return the target neurons (a mask) that fire often enough to have averages."""
    return problem.y.mean(axis=(0, 1)) / problem.bin_size >= SLOWEST


def fit_as_described(
    problem: Problem, fold: Fold, settings: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return what the deck's RNN, fitted on the training trials, makes of every trial.

    ``latents`` and their two directions ``forward`` and ``backward`` (trial, time, latent), the
    ``predicted`` activity of the neurons shown, the training ``loss`` after the last iteration, in
    the first, and that of each neuron's mean, the scores above each neuron's mean on trials
    ``seen`` and ``unseen``, and the weights of the forward direction.
    """
    train, test = fold
    model = fit_model(make_network(settings, seed), problem.x, problem.y, fold).model
    predicted = model.predict(problem.x)
    seen, unseen = (
        metrics.bits_per_spike(
            problem.y[trials],
            predicted[trials],
            metrics.null_rate(problem.y[train], problem.y[trials]),
        )
        for trials in (train, test)
    )
    forward, backward = split_directions(model, problem.x)
    return {
        "latents": model.transform(problem.x),
        "forward": forward,
        "backward": backward,
        "predicted": predicted[..., find_shown(problem)].astype(np.float32),
        "causal": model.causal,
        "loss": metrics.poisson_nll(problem.y[train], predicted[train]),
        "first_loss": model.training_["train_loss"][0][0],
        "loss_of_mean": metrics.poisson_nll(
            problem.y[train], metrics.null_rate(problem.y[train], problem.y[train])
        ),
        "seen": seen,
        "unseen": unseen,
    } | read_weights(model, problem.x[train])


def split_directions(model: Recipe, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the states of the RNN's two directions, each (trial, time, latent).

    Those of the forward direction at a bin follow from this bin and earlier ones only.
    """
    with torch.no_grad():
        states, _ = _find_recurrence(model)(torch.from_numpy(x.astype(np.float32)))
    forward, backward = np.split(states.numpy(), 2, axis=2)
    return forward, backward


def _find_recurrence(model: Recipe) -> torch.nn.RNNBase:
    recurrence = model.network_.recurrence
    assert isinstance(recurrence, torch.nn.RNNBase)
    return recurrence


def read_weights(model: Recipe, x: np.ndarray) -> Arrays:
    """Return the recurrence of the forward direction, and its mean input from `x`.

    ``recurrent`` (latent, latent), ``offset`` and ``input`` (latent,): what is added at every bin
    without input, and by the mean activity.
    """
    readin, recurrent, *offsets = (
        weight.detach().numpy() for weight in _find_recurrence(model).all_weights[0]
    )
    mean = x.mean(axis=(0, 1), dtype=float)
    return {"recurrent": recurrent, "offset": sum(offsets), "input": readin @ mean}


def keep_weights(model: Model, problem: Problem, fold: Fold) -> Arrays:
    """Return weights of a fit, its forward states of all trials, the rates of its test trials."""
    assert isinstance(model, Recipe)
    states = {"forward": split_directions(model, problem.x)[0]}
    kept = keep_rates(model, problem, fold) | states
    return kept | read_weights(model, problem.x[fold.train])


def make_task(settings: dict[str, Any]) -> AreaToArea:
    """Return the deck's task: one area from all the others, no neuron left out."""
    return AreaToArea(settings["target"], min_rate=0.0)
