"""Which rungs a problem has, and whose names they are."""

from dataclasses import replace

import numpy as np
import pytest

import spikecast as sc
from spikecast.core.errors import InputError
from spikecast.evaluation.ladder import add_rungs, list_rungs, note_rungs
from spikecast.models.drift import Drift
from spikecast.models.linear import PCARidge


@pytest.fixture(scope="module")
def problem(recording):
    return sc.AreaToArea("MOs").problem(recording)


def test_what_is_not_known_has_no_rung(problem):
    assert list_rungs(problem) == ["psth", "drift", "source_free", "behavior"]
    unknown = replace(problem, ordered=False, behavior=None)
    assert list_rungs(unknown) == ["psth", "source_free"]
    assert [notice.code for notice in note_rungs(unknown)] == ["unordered"]


def test_a_condition_that_no_column_names_is_said(recording):
    unnamed = sc.Recording(recording.dataset.drop_vars(["contrast_left", "contrast_right"]))
    named = {"conditions": ["response"]}
    scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea("MOs"), unnamed, folds=2, shifts=0)
    assert "one_condition" in {notice.code for notice in scores.notices}
    joint, asked = (
        sc.joint_correlation(unnamed, "VISp", "MOs", n_shifts=0, **some) for some in ({}, named)
    )
    assert [notice.code for notice in joint.notices] == ["one_condition"]
    assert asked.notices == ()


def test_a_stimulus_passes_for_coupling_only_where_the_task_does_not_name_it():
    shared = sc.simulate.unrelated_areas(120, (30, 30), n_bins=50, stimulus=0.3).recording.dataset
    recording = sc.Recording(shared.rename(contrast_left="left", contrast_right="right"))
    wrong, right = (
        sc.cross_validate(
            ["pca_ridge"], sc.AreaToArea("B", conditions=named), recording, folds=2, shifts=20
        )
        for named in (None, ["left", "right"])
    )
    assert [one.beyond.passes for one in (wrong, right)] == [True, False]
    assert "one_condition" not in {notice.code for notice in right.notices}
    with pytest.raises(InputError, match="unknown trial column 'lft'"):
        sc.cross_validate(["pca_ridge"], sc.AreaToArea("B", conditions=["lft"]), recording)


def test_inner_folds_follow_the_outer_ones_and_models_that_are_given_stay_as_they_are(problem):
    mine = Drift(seed=7)
    made = add_rungs({"drift": mine}, problem, split="block", gap=2)
    assert (made["drift"].split, made["drift"].gap, made["drift"].seed) == ("block", 2, 7)
    assert (mine.split, mine.gap) == ("trial", 0)


def test_no_model_with_a_source_passes_for_a_null(problem):
    with pytest.raises(InputError, match="'source_free' belongs to a null"):
        add_rungs({"source_free": PCARidge()}, problem)
    with pytest.raises(InputError, match="'mean_rate' belongs to a null"):
        add_rungs({"mean_rate": PCARidge()}, problem)
    truth = np.random.default_rng(0).poisson(0.5, (20, 5, 2))
    with pytest.raises(InputError, match="'drift' belongs to a null"):
        sc.score_predictions(truth, {"drift": 0.5 + 0 * truth})


def test_movement_known_once_per_trial_is_taken_out_as_behaviour_and_as_a_condition():
    """Two areas that share nothing but a response to it, with a time course."""
    rng = np.random.default_rng(0)
    moved = rng.integers(0, 3, 120)
    course = 1.4 * np.sin(2 * np.pi * np.arange(30) / 30)
    drive = rng.normal(0, 0.5, (3, 1, 30))[moved] * course[:, None]
    recording = sc.Recording.from_arrays(
        rng.poisson(0.12 * np.exp(drive)),
        0.01 * np.arange(30),
        ["A"] * 15 + ["B"] * 15,
        trials={"contrast_left": rng.choice([0.0, 1.0], 120), "moved": moved},
        behavior={"movement": np.repeat(moved[:, None].astype(float), 30, axis=1)},
    )
    told = [notice.code for notice in note_rungs(sc.AreaToArea("B").problem(recording))]
    assert told == ["constant_behavior"]
    unknown = sc.Recording(recording.dataset.drop_vars("movement"))
    asked = ((unknown, None), (recording, None), (unknown, ["contrast_left", "moved"]))
    neither, as_behavior, as_condition = (
        sc.explain(one, "B", folds=2, n_shifts=20, conditions=columns) for one, columns in asked
    )
    stands = [
        bool(one.table.set_index("part")["stands"]["A"])
        for one in (neither, as_behavior, as_condition)
    ]
    assert stands == [True, False, False]
    assert "constant_behavior" in {notice.code for notice in as_behavior.notices}


def test_behaviour_that_changes_within_trials_is_not_called_constant(problem):
    assert note_rungs(problem) == []


def test_trials_that_are_there_twice_are_said(recording):
    twice = np.r_[: recording.n_trials, :5]
    copied = sc.Recording(recording.dataset.isel(trial=twice))
    problem = sc.AreaToArea("MOs").problem(copied)
    notices = note_rungs(problem)
    assert [(n.code, n.values["n"]) for n in notices] == [("copied_trials", 5)]
    assert not problem.ordered


def test_trials_that_are_there_twice_earn_no_claim():
    """Of spikes drawn at random, a copy that is held out is known, and shifts take that away."""
    unrelated = sc.simulate.unrelated_areas(80, (20, 20), n_bins=20, seed=4).recording
    copied = sc.Recording(unrelated.dataset.isel(trial=np.repeat(np.arange(80), 2)))
    scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea("B", source="A"), copied)
    assert scores.beyond.untested == "unordered"
    assert not scores.beyond.passes


@pytest.mark.parametrize("column", ["event_time", "start_time"])
def test_trials_whose_times_go_back_have_no_drift(recording, column):
    times = np.arange(recording.n_trials, dtype=float)
    for sign, rung in ((1, True), (-1, False)):
        dataset = recording.dataset.assign_coords({column: ("trial", sign * times)})
        problem = sc.AreaToArea("MOs").problem(sc.Recording(dataset))
        assert ("drift" in list_rungs(problem)) is rung


def test_trials_drawn_at_random_earn_no_claim():
    """Two areas that share nothing but drift: in another order drift looks like coupling."""
    unrelated = sc.simulate.unrelated_areas(150, (25, 15), n_bins=20, drift_sd=(10.0, 40.0), seed=2)
    drawn = unrelated.recording.select(trials=np.random.default_rng(2).permutation(150))
    beyond = sc.cross_validate(["pca_ridge"], sc.AreaToArea("B", source="A"), drawn).beyond
    assert beyond.shift_test is None
    assert beyond.untested == "unordered"
