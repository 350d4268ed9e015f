"""Trials and units of an NWB file in times that were not recorded, or are invalid, are left out."""

import numpy as np
import pytest

from spikecast.core.errors import NotEnoughDataError
from spikecast.data import load
from spikecast.data.cuts.taken import read_taken

pytest.importorskip("pynwb", reason="the extra nwb is not installed")
import nwb_files as planted

PLACE = {"align": "onset", "window": (-0.5, 1.0), "bin_size": 0.1}
WHOLE = [[0.0, 100.0]]


def write_observed(path, intervals, *parts):
    """Write planted units with intervals for each, 30 trials every 3 s from 5 s on."""

    def add(nwb):
        nwb.add_unit_column(name="area", description="area")
        for unit, times in enumerate(planted.spike_times()):
            nwb.add_unit(spike_times=times, obs_intervals=intervals[unit], area=planted.AREAS[unit])

    return planted.write_parts(path, add, planted.add_trials, *parts)


def add_invalid(*intervals):
    def add(nwb):
        for start, stop in intervals:
            nwb.add_invalid_time_interval(start_time=start, stop_time=stop, tags=["artefact"])

    return add


def add_units(nwb):
    planted.add_units(nwb, electrodes=False, area=planted.AREAS)


def find(recording, code):
    return [str(one) for one in read_taken(recording.dataset) if one.code == code]


def test_trials_that_overlap_invalid_times_are_left_out(tmp_path):
    # from 20 to 30 s are the windows around 20, 23, 26 and 29 s; a window ends at 40 s
    invalid = add_invalid((20.5, 28.6), (40.0, 40.4), (39.0, 39.0))
    path = planted.write_parts(tmp_path / "a.nwb", add_units, planted.add_trials, invalid)
    recording = load(path, **PLACE)
    kept = np.isin(planted.EVENTS, [20.0, 23.0, 26.0, 29.0], invert=True)
    np.testing.assert_array_equal(recording.activity, planted.expected_counts()[kept])
    (said,) = find(recording, "event")
    assert "4 whose window overlaps invalid times of the file" in said


def test_where_all_times_are_invalid_the_error_says_so(tmp_path):
    path = planted.write_parts(
        tmp_path / "a.nwb", add_units, planted.add_trials, add_invalid((0.0, 200.0))
    )
    with pytest.raises(NotEnoughDataError, match="overlap invalid times of the NWB file"):
        load(path, **PLACE)


def test_invalid_intervals_without_an_end_are_said(tmp_path):
    path = planted.write_parts(
        tmp_path / "a.nwb", add_units, planted.add_trials, add_invalid((20.0, np.nan), (9.0, 8.0))
    )
    recording = load(path, **PLACE)
    assert recording.n_trials == 30
    assert "2 of 2 intervals" in find(recording, "some_intervals_left")[0]


def write_two_probes(path, *intervals):
    """Write units of two probes, the first unit alone on probe A; intervals have tags."""

    def add(nwb):
        groups = [
            nwb.create_electrode_group(
                name=f"probe{letter}", description="", location="", device=nwb.create_device(name)
            )
            for letter, name in (("A", "first"), ("B", "second"))
        ]
        for row, area in enumerate(planted.AREAS):
            nwb.add_electrode(id=row, location=area, group=groups[row > 0])
        for row, times in enumerate(planted.spike_times()):
            nwb.add_unit(spike_times=times, electrodes=[row])
        for start, stop, *tags in intervals:
            nwb.add_invalid_time_interval(start_time=start, stop_time=stop, tags=tags)

    return planted.write_parts(path, add, planted.add_trials)


@pytest.mark.parametrize("tags", [("EcephysProbe", "12", "probeA"), ("first",)])
def test_invalid_times_of_one_probe_concern_its_units(tmp_path, tags):
    recording = load(write_two_probes(tmp_path / "a.nwb", (0.0, 200.0, *tags)), **PLACE)
    np.testing.assert_array_equal(recording.activity, planted.expected_counts()[:, :, 1:])
    assert find(recording, "units_unobserved")
    some = load(write_two_probes(tmp_path / "b.nwb", (20.5, 28.6, *tags)), **PLACE)
    kept = np.isin(planted.EVENTS, [20.0, 23.0, 26.0, 29.0], invert=True)
    np.testing.assert_array_equal(some.activity, planted.expected_counts()[kept])


def test_invalid_times_of_a_probe_that_is_not_known_are_not_taken_and_that_is_said(tmp_path):
    path = write_two_probes(
        tmp_path / "a.nwb",
        (0.0, 200.0, "EcephysProbe", "probeZ"),
        (5.0, 5.2, "EcephysSession", "1", "all_probes"),
    )
    recording = load(path, **PLACE)
    assert recording.shape == (29, 15, 3)
    assert "'invalid_times' is not taken" in find(recording, "intervals_left")[0]


def test_trials_of_a_pause_are_left_out_and_intervals_that_touch_are_one(tmp_path):
    paused = [[0.0, 30.0], [30.0, 51.2], [60.0, 100.0]]
    recording = load(write_observed(tmp_path / "a.nwb", [paused] * 3), **PLACE)
    kept = np.isin(planted.EVENTS, [53.0, 56.0, 59.0], invert=True)
    np.testing.assert_array_equal(recording.activity, planted.expected_counts()[kept])
    (said,) = find(recording, "trials_unobserved")
    assert said.startswith("3 of 30 trials left out: in their windows 3 of 3 units")
    assert not find(recording, "unit_lists")
    assert not find(recording, "units_unobserved")


@pytest.mark.parametrize("hole", [0.001, 0.002, 0.04])
def test_holes_of_half_a_bin_are_none(tmp_path, hole):
    holes = [*planted.EVENTS, 100.0]
    blanked = [[start + hole, stop] for start, stop in zip([0.0, *holes[:-1]], holes, strict=True)]
    recording = load(write_observed(tmp_path / "a.nwb", [blanked] * 3), **PLACE)
    np.testing.assert_array_equal(recording.activity, planted.expected_counts())
    assert not find(recording, "trials_unobserved")


def test_times_back_to_back_on_a_grid_of_a_millisecond_have_no_holes(tmp_path):
    edges = np.round(np.arange(0.0, 101.0, 0.7), 3)
    steps = np.column_stack([edges[:-1], np.round(edges[1:] - 0.001, 3)])
    place = {"align": "onset", "window": (-0.5, 1.0), "bin_size": 0.001}
    recording = load(write_observed(tmp_path / "a.nwb", [steps] * 3), **place)
    assert recording.shape[::2] == (30, 3)


def test_a_probe_that_was_lost_late_leaves_with_its_trials(tmp_path):
    path = write_observed(tmp_path / "a.nwb", [WHOLE, [[0.0, 80.0]], [[0.0, 80.0]]])
    recording = load(path, **PLACE)
    assert recording.shape == (25, 15, 3)
    assert "5 of 30 trials left out" in find(recording, "trials_unobserved")[0]


def test_where_half_of_the_units_follow_the_others_one_half_is_kept(tmp_path):
    early, late = [[0.0, 49.0]], [[49.0, 100.0]]
    recording = load(write_observed(tmp_path / "a.nwb", [early, early, late]), **PLACE)
    assert recording.neurons["unit"].tolist() == [0, 1]
    assert recording.n_trials == 15
    assert find(recording, "units_unobserved")
    assert find(recording, "trials_unobserved")


def test_a_unit_that_was_seen_in_few_trials_leaves(tmp_path):
    path = write_observed(tmp_path / "a.nwb", [WHOLE, np.zeros((0, 2)), [[80.0, 100.0]]])
    recording = load(path, **PLACE)
    np.testing.assert_array_equal(recording.activity, planted.expected_counts()[:, :, :2])
    (said,) = find(recording, "units_unobserved")
    assert said.startswith("1 of 3 units left out")
    assert "name a table of fewer trials" in said
    assert not find(recording, "trials_unobserved")


@pytest.mark.parametrize("intervals", [[[3000.0, 4000.0]], [[10.0, 5.0]], [[np.nan, 5.0]]])
def test_intervals_that_cannot_be_meant_are_not_taken_and_that_is_said(tmp_path, intervals):
    recording = load(write_observed(tmp_path / "a.nwb", [intervals] * 3), **PLACE)
    np.testing.assert_array_equal(recording.activity, planted.expected_counts())
    assert find(recording, "intervals_left")


def test_no_window_within_the_intervals_is_one_line(tmp_path):
    path = write_observed(tmp_path / "a.nwb", [[[5.0, 5.5], [30.0, 31.0]]] * 3)
    with pytest.raises(NotEnoughDataError, match="no unit was recorded throughout the window"):
        load(path, **PLACE)


def test_one_long_trial_keeps_its_time_and_says_what_was_not_recorded(tmp_path):
    paused = [[0.0, 40.0], [60.0, 100.0]]
    path = write_observed(
        tmp_path / "a.nwb", [paused, paused, [[0.0, 30.0]]], add_invalid((10.0, 20.0))
    )
    recording = load(path, align="none", window=(0.0, 80.0), bin_size=0.5)
    assert recording.shape == (1, 160, 2)
    invalid, pause = find(recording, "times_unobserved")
    assert invalid.startswith("12% of the time from 0 to 80 s is invalid")
    assert pause.startswith("25% of the time from 0 to 80 s is not recorded in most units")
    assert "name an event" in find(recording, "units_unobserved")[0]


def test_intervals_from_the_first_to_the_last_spike_say_nothing(tmp_path):
    own = [[[times[0], times[-1]]] for times in planted.spike_times()]
    recording = load(write_observed(tmp_path / "a.nwb", own), **PLACE)
    np.testing.assert_array_equal(recording.activity, planted.expected_counts())
