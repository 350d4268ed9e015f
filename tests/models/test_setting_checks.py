"""Settings of a model: of another type, beyond their limits, too large for any memory."""

import numpy as np
import pytest
from sklearn.base import clone

import spikecast as sc
from spikecast.core.errors import ConfigError, InputError, NotEnoughDataError, ShapeError
from spikecast.models.catalog import MODELS
from spikecast.models.setting_checks import check_settings
from spikecast.runs.model_entries import build_models

X = np.random.default_rng(0).poisson(0.5, (12, 8, 4))
Y = X[..., :2]


@pytest.mark.parametrize("name", MODELS)
def test_the_defaults_are_allowed(name):
    check_settings(MODELS[name]())
    check_settings(clone(MODELS[name]()))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (sc.models.PCARidge(causal="false"), "causal is 'false'; it must be true or false"),
        (sc.models.PCARidge(penalties=1.0), "penalties is 1.0; it must be a list"),
        (sc.models.PCARidge(penalties=[]), "penalties is an empty list"),
        (sc.models.PCARidge(penalties=[-1]), "penalties is -1"),
        (sc.models.PCARidge(penalties=[float("nan")]), "penalties is nan"),
        (sc.models.PCARidge(n_components=2.5), "n_components is 2.5; it must be a whole number"),
        (sc.models.PCARidge(n_components=3.0), "n_components is 3.0; it must be a whole number"),
        (sc.models.PCARidge(n_components=None), "n_components is None"),
        (sc.models.PCARidge(widths=3), "widths is 3; it must be a list"),
        (sc.models.PoissonGLM(widths=(1, 2)), "widths is 1; it must be a list"),
        (sc.models.ReducedRank(ranks=[0]), "ranks is 0"),
        (sc.models.Kalman(noise_factors=[0]), "noise_factors is 0"),
        (sc.models.FactorAnalysis(width=1e30), r"width is 1e\+30"),
        (sc.models.LaggedRidge(lags=10**12), r"lags is 1e\+12"),
        (sc.models.LaggedRidge(lags=100), "lags is 100; it must be between 0 and 15"),
        (sc.models.Timescales(n_latents=10**7), r"n_latents is 1e\+07"),
        (sc.models.Timescales(n_latents=0), "n_latents is 0"),
        (sc.models.Timescales(n_members=10**5), "n_members is 100000"),
        (sc.models.Timescales(time_constants=()), "time_constants is .*; it must be 2 numbers"),
        (sc.models.MLP(n_hidden=[10**9]), r"n_hidden is 1e\+09"),
        (sc.models.LFADS(patience="x"), "patience is 'x'"),
    ],
)
def test_others_are_refused_before_anything_is_built(model, message):
    with pytest.raises(InputError, match=message):
        model.fit(X, Y)


def test_numpy_numbers_and_lists_are_as_good():
    made = sc.models.PCARidge(
        n_components=np.int64(3), penalties=np.array([0.1, 1.0]), widths=[1], causal=np.True_
    )
    expected = sc.models.PCARidge(n_components=3, penalties=(0.1, 1.0), widths=(1.0,), causal=True)
    np.testing.assert_array_equal(made.fit(X, Y).predict(X), expected.fit(X, Y).predict(X))


def test_a_config_says_which_model_it_is():
    with pytest.raises(ConfigError, match="model 'mine': lags is 1e"):
        build_models([{"mine": {"model": "lagged_ridge", "lags": 10**12}}])


def test_arrays_that_are_no_real_numbers_are_refused():
    xarray = pytest.importorskip("xarray")
    for x in (X.astype(str), X + 1j, X.astype("m8[s]"), X.astype(object)):
        with pytest.raises(InputError, match="x must be an array of numbers"):
            sc.models.PCARidge().fit(x, Y)
    turned = xarray.DataArray(X, dims=("time", "trial", "neuron"))
    with pytest.raises(ShapeError, match="x has the axes time, trial, neuron"):
        sc.models.PCARidge().fit(turned, Y)


@pytest.mark.parametrize("name", ["pca_ridge", "kalman", "poisson_glm", "source_free"])
def test_there_is_nothing_to_predict_of_no_trials(name):
    model = MODELS[name]().fit(X, Y)
    with pytest.raises(NotEnoughDataError, match="nothing to predict"):
        model.predict(X[:0])


def test_a_null_predicts_trials_as_long_as_those_it_learnt_from():
    with pytest.raises(ShapeError, match="x has 5 bins; the model was fitted on 8"):
        MODELS["source_free"]().fit(X, Y).predict(X[:, :5])
