"""ALF folders whose probes have different files: areas, labels of quality, folders of tasks."""

import numpy as np
import pytest

from spikecast.data import load
from spikecast.data.cuts.taken import read_taken
from spikecast.data.readers import alf

EVENTS = np.arange(2.5, 90, 3)
CUT = {"align": "stimOn_times", "window": (0, 1), "bin_size": 0.1}


def write_probe(folder, **channels):
    """Write spikes of four units on channels 0, 2, 4 and 6, and columns of eight channels."""
    folder.mkdir(parents=True)
    times = np.sort(np.random.default_rng(0).uniform(0, 100, 2000))
    np.save(folder / "spikes.times.npy", times)
    np.save(folder / "spikes.clusters.npy", np.arange(2000) % 4)
    np.save(folder / "clusters.channels.npy", [0, 2, 4, 6])
    for name, values in channels.items():
        np.save(folder / f"channels.{name}.npy", np.repeat(values, 2))


@pytest.fixture
def session(tmp_path):
    """Return the folder ``alf`` of a session with trials and no probe."""
    folder = tmp_path / "Subjects" / "ZM_1" / "2020-01-23" / "001" / "alf"
    folder.mkdir(parents=True)
    np.save(folder / "_ibl_trials.stimOn_times.npy", EVENTS)
    return folder


def say(recording):
    return "\n".join(map(str, read_taken(recording.dataset)))


def test_numbers_of_the_atlas_that_are_no_areas_and_those_of_the_left_hemisphere(session):
    write_probe(session / "probe00", brainLocationIds_ccf_2017=[0, 997, 385, -385])
    recording = load(session, **CUT)
    assert recording.areas == {"385": 2, "void": 1, "root": 1}
    assert "1 units have a negative number of the atlas" in say(recording)
    np.save(session / "probe00" / "clusters.atlas_id.npy", [-997.0, np.nan, 614454277, 382])
    (open_session,) = alf.open_sessions(session)
    assert open_session().units["atlas_id"].tolist() == ["root", "", "614454277", "382"]
