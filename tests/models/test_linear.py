"""The closed forms agree with libraries and with their definitions."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from spikecast.models.linear import ReducedRank, fit_ridge_path


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20, 30, 6)) * [3, 2, 1, 1, 0.5, 0.2] + 0.3
    w = rng.normal(size=(6, 3)) * 0.2
    return z, rng.poisson(np.exp(z @ w - 1))


def test_ridge_equals_scikit_learns(data):
    z, y = data
    ((weights, intercept),) = fit_ridge_path(z, y, [0.1])
    expected = Ridge(alpha=0.1 * 600).fit(z.reshape(-1, 6), y.reshape(-1, 3))
    np.testing.assert_allclose(weights.T, expected.coef_, atol=1e-6)
    np.testing.assert_allclose(intercept, expected.intercept_, atol=1e-6)


def test_reduced_rank_finds_the_planted_rank_and_its_latents_make_the_prediction():
    rng = np.random.default_rng(0)
    x = rng.poisson(2.0, (60, 20, 15))
    features = np.sqrt(x)
    y = features @ rng.normal(size=(15, 2)) @ rng.normal(size=(2, 10))
    y += rng.normal(0, 1.0, y.shape)
    model = ReducedRank(widths=(0,), n_components=15, ranks=(1, 2, 3, 5, 10)).fit(x, y)
    assert model.rank_ in (2, 3)
    latents = model.transform(x)
    np.testing.assert_allclose(
        latents @ model.readout_ + model.intercept_, model.predict(x), atol=1e-4
    )


def test_at_full_rank_reduced_rank_is_ridge():
    rng = np.random.default_rng(1)
    x = rng.poisson(2.0, (30, 20, 8))
    y = rng.normal(size=(30, 20, 4)) + x[..., :4]
    model = ReducedRank(penalties=(0.01,), ranks=(4,), n_components=8).fit(x, y)
    z = model.features_.transform(x)
    ((weights, intercept),) = fit_ridge_path(z, y, [0.01])
    np.testing.assert_allclose(model.predict(x), z @ weights + intercept, atol=1e-5)
