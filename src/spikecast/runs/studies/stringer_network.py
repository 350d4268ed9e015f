"""Study D's networks: the deck's list of shapes, its loss and the mended one, side by side."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from spikecast.core.seeding import derive_seed
from spikecast.models.inner_cv import split_inner_folds
from spikecast.models.networks.augment import add_noise
from spikecast.models.networks.layers import Linear
from spikecast.models.networks.network import Network, dropout
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.training import train_network
from spikecast.runs.studies.step_cache import Arrays
from spikecast.tasks.problem import WINDOW
from spikecast.tasks.splits import Fold

VALID_PARTS = 5  # of the training windows, one chooses the epoch
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "ReLU": torch.relu,
    "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh,
    "Linear": lambda z: z,
}


class Member(NamedTuple):
    """One network of a family: its activation, its loss, its bins."""

    activation: str
    paired: bool  # whether a prediction is compared with its own speed only
    fold: Fold  # bins it learns from, and those that choose its epoch


@dataclass(frozen=True)
class Family:
    """Networks of the same hidden layers on the same components, trained side by side."""

    hidden: Sequence[int]
    members: Sequence[Member]
    dropout: float = 0.0  # of inputs and hidden units
    noise: float = 0.0  # added to the components in training, in their standard deviations

    def name(self, member: int) -> str:
        """Return what a member is called in tables."""
        return name_network(self.members[member].activation, self.hidden)


def name_network(activation: str, hidden: Sequence[int]) -> str:
    """Return what a network is called in tables.

    Examples
    --------
    >>> name_network("ReLU", [400, 10])
    'ReLU 400-10'
    """
    return f"{activation} {'-'.join(map(str, hidden))}"


class DeckMLP(Network):
    """Hidden layers of one activation and a linear output, for several members.

    FLAW, shapes broadcast: of members that are not paired, predictions (N, 1) are set against
    speeds (N,), so that every prediction of a batch is compared with every speed of it.
    """

    def __init__(self, n_features: int, family: Family) -> None:
        super().__init__("continuous")
        self.family = family
        self.n_members = n_members = len(family.members)
        layers = [
            Linear(n_members, n_in, n_out)
            for n_in, n_out in pairwise([n_features, *family.hidden, 1])
        ]
        for layer in layers:
            bound = layer.weight.shape[1] ** -0.5
            nn.init.uniform_(layer.offset, -bound, bound)  # as torch starts them
        self.layers = nn.ModuleList(layers)
        self.functions = [ACTIVATIONS[member.activation] for member in family.members]
        self.alike = len({member.activation for member in family.members}) == 1
        paired = torch.tensor([member.paired for member in family.members])
        self.register_buffer("paired", paired[:, None], persistent=False)

    def _activate(self, z: Tensor) -> Tensor:
        if self.alike:
            return self.functions[0](z)
        return torch.stack([f(part) for f, part in zip(self.functions, z)])

    def forward(self, x: Tensor) -> Tensor:
        """(member, bin, 1, component) -> (member, bin, 1, 1)."""
        if self.training and self.family.noise:
            x = add_noise(x, np.full(x.shape[-1], self.family.noise, dtype=np.float32))
        z = dropout(x, self.family.dropout, self.training)
        *hidden, readout = self.layers
        for layer in hidden:
            z = dropout(self._activate(layer(z)), self.family.dropout, self.training)
        return readout(z)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the error of each bin, (member, bin).

        The mean over all speeds of ``(prediction - speed)**2`` is the squared difference to the
        mean speed plus the variance of speed.
        """
        prediction, speed = self(x)[:, :, 0, 0], y[:, :, 0, 0]
        mean, variance = speed.mean(dim=1, keepdim=True), speed.var(dim=1, correction=0)
        broadcast = (prediction - mean) ** 2 + variance[:, None]
        return torch.where(self.paired, (prediction - speed) ** 2, broadcast)  # type: ignore[arg-type]


def cut_in_two(n_bins: int, share: float) -> Fold:
    """Return the first bins, which train, and the rest, which test."""
    n_train = round(share * n_bins)
    return Fold(np.arange(n_train), np.arange(n_train, n_bins))


def list_families(
    settings: dict[str, Any], fold: Fold, losses: Sequence[bool] = (False, True)
) -> Iterator[Family]:
    """Yield the deck's networks by shape, for each of the losses (paired or not).

    FLAW, chosen on test data: as described, the test bins of the fold are those that are scored.
    """
    for entry in settings["families"]:
        members = [Member(name, paired, fold) for paired in losses for name in entry["activations"]]
        yield Family(entry["hidden"], members)


def find_first(settings: dict[str, Any]) -> str:
    """Return the name of the network that the deck reports first."""
    return name_network(**settings["first"])


def list_comparisons(names: list[str]) -> dict[str, list[tuple[str, str, str]]]:
    """Return what is compared in the rows on width, depth and activation: (title, one, other)."""
    pairs = {
        "width": [("400 units less 10", "ReLU 400", "ReLU 10")],
        "depth": [
            ("two layers less one", "ReLU 400-10", "ReLU 400"),
            ("three layers less one", "ReLU 400-10-10", "ReLU 400"),
        ],
        "activation": [
            (f"{title} less ReLU, 400-10-10", f"{name} 400-10-10", "ReLU 400-10-10")
            for title, name in (("Sigmoid", "Sigmoid"), ("Tanh", "Tanh"), ("deep linear", "Linear"))
        ],
    }
    return {
        row: [pair for pair in row_pairs if {pair[1], pair[2]} <= set(names)]
        for row, row_pairs in pairs.items()
    }


def cut_validation(bins: np.ndarray, seed: int) -> Fold:
    """Return training bins to learn from, and the windows of them that choose the epoch.

    Examples
    --------
    >>> learn, choose = cut_validation(np.arange(1000), seed=0)
    >>> len(learn), len(choose)
    (800, 200)
    """
    windows, of_bin = np.unique(bins // WINDOW, return_inverse=True)
    inner = split_inner_folds(len(windows), VALID_PARTS, seed)[0]
    return Fold(*(bins[np.isin(of_bin, part)] for part in inner))


def make_plan(settings: dict[str, Any], patience: int | None = None) -> Plan:
    """Return the deck's training: one learning rate; by default no epoch is left out."""
    plan = Plan.plain(settings["epochs"], settings["learning_rate"], settings["batch_size"])
    return replace(plan, patience=patience)


def fit_family(z: np.ndarray, speed: np.ndarray, family: Family, plan: Plan, seed: int) -> Arrays:
    """Return the ``speed`` that each member gives for all bins, (member, bin), by its best epoch.

    Parameters
    ----------
    z : array, (bin, component)
    speed : array, (bin,)
    family : Family
    plan : Plan
    seed : int
    """
    network, history = train_network(
        lambda: DeckMLP(z.shape[1], family),
        z[:, np.newaxis],
        speed[:, np.newaxis, np.newaxis].astype(np.float32),
        [member.fold for member in family.members],
        plan,
        derive_seed(seed, "stringer-running", *family.hidden),
        torch.device("cpu"),
    )
    with torch.no_grad():
        x = torch.from_numpy(z[np.newaxis, :, np.newaxis]).expand(network.n_members, -1, -1, -1)
        predicted = network(x)[:, :, 0, 0].numpy()
    return {"speed": predicted, "epoch": np.array(history.best_epoch)}


def broadcast_mse(prediction: np.ndarray, speed: np.ndarray) -> float:
    """Return the deck's error: the mean over all pairs of a prediction and a speed, both (bin,).

    FLAW, shapes broadcast: what ``((prediction[:, None] - speed) ** 2).mean()`` gives is
    ``Var(speed) + Var(prediction) + (difference of the means)**2``, whatever the order of the
    predictions.

    Examples
    --------
    >>> speed = np.array([0.0, 2.0])
    >>> broadcast_mse(speed, speed), ((speed[:, None] - speed) ** 2).mean()
    (2.0, np.float64(2.0))
    """
    return float(sum(split_mse(prediction, speed)))


def split_mse(prediction: np.ndarray, speed: np.ndarray) -> tuple[float, float, float]:
    """Return the parts of the deck's error: two variances, and the squared shift of means."""
    prediction, speed = prediction.astype(float), speed.astype(float)
    shift = (prediction.mean() - speed.mean()) ** 2
    return float(speed.var()), float(prediction.var()), float(shift)
