"""Stacks: held-out predictions of training trials, and the weights that are learnt from them."""

import numpy as np
import pytest
from sklearn.base import clone

from spikecast.core.errors import InputError
from spikecast.models.ensemble import Auto, Stack
from spikecast.models.glm import PoissonGLM
from spikecast.models.inner_cv import split_inner_folds
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.stack_members import IN_AUTO, are_few
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
    parts = split_inner_folds(len(x), 5, model.seed)
    for member, (fold, natural) in enumerate(model.predict_held_out(x, y)):
        np.testing.assert_array_equal(fold.test, parts[member].test)
        np.testing.assert_allclose(natural, members[member][fold.test], rtol=1e-4, atol=1e-5)


def test_networks_that_hold_out_a_part_predict_nothing_else(session):
    x, y = session
    model = Timescales(n_members=2, held_out_parts=3, n_latents=4, epochs=1).fit(x, y)
    networks = model._run_networks(model._prepare_inputs(x), "forward").numpy()
    assert networks.shape[0] == 5
    np.testing.assert_allclose(np.log(model.predict(x)), networks[3:].mean(axis=0), rtol=1e-4)
    assert model.transform(x).shape[2] == len(model.time_constants_) == 2 * 4
    parts = split_inner_folds(len(x), 3, model.seed)
    for number, (fold, natural) in enumerate(model.predict_held_out(x, y)):
        np.testing.assert_array_equal(fold.test, parts[number].test)
        np.testing.assert_allclose(natural, networks[number][fold.test], rtol=1e-4, atol=1e-5)


def test_fewer_members_than_parts_are_refitted(session):
    x, y = session
    model = Timescales(n_members=3, n_latents=4, epochs=1).fit(x, y)
    assert not model.holds_out
    fold, natural = next(model.predict_held_out(x, y))
    again = clone(model).fit(x[fold.train], y[fold.train])
    np.testing.assert_allclose(np.exp(natural), again.predict(x[fold.test]), rtol=1e-5)


def test_a_refit_is_counted_from_the_mean_of_what_it_learnt_from():
    x, y = simulate(20, 0.01)  # few spikes: means differ from fold to fold
    stack = Stack(("mean_rate", "pca_ridge")).fit(x, y)
    np.testing.assert_allclose(stack._hold_out(x, y, None)[0], 0, atol=1e-5)


@pytest.mark.slow
def test_with_few_spikes_and_trials_a_stack_is_at_most_two_per_cent_below_the_regression():
    scores = []
    for seed in range(3):
        x, y = simulate(330, 0.03, seed)
        null = null_rate(y[:30], y[30:])
        fitted = [model.fit(x[:30], y[:30]) for model in (Stack(), PoissonGLM())]
        scores.append([bits_per_spike(y[30:], model.predict(x[30:]), null) for model in fitted])
    stack, regression = np.transpose(scores)
    assert stack.mean() > 0.98 * regression.mean()
    assert (stack - regression).min() > -0.03


def test_the_networks_of_a_stack_see_past_future_and_both():
    stack = Stack(("timescales",))
    sees = [(model.causal, model.future_only) for model in stack._make_members("timescales")]
    assert sees == [(False, False), (True, False), (False, True), (False, False)]
    causal = Stack(("timescales",), causal=True)._make_members("timescales")
    assert [(model.causal, model.future_only) for model in causal] == [(True, False)] * 3
    assert [model.n_components for model in causal] == [10, 40, 200]


def test_auto_is_the_default_stack_where_spikes_are_few(session):
    x, y = session[0][:8, :20], session[1][:8, :20]
    assert are_few(y, True)
    np.testing.assert_array_equal(Auto().fit(x, y).predict(x), Stack().fit(x, y).predict(x))
    named = Auto(("mean_rate", "transformer")).fit(x, y)
    assert [type(model).__name__ for model in named.models_] == ["MeanRate", "Transformer"]


def test_the_networks_of_auto_learn_from_all_trials_where_spikes_are_many():
    assert not are_few(np.ones((60, 10, 3)), True)
    assert not are_few(np.zeros((60, 10, 3)), False)
    made = Auto()._make_members("timescales", IN_AUTO)
    assert [model.held_out_parts for model in made] == [5] * 5


def test_a_causal_stack_never_sees_the_future(session):
    x, y = session
    changed = x.copy()
    changed[:, 25:] = 3
    stack = Stack(("pca_ridge", "timescales"), causal=True).fit(x, y)
    np.testing.assert_allclose(stack.predict(x)[:, :25], stack.predict(changed)[:, :25], rtol=1e-5)
    np.testing.assert_allclose(
        stack.transform(x)[:, :25], stack.transform(changed)[:, :25], atol=1e-5
    )


def test_latents_of_a_stack_see_past_and_future_even_where_halves_weigh_more(session):
    x, y = session
    stack = Stack(("timescales",)).fit(x, y)
    stack.weights_[:] = np.array([0, 10, 10, 1])[:, np.newaxis]
    np.testing.assert_array_equal(stack.transform(x), stack.models_[3].transform(x))


def test_features_of_the_future_are_those_of_the_past_of_reversed_time(session):
    x, _ = session
    of_future = PopulationFeatures((3.0,), 5, future_only=True).fit_transform(x)
    of_past = PopulationFeatures((3.0,), 5, causal=True).fit_transform(x[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(np.abs(of_future), np.abs(of_past), atol=1e-3)


def test_past_and_future_alone_are_refused(session):
    x, y = session
    with pytest.raises(InputError, match="take one"):
        Timescales(causal=True, future_only=True).fit(x, y)


def test_a_single_inner_fold_is_refused(session):
    x, y = session
    with pytest.raises(InputError, match="n_inner is 1"):
        Stack(("mean_rate", "pca_ridge"), n_inner=1).fit(x, y)
