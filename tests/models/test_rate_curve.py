"""The curve of a stack's rates: found where it is planted, rising, and none where there is none."""

import numpy as np
import pytest

from spikecast.models.ensemble import Stack
from spikecast.models.rate_curve import KNOTS, apply_rate_curve, fit_rate_curve
from spikecast.scoring.metrics import bits_per_spike, null_rate


@pytest.fixture(scope="module")
def distance():
    return np.random.default_rng(0).normal(0, 1, (300, 40, 6)).astype(np.float32)


def test_slopes_of_one_change_nothing(distance):
    np.testing.assert_allclose(
        apply_rate_curve(distance, np.ones((len(KNOTS) + 1, 6))), distance, atol=1e-5
    )


def test_a_curve_rises(distance):
    slopes = np.random.default_rng(1).random((len(KNOTS) + 1, 1))
    line = np.linspace(-4, 4, 200).reshape(1, -1, 1)
    assert (np.diff(apply_rate_curve(line, slopes), axis=1) >= 0).all()
    assert apply_rate_curve(np.zeros((1, 1, 1)), slopes) == 0


def test_planted_slopes_are_found_target_by_target(distance):
    slopes = np.ones((len(KNOTS) + 1, 6))
    slopes[3:, 3:] = 0.3  # half of the targets saturate
    slopes[0, :3] = 0.5
    y = np.random.default_rng(2).poisson(0.5 * np.exp(apply_rate_curve(distance, slopes)))
    found = fit_rate_curve(distance, y, np.full(6, np.log(0.5)))
    np.testing.assert_allclose(found, slopes, atol=0.25)
    assert (found >= 0).all()


def test_where_there_is_no_curve_slopes_are_one(distance):
    y = np.random.default_rng(3).poisson(0.5 * np.exp(distance))
    np.testing.assert_allclose(fit_rate_curve(distance, y, np.full(6, np.log(0.5))), 1, atol=0.25)


def test_without_spikes_slopes_stay_at_one(distance):
    few = np.zeros((4, 5, 1), dtype=int)
    found = fit_rate_curve(np.zeros(few.shape), few, np.log(np.full(1, 0.025)))
    np.testing.assert_array_equal(found, 1)


def test_a_stack_predicts_saturating_targets_better_by_its_curve():
    rng = np.random.default_rng(0)
    drive = np.repeat(rng.normal(size=(120, 8, 2)), 5, axis=1)  # (trial, time, latent)
    x = rng.poisson(0.3 * np.exp(drive @ rng.normal(0, 0.5, (2, 40))))
    y = rng.poisson(0.3 * np.exp(np.minimum(2 * drive, 0.5)))
    stack = Stack(("mean_rate", "poisson_glm"), n_inner=2).fit(x[:80], y[:80])
    null = null_rate(y[:80], y[80:])
    bent = bits_per_spike(y[80:], stack.predict(x[80:]), null)
    stack.curve_ = None  # as of a stack that was saved before it had one
    assert bent > bits_per_spike(y[80:], stack.predict(x[80:]), null) + 0.005
