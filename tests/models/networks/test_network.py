"""The loss of a trial, and its gradient that is written by hand."""

import pytest
import torch

from spikecast.models.networks.network import LOSSES, poisson_loss


def draw(*shape):
    return torch.randn(*shape, dtype=torch.double, requires_grad=True)


@pytest.mark.parametrize("shape", [None, (2, 3, 4, 5), (1, 1, 1, 5)])
def test_the_gradient_of_the_poisson_loss_is_that_of_its_value(shape):
    torch.manual_seed(0)
    weight = None if shape is None else torch.rand(*shape, dtype=torch.double)
    counts = torch.poisson(torch.ones(1, 3, 4, 5, dtype=torch.double))  # members share them
    assert torch.autograd.gradcheck(lambda r: poisson_loss(r, counts, weight), draw(2, 3, 4, 5))


@pytest.mark.parametrize("kind", LOSSES)
def test_losses_are_summed_over_targets_with_weights_and_averaged_over_time(kind):
    torch.manual_seed(0)
    output, truth, weight = draw(3, 4, 5), torch.rand(3, 4, 5), torch.rand(3, 4, 5)
    loss = LOSSES[kind]
    assert loss(output, truth).shape == (3,)
    if kind != "label":  # whose classes depend on each other
        single = torch.stack(
            [loss(output[:, t, n, None, None], truth[:, t, n, None, None])
             for t in range(4) for n in range(5)]
        ).view(4, 5, 3)  # fmt: skip
        expected = (single.permute(2, 0, 1) * weight).sum(dim=2).mean(dim=1)
        torch.testing.assert_close(loss(output, truth, weight), expected)
    torch.testing.assert_close(loss(output, truth, torch.ones(5)), loss(output, truth))
