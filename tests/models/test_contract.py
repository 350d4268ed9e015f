"""One contract for every model of the catalogue."""

import json
import pickle
import re

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d
from sklearn.base import clone

from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.models import storage
from spikecast.models.catalog import MODELS
from spikecast.scoring.metrics import bits_per_spike, null_rate

pytestmark = pytest.mark.usefixtures("few_steps")

# settings that make a model quick without making it another one
QUICK = {
    "recipe": {"n_iterations": 60},
    "lfads": {"epochs": 30, "dropout": 0.2, "n_members": 1},
    "transformer": {"n_members": 1},
    "ensemble": {"n_models": 2},
    "stack": {"models": ("poisson_glm", "pca_ridge", "rnn"), "n_inner": 2},
    "auto": {"models": ("poisson_glm", "pca_ridge"), "n_inner": 2},
}
NULLS = {name for name, model in MODELS.items() if model.is_null}
# what must find a signal that changes within trials; a model that cannot see one is taken out here
USABLE = sorted(MODELS.keys() - NULLS - {"recipe"})  # the recipe is there to show how it fails


def make(name, **settings):
    return MODELS[name](**QUICK.get(name, {}) | settings)


def planted(n_trials=48, n_bins=30, n_sources=24, n_targets=4, seed=0):
    """Two slow latents drive sources and targets alike."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(n_trials, n_bins, 2))
    latents = np.zeros_like(steps)
    for t in range(1, n_bins):
        latents[:, t] = 0.9 * latents[:, t - 1] + 0.44 * steps[:, t]
    drive = latents @ rng.normal(size=(2, n_sources + n_targets))
    counts = rng.poisson(0.4 * np.exp(0.6 * drive)).astype(np.uint8)
    return counts[..., :n_sources], counts[..., n_sources:]


@pytest.fixture(scope="module")
def data():
    return planted()


@pytest.fixture(scope="module")
def fitted(data):
    x, y = data

    class Fitted(dict):
        """Models by name, each fitted when it is first asked for: -k NAME fits no other."""

        def __missing__(self, name):
            self[name] = make(name).fit(x[:36], y[:36])
            return self[name]

    return Fitted()


@pytest.mark.parametrize("name", MODELS)
def test_shapes_and_ranges(fitted, data, name):
    x, y = data
    rate = fitted[name].predict(x[36:])
    assert rate.shape == y[36:].shape
    assert np.isfinite(rate).all()
    assert (rate >= 0).all()
    if fitted[name].has_latents:
        latents = fitted[name].transform(x[36:])
        assert latents.shape[:2] == y[36:].shape[:2]
        assert np.isfinite(latents).all()
    else:
        with pytest.raises(InputError, match="no latents"):
            fitted[name].transform(x)


@pytest.mark.parametrize("name", MODELS)
def test_it_describes_itself(name):
    model = MODELS[name]
    assert model.about
    assert model.title
    assert model.__doc__
    assert model.paper or model.is_null
    assert not (model.is_null and model.is_baseline)
    assert bool(model.search_space) != bool(model.why_not_searched)


@pytest.mark.parametrize("name", MODELS)
def test_help_gives_every_setting_a_source_and_an_example(name):
    docs = MODELS[name].__doc__
    assert "{" not in docs.split("Examples")[0].replace('{"', "")  # every shared text is filled in
    for setting in MODELS[name]().get_params():
        assert re.search(rf"(?m)^    (\w+, )*{setting}(, \w+)* : ", docs), setting
    assert ">>> " in docs
    assert MODELS[name].paper in ("", "spikecast") or "References" in docs


@pytest.mark.parametrize("name", MODELS)
def test_a_search_can_start_at_the_models_own_settings(name):
    own = MODELS[name]().get_params()
    for setting, values in MODELS[name].search_space.items():
        assert values.holds(own[setting]), setting
    assert not {"causal", "device", "seed"} & set(MODELS[name].search_space)


@pytest.mark.parametrize("name", MODELS)
def test_what_a_fit_chose_can_be_written_down(fitted, name):
    described = fitted[name].describe_fit()
    assert all(hasattr(fitted[name], f) for f in MODELS[name].fit_record)
    assert len(described) >= len(MODELS[name].fit_record)
    json.dumps(described)


@pytest.mark.parametrize("name", MODELS)
def test_clone_gives_an_unfitted_twin(fitted, name):
    twin = clone(fitted[name])
    assert twin.get_params() == fitted[name].get_params()
    assert not hasattr(twin, "n_targets_")


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_numbers_and_a_refit_forgets(fitted, data, name):
    x, y = (array.copy() for array in data)
    model = make(name)
    model.fit(*planted(n_trials=12, n_sources=9, n_targets=2, seed=3))
    model.fit(x[:36], y[:36])
    np.testing.assert_array_equal(model.predict(x[36:]), fitted[name].predict(x[36:]))
    np.testing.assert_array_equal(x, data[0])  # and fitting leaves the data alone
    np.testing.assert_array_equal(y, data[1])


@pytest.mark.parametrize("name", USABLE)
def test_planted_signal_is_recovered(fitted, data, name):
    x, y = data
    null = null_rate(y[:36], y[36:])
    score = bits_per_spike(y[36:], fitted[name].predict(x[36:]), null)
    assert score > 0.1


@pytest.mark.parametrize("name", USABLE)
def test_noise_gives_nothing(name):
    rng = np.random.default_rng(1)
    x, y = rng.poisson(0.2, (340, 30, 20)), rng.poisson(0.2, (340, 30, 4))
    model = make(name).fit(x[:40], y[:40])
    score = bits_per_spike(y[40:], model.predict(x[40:]), null_rate(y[:40], y[40:]))
    assert -0.2 < score < 0.005


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lfads", "transformer", "stack", "auto"])
def test_as_it_comes_it_recovers_what_is_planted_and_finds_nothing_in_noise(data, name):
    model, (x, y) = MODELS[name](), data
    null = null_rate(y[:36], y[36:])
    assert bits_per_spike(y[36:], model.fit(x[:36], y[:36]).predict(x[36:]), null) > 0.1
    rng = np.random.default_rng(1)
    x, y = rng.poisson(0.2, (340, 30, 20)), rng.poisson(0.2, (340, 30, 4))
    score = bits_per_spike(
        y[40:], model.fit(x[:40], y[:40]).predict(x[40:]), null_rate(y[:40], y[40:])
    )
    assert -0.2 < score < 0.005


@pytest.mark.parametrize("name", MODELS)
def test_saving_and_loading_gives_the_same_model(fitted, data, name, tmp_path):
    storage.save(fitted[name], tmp_path / "model")
    again = storage.load(tmp_path / "model")
    assert type(again) is type(fitted[name])
    np.testing.assert_array_equal(again.predict(data[0]), fitted[name].predict(data[0]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


@pytest.mark.parametrize("name", MODELS)
def test_a_fitted_model_travels_between_processes(fitted, data, name):
    again = pickle.loads(pickle.dumps(fitted[name]))
    np.testing.assert_array_equal(again.predict(data[0]), fitted[name].predict(data[0]))


def can_be_causal(name):
    return "causal" in MODELS[name]().get_params()


@pytest.mark.parametrize("name", [name for name in MODELS if can_be_causal(name)])
def test_causal_models_never_see_the_future(data, name):
    x, y = data
    model = make(name, causal=True).fit(x[:36], y[:36])
    assert model.causal
    changed = x[36:].copy()
    changed[:, 18:] = 9
    before, after = model.predict(x[36:]), model.predict(changed)
    np.testing.assert_array_equal(before[:, :18], after[:, :18])
    assert not np.allclose(before[:, 18:], after[:, 18:])
    if model.has_latents:
        np.testing.assert_array_equal(
            model.transform(x[36:])[:, :18], model.transform(changed)[:, :18]
        )


@pytest.mark.parametrize("name", [n for n in MODELS if "continuous" in MODELS[n].kinds])
def test_continuous_targets_are_predicted_in_their_unit(name):
    x, _ = planted(n_trials=80)
    smooth = uniform_filter1d(x[..., :6].sum(axis=2, keepdims=True, dtype=float), 5, axis=1)
    y = np.concatenate([50 + 30 * smooth, -smooth], axis=2)
    model = make(name).fit(x[:60], y[:60])
    prediction = model.predict(x[60:])
    error = np.mean((y[60:] - prediction) ** 2, axis=(0, 1))  # of each channel, in its unit
    of_mean = np.mean((y[60:] - y[:60].mean(axis=(0, 1))) ** 2, axis=(0, 1))
    assert (error < (1.3 if name in NULLS else 0.7) * of_mean).all()


@pytest.mark.parametrize("name", [n for n in MODELS if "continuous" not in MODELS[n].kinds])
def test_models_of_counts_refuse_other_targets(data, name):
    with pytest.raises(InputError, match="predicts counts"):
        make(name).fit(data[0], data[1] - 0.5)


@pytest.mark.parametrize("name", MODELS)
def test_hard_cases_give_a_sensible_answer_or_a_clear_error(name):
    brief = {"epochs": 12} if name == "lfads" else {}
    x, y = planted(n_trials=6, n_bins=12, n_sources=5, n_targets=3)
    silent = np.zeros_like(x)
    cases = {
        "one trial": (x[:1], y[:1]),
        "one bin": (x[:, :1], y[:, :1]),
        "one neuron": (x[..., :1], y[..., :1]),
        "a silent source": (silent, y),
        "a silent target": (x, np.concatenate([y[..., :1], 0 * y[..., :1]], axis=2)),
        "more features than samples": planted(n_trials=2, n_bins=5, n_sources=40),
    }
    for case, (source, target) in cases.items():
        rate = make(name, **brief).fit(source, target).predict(source)
        assert np.isfinite(rate).all(), case
        assert rate.shape == target.shape, case


@pytest.mark.parametrize("name", MODELS)
def test_bad_arrays_are_refused(data, fitted, name):
    x, y = data
    with pytest.raises(ShapeError, match="length 48"):
        make(name).fit(x, y[:-1])
    with pytest.raises(ShapeError, match="three axes"):
        make(name).fit(x[0], y[0])
    with pytest.raises(InputError, match="NaN"):
        make(name).fit(np.where(x > 2, np.nan, x), y)
    with pytest.raises(NotEnoughDataError, match="nothing to fit"):
        make(name).fit(x[:0], y[:0])
    with pytest.raises(ShapeError, match="fitted on 24"):
        fitted[name].predict(x[..., :3])
