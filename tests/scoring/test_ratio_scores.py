import numpy as np
import pytest

from spikecast.scoring.ratio_scores import RatioScores, compute_interval, draw_bootstrap_weights


@pytest.fixture
def ratios():
    rng = np.random.default_rng(0)
    return RatioScores(rng.normal(1.0, 1.0, (50, 4)), rng.uniform(1, 2, (50, 4)))


def test_resampling_equals_taking_trials_again(ratios):
    weights = draw_bootstrap_weights(50, 20, seed=1)
    for how in ("pooled", "per_neuron"):
        drawn = [np.repeat(np.arange(50), row.astype(int)) for row in weights]
        expected = [ratios.select_trials(trials).aggregate(how) for trials in drawn]
        np.testing.assert_allclose(ratios.resample(weights, how), expected)


def test_a_pooled_interval_covers_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        ratios = RatioScores(rng.normal(0.3, 1.0, (80, 1)), np.ones((80, 1)))
        found = compute_interval(ratios, draw_bootstrap_weights(80, 500, seed))
        covered += found.low <= 0.3 <= found.high
    assert 0.90 <= covered / 200 <= 0.99


def test_paired_differences_are_tighter_than_unpaired(ratios):
    rng = np.random.default_rng(1)
    better = RatioScores(ratios.numerator + 0.1 + rng.normal(0, 0.01, (50, 4)), ratios.denominator)
    weights = draw_bootstrap_weights(50, 500, seed=0)
    difference = compute_interval(better, weights, minus=ratios)
    alone = compute_interval(ratios, weights)
    assert difference.low > 0
    assert difference.high - difference.low < 0.2 * (alone.high - alone.low)


def test_what_does_not_count_does_not_count():
    ratios = RatioScores(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [3.0, 0.0]]))
    assert ratios.pooled() == 0.5
    assert ratios.aggregate("per_neuron") == 0.5
    assert np.isnan(ratios.per_target()[1])
    nothing = RatioScores(np.zeros((2, 1)), np.zeros((2, 1)))
    assert np.isnan(compute_interval(nothing, draw_bootstrap_weights(2, 10, 0)).low)
