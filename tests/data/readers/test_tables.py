"""Plain tables of spikes, and folders of them: planted counts, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from fuzz.format_fuzz import check_mutations

from spikecast.core.errors import FormatError, InputError
from spikecast.data import load
from spikecast.data.array_files import read_table
from spikecast.data.columns import tidy_columns
from spikecast.data.readers import tables

EVENTS = np.array([1.0, 2.5, 4.0])
WINDOW, BIN_SIZE = (-0.1, 0.2), 0.1
IDS = ["a", "b", "c"]


def plant_spikes():
    """Return a table of spikes in any order, and the counts that it gives around the events."""
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 4, (len(EVENTS), 3, len(IDS)))
    rows = [
        (EVENTS[trial] + WINDOW[0] + time * BIN_SIZE + 0.01 + 0.02 * spike, IDS[unit])
        for (trial, time, unit), count in np.ndenumerate(counts)
        for spike in range(count)
    ]
    rows.append((6.0, "b"))  # the session ends with its last spike
    table = pd.DataFrame(rows, columns=["time", "unit"])
    area = table["unit"].map({"a": "CA1", "b": "CA1", "c": "MOs"})
    table = table.assign(area=area, amplitude=np.arange(len(rows)) + 0.5)
    return table.sample(frac=1, random_state=1), counts


def write_folder(folder):
    """Write a folder of tables and return the counts."""
    folder.mkdir()
    table, counts = plant_spikes()
    table[["time", "unit"]].to_csv(folder / "spikes.csv", index=False)
    units = pd.DataFrame({"unit": ["c", "a", "b", "silent"], "area": ["MOs", "CA1", "CA1", "MOs"]})
    units.assign(quality=["good", "mua", "good", "good"]).to_csv(folder / "units.csv", index=False)
    trials = pd.DataFrame({"onset": EVENTS, "side": ["left", "right", "left"]})
    trials.to_csv(folder / "trials.csv", index=False)
    time = np.linspace(0, 5, 51)
    wheel = pd.DataFrame({"time": time, "position": 2 * time, "torque": 0 * time})
    wheel.to_csv(folder / "wheel.tsv", index=False, sep="\t")
    pd.DataFrame({"time": [0.5, 1.5]}).to_csv(folder / "licks.csv", index=False)
    return counts


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_counts_of_a_file(tmp_path, suffix):
    table, counts = plant_spikes()
    path = tmp_path / f"mine.{suffix}"
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="," if suffix == "csv" else "\t")
    assert tables.sniff(path)
    session = tables.read_tables(path)
    found = session.spikes.count(np.arange(3), EVENTS, WINDOW, BIN_SIZE)
    np.testing.assert_array_equal(found, counts)
    assert list(session.units.index) == IDS
    assert list(session.units["area"]) == ["CA1", "CA1", "MOs"]
    assert "amplitude" not in session.units
    assert len(session.spikes.amplitudes) == len(table)
    assert [notice.code for notice in session.notices] == ["spikes_sorted"]


def test_a_folder_has_trials_units_events_and_behavior(tmp_path):
    counts = write_folder(tmp_path / "mine")
    session = tables.read_tables(tmp_path / "mine")
    assert list(session.units["area"]) == ["CA1", "CA1", "MOs"]
    assert list(session.units["quality"]) == ["mua", "good", "good"]
    assert list(session.tables) == ["trials"]
    assert list(session.events["licks"]) == [0.5, 1.5]
    assert set(session.behavior) == {"wheel_position", "wheel_torque"}
    assert session.behavior["wheel_position"].is_position
    recording = load(tmp_path / "mine", align="onset", window=WINDOW, bin_size=BIN_SIZE)
    np.testing.assert_array_equal(recording.activity, counts[:, :, 1:])
    assert recording.trials["side"].tolist() == ["left", "right", "left"]
    assert recording.areas == {"CA1": 1, "MOs": 1}


def write_probes(folder):
    """Write spikes of units 0, 2 and 10 of each of two probes, and their units."""
    folder.mkdir()
    times = np.arange(1, 61) / 7
    spikes = pd.DataFrame(
        {"time": times, "probe": ["B", "A"] * 30, "unit": [0, 0, 2, 2, 10, 10] * 10}
    )
    spikes["shank"] = np.where(spikes["unit"] == 10, 1, 0)
    spikes.to_csv(folder / "spikes.csv", index=False)
    units = pd.DataFrame({"unit": [0, 2, 10] * 2, "probe": ["A"] * 3 + ["B"] * 3})
    units = units.assign(area=["CA1", "CA1", "MOs", "VISp", "LGd", "LGd"])
    units.to_csv(folder / "units.csv", index=False)
    return spikes, units


def test_units_of_two_probes_with_one_number_are_two(tmp_path):
    spikes, units = write_probes(tmp_path / "mine")
    session = tables.read_tables(tmp_path / "mine")
    assert session.units.index.tolist() == ["A_0", "A_2", "A_10", "B_0", "B_2", "B_10"]
    assert session.units["area"].tolist() == units["area"].tolist()
    own = spikes[(spikes["probe"] == "B") & (spikes["unit"] == 2)]
    np.testing.assert_array_equal(session.spikes.read_unit(4), own["time"])
    assert [str(notice) for notice in session.notices] == [
        "3 numbers of units are 6 units, for some stand under several values of probe: units are "
        "called by both, as A_0. Where spikes of one unit lie on several, leave the column out"
    ]
    units.drop(columns="probe").to_csv(tmp_path / "mine" / "units.csv", index=False)
    with pytest.raises(FormatError, match=r"units.csv' needs the column 'probe'"):
        tables.read_tables(tmp_path / "mine")
    spikes.assign(probe=spikes["probe"].where(spikes.index > 0)).to_csv(
        tmp_path / "mine" / "spikes.csv", index=False
    )
    with pytest.raises(FormatError, match="1 rows have no 'probe'"):
        tables.read_tables(tmp_path / "mine")


def test_units_with_numbers_of_their_own_keep_them_whatever_their_probe(tmp_path):
    spikes, _ = write_probes(tmp_path / "mine")
    spikes["unit"] += 100 * (spikes["probe"] == "B")
    session = tables.read_tables(_save(spikes, tmp_path))
    assert session.units.index.tolist() == [0, 2, 10, 100, 102, 110]
    assert session.units["probe"].tolist() == ["A"] * 3 + ["B"] * 3
    assert not session.notices


def _save(spikes, folder):
    spikes.to_csv(folder / "mine.csv", index=False)
    return folder / "mine.csv"


def test_text_that_differs_within_a_unit_is_named(tmp_path):
    spikes, _ = write_probes(tmp_path / "mine")
    spikes = spikes.assign(stage=["rem"] * 30 + ["wake"] * 30, speed=spikes["time"] / 3)
    session = tables.read_tables(_save(spikes, tmp_path))
    assert session.notices[-1].values == {"columns": ["stage"]}
    assert "stage" not in session.units


def test_two_sessions_in_one_table_are_refused(tmp_path):
    spikes, _ = write_probes(tmp_path / "mine")
    days = spikes.assign(day=[1, 2] * 30)
    with pytest.raises(FormatError, match=r"2 values of 'day' \('1', '2'\).* keep the rows of one"):
        tables.read_tables(_save(days, tmp_path))
    spikes.assign(day=1).to_csv(tmp_path / "mine" / "spikes.csv", index=False)
    trials = pd.DataFrame({"onset": EVENTS, "day": [1, 1, 2]})
    trials.to_csv(tmp_path / "mine" / "trials.csv", index=False)
    assert "trials.csv' has 2 values of 'day', the spikes have 1: all trials are taken" in str(
        tables.read_tables(tmp_path / "mine").notices[-1]
    )
    trials[2:].to_csv(tmp_path / "mine" / "trials.csv", index=False)
    with pytest.raises(FormatError, match=r"trials.csv' has trials whose 'day' is '2'; .* is '1'"):
        tables.read_tables(tmp_path / "mine")
    trials[:2].to_csv(tmp_path / "mine" / "trials.csv", index=False)
    assert len(tables.read_tables(tmp_path / "mine").tables["trials"]) == 2


@pytest.mark.parametrize(
    ("column", "of_spikes", "of_trials"),
    [
        ("date", pd.Timestamp("2024-05-01"), "2024-05-01"),
        ("date", "2024-05-01T10:30:00", 20240501),
        ("Session", "003", 3),
        ("subject", "", "m1"),
    ],
)
def test_one_session_may_be_written_in_two_ways(tmp_path, column, of_spikes, of_trials):
    pytest.importorskip("pyarrow")
    spikes, _ = write_probes(tmp_path / "mine")
    (tmp_path / "mine" / "spikes.csv").unlink()
    spikes.assign(**{column: of_spikes}).to_parquet(tmp_path / "mine" / "spikes.parquet")
    trials = pd.DataFrame({"onset": EVENTS, column.lower(): of_trials})
    trials.to_csv(tmp_path / "mine" / "trials.csv", index=False)
    pd.DataFrame({"time": EVENTS, "speed": 1.5, "session": "rig"}).to_csv(
        tmp_path / "mine" / "wheel.csv", index=False
    )
    session = tables.read_tables(tmp_path / "mine")
    assert [notice.code for notice in session.notices] == ["units_of_probes"]


def test_a_clock_and_epochs_are_no_sessions(tmp_path):
    spikes, _ = write_probes(tmp_path / "mine")
    spikes["date"] = pd.Timestamp("2024-05-01 23:59:56") + pd.to_timedelta(spikes["time"], unit="s")
    spikes["recording"] = np.where(spikes["time"] < 3, "sleep", "run")
    spikes["session"] = np.where(spikes["unit"] == 0, "", "a")
    session = tables.read_tables(_save(spikes, tmp_path))
    assert len(session.units) == 6


def test_numbers_of_shanks_are_no_quality(tmp_path):
    write_folder(tmp_path / "mine")
    units = pd.DataFrame({"unit": IDS, "group": [0, 1, 1]})
    units.to_csv(tmp_path / "mine" / "units.csv", index=False)
    recording = load(tmp_path / "mine", align="onset", window=WINDOW, bin_size=BIN_SIZE)
    assert recording.neurons["unit"].tolist() == IDS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time": ["x"] * 24}, "column 'time' must hold numbers"),
        ({"time": np.arange(24)}, "are whole numbers: they seem to be samples"),
        ({"time": np.arange(24) * 1e6 + 0.5}, "they seem to be samples or milliseconds"),
        ({"time": np.arange(24) / 7 - 1}, "negative"),
        ({"time": [np.nan] * 24}, "missing"),
        ({"Time": np.arange(24) / 3}, "'time' and 'Time' could both be the 'time'"),
        ({"spike_times": np.arange(24) / 3}, "'time' and 'spike_times' could both be the 'time'"),
        ({"cluster": [0, 1] * 12}, "'unit' and 'cluster' could both be the 'unit'"),
        ({"amp": np.arange(24) / 3, "amps": 1.5}, "'amp' and 'amps' could both be"),
        ({"unit": [np.nan] + ["a"] * 23}, "1 spikes have no unit"),
        ({"unit": [0.5] * 24}, "whole numbers or text"),
        ({"area": ["CA1", "MOs"] * 12}, "unit a has more than one 'area'"),
    ],
)
def test_bad_columns_are_explained(tmp_path, change, reason):
    table = pd.DataFrame({"time": np.arange(24) / 7, "unit": ["a"] * 24, "area": ["CA1"] * 24})
    table.assign(**change).to_csv(tmp_path / "mine.csv", index=False)
    with pytest.raises(FormatError, match=reason):
        tables.read_tables(tmp_path / "mine.csv")


def test_two_columns_that_say_the_same_of_spikes_are_no_question(tmp_path):
    table = pd.DataFrame({"time": np.arange(24) / 7, "unit": [5, 3] * 12})
    table = table.assign(time_s=table["time"], cluster=["e", "c"] * 12)
    table.to_csv(tmp_path / "spikes.csv", index=False)
    # the units are told by the column that the spikes have
    units = pd.DataFrame({"cell": [3, 5], "unit": [5, 3], "area": ["CA1", "MOs"]})
    units.to_csv(tmp_path / "units.csv", index=False)
    session = tables.read_tables(tmp_path)
    assert session.units.index.tolist() == [3, 5]
    assert session.units["cluster"].tolist() == ["c", "e"]
    assert session.units["area"].tolist() == ["MOs", "CA1"]


def test_two_columns_of_times_beside_behavior_are_both_named(tmp_path):
    write_folder(tmp_path / "mine")
    text = "time,times,position\n0.5,500,1\n1.5,1500,2\n"
    (tmp_path / "mine" / "wheel.csv").write_text(text)
    (tmp_path / "mine" / "wheel.tsv").unlink()
    with pytest.raises(FormatError, match=r"wheel.csv': columns 'time' and 'times' could both"):
        load(tmp_path / "mine")


def test_what_is_lacking_is_named(tmp_path):
    (tmp_path / "mine.csv").write_text("t,id\n1.5,a\n")
    with pytest.raises(FormatError, match="has the columns t, id; a table of spikes needs 'time'"):
        load(tmp_path / "mine.csv")
    folder = tmp_path / "folder"
    write_folder(folder)
    (folder / "units.csv").write_text("unit,area\na,CA1\na,MOs\n")
    with pytest.raises(FormatError, match="has unit a twice"):
        load(folder)
    (folder / "units.csv").write_text("unit,area\n7,CA1\n")
    with pytest.raises(FormatError, match="none of the units"):
        load(folder)
    (folder / "spikes.tsv").write_text("time\tunit\n0.5\ta\n")
    with pytest.raises(FormatError, match="two tables of one name"):
        load(folder)


def read_all(path):
    session = tables.read_tables(path)
    session.spikes.count(np.arange(len(session.units)), EVENTS, WINDOW, BIN_SIZE)


def test_damaged_tables_give_errors_of_one_line(tmp_path):
    write_folder(tmp_path / "mine")
    assert check_mutations(tmp_path / "mine", read_all, tmp_path, 30) > 3


@pytest.mark.slow
def test_ten_thousand_damaged_tables(tmp_path):
    write_folder(tmp_path / "mine")
    assert check_mutations(tmp_path / "mine", read_all, tmp_path, 10_000) > 1000


def test_long_and_odd_names_make_no_long_message(tmp_path):
    long = "x" * 5000
    for text in (f"t,{long}\n1,2\n", f"{long},{long}\n1,2\n"):
        (tmp_path / "mine.csv").write_text(text)
        with pytest.raises(FormatError) as raised:
            tables.read_tables(tmp_path / "mine.csv")
        assert len(str(raised.value)) < 300 + len(str(tmp_path))


@pytest.mark.parametrize("ids", [["01", "1"], ["1", " 1"], ["1", "001", "2"]])
def test_ids_that_are_one_number_in_two_writings_are_refused(tmp_path, ids):
    path = tmp_path / "mine.csv"
    rows = [f"{0.1 * place:.1f},{one}" for place, one in enumerate(ids * 5)]
    path.write_text("\n".join(["time,unit", *rows]))
    with pytest.raises(FormatError, match=r"column 'unit' of .* which are one number"):
        tables.read_tables(path)


def test_ids_of_one_writing_are_numbers_or_text_as_before(tmp_path):
    path = tmp_path / "mine.csv"
    for ids, expected in (
        (["01", "02", "10"], [1, 2, 10]),
        (["1", "1.0", "2"], [1, 2]),
        (["01", "1", "a"], ["01", "1", "a"]),
        (["True", "False"], ["False", "True"]),
        (["18446744073709551615", "2"], [2, 18446744073709551615]),
    ):
        path.write_text("\n".join(["time, Unit", *(f"0.5,{one}" for one in ids)]))
        assert tables.read_tables(path).units.index.tolist() == expected
    path.write_text("time,unit\n0.5,1\n0.6,\n")
    with pytest.raises(FormatError, match="1 spikes have no unit"):
        tables.read_tables(path)


def test_columns_that_become_one_name_are_all_kept(tmp_path):
    write_folder(tmp_path / "mine")
    time = np.linspace(0, 5, 51)
    wheel = {"time": time, "x/y": 0 * time + 1, "x_y": 0 * time + 2, "position": 2 * time}
    wheel["position_speed"] = 0 * time + 4
    pd.DataFrame(wheel).to_csv(tmp_path / "mine/wheel.tsv", index=False, sep="\t")
    trials = {"onset": EVENTS, "a/b": [1, 2, 3], "a_b": [4, 5, 6]}
    pd.DataFrame(trials).to_csv(tmp_path / "mine/trials.csv", index=False)
    recording = load(tmp_path / "mine", align="onset", window=WINDOW, bin_size=BIN_SIZE)
    means = {name: float(recording.dataset[name].mean()) for name in recording.behavior}
    assert (means["wheel_x_y"], means["wheel_x_y_2"]) == (1, 2)
    assert means["wheel_position_speed"] == pytest.approx(2)
    assert means["wheel_position_speed_2"] == 4
    assert recording.trials["a_b"].tolist() == [4, 5, 6]
    assert recording.trials["a_b_2"].tolist() == [1, 2, 3]


def test_two_tables_cannot_give_one_behaviour(tmp_path):
    write_folder(tmp_path / "mine")
    for name, column in (("wheel", "a_b"), ("wheel_a", "b")):
        table = pd.DataFrame({"time": [0.0, 1.0], column: [1.0, 2.0]})
        table.to_csv(tmp_path / f"mine/{name}.csv", index=False)
    (tmp_path / "mine/wheel.tsv").unlink()
    with pytest.raises(FormatError, match="would both be the behaviour 'wheel_a_b'"):
        tables.read_tables(tmp_path / "mine")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_trials_that_were_sorted_do_not_go_with_a_file_of_times(tmp_path, suffix):
    write_folder(tmp_path / "mine")
    np.save(tmp_path / "onsets.npy", EVENTS)
    trials = pd.DataFrame({"side": ["left", "right", "left"]}).sort_values("side", kind="stable")
    path = str(tmp_path / f"table.{suffix}")
    write = trials.to_csv if suffix == "csv" else trials.to_parquet
    write(path)
    cut = {"align": str(tmp_path / "onsets.npy"), "window": WINDOW, "bin_size": BIN_SIZE}
    with pytest.raises(FormatError, match="were sorted: their numbers go 0, 2, 1"):
        load(tmp_path / "mine", trials=path, **cut)
    (trials.sort_index().to_csv if suffix == "csv" else trials.sort_index().to_parquet)(path)
    recording = load(tmp_path / "mine", trials=path, **cut)
    assert recording.trials["side"].tolist() == ["left", "right", "left"]


def test_a_long_text_and_thousands_of_columns_are_refused(tmp_path):
    write_folder(folder := tmp_path / "session")
    trials = pd.read_csv(folder / "trials.csv")
    trials.assign(side="x" * 200_000).to_csv(folder / "trials.csv", index=False)
    with pytest.raises(FormatError, match=r"'side' of .*trials\.csv' holds a text of 200000 char"):
        load(folder, align="onset", window=WINDOW, bin_size=BIN_SIZE)
    wide = pd.DataFrame(0, index=trials.index, columns=[f"c{i}" for i in range(1001)])
    wide.to_csv(folder / "trials.csv", index=False)
    with pytest.raises(FormatError, match=r"trials\.csv' has 1001 columns; a table can have up"):
        load(folder, align="onset", window=WINDOW, bin_size=BIN_SIZE)


def test_hundreds_of_columns_of_units_are_read_without_a_warning(tmp_path):
    table, _ = plant_spikes()
    wide = pd.DataFrame(0, index=table.index, columns=[f"c{i}" for i in range(150)])
    pd.concat([table, wide], axis=1).to_csv(tmp_path / "spikes.csv", index=False)
    loaded = load(tmp_path / "spikes.csv", align="none", bin_size=BIN_SIZE)
    assert {"c0", "c149"} <= set(loaded.neurons)


def test_a_column_that_both_tables_have_must_agree(tmp_path):
    write_folder(tmp_path / "mine")
    plant_spikes()[0].to_csv(tmp_path / "mine" / "spikes.csv", index=False)
    recording = load(tmp_path / "mine", align="none", bin_size=0.1, units="all")
    assert list(recording.area) == ["CA1", "CA1", "MOs"]
    units = pd.DataFrame({"unit": ["a", "c"], "area": ["CA1", None]})
    units.to_csv(tmp_path / "mine" / "units.csv", index=False)  # what it lacks, the spikes say
    recording = load(tmp_path / "mine", align="none", bin_size=0.1)
    assert list(recording.area) == ["CA1", "CA1", "MOs"]
    units.assign(area=["CA1", "CA1"]).to_csv(tmp_path / "mine" / "units.csv", index=False)
    with pytest.raises(FormatError, match="has 'CA1' as 'area' of unit c, the table of spikes"):
        load(tmp_path / "mine", align="none", bin_size=0.1)


@pytest.mark.parametrize("other", [312782574, None], ids=["all", "one missing"])
def test_areas_that_are_long_numbers_stay_apart(tmp_path, other):
    write_folder(tmp_path / "mine")  # numbers of the Allen atlas
    units = pd.DataFrame({"unit": ["a", "b", "c"], "area": [312782546, other, 312782574]})
    units.to_csv(tmp_path / "mine" / "units.csv", index=False)
    recording = load(tmp_path / "mine", align="none", bin_size=0.1)
    assert list(recording.area) == [
        "312782546", "unknown" if other is None else "312782574", "312782574"
    ]  # fmt: skip


def test_columns_that_differ_by_a_space_are_refused(tmp_path):
    (tmp_path / "mine.csv").write_text("time,unit,area,area \n0.1,a,CA1,CA1\n")
    with pytest.raises(FormatError, match="two columns named 'area'"):
        tables.read_tables(tmp_path / "mine.csv")


def test_blank_columns_of_a_spreadsheet_are_left_out(tmp_path):
    (tmp_path / "mine.csv").write_text("time,unit,area, ,  \n0.1,a,CA1,,\n0.3,a,CA1,,\n")
    assert list(read_table(tmp_path / "mine.csv")) == ["time", "unit", "area"]
    (tmp_path / "mine.csv").write_text("time,unit,area, ,  \n0.1,a,CA1,1,2\n")
    with pytest.raises(FormatError, match="two columns named ''"):
        read_table(tmp_path / "mine.csv")


def test_numbers_of_hundreds_of_digits_are_read_as_text(tmp_path):
    write_folder(tmp_path / "mine")
    wheel = pd.read_csv(tmp_path / "mine" / "wheel.tsv", sep="\t")
    wheel.assign(tag=400 * "9").to_csv(tmp_path / "mine" / "wheel.tsv", index=False, sep="\t")
    notices = tables.read_tables(tmp_path / "mine").notices
    assert "text_among_samples" in {one.code for one in notices}


def test_text_among_samples_is_said_to_keep_a_table_from_being_behaviour(tmp_path):
    write_folder(tmp_path / "mine")
    wheel = pd.read_csv(tmp_path / "mine" / "wheel.tsv", sep="\t")
    one_cell = wheel[["time", "position"]].astype({"position": object})
    one_cell.loc[3, "position"] = "-"
    for odd, column in ((wheel.assign(state="still"), "state"), (one_cell, "position")):
        odd.to_csv(tmp_path / "mine" / "wheel.tsv", index=False, sep="\t")
        raw = tables.read_tables(tmp_path / "mine")
        assert not raw.behavior
        (notice,) = (one for one in raw.notices if one.code == "text_among_samples")
        assert "'wheel'" in str(notice)
        assert column in str(notice)
    licks = pd.DataFrame({"time": np.arange(0, 5, 0.1), "side": "left"})  # no samples
    licks.to_csv(tmp_path / "mine" / "wheel.tsv", index=False, sep="\t")
    notices = tables.read_tables(tmp_path / "mine").notices
    assert "text_among_samples" not in {one.code for one in notices}


def test_an_index_that_pandas_wrote_is_no_behaviour(tmp_path):
    write_folder(tmp_path / "mine")
    for name, separator in (("wheel.tsv", "\t"), ("licks.csv", ",")):
        table = pd.read_csv(tmp_path / "mine" / name, sep=separator)
        table.to_csv(tmp_path / "mine" / name, sep=separator)  # with its index
    session = tables.read_tables(tmp_path / "mine")
    assert set(session.behavior) == {"wheel_position", "wheel_torque"}
    np.testing.assert_array_equal(session.events["licks"], [0.5, 1.5])


@pytest.mark.parametrize(("kind", "fine"), [("float16", False), ("float32", True)])
def test_times_that_are_too_coarse_for_bins_are_refused(tmp_path, kind, fine):
    pytest.importorskip("pyarrow")
    table, counts = plant_spikes()
    table.assign(time=(table["time"] + 500).astype(kind)).to_parquet(tmp_path / "mine.parquet")
    spikes = tables.read_tables(tmp_path / "mine.parquet").spikes
    if fine:
        found = spikes.count(np.arange(3), EVENTS + 500, WINDOW, BIN_SIZE)
        np.testing.assert_array_equal(found, counts)
    else:
        with pytest.raises(InputError, match=r"float16, whose values are 0\.25 s apart"):
            spikes.count(np.arange(3), EVENTS + 500, WINDOW, BIN_SIZE)


def test_long_numbers_that_would_become_one_label_are_refused_or_text(tmp_path):
    def write(*labels):
        rows = "\n".join(f"{onset},{label}" for onset, label in enumerate(labels))
        (tmp_path / "trials.csv").write_text(f"onset,stimulus\n{rows}\n")
        return tmp_path / "trials.csv"

    with pytest.raises(FormatError, match=r"'stimulus' .* holds different whole numbers"):
        read_table(write(2**53, 2**53 + 1, ""))
    assert read_table(write(2**60, "", 2**61))["stimulus"].nunique() == 2
    longer, _ = tidy_columns(read_table(write(2**70 + 5, 2**70 + 6)))
    assert longer["stimulus"].tolist() == [str(2**70 + 5), str(2**70 + 6)]
