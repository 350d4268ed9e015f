import numpy as np
import pytest
import torch

from spikecast.models.networks.layers import Features
from spikecast.models.preprocess import PopulationFeatures


def counts(seed=0, shape=(6, 30, 8)):
    return np.random.default_rng(seed).poisson(0.5, shape).astype(np.float32)


def both(**settings):
    fitted = PopulationFeatures((0.0, 2.0), 5, **settings).fit(counts())
    return fitted, Features(fitted)


@pytest.mark.parametrize("settings", [{}, {"causal": True}, {"future_only": True}])
def test_features_are_those_of_the_estimator_when_everything_is_seen(settings):
    fitted, features = both(**settings)
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
