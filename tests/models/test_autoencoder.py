"""Identity is no solution: noise is not copied, shared rates are recovered."""

import numpy as np
import pytest

from spikecast.models.autoencoder import GRUAutoencoder, TimescalesAutoencoder
from spikecast.models.catalog import MODELS
from spikecast.models.networks.autoencoder import CoordinatedDropout
from spikecast.models.preprocess import smooth

AUTOENCODERS = [name for name in MODELS if name.endswith("_autoencoder")]


def correlation(a, b):
    """Of each neuron over trials and bins, then averaged."""
    a, b = (z.reshape(-1, z.shape[2]) - z.mean(axis=(0, 1)) for z in (a, b))
    return np.mean((a * b).mean(axis=0) / (a.std(axis=0) * b.std(axis=0)))


def test_the_catalogue_has_four():
    assert len(AUTOENCODERS) == 4


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_independent_noise_is_not_copied(name):
    counts = np.random.default_rng(0).poisson(0.4, (60, 30, 20))
    rate = MODELS[name]().fit(counts[:40], counts[:40]).predict(counts[40:])
    # of 20 neurons x 20 trials x 30 bins the chance correlation is about 0.01
    assert abs(correlation(rate, counts[40:])) < 0.05
    assert np.log(rate).std(axis=(0, 1)).max() < 0.2


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_rates_with_shared_latents_are_recovered_better_than_by_smoothing(name):
    rng = np.random.default_rng(1)
    latents = smooth(rng.normal(size=(80, 30, 2)), 3.0)
    latents /= latents.std()
    rate = 0.3 * np.exp(0.7 * latents @ rng.normal(size=(2, 25)))
    counts = rng.poisson(rate)
    found = MODELS[name]().fit(counts[:60], counts[:60]).predict(counts[60:])
    of_smoothing = max(
        correlation(smooth(counts[60:], width), rate[60:]) for width in (1.0, 2.0, 3.0, 5.0, 8.0)
    )
    assert correlation(found, rate[60:]) > of_smoothing + 0.05


def test_without_coordinated_dropout_noise_is_copied():
    """The test above can fail: this is what the wrapper prevents."""

    class CountsEverything(CoordinatedDropout):
        def loss(self, x, y):
            return self.trial_loss(self(x), y)

    class Copies(GRUAutoencoder):
        def _build_network(self, n_features, n_targets):
            network = super()._build_network(n_features, n_targets)
            network.__class__ = CountsEverything
            return network

    counts = np.random.default_rng(0).poisson(0.4, (60, 30, 20))
    settings = {"widths": (0.0,), "dropout": 0.0, "learning_rate": 0.02}
    models = [model(**settings).fit(counts[:40], counts[:40]) for model in (Copies, GRUAutoencoder)]
    copied, honest = (correlation(model.predict(counts[40:]), counts[40:]) for model in models)
    assert copied > 0.5
    assert abs(honest) < 0.1


def test_other_targets_are_read_out_of_the_same_latents():
    rng = np.random.default_rng(2)
    counts = rng.poisson(0.5, (12, 15, 6))
    model = TimescalesAutoencoder(n_latents=5, n_members=2, epochs=1)
    model.fit(counts[..., :4], counts[..., 4:])
    assert not model.same_
    assert model.predict(counts[..., :4]).shape == (12, 15, 2)
    assert model.transform(counts[..., :4]).shape == (12, 15, 10)
    assert model.time_constants_.shape == (10,)


def test_a_continuous_recording_is_reconstructed_in_its_unit():
    rng = np.random.default_rng(3)
    latent = smooth(rng.normal(size=(60, 30, 1)), 3.0)
    x = 50 + 20 * latent * rng.uniform(0.5, 2, size=12) + rng.normal(size=(60, 30, 12))
    found = GRUAutoencoder().fit(x[:45], x[:45]).predict(x[45:])
    error = ((found - x[45:]) ** 2).mean(axis=(0, 1))
    assert (error < 0.7 * x[45:].var(axis=(0, 1))).all()
