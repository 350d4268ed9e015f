"""Which electrode a unit of an NWB file is read from, and what is said where that is not clear."""

import pytest

from spikecast.data import load
from spikecast.data.cuts.taken import read_taken

pytest.importorskip("pynwb", reason="the extra nwb is not installed")
import nwb_files as planted

PLACE = {"align": "onset", "window": (-0.5, 1.0), "bin_size": 0.1}
LOCATIONS = ["CA1", "CA1", "MOs", "MOs", "VISp", "VISp"]


def write_units(path, columns, units, ids=None, references=()):
    """Write three units, and six electrodes of two probes; `units` holds a dict for each unit."""

    def add(nwb):
        groups = []
        for name in ("Probe1", "Probe2"):
            device = nwb.create_device(name=name)
            group = nwb.create_electrode_group(
                name=name, description="", location="brain", device=device
            )
            groups.append(group)
        for row, location in enumerate(LOCATIONS):
            named = {} if ids is None else {"id": ids[row]}
            nwb.add_electrode(location=location, group=groups[row // 3], **named)
        for name in columns:
            more = {"table": nwb.electrodes} if name in references else {}
            nwb.add_unit_column(name=name, description=name, **more)
        for times, values in zip(planted.spike_times(), units, strict=True):
            of_unit = dict(values)
            if "electrode_group" in of_unit:
                of_unit["electrode_group"] = groups[of_unit["electrode_group"]]
            nwb.add_unit(spike_times=times, **of_unit)

    return planted.write_parts(path, add, planted.add_trials)


def read(path):
    recording = load(path, **PLACE)
    return recording.area.tolist(), read_taken(recording.dataset)


def say(notices, code):
    return [str(one) for one in notices if one.code == code]


@pytest.mark.parametrize("name", ["max_electrode", "max_channel", "peak_channel"])
def test_the_electrode_with_the_largest_waveform_is_a_reference(tmp_path, name):
    units = [{name: row} for row in (4, 0, 3)]
    areas, notices = read(write_units(tmp_path / "a.nwb", [name], units, references=[name]))
    assert areas == ["VISp", "CA1", "MOs"]
    assert not say(notices, "unit_lists")


def test_the_largest_waveform_goes_before_the_first_electrode(tmp_path):
    units = [
        {"electrodes": list(range(6)), "max_electrode": 2},
        {"electrodes": [0, 1], "max_electrode": 1},
        {"electrodes": [3, 4, 5], "max_electrode": 5},
    ]
    path = write_units(tmp_path / "a.nwb", ["max_electrode"], units, references=["max_electrode"])
    areas, notices = read(path)
    assert areas == ["MOs", "CA1", "VISp"]
    (said,) = say(notices, "several_areas")
    assert said == "2 units have electrodes in several areas: that of 'max_electrode' is taken"


def test_a_number_counts_where_it_is_the_id_of_an_own_electrode(tmp_path):
    units = [
        {"electrodes": list(range(6)), "peak_channel_id": 104},
        {"electrodes": [2, 3, 4], "peak_channel_id": 103},
        {"electrodes": [0, 5], "peak_channel_id": 105},
    ]
    path = write_units(
        tmp_path / "a.nwb", ["peak_channel_id"], units, ids=[100, 101, 102, 103, 104, 105]
    )
    areas, notices = read(path)
    assert areas == ["VISp", "MOs", "VISp"]
    (peak,) = say(notices, "several_areas")
    assert peak == "3 units have electrodes in several areas: that of 'peak_channel_id' is taken"
    assert not say(notices, "ids_or_rows")


def test_numbers_that_may_be_ids_or_rows_are_ids_and_that_is_said(tmp_path):
    units = [{"max_electrode": number} for number in (0, 2, 5)]
    path = write_units(tmp_path / "a.nwb", ["max_electrode"], units, ids=[5, 4, 2, 3, 1, 0])
    areas, notices = read(path)
    assert areas == ["VISp", "MOs", "CA1"]
    (said,) = say(notices, "ids_or_rows")
    assert "for 2 of 3 units" in said
    same = write_units(tmp_path / "same.nwb", ["max_electrode"], units)
    areas, notices = read(same)
    assert areas == ["CA1", "MOs", "VISp"]
    assert not say(notices, "ids_or_rows")


@pytest.mark.parametrize("name", ["electrodes", "peak_channel"])
def test_an_electrode_of_another_group_is_not_taken(tmp_path, name):
    units = [
        {name: [row] if name == "electrodes" else row, "electrode_group": group}
        for row, group in ((1, 0), (2, 0), (1, 1))
    ]
    own = [] if name == "electrodes" else [name]
    areas, notices = read(write_units(tmp_path / "a.nwb", own, units))
    assert areas == ["CA1", "MOs", "brain"]  # the location of its group
    (said,) = say(notices, "other_group")
    assert said.startswith("1 of 3 units")
    assert "unit 2: 'Probe2', its electrode: 'Probe1'" in said


def test_one_group_for_all_units_is_believed_less_than_their_electrodes(tmp_path):
    units = [{"electrodes": [row], "electrode_group": 0} for row in (1, 4, 1)]
    areas, notices = read(write_units(tmp_path / "a.nwb", [], units))
    assert areas == ["CA1", "VISp", "CA1"]
    assert "but 1 of 3 are read from" in say(notices, "one_group")[0]
    units = [{"electrodes": [row], "electrode_group": 1} for row in (1, 2, 1)]
    areas, notices = read(write_units(tmp_path / "b.nwb", [], units))
    assert areas == ["brain"] * 3
    assert say(notices, "other_group")


def test_numbers_that_fit_in_the_first_group_only_are_said(tmp_path):
    units = [{"max_channel": number} for number in (0, 1, 2)]
    _, notices = read(write_units(tmp_path / "a.nwb", ["max_channel"], units))
    assert say(notices, "first_group")


def test_numbers_beyond_the_rows_are_ids_and_nothing_is_said(tmp_path):
    units = [{"max_channel": number} for number in (1, 4, 6)]
    path = write_units(tmp_path / "a.nwb", ["max_channel"], units, ids=[1, 2, 3, 4, 5, 6])
    areas, notices = read(path)
    assert areas == ["CA1", "MOs", "VISp"]
    assert not say(notices, "ids_or_rows")
    assert not say(notices, "first_group")


def test_numbers_of_no_own_electrode_refute_their_column(tmp_path):
    units = [
        {"electrodes": [0, 1, 2], "peak_channel": 2},
        {"electrodes": [3, 4, 5], "peak_channel": 1},
        {"electrodes": [3, 4, 5], "peak_channel": 2},
    ]
    areas, notices = read(write_units(tmp_path / "a.nwb", ["peak_channel"], units))
    assert areas == ["CA1", "MOs", "MOs"]
    assert "for 2 of 3 units" in say(notices, "not_own_electrode")[0]
