"""What a source tells beyond the ladder: found where it is planted, nothing where nothing is."""

import numpy as np
import pytest

import spikecast as sc
from spikecast.evaluation.beyond import Beyond, ShiftTest, measure_beyond, plan_beyond
from spikecast.evaluation.folds import make_folds
from spikecast.evaluation.verdict import judge_scores
from spikecast.scoring.ratio_scores import Interval

NOTHING = {"drift": {}, "stimulus": {"stimulus": 0.05}, "movement": {"movement": 0.05}}


def measure(recording, split="trial", **settings):
    problem = sc.AreaToArea("B").problem(recording)
    folds = make_folds(problem, 5, split=split)
    job = plan_beyond(problem, folds, split=split, **settings)
    return measure_beyond(job, problem.x, problem.y)


@pytest.mark.parametrize("kind", NOTHING)
def test_areas_that_share_nothing_tell_nothing(kind):
    claims = [
        measure(sc.simulate.unrelated_areas(120, (20, 20), seed=seed, **NOTHING[kind]).recording)
        for seed in range(4)
    ]
    assert not any(beyond.passes for beyond in claims)
    assert all(abs(beyond.gain.value) < 0.003 for beyond in claims)


def test_a_planted_coupling_is_found():
    recording = sc.simulate.unrelated_areas(200, (40, 40), coupling=0.03, seed=1).recording
    beyond = measure(recording)
    assert beyond.rung == "source_free"
    assert beyond.passes
    assert 0.003 < beyond.gain.value < 0.03
    test = beyond.shift_test
    assert test.true > max(test.scores)
    assert Beyond.from_json(beyond.to_json()) == beyond


@pytest.mark.parametrize("place", [(31, -1), pytest.param((31, 20), marks=pytest.mark.slow)])
def test_a_rare_event_in_the_recorded_behaviour_hides_no_coupling(place):
    """One lick in a session is a hundred s.d.: it must not blow up what is taken out."""
    recording = sc.simulate.unrelated_areas(
        100, (12, 12), coupling=0.1, movement=0.1, seed=3
    ).recording
    licks = np.zeros(recording.shape[:2])
    licks[place] = 1
    behavior = {name: recording.dataset[name].values for name in recording.behavior}
    licking = sc.Recording.from_arrays(
        recording.activity, recording.time, recording.area, behavior=behavior | {"licks": licks}
    )
    without, beside = measure(recording), measure(licking)
    assert beside.passes
    assert beside.gain.value == pytest.approx(without.gain.value, rel=0.1)


def test_continuous_values_are_tested_too():
    rng = np.random.default_rng(0)
    slow = 0.3 * np.cumsum(rng.normal(size=(2, 100, 1, 1)), axis=1)
    fast = rng.normal(size=(100, 20, 2))
    a = slow[0] + fast @ rng.normal(size=(2, 8)) + rng.normal(size=(100, 20, 8))
    for coupling in (0.0, 0.7):
        b = slow[1] + coupling * fast @ rng.normal(size=(2, 6)) + rng.normal(size=(100, 20, 6))
        recording = sc.Recording.from_arrays(
            np.concatenate([a, b], axis=2), 0.1 * np.arange(20), ["A"] * 8 + ["B"] * 6,
            kind="continuous",
        )  # fmt: skip
        assert measure(recording).passes == (coupling > 0)


def test_blocks_are_held_out_as_blocks():
    beyond = measure(sc.simulate.unrelated_areas(120, (20, 20), seed=2).recording, split="block")
    assert not beyond.passes


def name_each_trial(recording):
    columns = {"contrast_left": ("trial", np.arange(60.0))}
    return sc.Recording(recording.dataset.assign_coords(columns))


@pytest.mark.parametrize(
    ("change", "settings", "why"),
    [
        (lambda r: sc.Recording(r.dataset.assign_attrs(ordered=False)), {}, "unordered"),
        (lambda r: r.select(trials=np.arange(30)), {}, "few_trials"),
        (lambda r: r, {"n_shifts": 0}, "off"),
        (name_each_trial, {}, "few_trials"),
    ],
)
def test_without_a_shift_test_nothing_passes(change, settings, why):
    recording = sc.simulate.unrelated_areas(60, (20, 20), coupling=0.1, seed=1).recording
    beyond = measure(change(recording), **settings)
    assert beyond.untested == why
    assert beyond.shift_test is None
    assert not beyond.passes


def test_the_verdict_is_silent_on_drift_that_a_score_above_the_mean_takes_for_prediction():
    recording = sc.simulate.unrelated_areas(200, (40, 40), seed=0).recording
    scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea("B"), recording)
    verdict = judge_scores(scores)
    assert scores.interval("source_free").low > 0
    assert verdict.outcome in ("not_beyond", "not_predicted")
    assert verdict.rungs == ("psth", "drift", "source_free")


def test_the_seed_decides_alone():
    recording = sc.simulate.unrelated_areas(60, (15, 15), coupling=0.05, seed=1).recording
    assert measure(recording, seed=3) == measure(recording, seed=3)


def test_a_gain_prints_in_one_line():
    gain, test = Interval(0.02, 0.01, 0.03), ShiftTest(0.05, 0.02, (-1, 1), (0.0, 0.0))
    assert (
        str(Beyond("drift", gain, test)) == "0.020 [0.010, 0.030] above drift, p 0.050 of 2 shifts"
    )
    assert str(Beyond("psth", gain, None, "unordered")).endswith("no shift test (unordered)")


def measure_behavior(values, **settings):
    """Measure what planted neurons tell of behaviour, (trial, time)."""
    rng = np.random.default_rng(1)
    activity = rng.normal(size=(*values.shape, 6)) + 0.3 * values[..., np.newaxis]
    recording = sc.Recording.from_arrays(
        activity, 0.1 * np.arange(values.shape[1]), ["A"] * 6,
        behavior={"licks": values}, kind="continuous",
    )  # fmt: skip
    problem = sc.Behavior("licks", **settings).problem(recording)
    return measure_beyond(plan_beyond(problem, make_folds(problem, 5)), problem.x, problem.y)


def test_numbers_of_licks_are_measured_as_the_values_that_they_are_scored_as():
    """They are whole numbers, but no counts: R2 is above the mean, whatever that is."""
    licks = np.random.default_rng(0).poisson(0.5, (60, 20)).astype(float)
    whole, moved = measure_behavior(licks), measure_behavior(licks + 0.5)
    assert whole.gain.value == pytest.approx(moved.gain.value, rel=0.05)
    assert whole.shift_test.true == pytest.approx(moved.shift_test.true, rel=0.05)


@pytest.mark.parametrize("window", [5, 25, 30, 100])
def test_windows_of_any_length_are_tested(window):
    licks = np.random.default_rng(0).normal(size=(1, 6000))
    assert measure_behavior(licks, window=window).passes
