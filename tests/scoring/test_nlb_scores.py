"""Scores of the Neural Latents Benchmark, against its formulas written out here."""

import numpy as np
import pytest
from nlb_files import draw_arrays
from scipy.special import gammaln
from scipy.stats import pearsonr
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.scoring.nlb_scores import (
    compare_likelihoods,
    mean_of_scored,
    psth_r2,
    score_spikes,
    speed_correlation,
    velocity_r2,
)
from spikecast.scoring.nlb_table import score_rates


def poisson_nll(rate, spikes):
    known = ~np.isnan(spikes)
    r, n = rate[known].copy(), spikes[known]
    r[r == 0] = 1e-9
    return np.sum(r - n * np.log(r) + gammaln(n + 1.0))


def bits_by_hand(rate, spikes):
    null = np.tile(np.nanmean(spikes, axis=(0, 1), keepdims=True), (*spikes.shape[:2], 1))
    gain = poisson_nll(null, spikes) - poisson_nll(rate, spikes)
    return gain / np.nansum(spikes) / np.log(2)


@pytest.fixture
def spikes_and_rates():
    rng = np.random.default_rng(0)
    spikes = rng.integers(0, 5, (10, 20, 6)).astype(float)
    rate = rng.exponential(1.0, spikes.shape)
    return spikes, rate


def test_bits_per_spike_agree(spikes_and_rates):
    spikes, rate = spikes_and_rates
    bits = compare_likelihoods(spikes, rate, mean_of_scored(spikes)).pooled()
    assert bits == pytest.approx(bits_by_hand(rate, spikes), rel=1e-12)


def test_bits_per_spike_agree_with_gaps_zero_rates_and_silent_neurons(spikes_and_rates):
    spikes, rate = spikes_and_rates
    gaps = np.random.default_rng(1).random(spikes.shape) > 0.8
    spikes[..., 2] = 0.0
    rate[0, :3] = 0.0
    rate[1, 0] = 1e-12
    spikes[gaps] = np.nan
    rate[gaps] = np.nan  # not scored
    before = rate.copy()
    bits = compare_likelihoods(spikes, rate, mean_of_scored(spikes)).pooled()
    assert bits == pytest.approx(bits_by_hand(rate, spikes), rel=1e-12)
    np.testing.assert_array_equal(rate, before)


def test_wrong_rates_are_refused(spikes_and_rates):
    spikes, rate = spikes_and_rates
    with pytest.raises(ShapeError, match="nothing is broadcast"):
        compare_likelihoods(spikes, rate[..., :5], mean_of_scored(spikes))
    for wrong in (np.nan, -0.1):
        bad = rate.copy()
        bad[0, 0, 0] = wrong
        with pytest.raises(InputError, match="NaN or negative"):
            compare_likelihoods(spikes, bad, mean_of_scored(spikes))
    with pytest.raises(NotEnoughDataError, match="no spike"):
        score_spikes("co-bps", np.zeros_like(spikes), rate)


def test_our_nulls_know_the_training_trials_only(spikes_and_rates):
    spikes, rate = spikes_and_rates
    train = np.random.default_rng(2).poisson(0.7, (30, 20, 6))
    train[..., 4] = 0  # silent in training: not scored against our nulls
    rows = {row["null"]: row for row in score_spikes("co-bps", spikes, rate, train)}
    assert rows["eval_mean"]["value"] == pytest.approx(bits_by_hand(rate, spikes), rel=1e-12)
    kept = [0, 1, 2, 3, 5]
    null = np.broadcast_to(train[..., kept].mean(axis=(0, 1)), (10, 20, 5))
    gain = poisson_nll(null, spikes[..., kept]) - poisson_nll(rate[..., kept], spikes[..., kept])
    assert rows["train_mean"]["value"] == pytest.approx(
        gain / spikes[..., kept].sum() / np.log(2), rel=1e-12
    )
    assert all(row["low"] < row["value"] < row["high"] for row in rows.values())
    # the mean over the scored trials is the best constant: no constant null scores rates lower
    assert rows["train_mean"]["value"] > rows["eval_mean"]["value"]


def test_the_average_trial_is_no_news_to_rates_that_are_it():
    rng = np.random.default_rng(3)
    rate = np.exp(np.sin(np.linspace(0, 6, 40)))[:, None] * np.full(3, 0.5)
    train, scored = (rng.poisson(rate, (n, 40, 3)) for n in (200, 50))
    rows = {
        row["null"]: row["value"]
        for row in score_spikes(
            "co-bps", scored.astype(float), np.broadcast_to(rate, scored.shape), train
        )
    }
    assert rows["train_mean"] > 0.1
    assert abs(rows["train_psth"]) < 0.01


# ------------------------------------------------------------------------------------ psth R2


def psth_by_hand(psth, rates, trials, jitter):
    recorded, predicted = [], []
    for kind, of_kind in enumerate(trials):
        moved = []
        for trial in of_kind:
            one, n = rates[trial], jitter[trial]
            if n > 0:
                one = np.vstack([np.full((n, one.shape[1]), np.nan), one[:-n]])
            elif n < 0:
                one = np.vstack([one[-n:], np.full((-n, one.shape[1]), np.nan)])
            moved.append(one)
        if moved:
            known = ~np.isnan(psth[kind, :, 0])
            recorded.append(psth[kind][known])
            predicted.append(np.mean(moved, axis=0)[known])
    return r2_score(np.vstack(recorded), np.vstack(predicted))


def test_psth_r2_agrees():
    rng = np.random.default_rng(4)
    psth = rng.random((4, 15, 5))
    psth[1, :6] = np.nan  # shorter condition
    psth[..., 3] = 0.2  # a neuron that never changes
    rates = rng.random((9, 15, 5))
    trials = [np.array([0, 3]), np.array([1, 4, 5]), np.array([], dtype=int), np.array([2])]
    still = np.zeros(9, dtype=int)
    by_hand = psth_by_hand(psth, rates, trials, still)
    assert psth_r2(psth, rates, trials) == pytest.approx(by_hand, rel=1e-12)

    jitter = np.zeros(9, dtype=int)
    jitter[[1, 4, 5]] = [3, 1, 0]
    psth[3, -2:] = np.nan
    jitter[2] = -2
    by_hand = psth_by_hand(psth, rates, trials, jitter)
    assert psth_r2(psth, rates, trials, jitter) == pytest.approx(by_hand, rel=1e-12)
    jitter[2] = 1  # moves NaN into a bin that is scored
    with pytest.raises(InputError, match="NaN in bins"):
        psth_r2(psth, rates, trials, jitter)
    with pytest.raises(ShapeError, match="length 4"):
        psth_r2(psth, rates, trials[:3])
    with pytest.raises(NotEnoughDataError, match="no condition"):
        psth_r2(psth, rates, [np.array([], dtype=int)] * 4)


# ------------------------------------------------------------------------------------ velocity


def velocity_by_hand(train_rate, train_velocity, eval_rate, eval_velocity):
    pairs = []
    for rate, velocity in ((train_rate, train_velocity), (eval_rate, eval_velocity)):
        x, y = rate.reshape(-1, rate.shape[2]), velocity.reshape(-1, velocity.shape[2])
        known = ~np.isnan(y[:, 0])
        pairs.append((x[known], y[known]))
    search = GridSearchCV(Ridge(), {"alpha": np.logspace(-4, 0, 9)}).fit(*pairs[0])
    return r2_score(pairs[1][1], search.predict(pairs[1][0]))


@pytest.fixture
def movement():
    rng = np.random.default_rng(5)
    rate = rng.gamma(2.0, 0.1, (30, 12, 7))
    velocity = rate @ rng.normal(size=(7, 2)) + 0.05 * rng.normal(size=(30, 12, 2))
    velocity[3, 8:] = np.nan
    velocity[25, :2] = np.nan
    return rate[:20], velocity[:20], rate[20:], velocity[20:]


def test_velocity_r2_agrees(movement):
    value = velocity_r2(*movement)
    assert value == pytest.approx(velocity_by_hand(*movement), rel=1e-10)
    assert 0.5 < value < 1


def test_velocity_r2_is_averaged_over_decoders(movement):
    masks = [np.stack([np.arange(n) % 2 == 0, np.arange(n) % 2 == 1], axis=1) for n in (20, 10)]
    by_hand = [velocity_by_hand(*(one[part::2] for one in movement)) for part in (0, 1)]
    assert velocity_r2(*movement, *masks) == pytest.approx(np.mean(by_hand), rel=1e-10)


def test_velocity_that_has_nothing_to_do_with_rates_is_not_found(movement):
    noise = np.random.default_rng(6).normal(size=(30, 12, 2))
    assert velocity_r2(movement[0], noise[:20], movement[2], noise[20:]) < 0.05


def test_velocity_of_another_shape_is_refused(movement):
    train_rate, train_velocity, eval_rate, eval_velocity = movement
    with pytest.raises(ShapeError, match="time of rates"):
        velocity_r2(train_rate[:, :5], train_velocity, eval_rate, eval_velocity)
    with pytest.raises(NotEnoughDataError, match="at least 5"):
        velocity_r2(train_rate, np.full_like(train_velocity, np.nan), eval_rate, eval_velocity)
    with pytest.raises(InputError, match="rates are NaN"):
        velocity_r2(np.full_like(train_rate, np.nan), train_velocity, eval_rate, eval_velocity)


def test_speed_correlation_agrees():
    rng = np.random.default_rng(7)
    rate, spikes = rng.random((12, 20, 4)), rng.poisson(1.0, (12, 20, 2)).astype(float)
    for trial in range(12):
        spikes[trial, : trial + 2] = np.nan  # trials are aligned at their end
    behavior = np.c_[np.arange(12) % 2, np.zeros((12, 2)), np.ones(12), rng.random(12)]
    behavior[5] = np.nan
    values = []
    for kind in (0, 1):
        chosen = [trial for trial in range(12) if trial % 2 == kind and trial != 5]
        speeds = [
            np.mean(np.linalg.norm(np.diff(rate[trial, trial + 2 :], axis=0), axis=1))
            for trial in chosen
        ]
        values.append(pearsonr(speeds, behavior[chosen, -1])[0])
    found = speed_correlation(rate, spikes, behavior, (0, 1, 2))
    assert found == pytest.approx(np.mean(values), rel=1e-12)
    with pytest.raises(NotEnoughDataError, match="no scored trial"):
        speed_correlation(rate, spikes, np.full_like(behavior, np.nan), (0, 1, 2))


# ------------------------------------------------------------------------------------ the table


def test_the_table_holds_every_score():
    train, given, target, rates = draw_arrays()
    table = score_rates(rates, target, train | given, "mc_maze_small")
    found = table.set_index(["score", "null"])["value"]
    spikes = np.asarray(target["eval_spikes_heldout"], dtype=float)
    assert found["co-bps", "eval_mean"] == pytest.approx(
        bits_by_hand(rates["eval_rates_heldout"], spikes), rel=1e-9
    )
    after = [
        np.concatenate([one[f"eval_{what}_{side}_forward"] for side in ("heldin", "heldout")], 2)
        for one, what in ((rates, "rates"), (target, "spikes"))
    ]
    assert found["fp-bps", "eval_mean"] == pytest.approx(
        bits_by_hand(after[0], after[1].astype(float)), rel=1e-9
    )
    both = {
        part: np.concatenate([rates[f"{part}_rates_{side}"] for side in ("heldin", "heldout")], 2)
        for part in ("train", "eval")
    }
    assert found["vel R2", ""] == pytest.approx(
        velocity_by_hand(
            both["train"], target["train_behavior"], both["eval"], target["eval_behavior"]
        ),
        rel=1e-9,
    )
    still = np.zeros(len(both["eval"]), dtype=int)
    assert found["psth R2", ""] == pytest.approx(
        psth_by_hand(target["psth"], both["eval"], target["eval_cond_idx"], still), rel=1e-9
    )
    assert set(found.index.get_level_values(0)) == {"co-bps", "fp-bps", "vel R2", "psth R2"}


def test_an_interval_that_was_produced_is_no_velocity():
    train, given, target, rates = draw_arrays()
    n = len(target["eval_spikes_heldout"])
    behavior = np.c_[np.arange(n) % 2, np.zeros((n, 3)), np.random.default_rng(8).random(n)]
    target |= {"eval_behavior": behavior, "train_behavior": np.zeros((24, 5))}
    table = score_rates(rates, target, train | given, "dmfc_rsg_20")
    assert "tp corr" in table["score"].tolist()
    assert "vel R2" not in table["score"].tolist()
