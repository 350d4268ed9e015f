"""A perceptron on a window of bins: every bin is predicted on its own."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecast.models.networks.layers import Features, Linear
from spikecast.models.networks.network import Network, dropout


class MLPNet(Network):
    """Augmentation -> features -> a window of bins around each -> hidden layers -> linear readout.

    `augment` changes the activity in training. `lags` are the bins of the window relative to the
    one that is predicted; beyond a trial's ends there are zeros, the features' mean. The other
    settings are those of :class:`spikecast.models.mlp.MLP`.
    """

    def __init__(
        self,
        kind: str,
        features: Features,
        augment: Callable[[Tensor], Tensor],
        lags: Sequence[int],
        n_features: int,
        n_targets: int,
        n_hidden: Sequence[int] = (64,),
        activation: str = "relu",
        dropout: float = 0.4,
    ) -> None:
        super().__init__(kind)
        self.features, self.augment = features, augment
        self.lags, self.activation, self.dropout = list(lags), getattr(torch, activation), dropout
        sizes = [n_features * len(self.lags), *n_hidden]
        self.hidden = nn.ModuleList([Linear(1, n_in, n_out) for n_in, n_out in pairwise(sizes)])
        self.readout = Linear(1, sizes[-1], n_targets, gain=0.1)  # start near the mean rate
        self.offset = self.readout.offset

    def latents(self, x: Tensor) -> Tensor:
        """(1, trial, time, neuron) -> the last hidden layer, (1, trial, time, unit)."""
        if self.training:
            x = self.augment(x)
        z = dropout(self._stack_windows(self.features(x)), self.dropout, self.training)
        for layer in self.hidden:
            z = dropout(self.activation(layer(z)), self.dropout, self.training)
        return z

    def _stack_windows(self, z: Tensor) -> Tensor:
        """(1, trial, time, feature) -> (1, trial, time, lag * feature)."""
        n_bins, reach = z.shape[2], max(map(abs, self.lags))
        padded = F.pad(z, (0, 0, reach, reach))
        starts = [reach + lag for lag in self.lags]
        return torch.cat([padded[:, :, start : start + n_bins] for start in starts], dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        """(1, trial, time, neuron) -> (1, trial, time, target)."""
        return self.readout(self.latents(x))
