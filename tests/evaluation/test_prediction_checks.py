"""Signs that a prediction saw what it predicts: found where planted, and not in honest ones."""

import numpy as np
import pytest

import spikecast as sc
from spikecast.evaluation.prediction_checks import (
    correlate_with_truth,
    judge_balance,
    measure_zero_lag,
)
from spikecast.models.preprocess import smooth


@pytest.fixture(scope="module")
def session():
    simulated = sc.simulate.unrelated_areas(100, (20, 20), coupling=0.05, seed=1)
    here = simulated.recording.area == "B"
    return simulated.recording.activity[:, :, here], np.asarray(simulated.truth.rate)[:, :, here]


def test_a_target_that_leaks_into_its_own_prediction_is_found(session):
    counts, rate = session
    for leaking in (smooth(counts, 1.0), smooth(counts, 2.0), 0.95 * rate + 0.05 * counts):
        assert np.nanmedian(measure_zero_lag(counts, leaking)) > 5


def test_honest_predictions_do_not_look_like_it(session):
    counts, rate = session
    rng = np.random.default_rng(0)
    for honest in (rate, rate * np.exp(0.3 * rng.normal(size=rate.shape)), smooth(rate, 3.0)):
        assert np.nanmax(measure_zero_lag(counts, honest)) < 4


def test_a_regression_on_another_area_does_not_look_like_it(session):
    counts, _ = session
    source = smooth(counts[:, :, :10], 1.0) @ np.full((10, 10), 0.02)  # other neurons of the area
    assert np.nanmax(measure_zero_lag(counts[:, :, 10:], 0.02 + source)) < 4


def test_own_counts_are_told_from_rates(session):
    counts, rate = session
    assert correlate_with_truth(counts, counts).min() > 0.999
    assert correlate_with_truth(counts, rate).max() < 0.8


def test_balance_is_judged_by_chance():
    rng = np.random.default_rng(0)
    fair = [judge_balance({name: rng.multinomial(40, [0.25] * 4).tolist() for name in "ab"})
            for _ in range(200)]  # fmt: skip
    assert np.mean(np.array(fair) < 0.05) < 0.12
    assert judge_balance({"a": [10, 10, 0, 0], "b": [0, 0, 10, 10]}) < 1e-6
