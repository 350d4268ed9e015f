"""A session with planted truth is cut into what was planted, and what was taken is said."""

import json

import numpy as np
import pandas as pd
import pytest

from spikecast.core.errors import FormatError, InputError, NotEnoughDataError, ShapeError
from spikecast.data import load
from spikecast.data.cut import cut_session
from spikecast.data.cuts.taken import read_taken
from spikecast.data.selection import Selection
from spikecast.data.session import RawSession, Samples, SpikesByUnit

STEP = 0.1
EVENTS = np.arange(5.0, 95.0, 3.0)  # 30 trials
PLACE = Selection(align="onset", window=(-0.5, 1.0), bin_size=STEP, units=["all"])


def plant(**changes):
    """Three units; unit u fires u + 1 spikes in bin (trial + u) % 15 of every trial."""
    times = []
    for unit in range(3):
        starts = EVENTS - 0.5 + STEP * ((np.arange(30) + unit) % 15)
        times.append(np.sort((starts[:, None] + 0.02 * np.arange(1, unit + 2)).ravel()))
    units = pd.DataFrame(
        {
            "location": ["CA1", "MOs", "MOs"],
            "quality": ["good", "noise", "good"],
            "depth": [1.5, 2.5, 3.5],
        },
        index=["a7", "b1", "c9"],
    )
    table = pd.DataFrame({"onset": EVENTS, "side": np.tile(["L", "R"], 15), "start": EVENTS - 1})
    content = {
        "source": "planted session",
        "units": units,
        "spikes": SpikesByUnit(times.__getitem__),
        "tables": {"trials": table},
        "area_columns": ["location"],
        "quality_columns": ["quality"],
        "duration": (0.0, 100.0),
        "session": "s1",
        "subject": "m1",
    }
    return RawSession(**content | changes)


def expected(units):
    counts = np.zeros((30, 15, 3), dtype=int)
    for unit in range(3):
        counts[np.arange(30), (np.arange(30) + unit) % 15, unit] = unit + 1
    return counts[:, :, units]


def taken(recording, code):
    found = [notice for notice in read_taken(recording.dataset) if notice.code == code]
    assert found, f"{code} is not said"
    return found[0]


def cut(raw=None, **changes):
    return cut_session(raw or plant(), PLACE.model_copy(update=changes))


# ---------------------------------------------------------------- units


def test_counts_areas_and_tables_are_those_planted(tmp_path):
    recording = cut()
    np.testing.assert_array_equal(recording.activity, expected([0, 1, 2]))
    assert recording.area.tolist() == ["CA1", "MOs", "MOs"]
    assert recording.neurons["unit"].tolist() == ["a7", "b1", "c9"]
    np.testing.assert_allclose(recording.trials["event_time"], EVENTS)
    assert recording.trials["side"].tolist() == ["L", "R"] * 15
    np.testing.assert_allclose(recording.time, -0.45 + 0.1 * np.arange(15))
    attributes = recording.dataset.attrs
    assert (attributes["align_to"], attributes["session"], attributes["subject"]) == (
        "onset", "s1", "m1",
    )  # fmt: skip
    recording.save(tmp_path / "mine.nc")
    assert load(tmp_path / "mine.nc").identical(recording)


def test_good_units_are_taken_where_nothing_else_is_said():
    recording = cut(units=None)
    np.testing.assert_array_equal(recording.activity, expected([0, 2]))
    notice = taken(recording, "units_taken")
    assert "2 of 3 units taken: 'quality' is good (left out: noise 1)" in str(notice)


def test_units_are_chosen_by_label_and_by_column():
    assert cut(units=["noise"]).n_neurons == 1
    assert cut(units=["good", "noise"]).n_neurons == 3
    assert cut(units=["location=MOs"]).neurons["unit"].tolist() == ["b1", "c9"]
    assert cut(units=["quality=good", "noise"]).n_neurons == 3
    assert cut(units=["quality=good", "quality=noise"]).n_neurons == 3
    with pytest.raises(InputError, match="Did you mean 'noise'"):
        cut(units=["nois"])
    with pytest.raises(InputError, match=r"unknown column of the units 'qualty'.*'quality'"):
        cut(units=["qualty=good"])
    with pytest.raises(InputError, match="stands alone"):
        cut(units=["all", "good"])


def test_two_columns_that_disagree_are_both_named():
    units = plant().units.assign(KSLabel=["good", "good", "mua"])
    raw = plant(units=units, quality_columns=["quality", "KSLabel"])
    with pytest.raises(InputError, match=r"'quality' and 'KSLabel' disagree.*'KSLabel=good'"):
        cut(raw, units=None)
    assert cut(raw, units=["KSLabel=good"]).n_neurons == 2
    agreeing = plant(
        units=units.assign(KSLabel=units.quality), quality_columns=["quality", "KSLabel"]
    )
    assert cut(agreeing, units=None).n_neurons == 2


def test_numeric_labels_match_without_their_zeros():
    raw = plant(units=plant().units.assign(quality=[1.0, 1 / 3, np.nan]))
    assert cut(raw, units=None).neurons["unit"].tolist() == ["a7"]
    assert cut(raw, units=["1"]).n_neurons == 1
    kinds = plant(units=plant().units.assign(quality=[1, 2, 3]))
    assert cut(kinds, units=None).n_neurons == 3
    measured = plant(units=plant().units.assign(quality=[1.0, 0.4, 0.7]), quality_columns=[])
    assert cut(measured, units=None).n_neurons == 3
    with pytest.raises(InputError, match="no column of qualities"):
        cut(measured, units=["good"])


def test_areas_that_disagree_are_both_named_and_none_is_said():
    units = plant().units.assign(group=["CA1", "VISp", "MOs"])
    raw = plant(units=units, area_columns=["location", "group"])
    with pytest.raises(InputError, match=r"'location' and 'group' disagree.*unit b1: MOs, VISp"):
        cut(raw)
    assert cut(raw, area_column="group").areas == {"CA1": 1, "MOs": 1, "VISp": 1}
    bare = cut(plant(area_columns=[]))
    assert bare.areas == {"unknown": 3}
    assert taken(bare, "no_areas").severity == "serious"
    missing = plant(units=plant().units.assign(location=["CA1", None, ""]))
    assert cut(missing).area.tolist() == ["CA1", "unknown", "unknown"]


def test_ids_that_come_twice_are_refused():
    units = plant().units.set_axis(["a", "b", "a"])
    with pytest.raises(FormatError, match="unit id a twice"):
        cut(plant(units=units))
    with pytest.raises(NotEnoughDataError, match="no units"):
        cut(plant(units=plant().units.iloc[:0]))


def test_columns_that_no_recording_holds_are_named_and_names_that_are_taken_changed():
    units = plant().units.assign(wave=[[1, 2], [3], [4]], side=[1, 2, 3], time=[0.1, 0.2, 0.3])
    recording = cut(plant(units=units))
    assert taken(recording, "columns_left_out").values["columns"] == ["wave"]
    assert taken(recording, "columns_renamed").values["columns"] == [
        "side is neuron_side", "time is neuron_time",
    ]  # fmt: skip
    assert recording.neurons["neuron_side"].tolist() == [1, 2, 3]


# ---------------------------------------------------------------- trials


def test_trials_without_an_event_and_beyond_the_session_are_left_out_and_counted():
    table = pd.DataFrame({"onset": [np.nan, *EVENTS, 99.5, 5000.0], "n": range(33)})
    recording = cut(plant(tables={"trials": table}))
    np.testing.assert_array_equal(recording.activity, expected([0, 1, 2]))
    assert recording.trials["n"].tolist() == list(range(1, 31))
    assert "30 of 33 trials taken (left out: 1 without a time, 2 whose window" in str(
        taken(recording, "event")
    )


def test_times_with_a_decimal_comma_are_not_counted_as_missing():
    texts = ["4", *(f"{time:.2f}".replace(".", ",") for time in EVENTS[1:])]
    raw = plant(tables={"trials": pd.DataFrame({"onset": texts})})
    with pytest.raises(InputError, match=r"'onset' of .* holds text; '8,00' has a decimal comma"):
        cut(raw)


def test_a_window_that_ends_before_it_starts_is_told_so():
    with pytest.raises(InputError, match=r"window \(1.0, -0.5\): stop must come after start"):
        cut(window=(1.0, -0.5))


def test_two_tables_with_the_event_are_both_named():
    table = plant().tables["trials"]
    raw = plant(tables={"learn": table, "recog": table[::2], "other": table[["side"]]})
    with pytest.raises(InputError, match="'learn' and 'recog' both have a column 'onset'"):
        cut(raw)
    assert cut(raw, trials="recog").n_trials == 15
    with pytest.raises(InputError, match="Did you mean 'recog'"):
        cut(raw, trials="rcog")
    with pytest.raises(InputError, match="Did you mean 'onset'"):
        cut(raw, align="onst")
    only = plant(tables={"learn": table, "other": table[["side"]]})
    assert "of the table 'learn'" in str(taken(cut(only), "event"))


def test_events_may_be_a_list_or_a_file_with_or_without_a_table(tmp_path):
    raw = plant(events={"pulse": EVENTS})
    assert cut(raw, align="pulse").trials.columns.tolist() == ["event_time"]
    assert cut(raw, align="pulse", trials="trials").trials["side"].tolist() == ["L", "R"] * 15
    np.save(tmp_path / "a.npy", EVENTS[:, None])
    pd.DataFrame({"t": EVENTS}).to_csv(tmp_path / "b.csv", index=False)
    (tmp_path / "c.csv").write_text("\n".join(map(str, EVENTS)))
    plant().tables["trials"].to_csv(tmp_path / "d.tsv", index=False, sep="\t")
    for name in "a.npy", "b.csv", "c.csv":
        np.testing.assert_array_equal(cut(align=str(tmp_path / name)).activity, expected([0, 1, 2]))
    with pytest.raises(InputError, match=r"onset, side, start.*'trials'"):
        cut(align=str(tmp_path / "d.tsv"))
    assert cut(trials=str(tmp_path / "d.tsv")).trials["side"].tolist() == ["L", "R"] * 15
    with pytest.raises(ShapeError, match=r"29.*30|30.*29"):
        cut(plant(events={"pulse": EVENTS[:-1]}), align="pulse", trials="trials")


def test_files_of_times_that_are_none_are_refused(tmp_path):
    np.save(tmp_path / "pairs.npy", np.zeros((4, 2)))
    np.save(tmp_path / "text.npy", np.array(["a", "b"]))
    np.save(tmp_path / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "pairs.npy").read_bytes()[:60])
    (tmp_path / "empty.csv").write_text("")
    for name in "pairs.npy", "text.npy", "objects.npy", "cut.npy", "empty.csv":
        with pytest.raises(FormatError):
            cut(align=str(tmp_path / name))
    with pytest.raises(InputError, match="file of times that is there"):
        cut(align=str(tmp_path / "none.csv"))
    with pytest.raises(FormatError, match="there is no file"):
        cut(trials=str(tmp_path / "none.csv"))


def test_truth_values_are_no_times(tmp_path):
    correct = np.arange(30) % 3 > 0
    texts = pd.Series([str(one) for one in correct], dtype=object)
    table = plant().tables["trials"]
    for values in (correct, correct.astype(int), np.where(correct, 1.0, np.nan), list(correct)):
        raw = plant(tables={"trials": table.assign(correct=values)}, events={"lick": correct})
        for trials in (None, "trials"):
            with pytest.raises(InputError, match=r"'correct' of .* truth values.* \(onset"):
                cut(raw, align="correct", trials=trials)
        with pytest.raises(InputError, match="align 'lick' holds truth values"):
            cut(raw, align="lick")
    with pytest.raises(InputError, match="holds no number"):
        cut(plant(tables={"trials": table.assign(correct=texts)}), align="correct")
    np.save(tmp_path / "a.npy", correct.astype(np.uint8))
    pd.DataFrame({"correct": correct}).to_csv(tmp_path / "b.csv", index=False)
    for name in "a.npy", "b.csv":
        with pytest.raises(InputError, match="holds truth values"):
            cut(align=str(tmp_path / name))


def test_codes_and_times_within_the_trial_are_no_times_of_the_session():
    table = plant().tables["trials"]
    levels = np.tile([0, 0.0625, 0.125, 0.25, 1, 0], 5)
    for values, message in [
        (np.tile([-1, 1], 15), r"holds 2 numbers only \(-1, 1\) on 30 rows, like codes;"),
        (np.tile([1, 2, 3], 10), r"3 numbers only \(1, 2, 3\) on 30 .* \(onset, start\)$"),
        (levels, r"5 numbers only \(0, 0.0625, 0.125, 0.25, \.\.\.\) on 30 rows"),
        (np.zeros(30), "is 0 on all 30 rows, like a time within the trial"),
        (np.full(30, 1.5), "is 1.5 on all 30 rows, like a time within the trial"),
    ]:
        raw = plant(tables={"trials": table.assign(code=values)}, events={"lick": values})
        for align in ("code", "lick"):
            with pytest.raises(InputError, match=message if align == "code" else "align 'lick'"):
                cut(raw, align=align)
    few = plant(events={"lick": [5.0, 9.0, 5.0, 9.0]})
    assert cut(few, align="lick").n_trials == 4


def test_events_in_a_corner_of_the_session_are_said_to_be_of_another_clock():
    notice = taken(cut(plant(duration=(0.0, 95_000.0))), "other_clock")
    assert notice.severity == "serious"
    assert "the last of 30 events lies at 92 s of a session that ends at 95000 s" in str(notice)
    codes = [one.code for one in read_taken(cut(plant(duration=(0.0, 9_500.0))).dataset)]
    assert "other_clock" not in codes


def test_events_in_milliseconds_are_suspected():
    table = plant().tables["trials"].assign(onset=EVENTS * 1000)
    with pytest.raises(NotEnoughDataError, match=r"none of 30 windows.*milliseconds"):
        cut(plant(tables={"trials": table}))
    with pytest.raises(InputError, match="holds no number"):
        cut(align="side")
    units = plant().units.assign(n_spikes=400)
    with pytest.raises(InputError, match="spike times look like milliseconds"):
        cut(plant(units=units, duration=(0.0, 60_000.0)))


def test_trials_are_put_in_order_of_time_and_overlaps_are_said():
    table = plant().tables["trials"].iloc[::-1]
    recording = cut(plant(tables={"trials": table}))
    np.testing.assert_array_equal(recording.activity, expected([0, 1, 2]))
    assert "put in order" in str(taken(recording, "reordered"))
    wide = cut(window=(-2.0, 2.0))
    assert taken(wide, "overlap").values["n"] == 29
    assert [n.code for n in read_taken(recording.dataset)].count("overlap") == 0


def test_without_trials_the_session_is_one_long_trial():
    recording = cut(align="none", window=None, bin_size=1.0)
    assert recording.shape == (1, 100, 3)
    assert recording.activity.sum() == 30 * 6
    np.testing.assert_allclose(recording.time[[0, -1]], [0.5, 99.5])
    part = cut(align="none", window=(10.0, 20.0), bin_size=0.5)
    np.testing.assert_allclose(part.time[[0, -1]], [10.25, 19.75])
    assert taken(part, "one_long_trial").values == {"start": 10.0, "stop": 20.0}


def test_one_long_trial_that_reaches_beyond_the_session_is_said_or_refused():
    """What was not recorded is no silence."""
    recording = cut(align="none", window=(0.0, 125.0), bin_size=1.0)
    assert taken(recording, "beyond_session").values["share"] == pytest.approx(0.2)
    codes = [n.code for n in read_taken(cut(align="none", window=(0, 101), bin_size=1).dataset)]
    assert "beyond_session" not in codes
    with pytest.raises(InputError, match="80% of the window -100 to 400 s lie beyond the session"):
        cut(align="none", window=(-100.0, 400.0), bin_size=1.0)


def test_more_bins_than_fit_into_memory_are_refused():
    with pytest.raises(InputError, match="100000000 bins x 3 units are too many"):
        cut(align="none", window=None, bin_size=1e-6)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"window": None}, "window is missing"),
        ({"bin_size": None}, "bin_size is missing"),
        ({"window": (0.0, 0.25)}, "whole number of bins"),
        ({"window": (0.0, np.nan)}, "must be seconds"),
        ({"window": (-1e308, 1e308)}, "must be seconds"),
        ({"frame_rate": 30.0}, "leave out the frame rate"),
        ({"align": None}, r"table 'trials' \(30 trials\): onset, start.*align='onset'"),
    ],
)
def test_what_is_missing_is_said(changes, match):
    with pytest.raises(InputError, match=match):
        cut(**changes)


# ---------------------------------------------------------------- behaviour


def test_behaviour_is_averaged_interpolated_counted_and_its_speed_given():
    fast = np.arange(0.0, 100.0, 0.01)
    slow = np.arange(0.0, 100.0, 0.25)
    licks = np.concatenate([EVENTS + 0.01, EVENTS + 0.02, EVENTS + 0.31])
    behavior = {
        "fast": Samples(fast, np.floor(fast / STEP + 1e-9)),
        "slow": Samples(slow, 2 * slow),
        "licks": Samples(licks),
        "wheel": Samples(fast, 3 * fast, "cm", is_position=True),
        "place": Samples(fast, np.column_stack([3 * fast, 4 * fast]), is_position=True),
    }
    recording = cut(plant(behavior=behavior))
    dataset = recording.dataset
    middle = EVENTS[:, None] + recording.time
    np.testing.assert_allclose(dataset["fast"], np.floor(middle / STEP), atol=1e-3)
    np.testing.assert_allclose(dataset["slow"], 2 * middle, rtol=1e-5)
    counts = np.zeros(15)
    counts[5], counts[8] = 2, 1
    np.testing.assert_array_equal(dataset["licks"], np.tile(counts, (30, 1)))
    np.testing.assert_allclose(dataset["wheel_speed"], 3.0, rtol=1e-3)
    np.testing.assert_allclose(dataset["place_speed"], 5.0, rtol=1e-3)
    assert dataset["place"].dims == ("trial", "time", "place_channel")
    said = {n.values["name"]: str(n) for n in read_taken(dataset) if n.code == "behavior"}
    assert "mean of about 10 samples" in said["fast"]
    assert "interpolated" in said["slow"]
    assert "90 times" in said["licks"]
    assert "(cm)" in said["wheel"]
    assert not [name for name in recording.behavior if name.endswith("_gap")]


def test_gaps_are_filled_and_marked():
    times = np.arange(0.0, 100.0, 0.02)
    values = np.sin(times)
    inside = (times > EVENTS[3]) & (times < EVENTS[3] + 0.5)
    nan, huge = np.where(inside, np.nan, values), np.where(inside, 1e300, values)
    for samples in (
        Samples(times, huge),
        Samples(times[~inside], values[~inside]),
        Samples(times, nan),
    ):
        recording = cut(plant(behavior={"pupil": samples}))
        gap = recording.dataset["pupil_gap"].values
        np.testing.assert_allclose(gap[3, 5:10], 1.0, atol=0.11)
        assert gap[np.arange(30) != 3].max() == 0
        assert np.isfinite(recording.dataset["pupil"]).all()
        assert "1.1% of the time has no samples" in str(taken(recording, "behavior"))
    held = Samples(times[~inside], values[~inside], held=True)
    assert cut(plant(behavior={"wheel": held})).behavior == ["wheel"]


def test_channels_have_gaps_of_their_own():
    times = np.arange(0.0, 100.0, 0.02)
    pose = np.column_stack([times, -times])
    pose[(times > EVENTS[3]) & (times < EVENTS[3] + 0.5), 1] = np.nan
    dataset = cut(plant(behavior={"pose": Samples(times, pose)})).dataset
    middle = EVENTS[:, None] + dataset["time"].values
    np.testing.assert_allclose(dataset["pose"][:, :, 0], middle, atol=0.02)
    np.testing.assert_allclose(dataset["pose"][:, :, 1], -middle, atol=0.06)
    assert dataset["pose_gap"][3].max() > 0.9


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (Samples(np.array([0.0, 2, 1]), np.arange(3.0)), "go back"),
        (Samples(np.array([-1.7e308, 1.7e308]), np.arange(2.0)), "times go up to 1.7e+308 s"),
        (Samples(np.array([-1.7e308, 1.7e308]), None), "times go up to 1.7e+308 s"),
        (Samples(np.arange(3.0), np.arange(4.0)), "3 times and 4 values"),
        (Samples(np.arange(3.0), np.array(["a", "b", "c"])), "its values are"),
        (Samples(np.array([]), np.array([])), "no times"),
        (Samples(np.arange(3.0), np.full(3, np.nan)), "missing"),
        (Samples(np.arange(6.0) / 10, np.arange(6.0)), "no samples in"),
        (Samples(np.zeros((3, 2)), np.arange(3.0)), "not one list"),
        (Samples(1000 * np.arange(0, 100, 0.01), np.arange(1e4)), "look like milliseconds"),
        (Samples(np.arange(0, 3000, 17), None), "look like numbers of frames"),
    ],
)
def test_behaviour_that_cannot_be_used_is_left_out_and_named(samples, why):
    recording = cut(plant(behavior={"pupil": samples}))
    assert recording.behavior == []
    assert why in str(taken(recording, "behavior_left_out"))


def test_behaviour_that_lasts_longer_than_the_neurons_is_taken_and_said():
    times = np.arange(0, 700, 0.3)
    recording = cut(plant(behavior={"pupil": Samples(times, np.sin(times))}))
    assert recording.behavior == ["pupil"]
    assert "86% of its times lie outside the recording" in str(taken(recording, "behavior"))


# ---------------------------------------------------------------- fluorescence


def imaging(step=0.1, n=1000, **changes):
    times = step * np.arange(n)
    values = np.column_stack([times, 2 * times, -times]).astype(np.float32)
    content = {"spikes": None, "traces": Samples(times, values), "quality_columns": []}
    return plant(**content | changes)


def test_fluorescence_is_interpolated_or_averaged():
    recording = cut(imaging())
    assert recording.kind == "continuous"
    middle = EVENTS[:, None] + recording.time
    np.testing.assert_allclose(recording.activity[:, :, 1], 2 * middle, rtol=1e-4)
    averaged = cut(imaging(0.02, 5000))
    np.testing.assert_allclose(averaged.activity[:, :, 0], middle - 0.01, rtol=1e-4)
    assert "mean of about 5 samples" in str(taken(averaged, "frames"))
    own = cut(imaging(), bin_size=None, window=(-0.5, 1.03))
    assert (own.n_bins, own.bin_size) == (15, 0.1)
    assert taken(cut(imaging(), bin_size=0.05), "fine_bins").severity == "serious"


def test_frames_need_their_rate():
    raw = imaging(1.0, in_frames=True, duration=(0.0, 1000.0))
    with pytest.raises(InputError, match="give frame_rate"):
        cut(raw)
    recording = cut(raw, frame_rate=10.0)
    middle = EVENTS[:, None] + recording.time
    np.testing.assert_allclose(recording.activity[:, :, 0], 10 * middle, rtol=1e-4)


def test_trials_and_cells_whose_frames_are_lacking_are_left_out():
    raw = imaging()
    values = raw.traces.values.copy()
    values[100, 2] = np.nan
    rows = np.abs(raw.traces.times - EVENTS[4]) > 0.7
    recording = cut(imaging(traces=Samples(raw.traces.times[rows], values[rows])))
    assert recording.n_trials == 29
    assert taken(recording, "frames_lacking").values["n"] == 1
    with pytest.raises(FormatError, match="999 frames x 3 cells"):
        cut(imaging(traces=Samples(raw.traces.times[1:], values)))


# ---------------------------------------------------------------- load


def test_load_takes_what_a_reader_returns_and_settings_by_name():
    settings = {"align": "onset", "window": (-0.5, 1.0), "bin_size": STEP}
    recording = load(plant(), units="all", **settings)
    np.testing.assert_array_equal(recording.activity, expected([0, 1, 2]))
    assert all(json.loads(recording.dataset.attrs["taken"]))
    with pytest.raises(InputError, match=r"cut into trials already.*leave out align"):
        load(recording, align="onset")
    assert load(recording) is recording
    with pytest.raises(InputError, match=r"bin_size -1.*greater than 0"):
        load(plant(), bin_size=-1)
