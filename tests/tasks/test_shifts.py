"""The plan of linear shifts and the rank among them."""

import numpy as np
import pytest

from spikecast.tasks.shifts import plan_shifts, rank_p


@pytest.mark.parametrize("n_trials", [40, 77, 100, 300])
def test_every_shift_stays_within_the_session_and_pairs_the_same_targets(n_trials):
    plan = plan_shifts(n_trials)
    assert len(plan.shifts) >= 19
    assert 0 not in plan.shifts
    assert sorted(-plan.shifts) == sorted(plan.shifts)
    for shift in plan.shifts:
        sources = plan.find_sources(shift)
        assert sources.min() >= 0
        assert sources.max() < n_trials
        assert (sources - plan.targets == shift).all()


def test_too_few_trials_give_no_plan():
    assert plan_shifts(39) is None
    assert plan_shifts(200, n_shifts=18) is None


def test_true_pairings_of_independent_slow_series_rank_evenly():
    """Correlations of two smooth series that share nothing reach p <= .05 about as often."""
    rng = np.random.default_rng(0)
    plan = plan_shifts(200)
    reached = []
    for _ in range(400):
        width = rng.uniform(3, 60)
        kernel = np.exp(-0.5 * (np.arange(-200, 201) / width) ** 2)
        a, b = (np.convolve(rng.normal(size=600), kernel, "same")[200:400] for _ in range(2))

        def correlate(shift, a=a, b=b):
            return abs(np.corrcoef(a[plan.find_sources(shift)], b[plan.targets])[0, 1])

        reached.append(rank_p(correlate(0), np.array([correlate(k) for k in plan.shifts])))
    assert np.mean(np.array(reached) <= 0.05) < 0.075  # .05 and two binomial errors
