"""Generators of LFADS: recurrent networks that run by themselves, or with inferred inputs."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from spikecast.models.networks.controller import Weights, run_controlled
from spikecast.models.networks.gru import GRUWeights, run_gru
from spikecast.models.networks.network import draw_uniform

# Log variance that posteriors start with. At that of the prior, 0, the generator is driven by noise
# alone until the encoder has learnt to lower it, which with few spikes takes most of the training.
START_LOG_VARIANCE = -4.0


class Trajectory(NamedTuple):
    """States of a generator, and its inferred inputs (no columns where there are none)."""

    states: Tensor  # (time, trial, generator)
    inputs: Tensor  # (time, trial, input)
    divergence: Tensor  # of the posterior of the inputs from their prior, nats, (trial,)


class AutonomousGenerator(nn.Module):
    """A generator that runs by itself from its initial condition."""

    def __init__(self, n_initial: int, n_encoded: int, n_factors: int, n_generator: int) -> None:
        super().__init__()
        self.start_weight = draw_uniform(n_initial, n_generator, fan_in=n_initial)
        self.start_offset = nn.Parameter(torch.zeros(n_generator))
        self.unit = GRUWeights(1, 0, n_generator)
        self.factor_weight = draw_uniform(n_generator, n_factors, fan_in=n_generator)

    def forward(self, initial: Tensor, encoded: Tensor, sample: bool) -> Trajectory:
        """(trial, initial) and (time, trial, encoded) -> Trajectory."""
        start = torch.tanh(initial @ self.start_weight + self.start_offset)
        n_bins, n_trials, _ = encoded.shape
        unit = self.unit
        drive = unit.input_offset[:, None].expand(1, n_bins, n_trials, -1)
        states = run_gru(drive, start[None], unit.state_weight, unit.state_offset)[0]
        return Trajectory(states, encoded[..., :0], encoded.new_zeros(n_trials))


class ControlledGenerator(nn.Module):
    """A generator with inferred inputs, which have an autoregressive prior.

    The prior of each input is a stationary process of order 1, independent of the others, with a
    learnt time constant and variance.
    """

    def __init__(
        self,
        n_initial: int,
        n_encoded: int,
        n_factors: int,
        n_generator: int,
        n_controller: int,
        n_inputs: int,
    ) -> None:
        super().__init__()
        self.start_weight = draw_uniform(n_initial, n_generator, fan_in=n_initial)
        self.start_offset = nn.Parameter(torch.zeros(n_generator))
        self.factor_weight = draw_uniform(n_generator, n_factors, fan_in=n_generator)
        self.controller = GRUWeights(1, n_encoded + n_factors, n_controller)
        self.controller_start = nn.Parameter(torch.zeros(1, n_controller))
        self.posterior_weight = draw_uniform(n_controller, 2 * n_inputs, fan_in=n_controller)
        self.posterior_offset = nn.Parameter(start_posterior(n_inputs)[None])
        self.unit = GRUWeights(1, n_inputs, n_generator)
        self.log_time_constant = nn.Parameter(torch.full((n_inputs,), math.log(10.0)))
        self.log_prior_variance = nn.Parameter(torch.zeros(n_inputs))

    def forward(self, initial: Tensor, encoded: Tensor, sample: bool) -> Trajectory:
        """(trial, initial) and (time, trial, encoded) -> Trajectory."""
        n_bins, n_trials, n_encoded = encoded.shape
        n_inputs = self.log_time_constant.numel()
        start = torch.tanh(initial @ self.start_weight + self.start_offset)
        shape = (n_bins, n_trials, n_inputs)
        noise = torch.randn(shape, device=encoded.device) if sample else encoded.new_zeros(shape)
        unit = self.controller
        of_encoded, of_factors = unit.input_weight[0].split(
            [n_encoded, self.factor_weight.shape[1]]
        )
        drive = torch.addmm(unit.input_offset[0], encoded.flatten(0, 1), of_encoded)
        states, controller, inputs = run_controlled(
            drive.view(n_bins, n_trials, -1),
            self.controller_start.expand(n_trials, -1),
            start,
            noise,
            Weights(
                _join_blocks(of_factors, unit.state_weight[0]),
                unit.state_offset[0],
                self.posterior_weight,
                self.posterior_offset,
                _join_blocks(self.unit.input_weight[0], self.unit.state_weight[0]),
                _join_offsets(self.unit),
                self.factor_weight,
            ),
        )
        posterior = controller @ self.posterior_weight + self.posterior_offset
        divergence = self._measure_divergence(inputs, noise, posterior[..., n_inputs:])
        return Trajectory(states, inputs, divergence)

    def _measure_divergence(self, inputs: Tensor, noise: Tensor, log_variance: Tensor) -> Tensor:
        """Return log posterior minus log prior of the sample, (trial,)."""
        of_posterior = -0.5 * (noise.square() + log_variance)
        decay = torch.exp(-torch.exp(-self.log_time_constant))
        # the first bin has the stationary variance, later ones what the process adds to it
        innovation = self.log_prior_variance + torch.log1p(-decay.square())
        first, later = inputs[:1], inputs[1:] - decay * inputs[:-1]
        of_prior = -0.5 * torch.cat(
            [
                first.square() * torch.exp(-self.log_prior_variance) + self.log_prior_variance,
                later.square() * torch.exp(-innovation) + innovation,
            ]
        )
        return (of_posterior - of_prior).sum(dim=(0, 2))


Generator = AutonomousGenerator | ControlledGenerator


def start_posterior(size: int) -> Tensor:
    """Return offsets of the posterior's mean and log variance when training starts, (2 size,)."""
    return torch.cat([torch.zeros(size), torch.full((size,), START_LOG_VARIANCE)])


def choose_generator(
    n_generator: int, n_controller: int, n_inputs: int
) -> Callable[[int, int, int], Generator]:
    """Return what makes a generator from the sizes of initial condition, encoder and factors.

    With 0 inputs the generator runs by itself, without a controller.
    """
    if n_inputs == 0:
        return partial(AutonomousGenerator, n_generator=n_generator)
    return partial(
        ControlledGenerator, n_generator=n_generator, n_controller=n_controller, n_inputs=n_inputs
    )


def _join_blocks(from_input: Tensor, from_state: Tensor) -> Tensor:
    """Return a unit's weights in the blocks of :class:`Weights`, (input + state, 4 state)."""
    n_states = from_state.shape[0]
    gates, candidate = from_input.split([2 * n_states, n_states], dim=1)
    nothing = from_input.new_zeros(len(from_input), n_states)
    upper = torch.cat([gates, nothing, candidate], dim=1)
    lower = torch.cat([from_state, from_state.new_zeros(n_states, n_states)], dim=1)
    return torch.cat([upper, lower])


def _join_offsets(unit: GRUWeights) -> Tensor:
    """Return a unit's offsets in the same four blocks, (1, 4 state)."""
    n_states = unit.state_offset.shape[-1]
    gates, candidate = unit.input_offset[0].split([2 * n_states, n_states], dim=1)
    return torch.cat([gates, unit.state_offset[0], candidate], dim=1)
