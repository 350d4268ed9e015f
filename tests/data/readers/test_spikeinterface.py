"""Sortings of SpikeInterface, by their interface."""

import numpy as np
import pandas as pd
import pytest

from spikecast.core.errors import FormatError, InputError
from spikecast.data import load
from spikecast.data.readers import spikeinterface_objects as objects

EVENTS = np.array([1.0, 2.0])
RATE = 20_000.0
TRAINS = {"a": [0.95, 1.01, 1.05, 2.11], "b": [1.12, 2.5], "c": []}


class Sorting:
    """What spikecast uses of ``spikeinterface.core.BaseSorting``."""

    def __init__(self, trains=TRAINS, n_segments=1, properties=None):
        self.trains, self.n_segments = trains, n_segments
        self.properties = properties or {
            "quality": np.array(["good", "mua", "good"]),
            "brain_area": np.array(["CA1", "MOs", "MOs"]),
            "gt_waveform": np.zeros((3, 10)),
        }

    @property
    def unit_ids(self):
        return np.array(list(self.trains))

    def get_num_segments(self):
        return self.n_segments

    def get_property_keys(self):
        return list(self.properties)

    def get_property(self, key):
        return self.properties[key]

    def get_unit_spike_train(self, unit_id, segment_index=None, return_times=False):
        train = np.array(self.trains[str(unit_id)]) + 10 * (segment_index or 0)
        return train if return_times else np.round(train * RATE).astype(int)


def test_a_sorting_with_its_trials():
    trials = pd.DataFrame({"onset": EVENTS, "side": ["left", "right"]})
    recording = load(
        {"units": Sorting(), "trials": trials},
        align="onset", window=(0, 0.2), bin_size=0.1, units="all",
    )  # fmt: skip
    np.testing.assert_array_equal(recording.activity[:, :, 0], [[2, 0], [0, 1]])
    np.testing.assert_array_equal(recording.activity[:, :, 1], [[0, 1], [0, 0]])
    assert recording.areas == {"CA1": 1, "MOs": 2}
    assert recording.trials["side"].tolist() == ["left", "right"]


def test_a_bare_sorting_and_a_list_of_times():
    session = objects.read_sorting(Sorting(), 0, {"pulses": EVENTS})
    assert list(session.units) == ["quality", "brain_area"]
    assert list(session.events["pulses"]) == [1.0, 2.0]
    assert session.duration == (0, 2.5)
    assert load(Sorting(), align="none", bin_size=0.1).n_neurons == 2


def test_numbers_of_groups_of_channels_are_no_quality():
    sorting = Sorting(properties={"group": np.array([0, 0, 1])})
    assert load(sorting, align="none", bin_size=0.1).neurons["unit"].tolist() == ["a", "b", "c"]


def test_segments_are_sessions():
    sessions = objects.open_sessions(Sorting(n_segments=2))
    assert [open_session().duration[1] for open_session in sessions] == pytest.approx([2.5, 12.5])
    with pytest.raises(InputError, match="2 segments, so trials cannot be told apart"):
        objects.open_sessions({"units": Sorting(n_segments=2), "trials": EVENTS})


def test_bad_sortings_are_explained():
    with pytest.raises(FormatError, match="no units"):
        load(Sorting(trains={}))
    with pytest.raises(FormatError, match=r"unit a .* not finite and ascending"):
        load(Sorting(trains={"a": [2.0, 1.0], "b": [], "c": []}), align="none", bin_size=0.1)
    with pytest.raises(InputError, match="'trials' is list; beside a sorting"):
        load({"units": Sorting(), "trials": ["x"]})


def test_the_package_itself():
    core = pytest.importorskip("spikeinterface.core", reason="SpikeInterface is not installed")
    trains = {name: np.round(np.array(times) * RATE).astype(int) for name, times in TRAINS.items()}
    sorting = core.NumpySorting.from_unit_dict([trains], RATE)
    sorting.set_property("quality", np.array(["good", "mua", "good"]))
    assert objects.sniff(sorting)
    session = objects.read_sorting(sorting, 0, {})
    np.testing.assert_allclose(session.spikes.read_unit(0), TRAINS["a"])
    assert list(session.units["quality"]) == ["good", "mua", "good"]


def test_areas_as_bytes_are_areas_and_odd_properties_are_left_out():
    properties = {"area": np.array([b"CA1", b"MOs", b"MOs"]), "pair": np.zeros(3, "i4,i4")}
    recording = load(Sorting(properties=properties), align="none", bin_size=0.1)
    assert recording.areas == {"CA1": 1, "MOs": 2}
    assert "pair" not in recording.neurons


def test_hidden_times_are_refused():
    hidden = np.ma.masked_array([0.5, 2.0], mask=[False, True])
    sorting = Sorting()
    sorting.get_unit_spike_train = lambda *_, **__: hidden
    with pytest.raises(InputError, match="times of unit a of the sorting is masked"):
        load(sorting, align="none", bin_size=0.1)
