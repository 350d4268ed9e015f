"""Planted factors are found, and a neuron of few spikes does not become one."""

import numpy as np

from spikecast.models.factor_analysis import FactorAnalysis, fit_factors, predict_targets


def planted(n_factors=3, n_neurons=30, seed=0):
    """Linear factors plus private noise of unlike size; the last ten neurons are targets."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(40, 30, n_factors))
    x = z @ rng.normal(size=(n_factors, n_neurons)) + rng.normal(
        0, np.geomspace(0.7, 3, n_neurons), (40, 30, n_neurons)
    )
    return z, x[..., :20], x[..., 20:]


def test_planted_factors_are_recovered_from_the_sources_alone():
    z, x, y = planted()
    found = fit_factors(x[:30], y[:30], rank=3)
    latents = (x[30:] - found.mean) @ found.readin
    flat, truth = latents.reshape(-1, 3), z[30:].reshape(-1, 3)
    weights, *_ = np.linalg.lstsq(flat, truth, rcond=None)
    assert 1 - ((flat @ weights - truth) ** 2).mean() / truth.var() > 0.8


def test_prediction_is_close_to_the_best_linear_one_of_many_samples():
    _, x, y = planted()
    mine = predict_targets(fit_factors(x[:30], y[:30], rank=3), x[30:])
    flat = x[:30].reshape(-1, 20)
    weights, *_ = np.linalg.lstsq(flat, y[:30].reshape(-1, 10), rcond=None)
    error, best = (np.square(y[30:] - guess).mean() for guess in (mine, x[30:] @ weights))
    assert error < 1.02 * best
    assert error < 0.7 * y[30:].var()


def test_the_planted_number_is_chosen():
    _, x, y = planted()
    model = FactorAnalysis(width=0, ranks=(1, 3, 12)).fit(np.sign(x) * x**2, y)
    assert model.rank_ == 3


def test_a_neuron_that_fires_twice_does_not_spoil_the_prediction():
    rng = np.random.default_rng(1)
    drive = np.repeat(rng.normal(size=(30, 5, 1)), 6, axis=1)
    counts = rng.poisson(np.exp(0.7 * drive - 0.5), size=(30, 30, 20))
    model = FactorAnalysis(ranks=(2,))
    before = model.fit(counts[:20, :, :15], counts[:20, :, 15:]).predict(counts[20:, :, :15])
    rare = counts.copy()
    rare[..., :5] = 0
    rare[3, 7, :5] = rare[11, 2, :5] = rare[25, 4, :5] = 1
    after = model.fit(rare[:20, :, :15], counts[:20, :, 15:]).predict(rare[20:, :, :15])
    assert np.abs(after - before).max() < 2
    assert np.corrcoef(after.ravel(), before.ravel())[0, 1] > 0.8
