"""Context: what nearby trials tell is learnt where it is there, and from training trials only."""

import numpy as np
import pytest

from spikecast.core.errors import InputError, UnknownNameError
from spikecast.models import PoissonGLM, Stack, Timescales, TimescalesAutoencoder, Transformer
from spikecast.models.context import SourceDrift, TargetDrift
from spikecast.models.storage import load, save
from spikecast.scoring.metrics import log_likelihood
from spikecast.tasks.trial_facts import TrialFacts

pytestmark = pytest.mark.usefixtures("few_steps")

N_TRIALS, N_BINS, N_SOURCES, N_TARGETS = 160, 30, 12, 8
QUICK = {"widths": ((3.0,),), "n_components": (5,), "penalties": (4e-3,)}
SMALL = {"n_latents": 8, "n_components": 5, "epochs": 1}


def facts(rows):
    return TrialFacts(np.asarray(rows, dtype=float), np.zeros(len(rows), dtype=int))


def simulate(drift_of_source, drift_of_target, seed=0):
    """Return counts of source and target that share what happens within trials, and a drift."""
    rng = np.random.default_rng(seed)
    slow = np.sin(np.arange(N_TRIALS) / 9)[:, None, None]
    fast = np.repeat(rng.normal(size=(N_TRIALS, 5, 1)), N_BINS // 5, axis=1)
    signs = rng.choice([-1, 1], N_TARGETS)  # drift by the neuron: the population's sum is no help
    log_x = 0.5 * fast + drift_of_source * slow * rng.choice([-1, 1], N_SOURCES)
    log_y = 0.3 * fast + drift_of_target * slow * signs
    return rng.poisson(0.5 * np.exp(log_x)), rng.poisson(0.5 * np.exp(log_y))


def cut():
    order = np.random.default_rng(1).permutation(N_TRIALS)
    return np.sort(order[:120]), np.sort(order[120:])


def score(context, x, y, causal=False):
    train, test = cut()
    known = {"trials": facts(train)} if context != "off" else {}
    asked = {"trials": facts(test)} if context != "off" else {}
    model = PoissonGLM(**QUICK, context=context, causal=causal).fit(x[train], y[train], **known)
    return float(log_likelihood(y[test], model.predict(x[test], **asked)).sum() / y[test].sum())


@pytest.mark.parametrize("causal", [False, True])
def test_a_drift_of_the_targets_is_followed(causal):
    x, y = simulate(0.0, 0.5)
    assert score("full", x, y, causal) > score("off", x, y, causal) + 0.05


@pytest.mark.parametrize(("drift_of_source", "gain"), [(0.4, 0.001), (0.0, 0.005)])
def test_averages_of_the_source_follow_a_drift_whether_or_not_the_source_has_it(
    drift_of_source, gain
):
    """They are smooth in the trial's place: why a gain by context is never called coupling."""
    x, y = simulate(drift_of_source, 0.5)
    assert score("source", x, y) > score("off", x, y) + gain


@pytest.mark.parametrize("context", ["source", "full"])
def test_without_drift_nothing_is_lost(context):
    losses = []
    for seed in range(3):
        x, y = simulate(0.0, 0.0, seed)
        losses.append(score("off", x, y) - score(context, x, y))
    assert max(losses) < 0.002


def make_drift(causal=False):
    rng = np.random.default_rng(0)
    rate = np.exp(np.sin(np.arange(60) / 5))[:, None, None] * np.ones((60, 10, 3))
    y = rng.poisson(rate)
    return TargetDrift(causal=causal).fit(y, y, np.ones(y.shape), np.arange(60.0)), rate


def test_a_trial_is_told_nothing_by_its_own_counts():
    drift, _ = make_drift()
    before = drift.deviate(np.array([20.0]))
    drift.observed_[20] += 1000
    assert np.array_equal(drift.deviate(np.array([20.0])), before)
    assert not np.array_equal(drift.deviate(np.array([21.0])), drift.deviate(np.array([22.0])))


def test_a_causal_context_is_told_nothing_by_later_trials():
    drift, _ = make_drift(causal=True)
    place = np.arange(20.0, 25)
    before = drift.deviate(place)
    drift.observed_[24:] += 1000
    assert np.array_equal(drift.deviate(place), before)


def test_the_planted_gain_is_found():
    drift, rate = make_drift()
    found = drift.deviate(np.arange(60.0))
    assert np.corrcoef(found[:, 0], np.log(rate[:, 0, 0]))[0, 1] > 0.9


def test_targets_that_do_not_drift_are_left_as_they_are():
    y = np.random.default_rng(0).poisson(1.0, (60, 10, 5))
    drift = TargetDrift().fit(y, y, np.ones(y.shape), np.arange(60.0))
    assert np.abs(drift.deviate(np.arange(60.0))).max() < 0.1


def test_a_source_that_tells_nothing_gets_no_weight():
    rng = np.random.default_rng(0)
    x, y = rng.poisson(1.0, (60, 10, 5)), rng.poisson(1.0, (60, 10, 3))
    source = SourceDrift().fit(x, y, np.ones(y.shape), np.arange(60.0))
    assert np.abs(source.deviate(np.arange(60.0))).max() < 0.05


MODELS = {
    "poisson_glm": PoissonGLM(**QUICK),
    "timescales": Timescales(**SMALL, n_members=1),
    "transformer": Transformer(**SMALL),
    "timescales_autoencoder": TimescalesAutoencoder(**SMALL),
    "stack": Stack(["poisson_glm"]),
}


@pytest.mark.parametrize("context", ["source", "full"])
@pytest.mark.parametrize("name", MODELS)
def test_rows_are_predicted_one_by_one_and_kept_on_disk(name, context, tmp_path):
    x, y = simulate(0.4, 0.5)
    model = MODELS[name].set_params(context=context)
    y = x if name == "timescales_autoencoder" else y
    model.fit(x[:60], y[:60], trials=facts(range(60)))
    later = np.array([60, 70, 65])
    predicted = model.predict(x[later], trials=facts(later))
    alone = model.predict(x[later[1:2]], trials=facts(later[1:2]))
    np.testing.assert_allclose(predicted[1:2], alone, rtol=1e-5)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model").predict(x[later], trials=facts(later))
    np.testing.assert_allclose(again, predicted, rtol=1e-6)


def test_continuous_targets_are_followed_too():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 20, 6))
    slow = np.sin(np.arange(80) / 6)[:, None, None]
    y = x[..., :2] + 3 * slow + rng.normal(size=(80, 20, 2))
    train, test = np.arange(0, 80, 2), np.arange(1, 80, 2)
    errors = {}
    for context in ("off", "full"):
        known = [{} if context == "off" else {"trials": facts(rows)} for rows in (train, test)]
        model = Stack(["pca_ridge"], context=context).fit(x[train], y[train], **known[0])
        errors[context] = np.square(model.predict(x[test], **known[1]) - y[test]).mean()
    assert errors["full"] < 0.5 * errors["off"]


def test_what_a_context_needs_is_said():
    x, y = simulate(0.0, 0.0)
    with pytest.raises(InputError, match="place of each trial"):
        PoissonGLM(**QUICK, context="full").fit(x, y)
    unknown = TrialFacts.unknown(len(x))
    with pytest.raises(InputError, match="order in which trials were recorded"):
        PoissonGLM(**QUICK, context="full").fit(x, y, trials=unknown)
    with pytest.raises(InputError, match="uses no facts"):
        PoissonGLM(**QUICK).fit(x, y, trials=facts(range(len(x))))
    with pytest.raises(InputError, match="trials must be facts of trials"):
        PoissonGLM(**QUICK, context="full").fit(x, y, trials=np.arange(len(x)))
    with pytest.raises(UnknownNameError, match="full"):
        PoissonGLM(**QUICK, context="ful").fit(x, y)
