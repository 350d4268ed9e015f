"""Networks trained side by side as the members of one, each with its own weights and trials."""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from spikecast.models.networks.network import Network


class Members(Network):
    """Networks of one class, without a member axis of their own, as the members of one network.

    They are run one after the other: for networks whose loop over bins is written for one member.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        nn.Module.__init__(self)  # the networks have their own likelihoods
        self.n_members = len(networks)
        self.networks = nn.ModuleList(networks)
        self.neuron_parameters = tuple(
            f"networks.{member}.{name}"
            for member, network in enumerate(networks)
            for name in network.neuron_parameters
        )

    def __getitem__(self, member: int) -> Network:
        return cast(Network, self.networks[member])

    def forward(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, time, target)."""
        return self.run("forward", x)

    def latents(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, time, latent)."""
        return self.run("latents", x)

    def initial_condition(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, initial), where they have one."""
        return self.run("initial_condition", x)

    def inferred_inputs(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, time, input), where they have any."""
        return self.run("inferred_inputs", x)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Loss of each trial, (member, trial)."""
        return self.run("loss", x, y)

    def run(self, function: str, *arrays: Tensor) -> Tensor:
        """Call a method of each network with its part of the arrays, (member, ...)."""
        outputs = [
            getattr(self[member], function)(*(array[member, None] for array in arrays))
            for member in range(self.n_members)
        ]
        return torch.cat(outputs)

    def set_progress(self, fraction: float) -> None:
        """Pass on which part of training is done."""
        for member in range(self.n_members):
            self[member].set_progress(fraction)

    def decayed_weights(self) -> list[nn.Parameter]:
        """Return the decayed weights of all networks."""
        return [w for member in range(self.n_members) for w in self[member].decayed_weights()]

    def take_member(self, state: Mapping[str, Tensor], member: int) -> dict[str, Tensor]:
        """Return the tensors of one network."""
        return {n: value for n, value in state.items() if n.startswith(f"networks.{member}.")}

    def prepare_readin(self, x: Tensor) -> Tensor:
        """Return what the read-in weights multiply; the same for all members."""
        return self[0].prepare_readin(x)

    @property
    def readin_weight(self) -> Tensor:
        """(member, unit, feature), a copy."""
        return torch.cat([self[member].readin_weight for member in range(self.n_members)])

    def change_readin(self, change: Tensor) -> None:
        """Add to the read-in weights, (member, unit, feature)."""
        for member in range(self.n_members):
            self[member].change_readin(change[member, None])
