"""A generator driven by inferred inputs: two gated recurrent units that feed each other.

At every bin the controller reads the encoder's state and the factors of the bin before, and gives
mean and variance of the generator's input (Pandarinath et al. 2018, methods). So the loop over bins
cannot be split; as in :mod:`spikecast.models.networks.gru` its gradient is written out,
which leaves five matrix products per bin going forward, five going backward, and one per weight
after the loop.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from spikecast.models.networks.gru import advance_bin, compute_slopes


class Weights(NamedTuple):
    """Weights of controller and generator.

    Those of a unit come in four blocks: what enters the reset gate, the update gate, the candidate
    from the state (inside the reset gate) and the candidate from the input. Rows are the unit's
    inputs, then its states; the third block is 0 for inputs, the fourth for states.
    """

    controller: Tensor  # (factor + controller, 4 controller)
    controller_offset: Tensor  # of the candidate's part from the state, (1, controller)
    inputs: Tensor  # to mean and log variance of the inferred input, (controller, 2 input)
    inputs_offset: Tensor  # (1, 2 input)
    generator: Tensor  # (input + generator, 4 generator)
    generator_offset: Tensor  # (1, 4 generator)
    factor: Tensor  # (generator, factor)


def run_controlled(
    drive: Tensor, controller: Tensor, generator: Tensor, noise: Tensor, weights: Weights
) -> tuple[Tensor, Tensor, Tensor]:
    """Return states of generator and controller, and the sampled inputs, each (time, trial, size).

    `drive` (time, trial, 3 controller) is what the encoder adds to the controller's gates and
    candidate; `controller` and `generator` (trial, state) are initial states; `noise` (time, trial,
    input) is standard normal, or 0 for the posterior mean.
    """
    return _Controlled.apply(drive, controller, generator, noise, *weights)


class _Controlled(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx, drive, controller, generator, noise, *weights
    ) -> tuple[Tensor, Tensor, Tensor]:
        w = Weights(*weights)
        n_bins, n_trials, n_inputs = noise.shape
        n_controller, n_generator = controller.shape[1], generator.shape[1]
        n_factors = w.factor.shape[1]
        # a unit's inputs and its state stand in one row, to be multiplied together
        seen = drive.new_empty(n_bins + 1, n_trials, n_factors + n_controller)
        driven = drive.new_empty(n_bins + 1, n_trials, n_inputs + n_generator)
        seen[0, :, n_factors:], driven[0, :, n_inputs:] = controller, generator
        split = 2 * n_controller
        gates_c = torch.cat(
            [
                drive[..., :split],
                w.controller_offset.expand(n_bins, n_trials, -1),
                drive[..., split:],
            ],
            dim=-1,
        )
        gates_g = drive.new_empty(n_bins, n_trials, 4 * n_generator)
        posterior = drive.new_empty(n_bins, n_trials, 2 * n_inputs)
        for t in range(n_bins):
            row, next_row = seen[t], driven[t]
            torch.mm(next_row[:, n_inputs:], w.factor, out=row[:, :n_factors])
            gate = gates_c[t].addmm_(row, w.controller)
            state = seen[t + 1, :, n_factors:]
            advance_bin(gate[:, : 3 * n_controller], gate[:, 3 * n_controller :],
                    row[:, n_factors:], state)  # fmt: skip
            mean, spread = torch.addmm(w.inputs_offset, state, w.inputs, out=posterior[t]).chunk(
                2, 1
            )
            spread.mul_(0.5).exp_()
            torch.addcmul(mean, noise[t], spread, out=next_row[:, :n_inputs])
            gate = torch.addmm(w.generator_offset, next_row, w.generator, out=gates_g[t])
            advance_bin(gate[:, : 3 * n_generator], gate[:, 3 * n_generator :],
                    next_row[:, n_inputs:], driven[t + 1, :, n_inputs:])  # fmt: skip
        ctx.save_for_backward(
            gates_c, gates_g, seen, driven, posterior, noise,
            w.controller, w.inputs, w.generator, w.factor,
        )  # fmt: skip
        return driven[1:, :, n_inputs:], seen[1:, :, n_factors:], driven[:-1, :, :n_inputs]

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[no-untyped-def]
        ctx, of_generator: Tensor, of_controller: Tensor, of_inputs: Tensor
    ):
        (gates_c, gates_g, seen, driven, posterior, noise,
         to_controller, to_input, to_generator, to_factor) = ctx.saved_tensors  # fmt: skip
        n_bins, n_trials, n_inputs = noise.shape
        n_factors = to_factor.shape[1]
        product_c, parts_c, keep_c = _compute_slopes(gates_c, seen[:-1, :, n_factors:])
        product_g, parts_g, keep_g = _compute_slopes(gates_g, driven[:-1, :, n_inputs:])
        # gradient of the log variance: noise * spread / 2 times that of the input
        scale = noise * posterior[..., n_inputs:] * 0.5
        to_posterior = torch.empty_like(posterior)
        to_factors = noise.new_empty(n_bins, n_trials, n_factors)
        total_c, total_g = torch.zeros_like(keep_c[0]), torch.zeros_like(keep_g[0])
        back_c, back_g = to_controller.t(), to_generator.t()
        back_input, back_factor = to_input.t(), to_factor.t()
        for t in range(n_bins - 1, -1, -1):
            total_g = total_g + of_generator[t]
            parts_g[t].mul_(total_g.unsqueeze(1))
            below = product_g[t] @ back_g
            total_g = torch.addcmul(below[:, n_inputs:], total_g, keep_g[t])
            of_input = torch.add(
                below[:, :n_inputs], of_inputs[t], out=to_posterior[t, :, :n_inputs]
            )
            torch.mul(of_input, scale[t], out=to_posterior[t, :, n_inputs:])
            total_c = (total_c + of_controller[t]).addmm_(to_posterior[t], back_input)
            parts_c[t].mul_(total_c.unsqueeze(1))
            below = torch.mm(product_c[t], back_c)
            total_c = torch.addcmul(below[:, n_factors:], total_c, keep_c[t])
            to_factors[t] = below[:, :n_factors]
            total_g.addmm_(to_factors[t], back_factor)

        n_controller = total_c.shape[1]
        to_drive = torch.cat(
            [product_c[..., : 2 * n_controller], product_c[..., 3 * n_controller :]], dim=-1
        )
        return (
            to_drive,
            total_c,
            total_g,
            None,  # noise
            _sum_products(seen[:-1], product_c),
            product_c[..., 2 * n_controller : 3 * n_controller].sum(dim=(0, 1))[None],
            _sum_products(seen[1:, :, n_factors:], to_posterior),
            to_posterior.sum(dim=(0, 1))[None],
            _sum_products(driven[:-1], product_g),
            product_g.sum(dim=(0, 1))[None],
            _sum_products(driven[:-1, :, n_inputs:], to_factors),
        )


def _compute_slopes(gates: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return slopes of the four blocks, whole and as parts, and the update gate."""
    n_states = before.shape[-1]
    slope, by_candidate, keep = compute_slopes(
        gates[..., : 3 * n_states], gates[..., 3 * n_states :], before
    )
    product = torch.cat([slope, by_candidate], dim=-1)
    return product, product.unflatten(-1, (4, n_states)), keep


def _sum_products(before: Tensor, after: Tensor) -> Tensor:
    """Return a weight's gradient: (row, time * trial) @ (time * trial, column)."""
    return before.flatten(0, 1).t() @ after.flatten(0, 1)
