"""Models fitted on top of a prediction."""

import numpy as np
import pytest

from spikecast.core.errors import InputError, ShapeError
from spikecast.models import storage
from spikecast.models.catalog import MODELS
from spikecast.scoring.metrics import bits_per_spike

QUICK = {
    "timescales": {"epochs": 6, "n_members": 1, "n_latents": 16},
    "stack": {"models": ("poisson_glm", "pca_ridge", "transformer"), "n_inner": 2},
}
NAMES = ("poisson_glm", "pca_ridge", "timescales", "stack")
TRAIN, TEST = np.arange(100)[::2], np.arange(100)[1::2]


@pytest.fixture(scope="module")
def session():
    """Sources and targets of two latents; the targets drift besides, which is the base."""
    rng = np.random.default_rng(0)
    latents = np.zeros((100, 40, 2))
    steps = rng.normal(size=latents.shape)
    for t in range(1, 40):
        latents[:, t] = 0.9 * latents[:, t - 1] + 0.44 * steps[:, t]
    x = rng.poisson(0.4 * np.exp(0.6 * latents @ rng.normal(size=(2, 20))))
    base = 0.4 * np.exp(0.9 * np.sin(np.arange(100) / 6))[:, None, None] * np.ones((1, 40, 5))
    added = 0.6 * latents @ rng.normal(size=(2, 5))
    return x, rng.poisson(base * np.exp(added)), base, base + added


def make(name):
    return MODELS[name]().set_params(**QUICK.get(name, {}))


@pytest.mark.parametrize("name", NAMES)
def test_more_is_predicted_on_top_than_alone(name, session):
    x, y, base, _ = session
    on_top = make(name).fit(x[TRAIN], y[TRAIN], base=base[TRAIN]).predict(x[TEST], base=base[TEST])
    alone = make(name).fit(x[TRAIN], y[TRAIN]).predict(x[TEST])
    gains = [bits_per_spike(y[TEST], rate, base[TEST]) for rate in (on_top, alone)]
    assert gains[0] > 0.1
    assert gains[0] > gains[1]


@pytest.mark.parametrize("name", ["pca_ridge", "timescales"])
def test_continuous_values_too(name, session):
    x, _, base, value = session
    y = value + 0.3 * np.random.default_rng(1).normal(size=value.shape)
    model = make(name).fit(x[TRAIN], y[TRAIN], base=base[TRAIN])
    missed = np.square(y[TEST] - model.predict(x[TEST], base=base[TEST])).mean()
    assert missed < 0.6 * np.square(y[TEST] - base[TEST]).mean()


@pytest.mark.parametrize("name", NAMES)
def test_noise_adds_nothing(name, session):
    _, y, base, _ = session
    rng = np.random.default_rng(3)
    x, y = rng.poisson(0.4, (100, 40, 20)), rng.poisson(base)
    rate = make(name).fit(x[TRAIN], y[TRAIN], base=base[TRAIN]).predict(x[TEST], base=base[TEST])
    assert -0.1 < bits_per_spike(y[TEST], rate, base[TEST]) < 0.01


def test_a_stored_model_predicts_the_same(session, tmp_path):
    x, y, base, _ = session
    model = make("poisson_glm").fit(x, y, base=base)
    storage.save(model, tmp_path / "model")
    loaded = storage.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(x, base=base), model.predict(x, base=base))


def test_wrong_bases_are_refused(session):
    x, y, base, _ = session
    model = make("poisson_glm")
    with pytest.raises(ShapeError, match="base"):
        model.fit(x, y, base=base[:, :3])
    with pytest.raises(InputError, match="above 0"):
        model.fit(x, y, base=0 * base)
    with pytest.raises(InputError, match="cannot be fitted on top"):
        MODELS["gru"]().fit(x, y, base=base)
    with pytest.raises(InputError, match="give base"):
        model.fit(x[:20], y[:20], base=base[:20]).predict(x)
    with pytest.raises(InputError, match="without a base"):
        model.fit(x[:20], y[:20]).predict(x, base=base)
