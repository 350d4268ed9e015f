"""Recordings go to pynapple, NWB and tables, and come back as they were."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from spikecast.core.errors import InputError
from spikecast.data import Recording, load, simulate
from spikecast.data.cuts.taken import read_taken

EVENTS = np.arange(5.0, 95.0, 3.0)  # 30 trials
PLACE = {"window": (-0.5, 1.0), "bin_size": 0.1}


@pytest.fixture
def nap():
    return pytest.importorskip("pynapple", reason="the extra pynapple is not installed")


@pytest.fixture
def original():
    """Counts with everything beside them, on the session's clock."""
    rng = np.random.default_rng(0)
    return Recording.from_arrays(
        rng.poisson(0.8, size=(30, 15, 4)),
        time=np.round(-0.45 + 0.1 * np.arange(15), 9),
        area=["CA1", "MOs", "MOs", "V1/V2"],
        trials={
            "event_time": EVENTS,
            "side": np.tile(["L", "R"], 15),
            "contrast": np.tile([0.5, 1.0, np.nan], 10),
            "correct": np.tile([True, False], 15),
        },
        neurons={"unit": ["a", "b", "c", "d"], "depth": [1.0, 2.0, 3.0, 4.0]},
        behavior={
            "wheel": rng.normal(size=(30, 15)).astype(np.float32),
            "place": rng.normal(size=(30, 15, 2)).astype(np.float32),
        },
        align_to="onset",
        session="s1",
        subject="m1",
    )


def assert_same(recording, original, columns=("side", "contrast", "correct")):
    np.testing.assert_array_equal(recording.activity, original.activity)
    np.testing.assert_allclose(recording.time, original.time)
    assert recording.area.tolist() == original.area.tolist()
    pd.testing.assert_frame_equal(
        recording.trials[list(columns)], original.trials[list(columns)], check_dtype=False
    )
    assert recording.neurons["unit"].tolist() == original.neurons["unit"].tolist()
    for name in original.behavior:
        np.testing.assert_allclose(
            recording.dataset[name].values, original.dataset[name].values, atol=1e-4
        )


# ---------------------------------------------------------------- pynapple


def test_a_recording_goes_to_pynapple_and_back(nap, original):
    objects = original.to_pynapple()
    assert {name: type(one).__name__ for name, one in objects.items()} == {
        "units": "TsGroup", "trials": "IntervalSet", "wheel": "Tsd", "place": "TsdFrame",
    }  # fmt: skip
    again = load(objects, align="event_time", **PLACE)
    assert_same(again, original)
    assert again.behavior == ["wheel", "place"]
    np.testing.assert_allclose(again.trials["event_time"], EVENTS)
    assert objects["units"].metadata["area"].tolist() == original.area.tolist()
    total = sum(len(objects["units"][neuron]) for neuron in range(4))
    assert total == original.activity.sum()


def test_without_a_clock_trials_are_laid_one_after_the_other(nap, original):
    unknown = Recording(original.dataset.drop_vars("event_time"))
    objects = unknown.to_pynapple()
    assert_same(load(objects, align="event_time", **PLACE), original)
    overlapping = Recording(original.dataset.assign_coords(event_time=("trial", EVENTS / 10)))
    assert_same(load(overlapping.to_pynapple(), align="event_time", **PLACE), original)


def test_fluorescence_goes_to_pynapple_and_back(nap):
    original = simulate.spontaneous(n_neurons=20, n_bins=60).recording
    objects = original.to_pynapple()
    assert type(objects["units"]).__name__ == "TsdFrame"
    start = original.time[0] - original.bin_size / 2
    window = (start, start + 60 * original.bin_size)
    again = load(objects, align="event_time", window=window, bin_size=original.bin_size)
    np.testing.assert_allclose(again.activity, original.activity, rtol=1e-4, atol=1e-4)
    assert again.kind == "continuous"


@pytest.fixture
def objects(nap):
    """Unit u fires once in bin (trial + u) % 15."""
    trains = {
        key: nap.Ts(np.sort(EVENTS - 0.45 + 0.1 * ((np.arange(30) + unit) % 15)))
        for unit, key in enumerate((3, 8))
    }
    metadata = {"location": ["CA1", "MOs"], "quality": ["good", "mua"]}
    support = nap.IntervalSet(0, 100)
    return {
        "units": nap.TsGroup(trains, time_support=support, metadata=metadata),
        "trials": nap.IntervalSet(EVENTS, EVENTS + 1.2, metadata={"side": ["L", "R"] * 15}),
        "wheel": nap.Tsd(np.arange(0, 100, 0.02), np.arange(0, 100, 0.02)),
        "licks": nap.Ts(EVENTS + 0.31),
        "pulses": list(EVENTS),
        "table": pd.DataFrame({"onset": EVENTS, "block": np.repeat([1, 2, 3], 10)}),
    }


def test_numbers_of_shanks_are_no_quality(nap, objects):
    shanks = nap.TsGroup(dict(objects["units"].items()), metadata={"group": [0, 1]})
    again = load(objects | {"units": shanks}, align="start", **PLACE)
    assert again.neurons["unit"].tolist() == [3, 8]


def test_objects_are_cut_by_their_names(objects):
    recording = Recording.from_pynapple(objects, align="start", units="all", **PLACE)
    expected = np.zeros((30, 15, 2), dtype=int)
    for unit in range(2):
        expected[np.arange(30), (np.arange(30) + unit) % 15, unit] = 1
    np.testing.assert_array_equal(recording.activity, expected)
    assert recording.area.tolist() == ["CA1", "MOs"]
    assert recording.neurons["unit"].tolist() == [3, 8]
    assert recording.trials["side"].tolist() == ["L", "R"] * 15
    middle = EVENTS[:, None] + recording.time
    np.testing.assert_allclose(recording.dataset["wheel"], middle, atol=0.02)
    assert np.argwhere(recording.dataset["licks"].values)[:, 1].tolist() == [8] * 30
    for settings in (
        {"align": "pulses"},
        {"align": "onset"},
        {"align": "onset", "trials": "table"},
    ):
        again = load(objects, units="all", **settings, **PLACE)
        np.testing.assert_array_equal(again.activity, expected)
    assert load(objects, align="start", **PLACE).n_neurons == 1


def test_a_group_alone_is_one_long_trial(objects):
    recording = load(objects["units"], align="none", bin_size=1.0, units="all")
    assert recording.shape == (1, 100, 2)


def test_epochs_of_the_time_support_are_said(nap, objects):
    inside = nap.IntervalSet([0, 60], [40, 100])
    recording = load(objects | {"units": objects["units"].restrict(inside)}, align="start", **PLACE)
    notices = {notice.code: str(notice) for notice in read_taken(recording.dataset)}
    assert "2 epochs (80%" in notices["several_epochs"]


def test_objects_that_do_not_fit_are_named(nap, objects):
    with pytest.raises(InputError, match="'units' and 'more' are both groups"):
        load(objects | {"more": objects["units"]}, align="start", **PLACE)
    with pytest.raises(InputError, match="'wheel' is dict"):
        load(objects | {"wheel": {}}, align="start", **PLACE)
    with pytest.raises(InputError, match=r"window 3: .*"):
        Recording.from_pynapple(objects, align="start", window=3)
    lone = {"wheel": objects["wheel"], "pose": nap.TsdFrame(t=np.arange(3.0), d=np.ones((3, 2)))}
    with pytest.raises(InputError, match="no units among the objects"):
        load(lone, align="start", **PLACE)


# ---------------------------------------------------------------- NWB and tables


def test_a_recording_goes_to_nwb_and_back(tmp_path, original):
    pytest.importorskip("ndx_binned_spikes", reason="the extra nwb is not installed")
    original.to_nwb(tmp_path / "mine.nwb")
    again = load(tmp_path / "mine.nwb")
    assert_same(again, original)
    attributes = again.dataset.attrs
    assert (attributes["align_to"], attributes["session"], attributes["subject"]) == (
        "onset", "s1", "m1",
    )  # fmt: skip
    assert again.neurons["depth"].tolist() == [1.0, 2.0, 3.0, 4.0]
    with pytest.raises(InputError, match="cut into trials already"):
        load(tmp_path / "mine.nwb", align="onset")
    again.to_nwb(tmp_path / "again.nwb")
    assert_same(load(tmp_path / "again.nwb"), original)


def test_a_new_process_writes_and_reads_nwb(tmp_path, original):
    pytest.importorskip("ndx_binned_spikes", reason="the extra nwb is not installed")
    original.save(tmp_path / "mine.nc")
    for step in ("load('mine.nc').to_nwb('mine.nwb')", "load('mine.nwb').save('again.nc')"):
        code = f"from spikecast import load; {step}"
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert_same(load(tmp_path / "again.nc"), original)


def test_what_nwb_does_not_hold_is_refused(tmp_path, original):
    with pytest.raises(InputError, match=r"must end in \.nwb"):
        original.to_nwb(tmp_path / "mine.h5")
    with pytest.raises(InputError, match="counts of spikes"):
        simulate.spontaneous(n_neurons=20, n_bins=60).recording.to_nwb(tmp_path / "mine.nwb")
    assert not list(tmp_path.iterdir())


ODD_NAMES = (
    "start_time", "stop_time", "id", "tags", "timeseries", "colnames", "description", "L/R",
    "L_R", "side:cue", "a b", ".", "trial_start_time",
)  # fmt: skip


@pytest.mark.parametrize("axis", ["trial", "neuron"])
def test_columns_of_any_name_come_back_from_nwb_as_they_were(tmp_path, axis):
    pytest.importorskip("ndx_binned_spikes", reason="the extra nwb is not installed")
    n = 30 if axis == "trial" else 4
    columns = {name: np.arange(n) + place for place, name in enumerate(ODD_NAMES)}
    recording = Recording.from_arrays(
        np.ones((30, 15, 4), int),
        np.round(-0.45 + 0.1 * np.arange(15), 9),
        ["A/B", "A_B", "A:B", "A"],
        behavior={"x/y": np.ones((30, 15)), "x_y": np.zeros((30, 15))},
        # windows overlap, so that the trials of the file are laid one after the other
        trials={"event_time": EVENTS / 10} | (columns if axis == "trial" else {}),
        neurons=columns if axis == "neuron" else {},
    )
    recording.to_nwb(tmp_path / "mine.nwb")
    again = load(tmp_path / "mine.nwb")
    assert again.area.tolist() == recording.area.tolist()
    table = getattr(again, f"{axis}s")
    for name, values in columns.items():
        assert table[name].tolist() == values.tolist(), name
    assert set(again.trials) == set(recording.trials)
    np.testing.assert_array_equal(again.trials["event_time"], EVENTS / 10)
    for name in ("x/y", "x_y"):
        np.testing.assert_array_equal(again.dataset[name], recording.dataset[name])


def test_areas_and_behaviour_of_any_name_go_to_nwb(tmp_path):
    pytest.importorskip("ndx_binned_spikes", reason="the extra nwb is not installed")
    counts, time = np.ones((6, 5, 4), int), 0.1 * np.arange(5)
    behavior = {".": np.ones((6, 5)), "..": np.zeros((6, 5))}
    recording = Recording.from_arrays(counts, time, ["", ".", "..", " "], behavior=behavior)
    recording.to_nwb(tmp_path / "mine.nwb")
    again = load(tmp_path / "mine.nwb")
    assert again.area.tolist() == ["unknown", ".", "..", " "]
    assert again.behavior == [".", ".."]


def test_a_single_spike_goes_to_pynapple_and_bins_below_its_clock_do_not(nap):
    counts = np.zeros((6, 5, 2), int)
    counts[3, 4, 0] = 1
    objects = Recording.from_arrays(counts, 0.1 * np.arange(5), "A").to_pynapple()
    assert [len(train) for train in objects["units"].values()] == [1, 0]
    with pytest.raises(InputError, match="bins of 1e-09 s are too short for pynapple"):
        Recording.from_arrays(counts, 1e-9 * np.arange(5), "A").to_pynapple()
    short = Recording.from_arrays(counts, 2e-7 * np.arange(5), "A")
    with pytest.raises(InputError, match=r"trials of 1e-06 s are too short .* into longer ones"):
        short.to_pynapple()


def test_columns_of_any_name_go_to_pynapple(nap):
    recording = Recording.from_arrays(
        np.ones((30, 15, 4), int),
        np.round(-0.45 + 0.1 * np.arange(15), 9),
        "A",
        trials={"event_time": EVENTS / 10} | {name: np.arange(30) for name in ODD_NAMES},
    )
    trials = recording.to_pynapple()["trials"].as_dataframe()
    assert len(trials.columns) == len(ODD_NAMES) + 4  # start, end, and event_time twice
    np.testing.assert_array_equal(trials["trial_event_time"], EVENTS / 10)


def test_a_tidy_table_has_a_row_per_trial_bin_and_neuron(original):
    frame = original.to_frame()
    assert len(frame) == 30 * 15 * 4
    one = frame[(frame["trial"] == 3) & (frame["neuron"] == 2)]
    assert one["count"].tolist() == original.activity[3, :, 2].tolist()
    assert set(one["area"]) == {"MOs"}
    merged = frame.merge(original.trials, on="trial")
    assert merged.loc[merged["trial"] == 1, "side"].unique().tolist() == ["R"]


@pytest.mark.parametrize(
    ("column", "held"),
    [
        (np.arange(4).astype("timedelta64[s]"), "timedelta64"),
        (np.full(4, 2**64 - 1, dtype=np.uint64), "whole numbers beyond"),
    ],
)
def test_columns_that_nwb_cannot_hold_are_named(tmp_path, column, held):
    pytest.importorskip("ndx_binned_spikes")
    for axis, shape in (("trial", (4, 5, 2)), ("neuron", (2, 5, 4))):
        recording = Recording.from_arrays(
            np.ones(shape, int), np.arange(5) / 10, "A", **{f"{axis}s": {"odd": column}}
        )
        with pytest.raises(InputError, match=f"{axis} column 'odd' holds {held}"):
            recording.to_nwb(tmp_path / "mine.nwb")
    assert not list(tmp_path.iterdir())
