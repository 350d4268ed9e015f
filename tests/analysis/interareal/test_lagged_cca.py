"""When two areas covary: a lead bends the matrix, a shared input does not."""

import numpy as np
import pytest

from spikecast.analysis.interareal.lagged_cca import joint_correlation


def test_the_joint_correlation_leans_to_the_leading_area(two_areas):
    recording = two_areas(3, driven=True, shared=0.2, n_trials=120)
    found = joint_correlation(recording, "VISp", "MOs", max_lag=6)
    inner = found.table.iloc[6:-6]
    assert inner["lead"].mean() > 0.02
    assert (inner["low"] > 0).sum() > 3 * (inner["high"] < 0).sum()
    assert found.claim.stands
    assert found.claim.above == "behavior"


@pytest.mark.parametrize("n_sessions", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_the_joint_correlation_of_a_shared_input_leans_nowhere(two_areas, n_sessions):
    outside, together = [], []
    for seed in range(n_sessions):
        found = joint_correlation(two_areas(seed, n_trials=120), "VISp", "MOs", max_lag=6)
        inner = found.table.iloc[6:-6]
        outside.append(((inner["low"] > 0) | (inner["high"] < 0)).mean())
        together.append(inner["together"].mean())
    assert np.mean(outside) < 0.1  # 0.05 are expected
    assert np.mean(together) > 0.1


def test_a_window_as_long_as_the_trial_leaves_no_lead_to_test(two_areas):
    recording = two_areas(0, n_trials=60)
    found = joint_correlation(
        recording, "VISp", "MOs", window=recording.n_bins, max_lag=1, n_shifts=20
    )
    assert found.p_of_lead is None
    assert found.claim.p is not None
