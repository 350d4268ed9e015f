"""NWB files with planted truth are read as planted; real ones, and damaged ones in one line."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from spikecast.core import hdf5_check
from spikecast.core.errors import FormatError, InputError
from spikecast.data import load
from spikecast.data.cuts.taken import read_taken
from spikecast.data.loaders import open_uncut
from spikecast.data.readers import READERS, find_reader

pytest.importorskip("pynwb", reason="the extra nwb is not installed")
import nwb_files as planted
from fuzz.format_fuzz import check_mutations

REAL = Path(__file__).parents[4] / "shared" / "data" / "nwb"
PLACE = {"align": "onset", "window": (-0.5, 1.0), "bin_size": 0.1}


@pytest.fixture
def write(tmp_path):
    """Write a file made of parts; returns its path."""

    def write_parts(*parts, name="planted.nwb"):
        return planted.write_parts(tmp_path / name, *parts)

    return write_parts


def find(notices, code):
    return [notice for notice in notices if notice.code == code]


def test_units_areas_trials_and_ids_are_those_planted(write):
    path = write(planted.add_electrodes, planted.add_units, planted.add_trials)
    recording = load(path, **PLACE)
    np.testing.assert_array_equal(recording.activity, planted.expected_counts())
    assert recording.area.tolist() == planted.AREAS
    assert recording.neurons["unit"].tolist() == planted.IDS
    assert recording.neurons["electrode_y"].tolist() == [2.0, 1.0, 0.0]
    assert recording.trials["side"].tolist() == ["L", "R"] * 15
    assert (recording.session, recording.dataset.attrs["subject"]) == ("s7", "m3")
    (raw,) = (one() for one in open_uncut(path))
    assert raw.duration[0] == 0.0
    assert 92.0 < raw.duration[1] < 99.0


def turn_bytes(path, column):
    """Return a copy whose table with a column has numbers with the high byte first."""
    turned = path.with_stem("turned")
    turned.write_bytes(path.read_bytes())
    with h5py.File(turned, "a") as file:
        names: list[str] = []
        file.visit(names.append)
        table = file[next(one for one in names if one.endswith(f"/{column}"))].parent
        for name, old in list(table.items()):
            if isinstance(old, h5py.Dataset) and old.dtype.kind in "iuf":
                attributes, values = dict(old.attrs), old[()]
                del table[name]
                turned_type = values.dtype.newbyteorder(">")
                table.create_dataset(name, data=values.astype(turned_type)).attrs.update(attributes)
    return turned


def test_the_order_of_bytes_in_a_table_does_not_matter(write):
    path = write(planted.add_electrodes, planted.add_units, planted.add_trials)
    place = PLACE | {"window": (-6.0, 1.0)}  # before the first spike, in one trial
    turned = load(turn_bytes(path, "onset"), **place)
    assert turned.identical(load(path, **place))
    assert turned.n_trials < len(planted.EVENTS)


def test_the_order_of_bytes_in_a_table_of_cells_does_not_matter(write):
    path = write(lambda nwb: planted.add_imaging(nwb, ("Fluorescence", "F")))
    turned = load(turn_bytes(path, "iscell"), align="none")
    assert turned.identical(load(path, align="none"))


def test_hdf5_is_recognised_without_its_ending_and_opened_objects_too(write):
    path = write(planted.add_electrodes, planted.add_units, planted.add_trials, name="session.h5")
    assert find_reader(path) is READERS["nwb"]
    nwb = planted.make_file()
    planted.add_units(nwb, electrodes=False, area=planted.AREAS)
    planted.add_trials(nwb)
    np.testing.assert_array_equal(load(nwb, **PLACE).activity, planted.expected_counts())


@pytest.mark.parametrize(
    ("parts", "column", "areas"),
    [
        (
            (lambda nwb: planted.add_units(nwb, electrodes=False, brain_area=planted.AREAS),),
            "brain_area",
            planted.AREAS,
        ),
        (
            (lambda nwb: planted.add_electrodes(nwb, ["unknown"] * 3, "CA3"), planted.add_units),
            "electrode_group_location",
            ["CA3"] * 3,
        ),
        (
            (
                planted.add_electrodes,
                lambda nwb: planted.add_units(
                    nwb, electrodes=False, peak_channel_id=[102, 101, 100]
                ),
            ),
            "electrode_location",
            planted.AREAS,
        ),
        ((lambda nwb: planted.add_units(nwb, electrodes=False),), None, ["unknown"] * 3),
    ],
)
def test_the_area_is_found_wherever_it_stands(write, parts, column, areas):
    recording = load(write(*parts, planted.add_trials), **PLACE)
    assert recording.area.tolist() == areas
    said = [n.values["column"] for n in find(read_taken(recording.dataset), "area_column")]
    assert said == ([column] if column else [])


def test_areas_of_unit_and_electrode_that_disagree_are_both_named(write):
    path = write(
        planted.add_electrodes,
        lambda nwb: planted.add_units(nwb, location=["CA1", "VISp", "MOs"]),
        planted.add_trials,
    )
    with pytest.raises(InputError, match="'location' and 'electrode_location' disagree"):
        load(path, **PLACE)
    recording = load(path, area_column="location", **PLACE)
    assert recording.area.tolist() == ["CA1", "VISp", "MOs"]


def test_an_area_that_the_unit_lacks_is_that_of_its_electrode(write):
    areas = ["", *planted.AREAS[1:]]
    path = write(
        planted.add_electrodes,
        lambda nwb: planted.add_units(nwb, location=areas),
        planted.add_trials,
    )
    recording = load(path, **PLACE)
    assert recording.area.tolist() == planted.AREAS
    (notice,) = find(read_taken(recording.dataset), "area_column")
    assert "agrees, and is taken for 1 units that 'location' says nothing of" in str(notice)


def number_electrodes(path, ids):
    with h5py.File(path, "a") as file:
        file["general/extracellular_ephys/electrodes/id"][:] = ids
    return path


def test_units_refer_to_rows_of_electrodes_also_where_each_probe_counts_from_0(write):
    path = number_electrodes(
        write(planted.add_electrodes, planted.add_units, planted.add_trials), [0, 0, 1]
    )
    recording = load(path, **PLACE)
    assert recording.area.tolist() == planted.AREAS
    assert recording.neurons["electrode_y"].tolist() == [2.0, 1.0, 0.0]
    assert not find(read_taken(recording.dataset), "electrodes_lost")


@pytest.mark.parametrize(
    ("ids", "areas"),
    [([0, 0, 1], [planted.AREAS[0], *["unknown"] * 2]), ([0] * 3, ["unknown"] * 3)],
)
def test_an_id_of_two_electrodes_names_neither(write, ids, areas):
    path = write(
        planted.add_electrodes,
        lambda nwb: planted.add_units(nwb, electrodes=False, peak_channel_id=[1, 0, 0]),
        planted.add_trials,
    )
    recording = load(number_electrodes(path, ids), **PLACE)
    assert recording.area.tolist() == areas
    assert find(read_taken(recording.dataset), "electrodes_lost")
    if "electrode_y" in recording.neurons:  # not that of the first row
        assert np.isfinite(recording.neurons["electrode_y"]).tolist() == [True, False, False]


def test_electrodes_that_are_lost_are_said(write):
    def lose(nwb):
        planted.add_units(nwb, electrodes=False, peak_channel_id=[8, 9, 10])

    recording = load(write(lose, planted.add_trials), **PLACE)
    (notice,) = find(read_taken(recording.dataset), "electrodes_lost")
    assert notice.severity == "serious"
    assert recording.areas == {"unknown": 3}
    partly = write(
        planted.add_electrodes,
        lambda nwb: planted.add_units(nwb, electrodes=False, peak_channel_id=[102, 9, 100]),
        planted.add_trials,
        name="partly.nwb",
    )
    recording = load(partly, **PLACE)
    assert recording.area.tolist() == ["CA1", "unknown", "MOs"]
    assert "1 of 3 units" in str(find(read_taken(recording.dataset), "electrodes_lost")[0])


def test_several_tables_are_named_and_one_is_chosen(write):
    path = write(
        planted.add_electrodes,
        planted.add_units,
        lambda nwb: planted.add_trials(nwb, "learn"),
        lambda nwb: planted.add_trials(nwb, "recog", planted.EVENTS[::2]),
        lambda nwb: planted.add_trials(nwb, "rest", planted.EVENTS[:3], onset=False),
    )
    with pytest.raises(InputError, match="'learn' and 'recog' both have a column 'onset'"):
        load(path, **PLACE)
    assert load(path, trials="recog", **PLACE).n_trials == 15
    with pytest.raises(InputError, match=r"table 'learn' \(30 trials\): .*onset"):
        load(path)


def test_quality_lists_and_silent_units(write):
    times = planted.spike_times()
    times[1] = []
    path = write(
        lambda nwb: planted.add_units(
            nwb,
            times,
            electrodes=False,
            area=planted.AREAS,
            quality=["good", "good", "noise"],
            waveform=[np.zeros(4), np.ones(4), np.ones(4)],
        ),
        planted.add_trials,
    )
    recording = load(path, **PLACE)
    assert recording.neurons["unit"].tolist() == [11, 7]
    said = read_taken(recording.dataset)
    assert find(said, "units_without_spikes")[0].values["n"] == 1
    assert find(said, "unit_lists")[0].values["columns"] == ["waveform"]
    assert "quality" in str(find(said, "units_taken")[0])


def test_a_series_whose_values_lie_in_a_file_that_is_gone_is_no_list_of_events(write):
    path = write(
        lambda nwb: planted.add_units(nwb, electrodes=False, area=planted.AREAS),
        planted.add_behavior,
        planted.add_trials,
    )
    with h5py.File(path, "r+") as file:
        found: list[str] = []
        file.visit(lambda name: found.append(name) if name.endswith("running/data") else None)
        (place,) = found
        del file[place]
        file[place] = h5py.ExternalLink("gone.nwb", "/data")
    recording = load(path, **PLACE)
    assert "running" not in recording.behavior
    (notice,) = find(read_taken(recording.dataset), "series_damaged")
    assert "no values" in str(notice)


def test_behaviour_events_and_codes(write):
    path = write(
        lambda nwb: planted.add_units(nwb, electrodes=False, area=planted.AREAS),
        planted.add_behavior,
        planted.add_trials,
    )
    (raw,) = (one() for one in open_uncut(path))
    np.testing.assert_allclose(raw.events["ttl=1"], planted.EVENTS)
    np.testing.assert_allclose(raw.events["ttl=4"], planted.EVENTS + 0.7)
    assert find(raw.notices, "series_too_large")[0].values["name"] == "voltage"
    recording = load(path, **PLACE)
    dataset = recording.dataset
    assert set(recording.behavior) == {
        "wheel_position", "wheel_position_speed", "running", "licks",
    }  # fmt: skip
    np.testing.assert_allclose(dataset["wheel_position_speed"], 3.0, rtol=1e-3)
    middle = planted.EVENTS[:, None] + recording.time
    np.testing.assert_allclose(dataset["running"], 100 * middle, atol=3)
    assert np.argwhere(dataset["licks"].values)[:, 1].tolist() == [8] * 30
    licked = load(path, **PLACE | {"align": "licks_table", "window": (-1.31, 0.19)})
    assert licked.n_trials == 30
    by_code = load(path, **PLACE | {"align": "ttl=1"})
    np.testing.assert_array_equal(by_code.activity, planted.expected_counts())


@pytest.mark.parametrize(
    ("unit", "turn", "said"),
    [("radians", 2 * np.pi, "mean on the circle"), ("meters", 2 * np.pi, "mean of"),
     ("degrees", 360.0, "mean on the circle"), ("degrees", 2 * np.pi, "mean of")],
)  # fmt: skip
def test_directions_are_averaged_on_the_circle_where_the_unit_is_known(write, unit, turn, said):
    """The head turns once a second; the first bin lies about north."""
    path = write(
        lambda nwb: planted.add_units(nwb, electrodes=False, area=planted.AREAS),
        lambda nwb: planted.add_heading(nwb, unit, turn),
        planted.add_trials,
    )
    recording = load(path, **PLACE | {"window": (-0.05, 0.95)})
    (notice,) = find(read_taken(recording.dataset), "behavior")
    jumps = find(read_taken(recording.dataset), "angle_jumps")
    assert said in str(notice)
    assert len(jumps) == ("circle" not in said)
    off = recording.dataset["head"].values / turn - np.arange(10) / 10
    nearest = np.abs(np.mod(off + 0.5, 1) - 0.5).max(axis=0)
    assert nearest[1:].max() < 0.02
    assert (nearest[0] < 0.02) == ("circle" in said)


def test_fluorescence_is_read_and_its_kind_said(write):
    path = write(
        lambda nwb: planted.add_imaging(
            nwb, ("Fluorescence", "RoiResponseSeries"), ("DfOverF", "dff"), ("Neuropil", "neuropil")
        ),
        planted.add_trials,
    )
    recording = load(path, **PLACE)
    assert recording.kind == "continuous"
    assert recording.shape == (30, 15, 3)
    middle = planted.EVENTS[:, None, None] + recording.time[:, None]
    np.testing.assert_allclose(recording.activity, 1000 + middle * [1, 2, 4], rtol=1e-4)
    assert recording.areas == {"VISp": 3}
    (notice,) = find(read_taken(recording.dataset), "responses")
    assert "'dff' (not taken: Fluorescence/RoiResponseSeries, Neuropil/neuropil)" in str(notice)
    assert "left out: 0 1" in str(find(read_taken(recording.dataset), "units_taken")[0])


def test_times_in_milliseconds_are_suspected_and_not_changed(write):
    path = write(
        lambda nwb: planted.add_units(
            nwb, [3000 * one for one in planted.spike_times()], electrodes=False
        ),
        lambda nwb: planted.add_trials(nwb, events=3000 * planted.EVENTS),
    )
    (raw,) = (one() for one in open_uncut(path))
    assert find(raw.notices, "long_session")
    assert raw.duration[1] > 200_000


def test_bad_spike_times_are_refused(write):
    times = planted.spike_times()
    times[2][4] = np.nan
    path = write(lambda nwb: planted.add_units(nwb, times, electrodes=False), planted.add_trials)
    with pytest.raises(FormatError, match=r"planted\.nwb.*unit 30 has spike times that are NaN"):
        load(path, **PLACE)


@pytest.mark.parametrize("width", [1, 2])
def test_spike_times_of_several_axes_are_refused_unless_these_hold_nothing(write, width):
    path = write(lambda nwb: planted.add_units(nwb, electrodes=False), planted.add_trials)
    with h5py.File(path, "r+") as file:
        values, about = file["units/spike_times"][()], dict(file["units/spike_times"].attrs)
        del file["units/spike_times"]
        file["units/spike_times"] = np.repeat(values[:, np.newaxis], width, axis=1)
        file["units/spike_times"].attrs.update(about)
        file["units/spike_times_index"].attrs["target"] = file["units/spike_times"].ref
    if width == 1:
        np.testing.assert_array_equal(load(path, **PLACE).activity, planted.expected_counts())
        return
    with pytest.raises(FormatError, match=r"spike_times has shape .* one axis"):
        load(path, **PLACE)


def test_spikes_of_no_unit_are_refused(write):
    path = write(lambda nwb: planted.add_units(nwb, electrodes=False), planted.add_trials)
    with pytest.importorskip("h5py").File(path, "a") as file:
        ends = file["units/spike_times_index"]
        ends[-1] = ends[-1] - 5
    with pytest.raises(FormatError, match=r"the last 5 of \d+ spike times are of no unit"):
        load(path, **PLACE)


def test_unsorted_spikes_of_a_unit_are_put_in_order(write):
    times = [one[::-1] for one in planted.spike_times()]
    path = write(lambda nwb: planted.add_units(nwb, times, electrodes=False), planted.add_trials)
    np.testing.assert_array_equal(load(path, **PLACE).activity, planted.expected_counts())


def test_files_without_units_cut_short_and_of_other_kinds_are_one_line(write, tmp_path):
    empty = write(planted.add_trials)
    with pytest.raises(FormatError, match="neither units with spike times, nor fluorescence"):
        load(empty, **PLACE)
    path = write(planted.add_electrodes, planted.add_units, planted.add_trials, name="whole.nwb")
    content = path.read_bytes()
    for size in (0, 7, 100, len(content) // 2, len(content) - 100):
        (tmp_path / "cut.nwb").write_bytes(content[:size])
        with pytest.raises(FormatError, match=r"^'[^\n]*cut\.nwb' is damaged, cut short"):
            load(tmp_path / "cut.nwb", **PLACE)
    (tmp_path / "text.nwb").write_text("hello")
    with pytest.raises(FormatError, match="damaged, cut short"):
        load(tmp_path / "text.nwb", **PLACE)
    with h5py.File(tmp_path / "other.nwb", "w") as file:
        file["x"] = [1, 2]
    with pytest.raises(FormatError, match=r"not NWB 2: Missing NWB version .* valid NWB file$"):
        load(tmp_path / "other.nwb", **PLACE)


@pytest.mark.parametrize("place", ["attribute", "data set", "data set of bytes"])
def test_a_file_of_the_first_nwb_is_said_to_be_one(tmp_path, place):
    with h5py.File(tmp_path / "old.nwb", "w") as file:
        if place == "attribute":
            file.attrs["nwb_version"] = "1.0.6"
        else:
            file["nwb_version"] = "NWB-1.0.6" if place == "data set" else np.bytes_(b"NWB-1.0.6")
    with pytest.raises(FormatError, match=r"old\.nwb' is of NWB 1\.0\.6, .* convert it to NWB 2$"):
        load(tmp_path / "old.nwb", **PLACE)


def test_what_is_missing_is_named_with_its_place(write):
    path = write(planted.add_electrodes, planted.add_units, planted.add_trials)
    with h5py.File(path, "a") as file:
        del file["intervals/trials/start_time"]
    with pytest.raises(FormatError, match=r"NWB 2: at root/intervals/trials: .* 'start_time'\. "):
        load(path, **PLACE)


def damage(write, tmp_path, monkeypatch, n):
    monkeypatch.setattr(hdf5_check, "SECONDS", 5.0)  # one copy in some hundreds is read without end
    path = write(
        planted.add_electrodes, planted.add_units, planted.add_trials, planted.add_behavior
    )
    return check_mutations(path, lambda copy: load(copy, **PLACE), tmp_path, n)


def test_damaged_files_give_a_recording_or_one_line(write, tmp_path, monkeypatch):
    assert 3 < damage(write, tmp_path, monkeypatch, 15) <= 15


@pytest.mark.slow
def test_many_damaged_files_give_a_recording_or_one_line(write, tmp_path, monkeypatch):
    damage(write, tmp_path, monkeypatch, 10_000)


# ---------------------------------------------------------------- real files


def test_a_real_session_with_three_tables_and_areas_at_the_electrodes():
    path = REAL / "human_amygdala_hippocampus.nwb"
    if not path.exists():
        pytest.skip("the real recordings (../shared/data) are not here")
    settings = {"align": "start_time", "window": (-0.5, 1.0), "bin_size": 0.05}
    with pytest.raises(InputError, match="'encoding_table' and 'recognition_table'"):
        load(path, **settings)
    recording = load(path, trials="recognition_table", **settings)
    assert recording.shape == (180, 30, 35)
    assert recording.areas == {"amygdala_right": 10, "hippocampus_right": 25}
    (raw,) = (one() for one in open_uncut(path))
    assert sum(len(raw.spikes.read_unit(unit)) for unit in range(35)) == 214_278
    assert len(raw.events["events=1"]) == 450


def test_a_real_file_of_three_units_without_trials():
    path = REAL / "small_three_units.nwb"
    if not path.exists():
        pytest.skip("the real recordings (../shared/data) are not here")
    recording = load(path, align="none", bin_size=1.0)
    assert recording.shape[::2] == (1, 3)
