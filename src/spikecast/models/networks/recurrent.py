"""Recurrent networks from sequence to sequence: RNN, GRU, LSTM, and the net of the recipe."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecast.models.networks.network import Network, dropout

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Recurrent(Network):
    """Input dropout -> recurrent layers -> dropout -> linear readout.

    Its settings are those of :class:`spikecast.models.recurrent.RNN`; `cell` is one of `CELLS`.
    """

    def __init__(
        self,
        kind: str,
        cell: str,
        n_features: int,
        n_latents: int,
        n_targets: int,
        n_layers: int = 1,
        dropout: float = 0.3,
        causal: bool = False,
    ) -> None:
        super().__init__(kind)
        self.dropout = dropout
        self.recurrence = CELLS[cell](
            n_features, n_latents, n_layers, batch_first=True, bidirectional=not causal
        )
        self.readout = nn.Linear(n_latents * (1 if causal else 2), n_targets)
        with torch.no_grad():
            self.readout.weight *= 0.1  # start near the mean rate
            self.readout.bias.zero_()
        self.offset = self.readout.bias

    def latents(self, x: Tensor) -> Tensor:
        """(1, trial, time, feature) -> (1, trial, time, latent)."""
        states, _ = self.recurrence(dropout(x[0], self.dropout, self.training))
        return states[None]

    def forward(self, x: Tensor) -> Tensor:
        """(1, trial, time, feature) -> (1, trial, time, target)."""
        return self.readout(dropout(self.latents(x), self.dropout, self.training))


class RecipeNet(Network):
    """The reference recipe's net: a bidirectional tanh RNN, both directions' states averaged,
    rate = softplus(linear(state), beta=10).
    """

    def __init__(self, n_features: int, n_latents: int, n_targets: int) -> None:
        super().__init__("counts")
        self.n_latents = n_latents
        self.recurrence = nn.RNN(n_features, n_latents, batch_first=True, bidirectional=True)
        self.readout = nn.Linear(n_latents, n_targets)
        self.offset = self.readout.bias

    def latents(self, x: Tensor) -> Tensor:
        """(1, trial, time, neuron) -> (1, trial, time, latent)."""
        # nn.RNN would read the input, much the largest array here, once more for each direction
        readins, recurrent, offsets, recurrent_offsets = zip(*self.recurrence.all_weights)
        drive = F.linear(x[0], torch.cat(readins), torch.cat(offsets))
        forward, backward = drive.transpose(0, 1).chunk(2, dim=-1)  # (time, trial, latent)
        before = self._run_direction(forward, recurrent[0], recurrent_offsets[0])
        after = self._run_direction(backward.flip(0), recurrent[1], recurrent_offsets[1]).flip(0)
        return ((before + after) / 2).transpose(0, 1)[None]

    def _run_direction(self, drive: Tensor, recurrent: Tensor, offset: Tensor) -> Tensor:
        """Return the states of one direction, (time, trial, latent), from its read-in."""
        start = drive.new_zeros(1, drive.shape[1], self.n_latents)
        as_it_is = torch.eye(self.n_latents).to(drive), torch.zeros(self.n_latents).to(drive)
        weights = (as_it_is[0], recurrent, as_it_is[1], offset)
        states, _ = torch.rnn_tanh(drive, start, weights, True, 1, 0.0, self.training, False, False)
        return states

    def forward(self, x: Tensor) -> Tensor:
        """(1, trial, time, neuron) -> log rate, (1, trial, time, target)."""
        return torch.log(self._predict_rate(x))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """The recipe's loss: the mean over all elements, from the rate itself."""
        rate = self._predict_rate(x)
        return (rate - y * torch.log(rate)).mean(dim=(2, 3))

    def _predict_rate(self, x: Tensor) -> Tensor:
        return F.softplus(self.readout(self.latents(x)), beta=10)
