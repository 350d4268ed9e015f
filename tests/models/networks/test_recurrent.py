import torch

from spikecast.models.networks.recurrent import RecipeNet


def test_the_recipe_is_that_of_torchs_own_rnn():
    torch.manual_seed(0)
    network = RecipeNet(n_features=30, n_latents=6, n_targets=4)
    x = torch.randn(1, 5, 20, 30)
    states, _ = network.recurrence(x[0])
    expected = (states[..., :6] + states[..., 6:])[None] / 2
    found = network.latents(x)
    torch.testing.assert_close(found, expected)
    weights = list(network.recurrence.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(found.square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
