"""Stacks: held-out predictions of training trials, and the weights that are learnt from them."""

import numpy as np
import pytest

from spikecast.models.ensemble import Stack
from spikecast.models.glm import PoissonGLM
from spikecast.models.inner_cv import split_inner_folds
from spikecast.models.timescales import Timescales
from spikecast.scoring.metrics import bits_per_spike, null_rate


def simulate(n_trials, rate, seed=0, n_targets=5):
    """Two slow latents that 60 sources and some targets follow."""
    rng = np.random.default_rng(seed)
    latents = np.zeros((n_trials, 40, 2))
    steps = rng.normal(size=latents.shape)
    for t in range(1, 40):
        latents[:, t] = 0.9 * latents[:, t - 1] + 0.44 * steps[:, t]
    x = rng.poisson(rate * np.exp(0.6 * latents @ rng.normal(size=(2, 60))))
    y = rng.poisson(rate * np.exp(0.6 * latents @ rng.normal(size=(2, n_targets))))
    return x, y


@pytest.fixture(scope="module")
def session():
    return simulate(40, 0.2)


def test_each_training_trial_is_predicted_by_the_member_stopped_on_it(session):
    x, y = session
    model = Timescales(n_members=5, n_latents=4, epochs=1).fit(x, y)
    members = model._run_network(model._prepare_inputs(x), "forward").numpy()
    held_out = model.predict_held_out(x)
    for member, fold in enumerate(split_inner_folds(len(x), 5, model.seed)):
        expected = members[member][fold.test]
        np.testing.assert_allclose(held_out[fold.test], expected, rtol=1e-4, atol=1e-5)


def test_fewer_members_than_parts_hold_nothing_out(session):
    x, y = session
    model = Timescales(n_members=3, n_latents=4, epochs=1).fit(x, y)
    assert not model.holds_out
    assert model.predict_held_out(x) is None


def test_a_refit_is_counted_from_the_mean_of_what_it_learnt_from():
    x, y = simulate(20, 0.01)  # few spikes: means differ from fold to fold
    stack = Stack(("mean_rate", "pca_ridge")).fit(x, y)
    np.testing.assert_allclose(stack._predict_by_refits(stack.models_[0], x, y, None), 0, atol=1e-5)


def test_with_few_spikes_and_trials_a_stack_is_not_worse_than_the_regression():
    gains = []
    for seed in range(3):
        x, y = simulate(330, 0.03, seed)
        null = null_rate(y[:30], y[30:])
        scores = [
            bits_per_spike(y[30:], model.fit(x[:30], y[:30]).predict(x[30:]), null)
            for model in (Stack(), PoissonGLM())
        ]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 0
    assert min(gains) > -0.02
