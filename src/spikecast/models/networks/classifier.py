"""A recurrent network from a sequence to one label."""

import torch
from torch import Tensor, nn

from spikecast.models.networks.network import Network, dropout
from spikecast.models.networks.recurrent import CELLS


def take_last_states(states: Tensor) -> Tensor:
    """Return the forward state of the last bin beside the backward state of the first.

    (trial, time, 2 * latent) -> (trial, 2 * latent)
    """
    forward, backward = states.chunk(2, dim=-1)
    return torch.cat([forward[:, -1], backward[:, 0]], dim=-1)


class Attention(nn.Module):
    """Average of the states over bins, weighted by their product with a learnt query."""

    def __init__(self, n_states: int) -> None:
        super().__init__()
        self.query = nn.Linear(n_states, 1)

    def forward(self, states: Tensor) -> Tensor:
        """(trial, time, state) -> (trial, state)."""
        return (self.query(states).softmax(dim=1) * states).sum(dim=1)


POOLINGS = ("attention", "last")


class RecurrentClassifier(Network):
    """Input dropout -> bidirectional recurrent layer -> pooling over time -> dropout -> logits.

    Its settings are those of :class:`spikecast.models.rnn_classifier.RNNClassifier`.
    """

    def __init__(
        self,
        cell: str,
        n_features: int,
        n_latents: int,
        n_classes: int,
        pooling: str = "attention",
        dropout: float = 0.4,
    ) -> None:
        super().__init__("label")
        self.dropout = dropout
        self.recurrence = CELLS[cell](n_features, n_latents, batch_first=True, bidirectional=True)
        self.pool = take_last_states if pooling == "last" else Attention(2 * n_latents)
        self.readout = nn.Linear(2 * n_latents, n_classes)
        with torch.no_grad():
            self.readout.weight *= 0.1  # start with equal probabilities
        self.offset = self.readout.bias

    def latents(self, x: Tensor) -> Tensor:
        """(1, trial, time, feature) -> (1, trial, time, state)."""
        return self.recurrence(dropout(x[0], self.dropout, self.training))[0][None]

    def forward(self, x: Tensor) -> Tensor:
        """(1, trial, time, feature) -> logits, (1, trial, 1, class)."""
        pooled = self.pool(self.latents(x)[0])
        return self.readout(dropout(pooled, self.dropout, self.training))[None, :, None]
