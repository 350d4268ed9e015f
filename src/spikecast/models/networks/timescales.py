"""Latents with a time constant of their own: linear read-in, exponential filters, gated readout.

Each latent is a weighted sum of the input features, filtered in time by its own exponential: the
time constant is learnt, and so is (unless it may take one only) how much of the past and of the
future it takes. The filter is a linear recurrence, computed for all bins at once.
"""

import math
from functools import lru_cache
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecast.models.networks.network import Network, draw_uniform, dropout

READOUT_GAIN = 0.1  # start near the mean rate


class TimescalesNet(Network):
    """Layers of filtered latents -> linear and gated linear readout of all of them.

    log rate = offset + sum over layers of A z + B glu(C z + d), with z a layer's filtered latents.
    A layer after the first reads those of the one before it: z and glu(C z + d).

    Its settings are those of :class:`spikecast.models.timescales.Timescales`.
    """

    neuron_parameters = ("layers.0.readin", "readout", "offset")

    def __init__(
        self,
        kind: str,
        n_features: int,
        n_latents: int,
        n_targets: int,
        n_members: int = 1,
        time_constants: tuple[float, float] = (0.2, 10.0),
        dropout: float = 0.4,
        causal: bool = False,
        n_layers: int = 1,
        future_only: bool = False,
    ) -> None:
        super().__init__(kind)
        self.n_members, self.dropout = n_members, dropout
        sizes = [n_features] + [2 * n_latents] * (n_layers - 1)
        side = "past" if causal else "future" if future_only else "both"
        self.layers = nn.ModuleList(
            [Layer(n_members, size, n_latents, time_constants, side) for size in sizes]
        )
        n_read = n_layers * 2 * n_latents
        self.readout = draw_uniform(n_members, n_read, n_targets, fan_in=n_latents)
        self.offset = nn.Parameter(torch.zeros(n_members, 1, n_targets))
        with torch.no_grad():
            self.readout.mul_(READOUT_GAIN)

    @property
    def readin_weight(self) -> Tensor:
        """(member, latent, feature)."""
        return cast(Layer, self.layers[0]).readin

    @property
    def time_constants(self) -> Tensor:
        """In bins, (member, layer * latent)."""
        layers = cast(list[Layer], self.layers)
        return torch.cat([layer.log_time_constant for layer in layers], dim=1).detach().exp()

    def decayed_weights(self) -> list[nn.Parameter]:
        """Return read-ins, gates and readout: no offsets, time constants or balances."""
        layers = cast(list[Layer], self.layers)
        return [matrix for layer in layers for matrix in (layer.readin, layer.gate)] + [
            self.readout
        ]

    def latents(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, time, layer * latent)."""
        filtered, _ = self._run_layers(x)
        return filtered.permute(0, 2, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(member, trial, time, feature) -> (member, trial, time, target)."""
        _, z = self._run_layers(x)
        # member: (trial * time, layer * 2 latent) @ (layer * 2 latent, target)
        output = torch.baddbmm(self.offset, z.flatten(2).transpose(1, 2), self.readout)
        return output.view(*x.shape[:3], -1)

    def _run_layers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return latents of all layers and what the readout reads, (member, ..., trial, time)."""
        z = x.permute(0, 3, 1, 2)  # (member, feature, trial, time)
        filtered, read = [], []
        for layer in cast(list[Layer], self.layers):
            filtered.append(layer.filter(z))
            z = layer.append_gated(dropout(filtered[-1], self.dropout, self.training))
            read.append(z)
        if len(filtered) == 1:  # torch would copy it
            return filtered[0], read[0]
        return torch.cat(filtered, dim=1), torch.cat(read, dim=1)


class Layer(nn.Module):
    """Linear read-in -> one exponential filter per latent; a gate for what reads them."""

    def __init__(
        self,
        n_members: int,
        n_in: int,
        n_latents: int,
        time_constants: tuple[float, float],
        side: str,
    ) -> None:
        super().__init__()
        self.side = side
        low, high = (math.log(constant) for constant in time_constants)
        shape = (n_members, n_latents)
        self.readin = draw_uniform(*shape, n_in, fan_in=n_in)
        self.log_time_constant = nn.Parameter(
            torch.linspace(low, high, n_latents).repeat(n_members, 1)
        )
        if side == "both":
            self.balance = nn.Parameter(torch.zeros(shape))  # log odds of past against future
        self.gate = draw_uniform(n_members, 2 * n_latents, n_latents, fan_in=n_latents)
        self.gate_offset = draw_uniform(n_members, 2 * n_latents, 1, fan_in=n_latents)

    def filter(self, x: Tensor) -> Tensor:
        """(member, in, trial, time) -> (member, latent, trial, time)."""
        n_members, _, n_trials, n_bins = x.shape
        # member: (latent, in) @ (in, trial * time)
        drive = (self.readin @ x.flatten(2)).view(-1, n_trials, n_bins)
        log_decay = -torch.exp(-self.log_time_constant).flatten()
        # the filter's weights sum to 1 at every bin, at the edges too
        bins = torch.arange(1, n_bins + 1, device=x.device, dtype=x.dtype)
        gain = torch.expm1(log_decay[:, None]) / torch.expm1(log_decay[:, None] * bins)
        if self.side == "past":
            z = run_decay(drive, log_decay) * gain[:, None]
        elif self.side == "future":
            z = (run_decay(drive.flip(-1), log_decay) * gain[:, None]).flip(-1)
        else:
            past = torch.sigmoid(self.balance).view(-1, 1)
            z = run_decay_both_ways(drive, log_decay, past * gain, ((1 - past) * gain).flip(-1))
        return z.view(n_members, -1, n_trials, n_bins)

    def append_gated(self, z: Tensor) -> Tensor:
        """Return latents and their gated sums, (member, latent, ...) -> (member, 2 latent, ...)."""
        mixed = torch.baddbmm(self.gate_offset, self.gate, z.flatten(2))
        value, gate = mixed.view(len(z), -1, *z.shape[2:]).chunk(2, dim=1)
        return torch.cat([z, value * torch.sigmoid(gate)], dim=1)


def run_decay(drive: Tensor, log_decay: Tensor) -> Tensor:
    """Return ``z[t] = exp(log_decay) * z[t - 1] + drive[t]`` for every channel, all bins at once.

    `drive` and z are (channel, batch, time), `log_decay` is (channel,) and below 0.

    Examples
    --------
    >>> run_decay(torch.tensor([[[1.0, 0.0, 0.0]]]), torch.tensor([0.5]).log())
    tensor([[[1.0000, 0.5000, 0.2500]]])
    """
    return _Decay.apply(drive, log_decay)


def run_decay_both_ways(drive: Tensor, log_decay: Tensor, past: Tensor, future: Tensor) -> Tensor:
    """Return :func:`run_decay` over time and over reversed time, added with weights.

    `past` and `future` (channel, time) weigh what comes from earlier and from later bins.
    """
    return _DecayBothWays.apply(drive, log_decay, past, future)


class _Decay(torch.autograd.Function):
    """The recurrence with its gradient, which is the same recurrence run backwards."""

    @staticmethod
    def forward(ctx, drive: Tensor, log_decay: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        z = _run_recurrence(drive, log_decay)
        ctx.save_for_backward(z, log_decay)
        return z

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[no-untyped-def]
        z, log_decay = ctx.saved_tensors
        upstream = _run_recurrence(gradient.flip(-1), log_decay).flip(-1)
        # d z[t] / d log_decay = exp(log_decay) * z[t - 1], and upstream[t] gathers all later bins
        slope = torch.linalg.vecdot(upstream[..., 1:], z[..., :-1]).sum(dim=1)
        return upstream, slope * torch.exp(log_decay)


class _DecayBothWays(torch.autograd.Function):
    """As :class:`_Decay`, both ways in one pass; by hand it takes half of autograd's operations."""

    @staticmethod
    def forward(ctx, drive, log_decay, past, future):  # type: ignore[no-untyped-def]
        both = _run_recurrence(torch.cat([drive, drive.flip(-1)], dim=1), log_decay)
        before, after = both.chunk(2, dim=1)
        after = after.flip(-1)
        ctx.save_for_backward(before, after, log_decay, past, future)
        return (before * past[:, None]).addcmul_(after, future[:, None])

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        before, after, log_decay, past, future = ctx.saved_tensors
        weighed = [(gradient * past[:, None]).flip(-1), gradient * future[:, None]]
        from_before, from_after = _run_recurrence(torch.cat(weighed, dim=1), log_decay).chunk(
            2, dim=1
        )
        from_before = from_before.flip(-1)
        slope = torch.linalg.vecdot(from_before[..., 1:], before[..., :-1]).sum(dim=1)
        slope += torch.linalg.vecdot(from_after[..., :-1], after[..., 1:]).sum(dim=1)
        return (
            from_before + from_after,
            slope * torch.exp(log_decay),
            (gradient * before).sum(dim=1),
            (gradient * after).sum(dim=1),
        )


def _run_recurrence(drive: Tensor, log_decay: Tensor) -> Tensor:
    """Return the states of the recurrence, in chunks of about sqrt(time) bins.

    There is a matrix product within each chunk, and one for what they pass on.
    """
    n_channels, n_batch, n_bins = drive.shape
    near, far, reach = _make_lags(n_bins)
    length, n_chunks = len(near), len(far)
    near, far, reach = (lags.to(drive) for lags in (near, far, reach))
    rate = log_decay[:, None, None]
    if n_chunks * length != n_bins:
        drive = F.pad(drive, (0, n_chunks * length - n_bins))
    within = drive.reshape(n_channels, n_batch * n_chunks, length) @ torch.exp(rate * near)
    within = within.view(n_channels, n_batch, n_chunks, length)
    passed_on = within[..., -1].contiguous() @ torch.exp(rate * far)  # (channel, batch, chunk)
    within.addcmul_(passed_on[..., None], torch.exp(rate * reach)[:, None])
    return within.view(n_channels, n_batch, -1)[..., :n_bins]


@lru_cache(maxsize=16)
def _make_lags(n_bins: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return lags from bin to bin in a chunk, from chunk's end to later chunk, and to bin.

    A lag that would go back in time is infinite: it gets no weight. Chunk lengths are powers of 2,
    for which matrix products on a CPU are fastest.
    """
    length = max(8, 2 ** round(math.log2(math.sqrt(n_bins))))
    n_chunks = -(-n_bins // length)
    steps = torch.arange(float(max(length, n_chunks)))
    lag = steps - steps[:, None]  # [from, to]
    near = torch.where(lag >= 0, lag, torch.inf)[:length, :length]
    far = torch.where(lag >= 1, length * (lag - 1), torch.inf)[:n_chunks, :n_chunks]
    return near, far, steps[None, :length] + 1
