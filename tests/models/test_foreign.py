"""Models from elsewhere predict as they do by themselves; what they do wrong is said."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from spikecast.core.errors import InputError, ShapeError, UnsavedModelError
from spikecast.models import storage
from spikecast.models.foreign import ForeignModel, adapt_model
from spikecast.models.mean_rate import MeanRate


class TrialMean:
    """No get_params, no base class: each target's mean over trials."""

    def __init__(self):
        self.fits = 0

    def fit(self, x, y):
        self.fits += 1
        assert x.ndim == y.ndim == 3
        assert x.dtype == y.dtype == np.float64
        self.mean = y.mean(axis=0)

    def predict(self, x):
        return np.broadcast_to(self.mean, (len(x), *self.mean.shape))


class Returns(TrialMean):
    """Predicts what a function of x gives."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def predict(self, x):
        return self.function(x)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.poisson(1.0, (20, 10, 5)).astype(np.uint8)
    return x, x[..., :2] + x[..., 2:4]


def test_an_object_with_fit_and_predict_is_a_model(data):
    x, y = data
    given = TrialMean()
    model = clone(adapt_model(given)).fit(x[:15], y[:15])
    np.testing.assert_array_equal(
        model.predict(x[15:]), np.repeat(y[:15].mean(axis=0)[None], 5, axis=0)
    )
    assert given.fits == 0  # only copies are fitted
    assert not model.has_latents
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_our_own_models_are_left_as_they_are():
    model = MeanRate()
    assert adapt_model(model) is model


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        make_pipeline(StandardScaler(), LinearRegression()),
        PoissonRegressor(alpha=0.01),  # of one target only
    ],
)
def test_regressors_are_given_one_row_per_bin(data, estimator):
    x, y = data
    model = adapt_model(estimator).fit(x[:15], y[:15])
    prediction = model.predict(x[15:])
    assert prediction.shape == y[15:].shape
    assert prediction.min() > 0
    assert np.corrcoef(prediction.ravel(), y[15:].ravel())[0, 1] > 0.85
    alone = clone(estimator).fit(x[:15].reshape(-1, 5), y[:15, :, 0].ravel())
    np.testing.assert_allclose(
        prediction[..., 0].ravel(), alone.predict(x[15:].reshape(-1, 5)), rtol=1e-6, atol=2e-4
    )


def test_the_seed_reaches_the_estimator(data):
    x, y = data
    forest = RandomForestRegressor(n_estimators=3)
    fitted = [ForeignModel(forest, seed=seed).fit(x, y) for seed in (1, 1, 2)]
    one, same, other = (model.predict(x) for model in fitted)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    fixed = ForeignModel(RandomForestRegressor(n_estimators=3, random_state=7), seed=1).fit(x, y)
    assert fixed.estimator_.random_state == 7


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda x: x[:, 0], ShapeError, r"returned \(20, 5\); it must return \(trial, time, tar"),
        (lambda x: x[..., :2] * np.nan, InputError, "NaN"),
        (lambda x: x[..., :2] - 1, InputError, "cannot be below 0"),
    ],
)
def test_wrong_predictions_are_explained(data, function, error, message):
    x, y = data
    model = adapt_model(Returns(function)).fit(x, y)
    with pytest.raises(error, match=message):
        model.predict(x)


def test_continuous_targets_may_be_negative(data):
    x, _ = data
    y = x[..., :2] - 0.5
    model = adapt_model(Returns(lambda x: x[..., :2] - 0.5)).fit(x, y)
    np.testing.assert_array_equal(model.predict(x), y)


@pytest.mark.parametrize(
    ("model", "message"),
    [(TrialMean, "is a class"), (object(), "no method 'fit'"), ("pca_ridge", "no method 'fit'")],
)
def test_what_is_no_model_is_refused(model, message):
    with pytest.raises(InputError, match=message):
        adapt_model(model)


def test_a_foreign_model_is_not_saved(data, tmp_path):
    model = adapt_model(TrialMean()).fit(*data)
    with pytest.raises(UnsavedModelError, match="cannot be saved"):
        storage.save(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
