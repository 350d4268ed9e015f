"""Sessions that share two time constants and nothing else."""

import numpy as np
import pytest
from scipy.signal import lfilter
from sklearn.base import clone

from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.models import storage
from spikecast.models.networks.sessions import core_parameters
from spikecast.models.sessions import ManySessions
from spikecast.models.timescales import Timescales
from spikecast.scoring.metrics import bits_per_spike, null_rate

pytestmark = pytest.mark.usefixtures("few_steps")

PLANTED = np.array([2.0, 12.0])  # bins
N_TRAIN, N_SESSIONS = 10, 6
FEW = {
    "n_latents": 2,
    "n_members": 1,
    "widths": (0.0,),
    "n_components": 6,
    "causal": True,
    "time_constants": (1.0, 20.0),
    "dropout": 0.0,
    "weight_decay": 0.01,
    "learning_rate": 0.02,
    "epochs": 60,
}
SMALL = {
    "timescales": {"n_latents": 6, "n_members": 2, "n_components": 6, "epochs": 1},
    "lfads": {
        "n_components": 5,
        "n_generator": 8,
        "n_encoder": 6,
        "n_members": 2,
        "min_steps": 10,
        "epochs": 1,
    },
    "transformer": {"n_latents": 8, "n_heads": 1, "n_members": 2, "n_components": 6, "epochs": 1},
}


def session(seed, n_trials=60, n_bins=60, n_source=20, n_target=8, gain=0.5):
    """Targets follow fast inputs, seen by the sources, through one exponential filter each."""
    rng = np.random.default_rng([seed, 5])
    inputs = rng.normal(size=(n_trials, n_bins, 2))
    decay = np.exp(-1 / PLANTED)
    latents = [
        lfilter([np.sqrt(1 - a**2)], [1, -a], inputs[..., k], axis=1) for k, a in enumerate(decay)
    ]
    x = rng.poisson(np.exp(inputs @ rng.normal(size=(2, n_source))))
    drive = np.stack(latents, axis=-1) @ rng.normal(size=(2, n_target))
    return x, rng.poisson(0.35 * np.exp(gain * drive))


def score(model, x, y):
    null = null_rate(y[:N_TRAIN], y[N_TRAIN:])
    return bits_per_spike(y[N_TRAIN:], model.predict(x[N_TRAIN:]), null)


def error(model):
    """Of the time constants, as a factor in logarithm."""
    return np.abs(np.log(np.sort(model.time_constants_) / PLANTED)).mean()


@pytest.fixture(scope="module")
def sessions():
    return [session(seed) for seed in range(N_SESSIONS)]


@pytest.fixture(scope="module")
def alone(sessions):
    return [Timescales(**FEW).fit(x[:N_TRAIN], y[:N_TRAIN]) for x, y in sessions]


@pytest.fixture(scope="module")
def together(sessions):
    xs, ys = zip(*[(x[:N_TRAIN], y[:N_TRAIN]) for x, y in sessions], strict=True)
    return ManySessions("timescales", FEW).fit(xs, ys)


def test_few_trials_of_many_sessions_give_the_time_constants_that_one_session_does_not(
    sessions, alone, together
):
    apart = [error(model) for model in alone]
    jointly = {round(error(model), 6) for model in together.models_}
    assert len(jointly) == 1  # one core
    assert max(jointly) < np.mean(apart)


def test_the_joint_fit_predicts_as_well_as_fits_of_each_session_alone(sessions, alone, together):
    apart = [score(model, *data) for model, data in zip(alone, sessions, strict=True)]
    jointly = [score(model, *data) for model, data in zip(together.models_, sessions, strict=True)]
    # over other draws the difference is 0.00 with a standard error of 0.02
    assert np.mean(jointly) > np.mean(apart) - 0.02


def test_a_later_session_of_few_trials_gains_from_a_core_that_stays_as_it_is(together):
    known = core_parameters(together.models_[0].network_)
    scores, single = [], []
    for seed in range(90, 94):
        x, y = session(seed)
        new = together.adapt(x[:N_TRAIN], y[:N_TRAIN])
        for name, parameter in core_parameters(new.network_).items():
            assert (parameter == known[name]).all()
        scores.append(score(new, x, y))
        single.append(score(Timescales(**FEW).fit(x[:N_TRAIN], y[:N_TRAIN]), x, y))
    assert np.mean(scores) > np.mean(single) + 0.02


def test_a_tuned_session_starts_from_the_core_and_leaves_that_of_the_others_alone(together):
    known = {name: p.clone() for name, p in core_parameters(together.models_[0].network_).items()}
    tuned, single = [], []
    for seed in range(90, 94):
        x, y = session(seed)
        new = together.adapt(x[:N_TRAIN], y[:N_TRAIN], tune=True)
        assert any((p != known[name]).any() for name, p in core_parameters(new.network_).items())
        tuned.append(error(new))
        single.append(error(Timescales(**FEW).fit(x[:N_TRAIN], y[:N_TRAIN])))
    for name, parameter in core_parameters(together.models_[0].network_).items():
        assert (parameter == known[name]).all()
    assert np.mean(tuned) < np.mean(single)


def test_noise_gives_nothing_jointly_nor_adapted():
    def noise(seed):
        rng = np.random.default_rng(seed)
        return rng.poisson(0.3, (200, 30, 10)), rng.poisson(0.3, (200, 30, 4))

    data = [noise(seed) for seed in range(3)]
    many = ManySessions("timescales", {"n_members": 1}, n_shared=2)
    many.fit([x[:30] for x, _ in data], [y[:30] for _, y in data])
    data.append(noise(9))
    models = [*many.models_, many.adapt(*(array[:30] for array in data[-1]))]
    for model, (x, y) in zip(models, data, strict=True):
        null = null_rate(y[:30], y[30:])
        assert -0.1 < bits_per_spike(y[30:], model.predict(x[30:]), null) < 0.01


@pytest.fixture(scope="module")
def unlike():
    """Two sessions that differ in trials, sources and targets, with the conditions of each."""
    data = session(0, 20, 24, 12, 3), session(1, 26, 24, 9, 5)
    return *zip(*data, strict=True), [np.arange(20) % 3, np.arange(26) % 2]


@pytest.mark.parametrize(("base", "n_shared"), [*((base, 3) for base in SMALL), ("lfads", 0)])
def test_every_model_with_a_core_is_fitted_saved_and_adapted(base, n_shared, unlike, tmp_path):
    xs, ys, labels = unlike
    many = ManySessions(base, SMALL[base], n_shared).fit(xs, ys, labels)
    assert many.labels_ == [0, 1]
    for index, (x, y) in enumerate(zip(xs, ys, strict=True)):
        assert many.predict(x, index).shape == y.shape
        assert many.transform(x, index).shape[:2] == y.shape[:2]
    x, y = session(2, 11, 24, 7, 2)
    new = many.adapt(x, y, np.ones(11))
    again = clone(many).fit(xs, ys, labels)
    np.testing.assert_array_equal(again.predict(xs[1], 1), many.predict(xs[1], 1))
    storage.save(many, tmp_path / "many")
    storage.save(new, tmp_path / "new")
    loaded = storage.load(tmp_path / "many")
    np.testing.assert_array_equal(loaded.predict(xs[0], 0), many.predict(xs[0], 0))
    np.testing.assert_array_equal(storage.load(tmp_path / "new").predict(x), new.predict(x))
    np.testing.assert_array_equal(loaded.adapt(x, y, np.ones(11)).predict(x), new.predict(x))


def test_what_cannot_be_fitted_together_is_refused(unlike):
    xs, ys, labels = unlike
    small = ManySessions("timescales", SMALL["timescales"])
    with pytest.raises(ShapeError, match=r"\[24, 20\] bins; they must agree"):
        small.fit([xs[0], xs[1][:, :20]], [ys[0], ys[1][:, :20]])
    with pytest.raises(InputError, match="counts and others' are not"):
        small.fit(xs, [ys[0], ys[1] + 0.5])
    with pytest.raises(InputError, match="no core"):
        ManySessions("gru").fit(xs, ys)
    with pytest.raises(InputError, match="is no network"):
        ManySessions("pca_ridge").fit(xs, ys)
    with pytest.raises(NotEnoughDataError, match="3 trials; at least 5"):
        small.fit([xs[0], xs[1][:3]], [ys[0], ys[1][:3]])
    with pytest.raises(NotEnoughDataError, match="no session"):
        small.fit([], [])
    with pytest.raises(ShapeError, match="conditions"):
        small.fit(xs, ys, [labels[0], labels[1][:4]])
    with pytest.raises(ShapeError, match="cores disagree"):
        ManySessions("lfads", {**SMALL["lfads"], "n_components": 10}).fit(xs, ys)
    fitted = small.fit(xs, ys)
    with pytest.raises(InputError, match="unknown session '2'"):
        fitted.predict(xs[0], 2)
    with pytest.raises(ShapeError, match="they must agree"):
        fitted.adapt(xs[0][:, :10], ys[0][:, :10])
