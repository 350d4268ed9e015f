"""Coordinated dropout: a network predicts entries of its source that it did not see."""

import torch
from torch import Tensor

from spikecast.models.networks.layers import Features
from spikecast.models.networks.network import Network


class CoordinatedDropout(Network):
    """Network that reconstructs its source from a part of it (Keshtkaran & Pandarinath 2019).

    In training, entries of the source are dropped with `probability` before smoothing, the rest is
    scaled up, and only the dropped entries count in the loss, so that copying does not help.
    Targets that are not part of the source count at all entries. `network` maps `features` of the
    first `n_sources` neurons to all neurons, sources first.
    """

    def __init__(
        self, kind: str, network: Network, features: Features, n_sources: int, probability: float
    ) -> None:
        super().__init__(kind)
        self.network, self.features = network, features
        self.n_sources, self.probability = n_sources, probability
        self.n_members, self.offset = network.n_members, network.offset

    def decayed_weights(self) -> list[torch.nn.Parameter]:
        """Return the decayed weights of the wrapped network."""
        return self.network.decayed_weights()

    def latents(self, x: Tensor) -> Tensor:
        """(member, trial, time, neuron) -> (member, trial, time, latent)."""
        return self.network.latents(self.features(x[..., : self.n_sources]))

    def forward(self, x: Tensor) -> Tensor:
        """(member, trial, time, neuron) -> (member, trial, time, neuron)."""
        return self.network(self.features(x[..., : self.n_sources]))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Loss of dropped entries and of targets outside the source, (member, trial)."""
        source = x[..., : self.n_sources]
        # validation drops the same entries in every epoch, or the best one would be luck
        generator = None if self.training else torch.Generator(x.device).manual_seed(0)
        drawn = torch.rand(source.shape, device=x.device, generator=generator)
        dropped = drawn < self.probability
        seen = source * ~dropped / (1 - self.probability)
        output = self.network(self.features(seen))
        n_others = output.shape[3] - self.n_sources
        # side by side, source and targets have the same weight, however many neurons they have
        weight = (n_others / self.n_sources if n_others else 1.0) / self.probability
        if n_others:
            others = torch.ones_like(y[..., self.n_sources :])
            return self.trial_loss(output, y, torch.cat([weight * dropped, others], dim=3))
        return self.trial_loss(output, y, weight * dropped)
