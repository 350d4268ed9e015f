import numpy as np
import pytest

from spikecast.core.errors import InputError, UnknownNameError
from spikecast.models import storage
from spikecast.models.mlp import MLP
from spikecast.models.preprocess import smooth
from spikecast.scoring.metrics import bits_per_spike, null_rate


@pytest.fixture(scope="module")
def delayed():
    """Targets follow the source by 6 bins: only a window that reaches back can tell."""
    rng = np.random.default_rng(0)
    drive = smooth(rng.normal(size=(70, 36, 1)), 1.5)
    drive /= drive.std()
    x = rng.poisson(np.exp(drive[:, 6:] - 0.5), size=(70, 30, 15))
    y = rng.poisson(0.5 * np.exp(0.8 * drive[:, :-6]), size=(70, 30, 3))
    return x, y


def score(x, y, **settings):
    model = MLP(stride=2, widths=(1.0,), **settings).fit(x[:50], y[:50])
    return bits_per_spike(y[50:], model.predict(x[50:]), null_rate(y[:50], y[50:]))


def test_the_window_says_what_it_can_see(delayed):
    assert score(*delayed, before=8, after=0) > 0.1
    assert score(*delayed, before=8, causal=True) > 0.1
    assert score(*delayed, before=0, after=0) < 0.05
    assert score(*delayed, before=0, after=8) < 0.05


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_every_activation_learns(delayed, activation):
    assert score(*delayed, activation=activation, before=8, n_hidden=(32, 32)) > 0.05


def test_single_bins_of_a_continuous_source_are_taken_as_they_are(delayed):
    x, y = delayed[0] - 0.25, 10 + 5 * smooth(delayed[0][..., :1], 3.0)
    model = MLP(widths=(0.0,), before=4, after=4, stride=1).fit(x[:50], y[:50])
    assert not model.spikes_
    error = ((model.predict(x[50:]) - y[50:]) ** 2).mean()
    assert error < 0.5 * y[50:].var()


def test_noise_helps_where_trials_are_few(tmp_path):
    """Many features of noise, few trials: without noise in training they are learnt by heart."""
    rng = np.random.default_rng(0)
    drive = rng.normal(size=(120, 20, 1))
    x = drive + 2.0 * rng.normal(size=(120, 20, 30))
    errors = {}
    for noise in (0.0, 1.0):
        model = MLP(
            widths=(0.0,), n_components=30, before=4, after=4, stride=1, dropout=0.0,
            weight_decay=0.0, epochs=60, noise=noise,
        ).fit(x[:12], drive[:12])  # fmt: skip
        errors[noise] = ((model.predict(x[12:]) - drive[12:]) ** 2).mean()
        np.testing.assert_array_equal(model.predict(x[:2]), model.predict(x[:2]))  # training only
    assert errors[1.0] < 0.9 * errors[0.0]
    np.testing.assert_allclose(model.spread_, x[:12].std(axis=(0, 1)), rtol=1e-5)
    storage.save(model, tmp_path / "mlp")
    np.testing.assert_array_equal(
        storage.load(tmp_path / "mlp").predict(x[:2]), model.predict(x[:2])
    )


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"activation": "relo"}, UnknownNameError, "Did you mean 'relu'"),
        ({"before": -1}, InputError, "before is -1"),
        ({"stride": 0}, InputError, "stride is 0"),
        ({"thinning": 1.0}, InputError, "thinning is 1"),
        ({"noise": -0.1}, InputError, "noise is -0.1"),
    ],
)
def test_wrong_settings_are_refused(delayed, settings, error, message):
    with pytest.raises(error, match=message):
        MLP(**settings).fit(*delayed)
