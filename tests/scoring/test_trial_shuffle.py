"""The closed form of the shuffle of trials within a condition, against a long Monte Carlo."""

import numpy as np
import pytest

from spikecast.scoring.metrics import log_likelihood
from spikecast.scoring.scorers import CountScorer
from spikecast.scoring.trial_shuffle import shuffled_error, shuffled_likelihood
from spikecast.tasks.splits import Fold

N_DRAWS = 4000


@pytest.fixture
def group():
    rng = np.random.default_rng(0)
    rate = rng.gamma(2.0, 0.5, (6, 10, 3))
    rate[0, 0, 0] = 0.0  # below the floor
    return rng.poisson(rate), rate


def partners(n_trials):
    """Another trial for every trial, many times."""
    rng = np.random.default_rng(1)
    return (np.arange(n_trials) + rng.integers(1, n_trials, (N_DRAWS, n_trials))) % n_trials


def test_the_closed_form_is_the_mean_of_a_long_monte_carlo(group):
    y, rate = group
    draws = np.array([log_likelihood(y, rate[other]).sum(axis=1) for other in partners(6)])
    error = draws.std(axis=0) / np.sqrt(N_DRAWS)
    assert (abs(shuffled_likelihood(y, rate) - draws.mean(axis=0)) < 4.5 * error + 1e-9).all()

    draws = np.array([np.square(y - rate[other]).sum(axis=1) for other in partners(6)])
    error = draws.std(axis=0) / np.sqrt(N_DRAWS)
    assert (abs(shuffled_error(y, rate) - draws.mean(axis=0)) < 4.5 * error + 1e-9).all()


def test_trials_alone_in_their_fold_and_condition_do_not_count(group):
    y, rate = group
    folds = [Fold(np.arange(3), np.arange(3, 6)), Fold(np.arange(3, 6), np.arange(3))]
    condition = np.array(["a", "a", "b", "a", "b", "c"])
    beyond = CountScorer(y, folds, condition).score_beyond_condition(rate)
    assert (beyond.denominator[2:] == 0).all()
    np.testing.assert_array_equal(beyond.denominator[:2], y[:2].sum(axis=1))
    swapped = log_likelihood(y[[0, 1]], rate[[1, 0]]).sum(axis=1)
    gained = log_likelihood(y[:2], rate[:2]).sum(axis=1) - swapped
    np.testing.assert_allclose(beyond.numerator[:2], gained / np.log(2))
