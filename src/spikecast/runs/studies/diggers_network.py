"""Study B's network, by both optimisers that its weight decay can mean."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from spikecast.core.seeding import derive_seed
from spikecast.evaluation.fit import fit_model
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.recurrent import Recurrent
from spikecast.models.recurrent import Recipe
from spikecast.runs.studies.staircase import score_spikes
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Measure
from spikecast.scoring import metrics
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold

WEIGHT_DECAY = 1e-4
OPTIMISERS = {"AdamW": False, "Adam with L2": True}
"""Name -> whether weight decay is part of the gradient that Adam scales."""


class PenalisedLSTM(Recurrent):
    """An LSTM whose loss has half the sum of all squared weights, times `penalty`, added."""

    penalty = 0.0

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each trial, (member, trial), the penalty in each."""
        size = torch.stack([weight.square().sum() for weight in self.parameters()]).sum()
        return super().loss(x, y) + 0.5 * self.penalty * size


@dataclass(eq=False, repr=False)
class DeckLSTM(Recipe):
    """The deck's net: raw counts -> LSTM -> fully connected layer -> log rate, all trials at once.

    Weight decay is 1e-4: with `l2` as Adam's own, added to the gradient before it is scaled, else
    decoupled as in AdamW. Everything else is as in :class:`spikecast.models.recurrent.Recipe`.
    """

    l2: bool = False

    def _build_network(self, n_features: int, n_targets: int) -> Network:
        network = PenalisedLSTM(
            "counts", "lstm", n_features, self.n_latents, n_targets, 1, 0.0, True
        )
        # the deck's loss is a mean over neurons, ours a sum
        network.penalty = WEIGHT_DECAY * n_targets if self.l2 else 0.0
        return network

    def _set_offset(self, offset: Tensor) -> None:
        offset.fill_(float(np.log(self.source_mean_)))

    def _make_plan(self) -> Plan:
        decay = 0.0 if self.l2 else WEIGHT_DECAY
        return Plan.plain(self.n_iterations, self.learning_rate, weight_decay=decay)


def make_network(settings: dict[str, Any], seed: int, key: str, l2: bool) -> DeckLSTM:
    """Return the deck's LSTM for one of its tasks, not fitted."""
    return DeckLSTM(
        settings["n_latents"],
        settings["learning_rate"],
        settings["n_iterations"],
        seed=derive_seed(seed, "diggers", key),
        l2=l2,
    )


def fit_as_described(problem: Problem, fold: Fold, model: DeckLSTM, seed: int) -> dict[str, Any]:
    """Return losses, course and latents of the deck's LSTM, and its scores above the mean rate.

    ``own`` and ``new`` are the losses on training and test trials; ``bits_own`` and ``bits_new``
    the scores with their limits, (value, low, high).
    """
    fitted = fit_model(model, problem.x, problem.y, fold).model
    found: dict[str, Any] = {
        "course": np.array(fitted.training_["train_loss"])[:, 0] / problem.y.shape[2],
        "latents": fitted.transform(problem.x[fold.test]),
    }
    for name, trials in (("own", fold.train), ("new", fold.test)):
        y, rate = problem.y[trials], fitted.predict(problem.x[trials])
        null = metrics.null_rate(problem.y[fold.train], y)
        bits = score_spikes("", y, rate, np.broadcast_to(null, y.shape), seed)
        found[name] = metrics.poisson_nll(y, rate)
        found[f"bits_{name}"] = [bits.number, bits.low, bits.high]
    return found


def read_bits(found: Arrays, name: str, title: str) -> Measure:
    """Return a score of :func:`fit_as_described` as a measure."""
    value, low, high = (float(number) for number in found[f"bits_{name}"])
    return Measure(title, value, "bits_per_spike", low, high)
