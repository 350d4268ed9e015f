import numpy as np
import torch

from spikecast.models.networks.augment import add_noise, perturb_spikes


def counts(seed=0, shape=(6, 30, 8)):
    return np.random.default_rng(seed).poisson(0.5, shape).astype(np.float32)


def test_spikes_are_kept_in_their_trial_and_neuron_when_they_move():
    x = torch.from_numpy(counts(2)).expand(2, -1, -1, -1)
    moved = perturb_spikes(x, thinning=0.0, jitter=3)
    torch.testing.assert_close(moved.sum(dim=2), x.sum(dim=2))
    assert not torch.equal(moved, x)
    single = torch.zeros(1, 1, 21, 1)
    single[0, 0, 10] = 1
    places = {int(perturb_spikes(single, 0.0, 2).argmax()) for _ in range(100)}
    assert places == {8, 9, 10, 11, 12}


def test_thinning_keeps_the_mean_and_adds_no_spike():
    torch.manual_seed(0)
    x = torch.full((1, 20, 50, 10), 2.0)
    thinned = perturb_spikes(x, thinning=0.25, jitter=0)
    assert abs(thinned.mean().item() - 2.0) < 0.05
    assert set((thinned * 0.75).unique().round().tolist()) <= {0.0, 1.0, 2.0}
    assert torch.equal(perturb_spikes(x, 0.0, 0), x)


def test_noise_has_the_spread_of_each_neuron():
    torch.manual_seed(0)
    noisy = add_noise(torch.ones(1, 40, 50, 2), np.array([0.0, 2.0]))
    assert torch.equal(noisy[..., 0], torch.ones(1, 40, 50))
    assert abs(noisy[..., 1].std().item() - 2.0) < 0.1


def test_thinning_a_silent_source_gives_silence():
    assert not perturb_spikes(torch.zeros(1, 3, 5, 2), 0.3, 1).any()
