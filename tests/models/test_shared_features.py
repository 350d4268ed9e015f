"""Features that models share: the same numbers, computed once, and of this very array only."""

import numpy as np
import pytest

from spikecast.models import preprocess
from spikecast.models.ensemble import Stack
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.shared_features import share_features


@pytest.fixture
def x():
    rng = np.random.default_rng(0)
    return rng.poisson(0.5 + rng.random((20, 1, 12)), size=(20, 30, 12))


@pytest.fixture
def fitted_to(monkeypatch):
    """The number of samples of every set of axes that is learnt."""
    sizes, learn = [], preprocess.find_principal_axes

    def find(flat, n_components):
        sizes.append(len(flat))
        return learn(flat, n_components)

    monkeypatch.setattr(preprocess, "find_principal_axes", find)
    return sizes


def test_fewer_components_are_the_first_of_those_that_are_known(x, fitted_to):
    alone = PopulationFeatures((1.0, 3.0), 4).fit(x)
    with share_features(x, 8):
        many, few = PopulationFeatures((1.0, 3.0), 6), PopulationFeatures((1.0, 3.0), 4)
        assert many.fit_transform(x).shape == (20, 30, 12)
        shared = few.fit_transform(x)
        np.testing.assert_array_equal(few.transform(x), shared)
    assert len(fitted_to) == 4  # two widths, alone and shared
    np.testing.assert_allclose(shared, alone.transform(x), atol=1e-4)
    np.testing.assert_allclose(few.transform(x), shared, atol=1e-5)  # not shared any more
    np.testing.assert_allclose(few.transform(x[3:5]), shared[3:5], atol=1e-5)


def test_more_components_than_are_known_are_learnt(x, fitted_to):
    with share_features(x, 2):
        PopulationFeatures((1.0,), 2).fit(x)
        more = PopulationFeatures((1.0,), 5).fit(x)
    assert len(fitted_to) == 2
    np.testing.assert_allclose(more.axes_, PopulationFeatures((1.0,), 5).fit(x).axes_, atol=1e-5)


def test_features_of_the_past_have_its_smoothing_on_axes_that_are_known(x):
    with share_features(x, 4):
        both = PopulationFeatures((3.0,), 4).fit(x)
        past = PopulationFeatures((3.0,), 3, causal=True)
        z = past.fit_transform(x)
    np.testing.assert_array_equal(past.axes_, both.axes_[:, :3])
    np.testing.assert_allclose(z.mean(axis=(0, 1)), 0, atol=1e-4)
    changed = x.copy()
    changed[:, 20:] += 3
    np.testing.assert_allclose(past.transform(changed)[:, :20], z[:, :20], atol=1e-5)


def test_features_that_begin_with_the_same_widths_are_known(x, fitted_to):
    with share_features(x, 6):
        PopulationFeatures((1.0, 3.0), 6).fit(x)
        fewer = PopulationFeatures((1.0,), 4)
        z = fewer.fit_transform(x)
        np.testing.assert_array_equal(fewer.transform(x), z)
        PopulationFeatures((3.0,), 4).fit(x)  # scaled by its own first component: not known
    assert fitted_to == [600, 600, 600]
    assert z.shape == (20, 30, 4)
    alone = PopulationFeatures((1.0,), 4).fit(x)
    np.testing.assert_allclose(fewer.axes_, alone.axes_, atol=1e-5)
    np.testing.assert_allclose(z, alone.transform(x), atol=1e-4)


def test_a_copy_and_a_part_share_nothing(x, fitted_to):
    with share_features(x, 4):
        PopulationFeatures((1.0,), 4).fit(x)
        PopulationFeatures((1.0,), 4).fit(x.copy())
        PopulationFeatures((1.0,), 4).fit(x[:10])
    assert fitted_to == [600, 600, 300]


def test_a_stack_finds_the_axes_of_its_training_trials_once_per_width(x, fitted_to):
    stack = Stack(n_inner=2).fit(x, x[..., :2])
    assert fitted_to.count(x.shape[0] * x.shape[1]) == len(stack.models_[0].features_.widths)
