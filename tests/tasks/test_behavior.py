"""What the nulls take of recorded behaviour: no gap, artefact or camera hides a movement."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter1d

import spikecast as sc
from spikecast.evaluation.verdict import judge_scores
from spikecast.report.run.verdict import describe_verdict
from spikecast.tasks.behavior import MAIN, MAX_CHANNELS, read_behavior


@pytest.fixture(scope="module")
def moving():
    """Return what two areas share, a movement and nothing else, and their spike counts."""
    rng = np.random.default_rng(3)
    speed = rng.normal(size=(80, 20))
    for bin_ in range(1, 20):
        speed[:, bin_] = 0.8 * speed[:, bin_ - 1] + 0.6 * speed[:, bin_]
    rates = np.exp(0.2 + speed[:, :, np.newaxis] * rng.normal(scale=0.5, size=16))
    return speed, rng.poisson(np.clip(rates, 0, 30))


def record(moving, **behavior):
    time = (np.arange(moving[1].shape[1]) + 0.5) * 0.05
    return sc.Recording.from_arrays(moving[1], time, ["A"] * 8 + ["B"] * 8, behavior=behavior)


def spoil(speed, value, n=1):
    spoilt = speed.copy()
    spoilt.flat[np.arange(n) * 97] = value
    return spoilt


def claims(recording):
    beyond = sc.cross_validate(["pca_ridge"], sc.AreaToArea("B"), recording, 3).beyond
    return beyond.gain.low > 0 and beyond.shift_test.p <= 0.05


def test_movement_is_not_claimed_beside_a_camera_or_with_an_artefact(moving):
    speed, _ = moving
    camera = np.random.default_rng(0).normal(size=(80, 20, 30))
    assert claims(record(moving))
    assert not claims(record(moving, wheel=speed, camera=camera))
    assert not claims(record(moving, wheel=spoil(speed, 1e6)))


@pytest.mark.parametrize("coupling", [0.0, 0.6])
def test_movement_in_a_video_is_taken_out_and_nothing_else(coupling):
    """Twelve of sixty singular vectors of a video move both areas; their variances fall off."""
    rng = np.random.default_rng(4)
    course = gaussian_filter1d(rng.normal(size=(90, 30, 61)), 2, axis=1)
    course /= course.std()
    video, own = course[..., :60], course[..., 60:]
    log_rates = video[..., :12] @ rng.normal(scale=0.3, size=(12, 16)) - 0.5 + coupling * own
    counts = rng.poisson(np.clip(np.exp(log_rates), 0, 20))
    recording = record((None, counts), video=video / np.sqrt(np.arange(1, 61)))
    assert claims(recording) == (coupling > 0)


def test_neurons_of_one_place_share_nothing_beyond_it():
    """An animal walks in an arena; neurons fire in places of it. Its x and y are recorded."""
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(scale=0.04, size=(120, 60, 2)), axis=1) + rng.random((120, 1, 2))
    place = np.abs((walk + 100) % 2 - 1)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 4)] * 2), axis=-1).reshape(-1, 2)
    fields = np.exp(-0.5 * np.square((place[:, :, np.newaxis] - grid) / 0.08).sum(axis=3))
    fields = (fields - fields.mean(axis=(0, 1))) / fields.std(axis=(0, 1))
    counts = rng.poisson(0.2 * np.exp(fields @ rng.normal(scale=0.125, size=(16, 24))))
    time, area = (np.arange(60) + 0.5) * 0.02, ["A"] * 12 + ["B"] * 12
    x, y = np.moveaxis(place, 2, 0)
    for behavior, claimed in (({}, True), ({"x": x, "y": y}, False)):
        recording = sc.Recording.from_arrays(counts, time, area, behavior=behavior)
        assert claims(recording) == claimed


def test_a_single_variable_stays_beside_one_of_many_channels(moving):
    camera = np.random.default_rng(0).normal(size=(80, 20, 60))
    recording = record(moving, camera=camera, wheel=moving[0])
    stacked, _, (notice,) = read_behavior(recording, recording.time)
    assert MAIN <= stacked.shape[2] < MAX_CHANNELS / 2  # most of it is noise
    np.testing.assert_allclose(stacked[:, :, 0], moving[0], rtol=1e-5)  # what neurons follow
    assert notice.code == "behavior_reduced"
    assert notice.values["kept"] == MAX_CHANNELS - 1


def test_movement_is_found_among_many_channels_of_other_units_and_beside_many_variables(moving):
    """Components leave a wheel out whose numbers are small beside those of a camera."""
    speed, camera = moving[0], 1000 * np.random.default_rng(0).normal(size=(80, 20, 60))
    together = np.concatenate([camera, speed[:, :, np.newaxis]], axis=2)
    task = sc.AreaToArea("B")
    for given in (
        {"all": together},
        {f"point{number}": together[:, :, number] for number in range(61)},
    ):
        problem = task.problem(record(moving, **given))
        assert MAIN <= problem.behavior.shape[2] < MAX_CHANNELS / 2  # noise is left out
        first = np.corrcoef(problem.behavior[:, :, 0].ravel(), speed.ravel())[0, 1]
        assert abs(first) > 0.99
        assert "behavior_reduced" in [notice.code for notice in problem.notices]
    assert not claims(record(moving, all=together))


def test_behavior_that_is_whole_is_taken_as_it_is(moving):
    speed = moving[0]
    licks = (np.random.default_rng(1).random(speed.shape) < 0.004).astype(float)
    recording = record(moving, wheel=speed, licks=licks)
    expected = np.stack([speed, licks], axis=2).astype(np.float32)
    read = read_behavior(recording, recording.time)
    np.testing.assert_array_equal(read.values, expected)
    assert (read.gaps, read.notices) == (None, [])


def test_trials_without_behavior_are_left_out_of_what_is_claimed(moving):
    wheel = moving[0].copy()
    wheel[::5] = np.nan
    recording = record(moving, wheel=wheel, pupil=np.full(wheel.shape, np.nan))
    scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea("B"), recording, 3)
    assert not (scores.beyond.gain.low > 0 and scores.beyond.shift_test.p <= 0.05)
    (notice,) = [one for one in scores.notices if one.code == "unrecorded_behavior"]
    assert notice.values == {"n": 16, "n_trials": 80}
    for record_ in scores.beyond.records:
        assert not np.isin(np.r_[record_.train, record_.test], np.arange(0, 80, 5)).any()


PAIR_QUESTIONS = [sc.communication_subspace, sc.joint_correlation, sc.information_flow]


@pytest.fixture(scope="module")
def mostly_unrecorded(moving):
    """Return a recording whose wheel was recorded in 9 of 80 trials."""
    wheel = np.full(moving[0].shape, np.nan)
    wheel[::9] = moving[0][::9]
    return record(moving, wheel=wheel)


@pytest.fixture(scope="module")
def partly_unrecorded(moving):
    """Return a recording whose wheel is missing in a fifth of the trials, and the others alone."""
    wheel = moving[0].copy()
    wheel[::5] = np.nan
    recording = record(moving, wheel=wheel)
    return recording, recording.select(trials=np.arange(80) % 5 > 0)


def test_nothing_is_predicted_beyond_movement_that_few_trials_have(mostly_unrecorded):
    scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea("B"), mostly_unrecorded, 3)
    verdict = judge_scores(scores)
    assert verdict.beyond.gain.low > 0
    assert (verdict.outcome, verdict.beyond.untested) == ("untested", "unrecorded")
    assert "behaviour was not recorded" in describe_verdict(verdict)[0]


@pytest.mark.parametrize("ask", PAIR_QUESTIONS)
def test_nothing_is_claimed_of_a_pair_where_few_trials_have_the_movement(mostly_unrecorded, ask):
    claim = ask(mostly_unrecorded, "A", "B", folds=2).claim
    assert (claim.stands, claim.untested) == (False, "behaviour not recorded")


@pytest.mark.parametrize("ask", PAIR_QUESTIONS)
def test_questions_about_a_pair_leave_out_trials_without_behavior(partly_unrecorded, ask):
    found, expected = (ask(one, "A", "B", n_shifts=0, folds=2) for one in partly_unrecorded)
    assert [one.values["n"] for one in found.notices if one.code == "unrecorded_behavior"] == [16]
    pd.testing.assert_frame_equal(found.table, expected.table)


def test_an_atlas_leaves_out_trials_without_behavior(
    partly_unrecorded, mostly_unrecorded, tmp_path
):
    settings = {"min_neurons": 4, "folds": 3, "within": False, "workers": 1}
    whole, kept = partly_unrecorded
    found, expected = sc.atlas(whole, out=tmp_path, **settings), sc.atlas(kept, **settings)
    pd.testing.assert_frame_equal(found.cells, expected.cells)
    manifest = (tmp_path / "manifest.json").read_text()
    assert "16 of 80 trials lack" in manifest
    untested = sc.atlas(mostly_unrecorded, **settings).cells
    assert set(untested["untested"]) == {"behaviour not recorded"}
    assert not untested["passes"].any()


def test_what_is_missing_or_cut_is_said(moving):
    speed = moving[0]
    gone = speed.copy()
    gone[:, ::5] = np.nan
    gone[0] = np.nan  # a trial that is left out: nothing is guessed
    task = sc.AreaToArea("B")
    (notice,) = task.problem(record(moving, wheel=gone)).notices
    assert (notice.code, notice.severity) == ("behavior_gaps", "serious")
    assert "wheel is missing in 20.0% of the bins" in str(notice)
    codes = [one.code for one in task.problem(record(moving, wheel=spoil(speed, -999, 3))).notices]
    assert codes == ["behavior_artefacts"]


@pytest.mark.parametrize("change", [lambda speed: speed + 3e7, lambda speed: speed * 1e-25])
def test_movement_beside_a_large_baseline_or_in_tiny_units_is_what_it_is(moving, change):
    speed, _ = moving
    as_it_is = record(moving, speed=speed)
    changed = record(moving, speed=change(speed))
    read, again = (read_behavior(one, one.time).values[..., 0] for one in (as_it_is, changed))
    assert np.corrcoef(read.ravel(), again.ravel())[0, 1] > 0.9999
    assert np.square(again).sum(dtype=np.float32) > 0
