import numpy as np
import pytest

from spikecast.data import simulate
from spikecast.data.quality import check_recording, find_alike
from spikecast.data.recording import Recording


def codes(recording):
    return {notice.code: notice.values.get("neurons") for notice in check_recording(recording)}


@pytest.fixture
def activity():
    return np.random.default_rng(0).poisson(0.3, (90, 40, 6))


def make(activity, area="A"):
    return Recording.from_arrays(activity, 0.01 * np.arange(activity.shape[1]), area)


def test_a_clean_recording_has_no_notices(activity):
    assert codes(make(activity)) == {}
    assert codes(simulate.poisson_noise(n_trials=100).recording) == {}


def test_each_fault_is_found_where_it_is(activity):
    rng = np.random.default_rng(1)
    activity[:, :, 1] = 0
    activity[:, :, 4] = activity[:, :, 2]
    activity[60:, :, 5] = rng.poisson(0.9, (30, 40))
    faults = codes(make(activity, ["A", "A", "A", "root", "A", "A"]))
    assert faults == {"silent": [1], "recorded_twice": [4], "drift": [5], "unlabeled": [3]}


def test_pairs_are_named_with_their_areas(activity):
    activity[:, :, 4] = activity[:, :, 2]
    (notice,) = check_recording(make(activity, list("ABCDEF")))
    assert notice.values["pairs"] == ["2 (C) and 4 (E)"]
    assert "2 (C) and 4 (E)" in str(notice)


@pytest.mark.parametrize("kind", ["counts", "continuous"])
def test_in_coarse_bins_and_imaging_only_near_copies_are_found(activity, kind):
    activity[:, :, 4] = activity[:, :, 2]
    recording = Recording.from_arrays(activity, 0.1 * np.arange(40), "A", kind=kind)
    assert codes(recording) == {"duplicate": [4]}


def test_a_trial_that_is_there_twice(activity):
    activity[7] = activity[3]
    activity[:2] = 0  # nothing happened in them: no copies
    (notice,) = check_recording(make(activity))
    assert (notice.code, notice.values["n"], notice.values["first"]) == ("copied_trials", 1, 7)


def test_few_trials(activity):
    (notice,) = check_recording(make(activity[:20]))
    assert (notice.code, notice.values) == ("few_trials", {"n_trials": 20})


def test_areas_that_only_look_like_two_are_named(activity):
    (notice,) = check_recording(make(activity, ["MOs", "mos", "MOs\u200b", " MOs", "MD", "VISp"]))
    assert notice.code == "areas_alike"
    assert "'mos'" in str(notice)
    assert "MD" not in str(notice)


def test_areas_that_differ_in_how_a_letter_is_written_are_alike():
    assert find_alike(["S\u00e9", "Se\u0301", "Se"]) == [["S\u00e9", "Se\u0301"]]


def test_counts_that_are_rates_are_named(activity):
    (notice,) = check_recording(make(50 * activity))
    assert (notice.code, notice.values) == ("multiples", {"divisor": 50})
    assert codes(make(2 * activity.clip(max=1))) == {}  # one count only: by chance
