import pytest
import torch
from torch import Tensor

from spikecast.models.networks.controller import Weights, run_controlled


@pytest.fixture
def draw():
    rng = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=rng, dtype=torch.float64).requires_grad_()


def agree(found: tuple[Tensor, ...], expected: tuple[Tensor, ...], parameters: list[Tensor]):
    """Values are equal, and so are the gradients of an arbitrary weighted sum of them."""
    torch.testing.assert_close(found, expected)
    sums = [
        sum((out * torch.linspace(-1, 2, out.numel()).view(out.shape)).sum() for out in outputs)
        for outputs in (found, expected)
    ]
    torch.testing.assert_close(*(torch.autograd.grad(total, parameters) for total in sums))


def slow_controlled(drive, c, g, noise, to_c, c_offset, to_u, u_offset, to_g, g_offset, to_f):
    """The equations, one bin at a time."""

    def unit(inputs, state, drive, weight):
        reset, update, recurrent, candidate = (
            (torch.cat([inputs, state], 1) @ weight + drive).chunk(4, dim=1)
        )  # fmt: skip
        n = torch.tanh(candidate + torch.sigmoid(reset) * recurrent)
        return n + torch.sigmoid(update) * (state - n)

    outputs = []
    for t in range(len(drive)):
        gates, candidate = drive[t].split([2 * c.shape[1], c.shape[1]], dim=1)
        bias = c_offset.expand(len(c), -1)
        c = unit(g @ to_f, c, torch.cat([gates, bias, candidate], 1), to_c)
        mean, log_variance = (c @ to_u + u_offset).chunk(2, dim=1)
        u = mean + noise[t] * torch.exp(0.5 * log_variance)
        g = unit(u, g, g_offset, to_g)
        outputs.append((g, c, u))
    return tuple(torch.stack(part) for part in zip(*outputs, strict=True))


@pytest.mark.parametrize("n_bins", [1, 6])
def test_controller_and_generator_follow_their_equations(draw, n_bins):
    drive, controller, generator = draw(n_bins, 3, 12), draw(3, 4), draw(3, 6)
    noise = draw(n_bins, 3, 2).detach()
    weights = [draw(3 + 4, 16), draw(1, 4), draw(4, 4), draw(1, 4), draw(2 + 6, 24), draw(1, 24),
               draw(6, 3)]  # fmt: skip
    arguments = (drive, controller, generator, noise, *weights)
    agree(
        run_controlled(*arguments[:4], Weights(*weights)),
        slow_controlled(*arguments),
        [drive, controller, generator, *weights],
    )
