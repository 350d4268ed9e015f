"""What the nulls take of recorded behaviour: no gap, artefact or camera hides a movement."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

import spikecast as sc
from spikecast.tasks.behavior import MAX_CHANNELS, note_behavior, stack_behavior


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


def test_a_single_variable_stays_beside_one_of_many_channels(moving):
    camera = np.random.default_rng(0).normal(size=(80, 20, 60))
    recording = record(moving, camera=camera, wheel=moving[0])
    stacked = stack_behavior(recording, recording.time)
    assert stacked.shape[2] == MAX_CHANNELS
    np.testing.assert_allclose(stacked[:, :, 1], moving[0], rtol=1e-5)  # of two first channels
    spread = stacked[:, :, [0, *range(2, MAX_CHANNELS)]].var(axis=(0, 1))
    assert (np.diff(spread) < 0).all()
    (notice,) = note_behavior(recording)
    assert notice.code == "behavior_reduced"
    assert notice.values["kept"] == MAX_CHANNELS - 1


def test_behavior_that_is_whole_is_taken_as_it_is(moving):
    speed = moving[0]
    licks = (np.random.default_rng(1).random(speed.shape) < 0.004).astype(float)
    recording = record(moving, wheel=speed, licks=licks)
    expected = np.stack([speed, licks], axis=2).astype(np.float32)
    np.testing.assert_array_equal(stack_behavior(recording, recording.time), expected)
    assert note_behavior(recording) == []


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


def test_what_is_missing_or_cut_is_said(moving):
    speed = moving[0]
    gone = speed.copy()
    gone[::5] = np.nan
    task = sc.AreaToArea("B")
    (notice,) = task.problem(record(moving, wheel=gone)).notices
    assert (notice.code, notice.severity) == ("behavior_gaps", "serious")
    assert "wheel is missing in 20% of the bins" in str(notice)
    codes = [one.code for one in task.problem(record(moving, wheel=spoil(speed, -999, 3))).notices]
    assert codes == ["behavior_artefacts"]
