"""Nulls that know the trial: what they find where it is planted, and nothing where it is not."""

import numpy as np
import pytest

from spikecast.core.errors import InputError, ShapeError
from spikecast.models.behavior_null import BehaviorNull
from spikecast.models.drift import Drift
from spikecast.models.psth import PSTH
from spikecast.models.source_free import SourceFree
from spikecast.scoring.metrics import bits_per_spike, null_rate
from spikecast.tasks.trial_facts import TrialFacts

N_TRIALS, N_BINS, N_TARGETS = 160, 30, 6
TRAIN, TEST = np.arange(N_TRIALS)[::2], np.arange(N_TRIALS)[1::2]


def make_session(*, drift=0.0, task=0.0, movement=0.0, seed=0):
    """Return log rates of which parts are planted, and what is known of the trials."""
    rng = np.random.default_rng(seed)
    place = np.arange(N_TRIALS, dtype=float)
    condition = rng.integers(0, 4, N_TRIALS)
    speed = np.repeat(rng.normal(size=(N_TRIALS, 6, 1)), N_BINS // 6, axis=1)
    slow = np.sin(place / 12)[:, None, None] * rng.normal(size=N_TARGETS)
    bump = np.exp(-0.5 * ((np.arange(N_BINS) - 15) / 4) ** 2)[:, None]
    response = rng.normal(size=(4, 1, N_TARGETS)) * bump
    moved = speed * rng.normal(size=N_TARGETS)
    log_rate = np.log(0.3) + drift * slow + task * response[condition] + movement * moved
    return log_rate, TrialFacts(place, condition, speed.astype(np.float32))


def draw_counts(log_rate, seed=1):
    return np.random.default_rng(seed).poisson(np.exp(log_rate))


def score(null, y, facts):
    x = y[..., :1]
    fitted = null.fit(x[TRAIN], y[TRAIN], trials=facts.take(TRAIN))
    rate = fitted.predict(x[TEST], trials=facts.take(TEST))
    return bits_per_spike(y[TEST], rate, null_rate(y[TRAIN], y[TEST]))


@pytest.mark.parametrize(
    ("null", "planted"),
    [
        (Drift(), {"drift": 0.6}),
        (PSTH(), {"task": 1.0}),
        (SourceFree(), {"drift": 0.6, "task": 1.0}),
        (BehaviorNull(), {"drift": 0.6, "task": 1.0, "movement": 0.6}),
    ],
    ids=["drift", "psth", "source_free", "behavior"],
)
def test_what_is_planted_is_found_nearly_whole(null, planted):
    log_rate, facts = make_session(**planted)
    y = draw_counts(log_rate)
    oracle = bits_per_spike(y[TEST], np.exp(log_rate[TEST]), null_rate(y[TRAIN], y[TEST]))
    assert oracle > 0.05
    assert score(null, y, facts) > 0.7 * oracle


@pytest.mark.parametrize("null", [Drift(), PSTH(), SourceFree(), BehaviorNull()])
def test_where_nothing_is_planted_nothing_is_lost(null):
    log_rate, facts = make_session()
    assert abs(score(null, draw_counts(log_rate), facts)) < 0.01


def test_source_free_is_the_better_of_its_parts_and_more_where_both_are_there():
    log_rate, facts = make_session(drift=0.6, task=1.0)
    y = draw_counts(log_rate)
    parts = [score(null, y, facts) for null in (Drift(), PSTH())]
    assert score(SourceFree(), y, facts) > max(parts) + 0.5 * min(parts)


def test_continuous_values_add_up():
    log_rate, facts = make_session(drift=0.6, task=1.0, movement=0.6)
    y = log_rate + 0.3 * np.random.default_rng(2).normal(size=log_rate.shape)
    x = y[..., :1]
    variance = np.square(y[TEST] - y[TRAIN].mean(axis=(0, 1))).sum()
    explained = []
    for null in (Drift(), SourceFree(), BehaviorNull()):
        null.fit(x[TRAIN], y[TRAIN], trials=facts.take(TRAIN))
        missed = y[TEST] - null.predict(x[TEST], trials=facts.take(TEST))
        explained.append(1 - np.square(missed).sum() / variance)
    assert 0.05 < explained[0] < explained[1] < explained[2]
    assert explained[2] > 0.7


def test_without_an_order_there_is_no_drift():
    log_rate, facts = make_session(drift=0.6)
    y = draw_counts(log_rate)
    unordered = TrialFacts(None, facts.condition)
    predicted = Drift().fit(y, y, trials=unordered).predict(y, trials=unordered)
    np.testing.assert_allclose(predicted, np.broadcast_to(y.mean(axis=(0, 1)), y.shape), rtol=1e-5)


def test_a_condition_that_was_never_trained_on_gets_the_average():
    log_rate, facts = make_session(task=1.0)
    y = draw_counts(log_rate)
    null = PSTH().fit(y, y, trials=facts)
    new = TrialFacts(None, np.full(N_TRIALS, 99))
    np.testing.assert_allclose(null.predict(y, trials=new)[0], null.psth_[-1], rtol=1e-5)


def test_trials_left_out_do_not_tell_of_themselves():
    """One trial with a hundred times the counts changes its own left-out prediction little."""
    log_rate, facts = make_session(drift=0.3)
    y = draw_counts(log_rate)
    changed = y.copy()
    changed[40] *= 100
    before, after = (
        SourceFree().fit(one, one, trials=facts).predict_left_out(one, facts)[40].mean()
        for one in (y, changed)
    )
    assert after < 3 * before
    assert changed[40].mean() > 20 * before


def test_inner_blocks_make_the_drift_wider():
    """Where whole blocks are left out, near trials cannot help, and the null knows."""
    log_rate, facts = make_session(drift=0.8)
    y = draw_counts(log_rate)
    random, block = (Drift(split=how).fit(y, y, trials=facts) for how in ("trial", "block"))
    assert block.shrinkage_.mean() >= random.shrinkage_.mean()


def test_wrong_facts_are_refused():
    y = np.ones((6, 4, 2), dtype=int)
    with pytest.raises(InputError, match="TrialFacts"):
        Drift().fit(y, y, trials=np.arange(6))
    with pytest.raises(ShapeError, match="trials"):
        Drift().fit(y, y, trials=TrialFacts.unknown(5))
    with pytest.raises(InputError, match="on top"):
        Drift().fit(y, y, base=np.ones(y.shape))
