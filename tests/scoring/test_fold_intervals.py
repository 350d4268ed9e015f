"""Limits over folds that share training trials cover the truth; naive ones do not."""

import numpy as np
import pytest
from scipy import stats

from spikecast.core.errors import InputError
from spikecast.scoring.fold_intervals import compute_fold_limits

FOLDS = 5


def estimates(seed=0, n_recordings=2000, n_trials=50):
    """What is learnt is the mean of a fold's training trials; the truth is 0."""
    trials = np.random.default_rng(seed).normal(size=(n_recordings, n_trials))
    parts = np.arange(n_trials) % FOLDS
    return np.stack([trials[:, parts != fold].mean(axis=1) for fold in range(FOLDS)])


def test_limits_cover_the_truth_though_folds_share_trials():
    values = estimates()
    _, low, high = compute_fold_limits(values)
    assert 0.93 < np.mean((low < 0) & (high > 0)) < 0.97
    error = values.std(axis=0, ddof=1) / np.sqrt(FOLDS)
    reach = stats.t.ppf(0.975, FOLDS - 1) * error
    naive = np.mean(np.abs(values.mean(axis=0)) < reach)
    assert naive < 0.6  # what the correction is there for


def test_limits_exclude_what_is_far_away():
    _, low, _ = compute_fold_limits(estimates() + 3.0)
    assert np.mean(low > 0) > 0.99


def test_one_fold_has_no_limits():
    with pytest.raises(InputError, match="folds"):
        compute_fold_limits(np.zeros((1, 3)))
