"""Units of an NWB file that stand in a processing module, or have ids that are twice there."""

import h5py
import numpy as np
import pytest

from spikecast.core.errors import FormatError
from spikecast.data import load
from spikecast.data.cuts.taken import read_taken
from spikecast.data.nwb.units import StoredTimes

pytest.importorskip("pynwb", reason="the extra nwb is not installed")
import nwb_files as planted

PLACE = {"align": "onset", "window": (-0.5, 1.0), "bin_size": 0.1}


def find(notices, code):
    return [notice for notice in notices if notice.code == code]


def add_module(*names):
    """Add tables of units to a processing module."""

    def add(nwb):
        from pynwb.misc import Units

        module = nwb.create_processing_module(name="ecephys", description="sorted")
        for name in names:
            table = Units(name=name, description="sorted")
            table.add_column(name="area", description="area")
            for times, unit, area in zip(planted.spike_times(), planted.IDS, planted.AREAS):
                table.add_unit(spike_times=times, id=unit, area=area)
            module.add(table)

    return add


def test_units_of_a_processing_module_are_read_where_there_are_no_others(tmp_path):
    recording = load(
        planted.write_parts(tmp_path / "a.nwb", add_module("sorted"), planted.add_trials), **PLACE
    )
    np.testing.assert_array_equal(recording.activity, planted.expected_counts())
    assert recording.neurons["unit"].tolist() == planted.IDS
    (notice,) = find(read_taken(recording.dataset), "units_of_module")
    assert "'sorted'" in str(notice)


def test_several_tables_of_units_in_modules_are_named(tmp_path):
    with pytest.raises(FormatError, match=r"several tables of processing modules \(a, b\)"):
        load(
            planted.write_parts(tmp_path / "a.nwb", add_module("a", "b"), planted.add_trials),
            **PLACE,
        )


def test_units_of_a_processing_module_go_behind_fluorescence_and_other_units(tmp_path):
    imaging = planted.write_parts(
        tmp_path / "a.nwb",
        lambda nwb: planted.add_imaging(nwb, ("DfOverF", "dff")),
        add_module("sorted"),
        planted.add_trials,
    )
    recording = load(imaging, **PLACE)
    assert recording.kind == "continuous"
    assert find(read_taken(recording.dataset), "units_of_module_left")
    own = planted.write_parts(
        tmp_path / "own.nwb",
        lambda nwb: planted.add_units(nwb, electrodes=False, area=["own"] * 3),
        add_module("sorted"),
        planted.add_trials,
    )
    assert load(own, **PLACE).areas == {"own": 3}


def test_units_whose_ids_are_twice_there_are_called_by_their_row(tmp_path):
    path = planted.write_parts(
        tmp_path / "a.nwb",
        planted.add_electrodes,
        lambda nwb: planted.add_units(nwb, ids=[0, 1, 0]),
        planted.add_trials,
    )
    recording = load(path, **PLACE)
    np.testing.assert_array_equal(recording.activity, planted.expected_counts())
    assert recording.area.tolist() == planted.AREAS
    assert recording.neurons["unit"].tolist() == [0, 1, 2]
    assert recording.neurons["id"].tolist() == [0, 1, 0]
    assert find(read_taken(recording.dataset), "unit_ids_twice")[0].values["n"] == 2
    recording.to_nwb(tmp_path / "again.nwb")
    again = load(tmp_path / "again.nwb")
    assert again.neurons["id"].tolist() == [0, 1, 0]


def test_spikes_of_a_unit_may_be_in_any_order(tmp_path):
    def write(name, arrange):
        return planted.write_parts(
            tmp_path / name,
            planted.add_electrodes,
            lambda nwb: planted.add_units(nwb, times=map(arrange, planted.spike_times())),
            planted.add_trials,
        )

    def turn(times):  # the ends lie close together, in the middle of the session
        return np.roll(times, len(times) // 2)

    recording = load(write("turned.nwb", turn), **PLACE)
    assert recording.activity.shape[0] == 30
    np.testing.assert_array_equal(
        recording.activity, load(write("sorted.nwb", np.sort), **PLACE).activity
    )


@pytest.mark.parametrize("length", [3, 7, 100])
def test_a_chunk_of_spikes_is_unpacked_once(tmp_path, monkeypatch, length):
    monkeypatch.setattr(StoredTimes, "block", 1)
    planted = np.arange(100.0)
    with h5py.File(tmp_path / "spikes.h5", "w") as file:
        stored = Counted(file.create_dataset("times", data=planted, chunks=(length,)))
        times = StoredTimes(stored)
        for start, stop in ((0, 0), (0, 2), (2, 30), (30, 31), (31, 99), (99, 100)):
            np.testing.assert_array_equal(times.read(start, stop), planted[start:stop])
        assert stored.n_looks <= -(-100 // length) + 1
        np.testing.assert_array_equal(times.read(5, 9), planted[5:9])


class Counted:
    """A dataset that counts how often it is looked at."""

    def __init__(self, stored):
        self.stored, self.chunks, self.n_looks = stored, stored.chunks, 0

    def __getitem__(self, places):
        self.n_looks += 1
        return self.stored[places]
