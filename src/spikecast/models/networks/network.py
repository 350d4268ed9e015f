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

Loss = Callable[..., Tensor]
"""(output, target, weight=None), each (..., trial, time, target) -> (..., trial).

Returns the loss of each trial: summed over targets, each entry times its weight, mean over time.
"""


class _PoissonLoss(torch.autograd.Function):
    """With its gradient by hand: no array of a step is as large as that of the targets.

    autograd passes through it eleven times, which took two fifths of a step with 80 targets.
    """

    @staticmethod
    def forward(ctx, log_rate, counts, weight):  # type: ignore[no-untyped-def]
        rate = log_rate.exp()
        ctx.save_for_backward(rate, counts, weight)
        loss = torch.addcmul(rate, counts, log_rate, value=-1)
        if weight is not None:
            loss *= weight
        return loss.sum(dim=(-2, -1)) / rate.shape[-2]

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        rate, counts, weight = ctx.saved_tensors
        slope = rate - counts
        if weight is not None:
            slope *= weight
        return slope.mul_((gradient / rate.shape[-2])[..., None, None]), None, None


def poisson_loss(log_rate: Tensor, counts: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return minus the Poisson log-likelihood of each trial, without the log-factorial."""
    return _PoissonLoss.apply(log_rate, counts, weight)


def gaussian_loss(mean: Tensor, value: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return half the squared error of each trial; targets are standardised before."""
    return _sum_weighted(0.5 * (mean - value) ** 2, weight)


def label_loss(logit: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the cross-entropy of each trial; `label` is one-hot, times its class's weight."""
    return _sum_weighted(-label * logit.log_softmax(dim=-1), weight)


def _sum_weighted(loss: Tensor, weight: Tensor | None) -> Tensor:
    return (loss if weight is None else loss * weight).sum(dim=-1).mean(dim=-1)


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
        self.trial_loss = LOSSES[kind]

    def latents(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, time, latent)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, time, target)."""
        raise NotImplementedError

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each trial, (member, trial).

        Where `y` has twice the targets, its second half is added to the output.
        """
        output = self(x)
        if y.shape[3] > output.shape[3]:
            y, base = y.split(output.shape[3], dim=3)
            output = output + base
        return self.trial_loss(output, y)

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
