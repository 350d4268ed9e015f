import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson
from sklearn.metrics import d2_tweedie_score, r2_score

from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.scoring import metrics


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    rate = rng.gamma(1.0, 0.4, (12, 20, 5))
    return rng.poisson(rate), rate


def test_bits_per_spike_equals_the_difference_of_log_likelihoods(data):
    y, rate = data
    null = metrics.null_rate(y, y)
    expected = (poisson.logpmf(y, rate).sum() - poisson.logpmf(y, null).sum()) / np.log(2) / y.sum()
    assert metrics.bits_per_spike(y, rate, null) == pytest.approx(expected)


def test_true_rates_beat_the_null_and_the_null_scores_zero(data):
    y, rate = data
    null = metrics.null_rate(y, y)
    assert metrics.bits_per_spike(y, rate, null) > 0.3
    assert metrics.bits_per_spike(y, null, null) == 0


def test_per_neuron_is_the_mean_of_each_neurons_own_score(data):
    y, rate = data
    null = metrics.null_rate(y, y)
    own = [metrics.bits_per_spike(y[..., [n]], rate[..., [n]], null[..., [n]]) for n in range(5)]
    assert metrics.bits_per_spike(y, rate, null, "per_neuron") == pytest.approx(np.mean(own))
    assert metrics.bits_per_spike(y, rate, null) != pytest.approx(np.mean(own))


def test_nulls_differ_and_the_evaluated_mean_is_the_strictest(data):
    y, rate = data
    train, test = y[:6], y[6:]
    scores = {
        null: metrics.bits_per_spike(test, rate[6:], metrics.null_rate(train, test, null))
        for null in ("train_mean", "eval_mean", "psth")
    }
    assert scores["eval_mean"] < scores["train_mean"]
    assert len(set(scores.values())) == 3


def test_nan_counts_are_masked(data):
    y, rate = data
    masked = y.astype(float)
    masked[0] = np.nan
    null = metrics.null_rate(y, y)
    assert metrics.bits_per_spike(masked, rate, null) == pytest.approx(
        metrics.bits_per_spike(y[1:], rate[1:], null[1:])
    )


def test_bad_rates_are_errors(data):
    y, rate = data
    for bad in (np.full_like(rate, np.nan), -rate):
        with pytest.raises(InputError, match="NaN or negative"):
            metrics.bits_per_spike(y, bad, rate)
    with pytest.raises(ShapeError):
        metrics.bits_per_spike(y, rate[..., :1], rate)
    with pytest.raises(NotEnoughDataError, match="no spike"):
        metrics.bits_per_spike(0 * y, rate, rate)


def test_a_rate_of_zero_is_floored_not_infinite():
    y, rate = np.array([[[1]]]), np.zeros((1, 1, 1))
    assert np.isfinite(metrics.bits_per_spike(y, rate, np.ones((1, 1, 1))))


def test_d2_agrees_with_scikit_learn(data):
    y, rate = data
    mean = np.broadcast_to(y.mean(), y.shape)
    expected = d2_tweedie_score(y.ravel(), rate.ravel(), power=1)
    assert metrics.d2(y, rate, mean) == pytest.approx(expected, abs=1e-6)


def test_poisson_nll_is_the_mean_loss(data):
    y, rate = data
    assert metrics.poisson_nll(y, rate) == pytest.approx(np.mean(rate - y * np.log(rate)))


class TestPSTH:
    def test_structure_in_time_is_found_where_there_is_some(self):
        rng = np.random.default_rng(0)
        true = 0.05 + 0.6 * np.exp(-0.5 * ((np.arange(60) - 30) / 4) ** 2)
        y = rng.poisson(true[:, None], (80, 60, 4))
        test = rng.poisson(true[:, None], (80, 60, 4))
        gain = metrics.bits_per_spike(
            test, metrics.null_rate(y, test, "psth"), metrics.null_rate(y, test)
        )
        best = metrics.bits_per_spike(
            test, np.broadcast_to(true[:, None], y.shape), metrics.null_rate(y, test)
        )
        assert 0.9 * best < gain <= best

    def test_it_costs_next_to_nothing_where_there_is_none(self):
        rng = np.random.default_rng(1)
        y, test = rng.poisson(0.02, (2, 40, 60, 30))
        gain = metrics.bits_per_spike(
            test, metrics.null_rate(y, test, "psth"), metrics.null_rate(y, test)
        )
        assert -0.02 < gain < 0.01


class TestPsthR2:
    def test_perfect_averages_score_one_and_flat_ones_zero_or_less(self):
        rng = np.random.default_rng(0)
        condition = np.repeat(["a", "b"], 200)
        true = np.where(condition[:, None, None] == "a", 0.5, 2.0) * np.ones((400, 3, 2))
        y = rng.poisson(true)
        assert metrics.psth_r2(y, true, condition) > 0.98
        assert metrics.psth_r2(y, np.full(true.shape, 1.25), condition) == pytest.approx(
            0, abs=0.05
        )


class TestContinuous:
    def test_it_agrees_with_scikit_learn(self):
        rng = np.random.default_rng(0)
        y = rng.normal(size=(50, 3))
        prediction = y + rng.normal(0, 0.5, y.shape)
        null = np.broadcast_to(y.mean(axis=0), y.shape)
        found = metrics.score_continuous(y, prediction, null)
        np.testing.assert_allclose(found.r2, r2_score(y, prediction, multioutput="raw_values"))
        np.testing.assert_allclose(found.rmse**2, found.mse)
        np.testing.assert_allclose(
            found.pearson, [np.corrcoef(y[:, i], prediction[:, i])[0, 1] for i in range(3)]
        )

    def test_the_broadcast_of_study_d_is_an_error(self):
        with pytest.raises(ShapeError, match="nothing is broadcast"):
            metrics.score_continuous(np.zeros((9, 1)), np.zeros(9), np.zeros((9, 1)))

    def test_a_constant_prediction_has_no_correlation(self):
        y = np.arange(4.0)[:, None]
        assert metrics.score_continuous(y, np.ones((4, 1)), np.full((4, 1), 1.5)).pearson[0] == 0


def test_label_scores_by_hand():
    found = metrics.score_labels(np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 0]))
    np.testing.assert_array_equal(found.confusion, [[2, 1, 0], [0, 1, 0], [1, 0, 0]])
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 + 0) / 3)
    np.testing.assert_array_equal(found.support, [3, 1, 1])
    assert found.precision[2] == 0


COUNTS = np.random.default_rng(0).poisson(0.5, (6, 10, 3))
RATE = np.full(COUNTS.shape, 0.5)
TAKEN = {
    "log_likelihood": lambda given: metrics.log_likelihood(given, RATE),
    "bits_per_spike": lambda given: metrics.bits_per_spike(COUNTS, given, RATE),
    "bits_per_spike, null": lambda given: metrics.bits_per_spike(COUNTS, RATE, given),
    "null_rate": lambda given: metrics.null_rate(given, COUNTS),
    "null_rate, eval": lambda given: metrics.null_rate(COUNTS, given, "eval_mean"),
    "psth": metrics.psth,
    "smooth_in_time": lambda given: metrics.smooth_in_time(given, 2),
    "d2": lambda given: metrics.d2(COUNTS, given, RATE),
    "poisson_nll": lambda given: metrics.poisson_nll(given, RATE),
    "psth_r2": lambda given: metrics.psth_r2(COUNTS, given, np.arange(6) // 3),
    "psth_r2, condition": lambda given: metrics.psth_r2(COUNTS, RATE, given),
    "score_continuous": lambda given: metrics.score_continuous(COUNTS, given, RATE),
    "score_labels": lambda given: metrics.score_labels(given, np.arange(6)),
}


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize(
    "given",
    [
        np.ma.masked_array(COUNTS, COUNTS == 0),
        None,
        "abc",
        {},
        [[1, 2], [3]],
        COUNTS.astype(str),
        COUNTS + 1j,
        COUNTS.astype("datetime64[s]"),
        COUNTS.astype(object),
    ],
    ids=["masked", "None", "text", "dict", "ragged", "texts", "complex", "dates", "objects"],
)
def test_hidden_values_and_what_is_no_array_of_numbers_are_refused_in_a_line(name, given):
    with pytest.raises(InputError) as refused:
        TAKEN[name](given)
    assert "\n" not in str(refused.value)


def test_lists_and_tables_are_taken_as_arrays(data):
    y, rate = data
    null = metrics.null_rate(y, y)
    assert metrics.bits_per_spike(y.tolist(), rate.tolist(), null) == metrics.bits_per_spike(
        y, rate, null
    )
    told = pd.Series(["go", "no"], dtype=object)
    assert metrics.score_labels(told, told).accuracy == 1


@pytest.mark.parametrize(
    "labels", [[0.5, 1.5], [1, None], ["a", 1], [np.nan, 1.0], [], [[1, 2]], [1j, 2]]
)
def test_labels_are_text_or_whole_numbers(labels):
    labels = np.array(labels, dtype=object) if labels in ([1, None], ["a", 1]) else labels
    with pytest.raises(InputError):
        metrics.score_labels(labels, labels)


def test_text_is_not_compared_with_numbers():
    with pytest.raises(InputError, match="both be text"):
        metrics.score_labels(["1", "2"], [1, 2])


def test_an_infinite_rate_is_refused(data):
    y, rate = data
    with pytest.raises(InputError, match="infinite"):
        metrics.log_likelihood(y, np.full_like(rate, np.inf))
