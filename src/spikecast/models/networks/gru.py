"""Gated recurrent units (Cho et al. 2014) over whole sequences, with their gradient written out.

A gated recurrent unit in torch's convention, state h and input drive a:

    r = sigmoid(a_r + W_r h)    u = sigmoid(a_u + W_u h)
    n = tanh(a_n + r (W_n h + b))    h' = n + u (h - n)

The loop over bins does as little as possible. Going forward, a bin is one matrix product. Going
backward, the slopes of all gates are computed beforehand for all bins at once, so a bin is one
element-wise and one matrix product, and the gradient of the weights is one product after the loop.
torch's autograd does each of these bin by bin, which for neural data takes twice as long
(benchmarks/lfads_reference.py).
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from spikecast.models.networks.network import draw_uniform


class GRUWeights(nn.Module):
    """Weights of several independent gated recurrent units, for example of two directions.

    Those of the input are (group, input, 3 state), those of the state (group, state, 3 state): to
    reset gate, update gate and candidate. `state_offset` (group, 1, state) is that of the
    candidate, inside the reset gate.
    """

    def __init__(self, n_groups: int, n_inputs: int, n_states: int) -> None:
        super().__init__()
        self.input_weight = draw_uniform(n_groups, n_inputs, 3 * n_states, fan_in=max(n_inputs, 1))
        self.input_offset = nn.Parameter(torch.zeros(n_groups, 1, 3 * n_states))
        self.state_weight = draw_uniform(n_groups, n_states, 3 * n_states, fan_in=n_states)
        self.state_offset = nn.Parameter(torch.zeros(n_groups, 1, n_states))


def run_gru(drive: Tensor, initial: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """Return the states of gated recurrent units after each bin, (group, time, trial, state).

    `drive` (group, time, trial, 3 state) is what the input adds to the reset gate, the update gate
    and the candidate, `initial` is (group, trial, state); weights are as in :class:`GRUWeights`.

    Examples
    --------
    >>> still = run_gru(torch.zeros(1, 5, 2, 9), torch.ones(1, 2, 3), torch.zeros(1, 3, 9),
    ...             torch.zeros(1, 1, 3))
    >>> still[0, :3, 0, 0]  # with all gates half open the state halves in every bin
    tensor([0.5000, 0.2500, 0.1250])
    """
    return _GRU.apply(drive, initial, weight, offset)


class _GRU(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx, drive: Tensor, initial: Tensor, weight: Tensor, offset: Tensor
    ) -> Tensor:
        n_groups, n_bins, n_trials, _ = drive.shape
        n_states = initial.shape[-1]
        candidate = drive[..., 2 * n_states :].clone(memory_format=torch.contiguous_format)
        gates = drive.clone(memory_format=torch.contiguous_format)
        gates[..., 2 * n_states :] = offset[:, None]
        states = drive.new_empty(n_groups, n_bins + 1, n_trials, n_states)
        states[:, 0] = initial
        bins = (part.unbind(1) for part in (gates, candidate, states[:, :-1], states[:, 1:]))
        for gate, n, before, after in zip(*bins, strict=True):
            torch.baddbmm(gate, before, weight, out=gate)
            advance_bin(gate, n, before, after)
        ctx.save_for_backward(gates, candidate, states, weight)
        return states[:, 1:]

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, ...]:  # type: ignore[no-untyped-def]
        gates, candidate, states, weight = ctx.saved_tensors
        n_states = states.shape[-1]
        slope, by_candidate, keep = compute_slopes(gates, candidate, states[:, :-1])
        transposed = weight.transpose(1, 2)
        total = torch.zeros_like(states[:, 0])
        upstream = torch.empty_like(candidate)  # gradient of the state after each bin
        parts = slope.unflatten(-1, (3, n_states))
        bins = (part.unbind(1) for part in (slope, parts, keep, upstream, gradient))
        for product, part, direct, here, own in reversed(list(zip(*bins, strict=True))):
            torch.add(total, own, out=here)
            part.mul_(here.unsqueeze(-2))  # from slopes to gradients of what enters the gates
            torch.mul(here, direct, out=total)
            total.baddbmm_(product, transposed)
        to_offset = slope[..., 2 * n_states :].sum(dim=(1, 2))[:, None]
        # group: (state, time * trial) @ (time * trial, 3 state)
        before = states[:, :-1].flatten(1, 2).transpose(1, 2)
        to_weight = before @ slope.flatten(1, 2)
        torch.mul(upstream, by_candidate, out=slope[..., 2 * n_states :])
        return slope, total, to_weight, to_offset


def advance_bin(gates: Tensor, candidate: Tensor, before: Tensor, after: Tensor) -> None:
    """Compute the gates, the candidate and the new state (..., state) of one bin, in place.

    `gates` (..., 3 state) holds the drives of reset and update gate, which become the gates, and
    ``W_n h + b``; `candidate` (..., state) holds its drive from the input, which becomes the
    candidate.
    """
    n_states = before.shape[-1]
    gates[..., : 2 * n_states].sigmoid_()
    reset, update, recurrent = gates.split(n_states, dim=-1)
    candidate.addcmul_(reset, recurrent).tanh_()
    torch.lerp(candidate, before, update, out=after)


def compute_slopes(
    gates: Tensor, candidate: Tensor, before: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the derivatives of the new state, (..., state), for all bins at once.

    The first, (..., 3 state), is by what enters the reset gate, the update gate, and by ``W_n h +
    b``; the second by the candidate's drive; the third by the state before: the update gate.
    """
    reset, update, recurrent = gates.split(before.shape[-1], dim=-1)
    open_to_new = 1 - update
    by_candidate = torch.addcmul(open_to_new, open_to_new, candidate.square(), value=-1)
    slope = torch.empty_like(gates)
    by_reset, by_update, by_recurrent = slope.split(before.shape[-1], dim=-1)
    torch.mul(by_candidate, reset, out=by_recurrent)
    torch.mul((1 - reset).mul_(recurrent), by_recurrent, out=by_reset)
    torch.mul((before - candidate).mul_(update), open_to_new, out=by_update)
    return slope, by_candidate, update
