"""Layers that several networks share; all keep the leading member axis."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecast.models.networks.network import draw_uniform
from spikecast.models.preprocess import PopulationFeatures, make_smoothing_matrix


class Linear(nn.Module):
    """A linear map per member, its weights scaled by `gain` at the start."""

    def __init__(self, n_members: int, n_in: int, n_out: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = draw_uniform(n_members, n_in, n_out, fan_in=n_in)
        self.offset = nn.Parameter(torch.zeros(n_members, 1, n_out))
        with torch.no_grad():
            self.weight.mul_(gain)

    def forward(self, x: Tensor) -> Tensor:
        """(member, ..., in) -> (member, ..., out)."""
        flat = x.flatten(1, -2)  # (member, sample, in)
        return torch.baddbmm(self.offset, flat, self.weight).view(*x.shape[:-1], -1)


def normalize(z: Tensor) -> Tensor:
    """Return `z` with mean 0 and variance 1 over the last axis."""
    return F.layer_norm(z, z.shape[-1:])


class Features(nn.Module):
    """Fitted :class:`PopulationFeatures`, times `scale`, in torch: training can hide entries.

    Nothing here is learnt in training: the components are buffers. The estimator that fitted them
    stores them.
    """

    mean: Tensor
    axes: Tensor

    def __init__(self, features: PopulationFeatures, scale: float = 1.0) -> None:
        super().__init__()
        self.widths, self.causal = list(features.widths), features.causal
        self.future_only = features.future_only
        mean = torch.as_tensor(features.mean_, dtype=torch.float32)
        axes = torch.as_tensor(features.axes_, dtype=torch.float32).transpose(1, 2) * scale
        self.register_buffer("mean", mean, persistent=False)  # (width, neuron)
        self.register_buffer("axes", axes.contiguous(), persistent=False)  # (..., component)
        self._kernels: dict[int, Tensor] = {}

    def forward(self, x: Tensor, observed: Tensor | None = None) -> Tensor:
        """Return features of activity (member, trial, time, neuron): (..., width * component).

        `observed`, broadcastable to `x`, is 1 where an entry is seen and 0 where it is not.
        Smoothing then averages over what is seen; where that is little, a feature falls back to the
        mean.
        """
        seen = x if observed is None else x * observed
        parts = []
        for kernel, mean, axes in zip(self._make_kernels(x), self.mean, self.axes):
            smoothed = kernel @ seen  # (time, time) @ (member, trial, time, neuron)
            if observed is None:
                root = signed_sqrt(smoothed) - mean
            else:
                covered = kernel @ observed.expand(-1, -1, x.shape[2], -1)
                # of c (sqrt(s / c) - mean), with c the part of the kernel that is covered
                root = torch.addcmul(signed_sqrt(smoothed.mul_(covered)), covered, mean, value=-1)
            parts.append(root @ axes)
        return torch.cat(parts, dim=-1)

    def mask_neurons(self, roots: Tensor, observed: Tensor) -> Tensor:
        """Return the features where neurons are hidden for whole trials: no smoothing is needed.

        `roots` (member, trial, time, width * neuron) are those of :meth:`PopulationFeatures.roots`,
        `observed` (member, trial, 1, neuron) is 1 where a neuron is seen.
        """
        parts = roots.chunk(len(self.axes), dim=-1)
        return torch.cat([(part * observed) @ axes for part, axes in zip(parts, self.axes)], dim=-1)

    def _make_kernels(self, x: Tensor) -> Tensor:
        n_bins = x.shape[2]
        if n_bins not in self._kernels:
            one_sided = self.causal or self.future_only
            matrices = [make_smoothing_matrix(n_bins, width, one_sided) for width in self.widths]
            if self.future_only:  # the past of time that runs backwards
                matrices = [matrix[::-1, ::-1].copy() for matrix in matrices]
            self._kernels = {n_bins: torch.stack([torch.from_numpy(m) for m in matrices]).to(x)}
        return self._kernels[n_bins].to(x)


def signed_sqrt(x: Tensor) -> Tensor:
    """:func:`spikecast.models.preprocess.signed_sqrt` in torch."""
    return x.abs().sqrt_().copysign_(x)
