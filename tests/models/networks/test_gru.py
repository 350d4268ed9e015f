"""The written-out gradients against torch's autograd, and the units against torch's own."""

import pytest
import torch
from torch import Tensor, nn

from spikecast.models.networks.gru import run_gru


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


def test_units_are_torchs(draw):
    torch_unit = nn.GRU(4, 5).double()
    drive_in = draw(7, 3, 4)
    initial = draw(1, 3, 5)
    expected, _ = torch_unit(drive_in, initial)
    recurrent = torch_unit.bias_hh_l0
    offset = torch_unit.bias_ih_l0 + torch.cat([recurrent[:10], recurrent[10:] * 0])
    drive = drive_in @ torch_unit.weight_ih_l0.t() + offset
    states = run_gru(
        drive[None], initial, torch_unit.weight_hh_l0.t()[None], recurrent[None, None, 10:]
    )
    agree((states[0],), (expected,), [drive_in, initial, *torch_unit.parameters()])


def test_groups_run_side_by_side_as_they_would_alone(draw):
    parts = [draw(2, 6, 3, 15), draw(2, 3, 5), draw(2, 5, 15), draw(2, 1, 5)]
    together = run_gru(*parts)
    alone = torch.cat([run_gru(*(part[i : i + 1] for part in parts)) for i in range(2)])
    agree((together,), (alone,), parts)
