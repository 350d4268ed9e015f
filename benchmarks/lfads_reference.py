"""LFADS bin by bin with torch's cells, the straightforward way, against ours: seconds per epoch.

Both have the same sizes, the same parts and train in the same loop on the same data; the reference
is what one writes from the paper's equations. Run: ``python benchmarks/lfads_reference.py``.
"""

import argparse
import time
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

import spikecast as sc
from spikecast.models.networks.generators import ControlledGenerator, Trajectory
from spikecast.models.networks.lfads import LFADSNet as Network
from spikecast.models.networks.network import dropout
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.training import train_network


class PerStep(nn.Module):
    """Encoder, controller and generator as torch cells, one bin at a time."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        n_readin, n_encoder = net.readin.shape[1], net.encoder.state_weight.shape[1]
        generator = net.generator
        n_generator, n_factors = generator.factor_weight.shape
        self.forwards = nn.GRUCell(n_readin, n_encoder)
        self.backwards = nn.GRUCell(n_readin, n_encoder)
        self.n_inputs = 0
        if isinstance(generator, ControlledGenerator):
            self.n_inputs = generator.log_time_constant.numel()
            n_controller = generator.posterior_weight.shape[0]
            self.controller = nn.GRUCell(2 * n_encoder + n_factors, n_controller)
            self.posterior = nn.Linear(n_controller, 2 * self.n_inputs)
        self.unit = nn.GRUCell(max(self.n_inputs, 1), n_generator)
        self.factors = nn.Linear(n_generator, n_factors, bias=False)
        self.readout = nn.Linear(n_factors, net.offset.numel())


class Reference(Network):
    """Same variational autoencoder; only how it steps through time differs."""

    cells: PerStep

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z = (x - self.input_center) @ self.readin
        state = z.new_zeros(len(x), self.encoder.state_weight.shape[1])
        after, before = [], []
        forward = backward = state
        for t in range(x.shape[1]):
            forward = self.cells.forwards(z[:, t], forward)
            after.append(forward)
        for t in range(x.shape[1] - 1, -1, -1):
            backward = self.cells.backwards(z[:, t], backward)
            before.insert(0, backward)
        last = dropout(torch.cat([forward, backward], 1), self.dropout, self.training)
        mean, log_variance = (last @ self.initial_weight + self.initial_offset).chunk(2, 1)
        encoded = [torch.cat(pair, 1) for pair in zip(after, before, strict=True)]
        return torch.stack(encoded), mean, log_variance

    def run(self, x: Tensor) -> tuple[Trajectory, Tensor]:
        encoded, mean, log_variance = self.encode(x)
        encoded = dropout(encoded, self.dropout, self.training)
        start = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance) * self.training
        made, cells = self.generator, self.cells
        state = torch.tanh(start @ made.start_weight + made.start_offset)
        states, inputs, noises, variances, self.rates = [], [], [], [], []
        if cells.n_inputs:
            control = made.controller_start.expand(len(x), -1)
        for t in range(x.shape[1]):
            if cells.n_inputs:
                seen = torch.cat([encoded[t], cells.factors(state)], 1)
                control = cells.controller(seen, control)
                u_mean, u_log_variance = cells.posterior(control).chunk(2, 1)
                noise = torch.randn_like(u_mean) * self.training
                u = u_mean + noise * torch.exp(0.5 * u_log_variance)
                inputs.append(u), noises.append(noise), variances.append(u_log_variance)
            else:
                u = x.new_zeros(len(x), 1)
            state = cells.unit(u, state)
            states.append(state)
            dropped = dropout(state, self.dropout, self.training)
            self.rates.append(cells.readout(cells.factors(dropped)))
        divergence = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(1)
        if cells.n_inputs:
            divergence = divergence + made._measure_divergence(
                torch.stack(inputs), torch.stack(noises), torch.stack(variances)
            )
        return Trajectory(torch.stack(states), encoded[..., :0], divergence * 0), divergence

    def _compute_log_rates(self, states: Tensor) -> Tensor:
        return torch.stack(self.rates, dim=1)


def stepwise(net: Network) -> Network:
    """The reference with the sizes of `net`."""
    cells = PerStep(net)
    net.__class__ = Reference
    net.cells = cells
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=256)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    counts = sc.simulate.lorenz(given.trials, n_conditions=50).recording.activity.astype(np.float32)
    x = torch.from_numpy(counts)
    plan = Plan(epochs=1, min_steps=1, batch_size=given.batch)
    fold = sc.splits.Fold(np.arange(len(x)), np.arange(0))
    for n_inputs in (0, 4):
        settings = {"n_inputs": n_inputs, "n_members": 1, "width": 0.0, "n_factors": 20}
        model = sc.models.LFADS(epochs=1, min_steps=1, **settings).fit(counts[:16], counts[:16])
        build = partial(model._build_network, **model.sizes_)
        builds = {"per step": lambda build=build: stepwise(build()), "ours": build}
        seconds: dict[str, list[float]] = {name: [] for name in builds}
        for _ in range(given.repeats):  # in turns, so that other load hits both alike
            for name, made in builds.items():
                started = time.perf_counter()
                train_network(made, x, x, [fold], plan, 0, torch.device("cpu"))
                seconds[name].append(time.perf_counter() - started)
        per_step, mine = (min(seconds[name]) for name in ("per step", "ours"))
        print(
            f"{n_inputs} inputs: per step {per_step:.2f} s, ours {mine:.2f} s per epoch of "
            f"{len(x)} trials x {x.shape[1]} bins: {100 * (1 - mine / per_step):.0f} % fewer"
        )


if __name__ == "__main__":
    main()
