import numpy as np
import torch

from spikecast.models.networks.augment import perturb_spikes
from spikecast.models.networks.layers import Features
from spikecast.models.networks.transformer import rotate
from spikecast.models.preprocess import PopulationFeatures


def counts(seed=0, shape=(6, 30, 8)):
    return np.random.default_rng(seed).poisson(0.5, shape).astype(np.float32)


def both(causal=False):
    fitted = PopulationFeatures((0.0, 2.0), 5, causal).fit(counts())
    return fitted, Features(fitted)


def test_features_are_those_of_the_estimator_when_everything_is_seen():
    fitted, features = both()
    x = counts(1)
    expected = fitted.transform(x)
    seen = torch.from_numpy(x)[None]
    ones = torch.ones_like(seen)
    for found in (features(seen), features(seen, ones), features(seen, ones[:, :, :1])):
        np.testing.assert_allclose(found[0].numpy(), expected, atol=1e-5)


def test_hidden_entries_have_no_influence():
    _, features = both()
    x = torch.from_numpy(counts(1))[None]
    observed = (torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    changed = torch.where(observed == 1, x, torch.tensor(7.0))
    assert torch.equal(features(x, observed), features(changed, observed))


def test_where_nothing_is_seen_features_are_those_of_the_mean():
    _, features = both()
    x = torch.from_numpy(counts(1))[None]
    found = features(x, torch.zeros(1, 1, 1, 8))
    torch.testing.assert_close(found, torch.zeros_like(found))


def test_the_same_neurons_hidden_at_all_bins_or_by_a_whole_mask_are_the_same():
    _, features = both()
    x = torch.from_numpy(counts(1))[None]
    short = (torch.arange(8) % 2 == 0).float()[None, None, None]
    torch.testing.assert_close(features(x, short), features(x, short.expand(x.shape)))


def test_masked_roots_are_the_features_of_masked_activity():
    fitted, features = both()
    x = counts(1)
    roots = torch.from_numpy(fitted.roots(x))[None]
    observed = torch.rand(1, 6, 1, 8, generator=torch.Generator().manual_seed(0)).round()
    torch.testing.assert_close(
        features.mask_neurons(roots, observed), features(torch.from_numpy(x)[None], observed)
    )


def test_rotary_positions_tell_distances_only():
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 8, generator=generator)
    score = rotate(query.expand(30, 8)) @ rotate(key.expand(30, 8)).T  # (time, time)
    for lag in (-7, 0, 3):
        along = score.diagonal(lag)
        torch.testing.assert_close(along, along[:1].expand(len(along)), atol=1e-4, rtol=1e-4)
    assert score[0].std() > 0.1


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


def test_thinning_a_silent_source_gives_silence():
    assert not perturb_spikes(torch.zeros(1, 3, 5, 2), 0.3, 1).any()
