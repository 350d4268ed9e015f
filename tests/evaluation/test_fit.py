"""A fit is recorded as it was given, whatever its caller meant."""

import numpy as np
import pytest

from spikecast.core.errors import DivergedError
from spikecast.evaluation.fit import FitRecord, Job, fit_model, hash_neurons, hash_rows, run_job
from spikecast.models.catalog import MODELS
from spikecast.tasks.splits import Fold


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    x = rng.poisson(0.5, (12, 8, 4))
    return x, rng.poisson(0.5, (12, 8, 2))


FOLD = Fold(np.array([5, 1, 2, 8, 9, 10]), np.array([0, 3]))


def test_trials_rows_and_neurons_are_recorded_in_the_order_given(arrays):
    x, y = arrays
    x[:, :, 3] = y[:, :, 1]
    record = fit_model(MODELS["mean_rate"](), x, y, FOLD).record
    assert record.train.tolist() == FOLD.train.tolist()
    assert record.test.tolist() == [0, 3]
    np.testing.assert_array_equal(record.target_rows, hash_rows(y)[FOLD.train])
    assert record.source_neurons[3] == record.target_neurons[1]
    assert len({*record.source_neurons, *record.target_neurons}) == 5
    stored = record.to_arrays()
    again = FitRecord.from_arrays(stored | {"prediction": np.zeros(1)})
    assert all(np.array_equal(again.to_arrays()[name], stored[name]) for name in stored)


@pytest.mark.parametrize("name", ["pca_ridge", "poisson_glm", "pls", "factor_analysis"])
def test_what_settings_were_judged_on_are_training_trials(arrays, name):
    record = fit_model(MODELS[name](), *arrays, FOLD, seed=1).record
    assert record.validation.size
    assert set(record.validation) <= set(FOLD.train)


def test_a_model_that_chooses_nothing_has_no_validation_trials(arrays):
    assert fit_model(MODELS["mean_rate"](), *arrays, FOLD).record.validation.size == 0


def test_a_copy_is_fitted_with_a_seed_of_its_own(arrays):
    model = MODELS["pca_ridge"](seed=3)
    assert fit_model(model, *arrays, FOLD).model.seed == 3
    seeds = {fit_model(model, *arrays, FOLD, seed=0, index=index).model.seed for index in range(3)}
    assert len(seeds) == 3
    assert not hasattr(model, "n_sources_")


def test_hashes_do_not_depend_on_the_type_and_say_nothing_of_silence():
    values = np.array([[[0, 1], [0, 2]]])
    assert hash_rows(values.astype(np.uint8)) == hash_rows(values.astype(float))
    silent, busy = hash_neurons(values)
    assert silent == 0
    assert busy != 0


def test_a_model_that_predicts_no_numbers_fails_as_itself(arrays, monkeypatch):
    model = MODELS["mean_rate"]()
    monkeypatch.setattr(type(model), "_predict", lambda self, x: np.full((*x.shape[:2], 2), np.nan))
    with pytest.raises(DivergedError, match="predictions of held-out trials are NaN or infinite"):
        run_job(Job("mean_rate", model, 0, FOLD, 0), *arrays)
