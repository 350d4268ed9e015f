"""The weights of a stack are the best for held-out data, drawn towards those that are shared."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from spikecast.models import stacking_weights
from spikecast.models.stacking_weights import fit_stacking_weights


@pytest.fixture(params=[True, False], ids=["counts", "continuous"])
def planted(request):
    """Held-out predictions of three models, of which targets use two in unlike parts."""
    rng = np.random.default_rng(0)
    f = rng.normal(0, 0.5, (3, 200, 50, 4)).astype(np.float32)
    true = np.array([[1.0, 0.2, 0.6, 0.9], [0.0, 0.9, 0.6, 0.1], [0, 0, 0, 0]])
    center = np.log(np.full(4, 0.5)) if request.param else np.full(4, 2.0)
    natural = center + np.einsum("mstn,mn->stn", f, true)
    y = rng.poisson(np.exp(natural)) if request.param else rng.normal(natural, 0.5)
    return f, y, center, request.param, true


def test_the_weights_of_each_target_are_found_and_none_is_negative(planted):
    *given, true = planted
    weights = fit_stacking_weights(*given, pull=1.0)
    np.testing.assert_allclose(weights, true, atol=0.07)
    assert weights.min() >= 0


def test_a_strong_pull_gives_all_targets_the_shared_weights(planted):
    *given, true = planted
    weights = fit_stacking_weights(*given, pull=1e7)
    np.testing.assert_allclose(weights, np.repeat(weights[:, :1], 4, axis=1), atol=1e-3)
    np.testing.assert_allclose(weights[:, 0], true.mean(axis=1), atol=0.15)


def test_a_center_of_each_bin_is_taken_as_such(planted):
    f, y, center, counts, _ = planted
    everywhere = np.broadcast_to(center, y.shape)
    np.testing.assert_array_equal(
        fit_stacking_weights(f, y, everywhere, counts, 1.0),
        fit_stacking_weights(f, y, center, counts, 1.0),
    )


@pytest.mark.parametrize("make", ["_make_poisson_loss", "_make_squared_loss"])
def test_gradients_are_those_of_the_values(make):
    rng = np.random.default_rng(0)
    f, truth, center = rng.normal(size=(3, 40)), rng.poisson(1.0, 40).astype(float), np.zeros(40)
    loss = getattr(stacking_weights, make)(f, truth, center)
    for weights in rng.uniform(0, 1, (3, 3)):
        assert check_grad(lambda w: loss(w)[0], lambda w: loss(w)[1], weights) < 1e-5
