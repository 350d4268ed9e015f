"""The network of study E: planes normalised as the deck did, and its bidirectional LSTM."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spikecast.core.seeding import derive_seed
from spikecast.data.recording import Recording
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.training import train_network
from spikecast.tasks.problem import WINDOW
from spikecast.tasks.splits import Fold

PLAN = ("epochs", "learning_rate", "batch_size", "weight_decay")


class DeckAutoencoder(Network):
    """The deck's net: bidirectional LSTM -> latents -> MLP -> the neurons that went in."""

    def __init__(self, n_neurons: int, n_latents: int) -> None:
        super().__init__("continuous")
        self.recurrence = nn.LSTM(n_neurons, n_latents, batch_first=True, bidirectional=True)
        self.joined = nn.Linear(2 * n_latents, n_latents)
        layers: list[nn.Module] = []
        for n_in, n_out in ((n_latents, 150), (150, 150), (150, n_latents)):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.decoder = nn.Sequential(*layers, nn.Linear(n_latents, n_neurons))

    def latents(self, x: Tensor) -> Tensor:
        """(1, window, time, neuron) -> (1, window, time, latent)."""
        return self.joined(self.recurrence(x[0])[0])[None]

    def forward(self, x: Tensor) -> Tensor:
        """(1, window, time, neuron) -> the same axes."""
        return self.decoder(self.latents(x))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Mean squared error of each window."""
        return ((self(x) - y) ** 2).mean(dim=(2, 3))


def normalise_plane(recording: Recording, neurons: np.ndarray, n_train: int) -> np.ndarray:
    """Return some neurons of a plane as the deck normalised them, (window, time, neuron).

    Each bin is divided by the population's mean, which takes arousal out, then every neuron is
    z-scored by its training bins.
    """
    x = recording.activity[0][:, neurons].astype(np.float32)
    x = x / np.maximum(x.mean(axis=1, keepdims=True), 1e-6)
    n_windows = len(x) // WINDOW
    x = x[: n_windows * WINDOW]
    learnt = x[: n_train * WINDOW]
    x = (x - learnt.mean(axis=0)) / np.maximum(learnt.std(axis=0), 1e-6)
    return x.reshape(n_windows, WINDOW, -1)


def fit_autoencoder(x: np.ndarray, settings: dict[str, Any], seed: int) -> DeckAutoencoder:
    """Return the deck's autoencoder, fitted on windows."""
    network, _ = train_network(
        lambda: DeckAutoencoder(x.shape[2], settings["n_latents"]),
        x,
        x,
        [Fold(np.arange(len(x)), np.arange(0))],
        Plan.plain(*(settings[name] for name in PLAN)),
        derive_seed(seed, "nma-layers", "autoencoder"),
        torch.device("cpu"),
    )
    assert isinstance(network, DeckAutoencoder)
    return network


@torch.no_grad()
def measure_error(network: DeckAutoencoder, x: np.ndarray) -> float:
    """Return the mean squared error of reconstructing windows."""
    windows = torch.from_numpy(x)[None]
    return float(network.loss(windows, windows).mean())
