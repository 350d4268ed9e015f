"""What the training loop expects of a network.

Every tensor has a leading member axis. Members are copies of a network with weights of their own,
trained side by side in the same matrix products: three cost little more than one. Most networks
have one member.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from spikecast.parallel.threads import limit_imported_torch

limit_imported_torch()

Loss = Callable[[Tensor, Tensor], Tensor]
"""(output, target) -> loss per element."""


def poisson_loss(log_rate: Tensor, counts: Tensor) -> Tensor:
    """Return minus the Poisson log-likelihood without the log-factorial, per element."""
    return log_rate.exp() - counts * log_rate


def gaussian_loss(mean: Tensor, value: Tensor) -> Tensor:
    """Return half the squared error, per element; targets are standardised before."""
    return 0.5 * (mean - value) ** 2


def label_loss(logit: Tensor, label: Tensor) -> Tensor:
    """Return the cross-entropy per class; `label` is one-hot, times its class's weight."""
    return -label * logit.log_softmax(dim=-1)


LOSSES: dict[str, Loss] = {"counts": poisson_loss, "continuous": gaussian_loss, "label": label_loss}


class Network(nn.Module):
    """Base class: maps source features to the natural parameter of the targets.

    For targets of `kind` counts the output is a log rate, for continuous ones a standardised mean,
    for labels a logit per class.
    """

    n_members = 1
    """With more than one, every parameter has the member as its first axis."""
    shares_batches = False
    """Whether ``loss`` takes the same trials for all members, a first axis of length 1: cheaper
    where what comes before the weights costs most."""
    neuron_parameters: tuple[str, ...] = ()
    """Names of the parameters that belong to the recorded neurons: read-in and readout. The others
    are the core, which sessions can share; empty where a network has no such core."""
    offset: nn.Parameter
    """Added to the output, one per target; the estimator sets its first value."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.element_loss = LOSSES[kind]

    def latents(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, time, latent)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, time, target)."""
        raise NotImplementedError

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each trial, (member, trial): mean over time, sum over targets.

        Where `y` has twice the targets, its second half is added to the output.
        """
        output = self(x)
        if y.shape[3] > output.shape[3]:
            y, base = y.split(output.shape[3], dim=3)
            output = output + base
        return self.element_loss(output, y).sum(dim=3).mean(dim=2)

    def set_progress(self, fraction: float) -> None:
        """Set what changes during training; called before each step with the part that is done."""

    def prepare_readin(self, x: Tensor) -> Tensor:
        """Return what the read-in weights multiply: (1, trial, time, feature) -> the same axes."""
        return x

    @property
    def readin_weight(self) -> Tensor:
        """Read-in weights (member, unit, feature), where there are `neuron_parameters`."""
        raise NotImplementedError

    def change_readin(self, change: Tensor) -> None:
        """Add to the read-in weights, (member, unit, feature), of which there is a view."""
        self.readin_weight.add_(change)

    def take_member(self, state: Mapping[str, Tensor], member: int) -> dict[str, Tensor]:
        """Return a member's part of the tensors of ``state_dict()``, as views."""
        if self.n_members == 1:
            return dict(state)
        return {name: value[member] for name, value in state.items()}

    def decayed_weights(self) -> list[nn.Parameter]:
        """Return parameters that weight decay shrinks: weights that multiply, not offsets."""
        return [p for name, p in self.named_parameters() if "weight" in name]


def dropout(z: Tensor, probability: float, training: bool) -> Tensor:
    """Drop elements in training and scale the rest up; on a CPU four times faster than torch's."""
    if not training or probability == 0:
        return z
    return z * ((torch.rand_like(z) >= probability) * (1 / (1 - probability)))


def draw_uniform(*shape: int, fan_in: int) -> nn.Parameter:
    """Return weights drawn as by torch's Linear: uniform within ``1 / sqrt(fan_in)``."""
    return nn.Parameter((2 * torch.rand(*shape) - 1) / fan_in**0.5)
