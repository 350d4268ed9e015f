"""ALF folders whose probes have different files: areas, labels of quality, folders of tasks."""

import numpy as np
import pandas as pd
import pytest

from spikecast.core.errors import InputError
from spikecast.core.notices import NoticeKind
from spikecast.data import load
from spikecast.data.alf_probes import join_notices
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


def write_two_probes(session, labels):
    """Write a probe with names of areas and labels, and one with numbers of the atlas alone."""
    write_probe(session / "probe00", brainLocationAcronyms_ccf_2017=["CA1", "CA1", "DG", "DG"])
    write_probe(session / "probe01", brainLocationIds_ccf_2017=[382, 382, -382, 0])
    pd.DataFrame({"label": labels}).to_csv(
        session / "probe00" / "clusters.metrics.csv", index=False
    )


@pytest.mark.parametrize("labels", [[1, 1, 0.5, 1], ["good", "good", "mua", "good"], [1, 1, "", 1]])
def test_a_probe_without_labels_keeps_its_units_beside_one_with_labels(session, labels):
    write_two_probes(session, labels)
    recording = load(session, **CUT)
    assert recording.neurons["probe"].tolist() == ["probe00"] * 3 + ["probe01"] * 4
    assert "no unit of probe01 has the label of quality that units of the other" in say(recording)
    assert load(session, units="all", **CUT).n_neurons == 8


def test_where_no_probe_has_labels_all_units_are_taken_without_a_word(session):
    write_two_probes(session, [1, 1, 1, 1])
    (session / "probe00" / "clusters.metrics.csv").unlink()
    recording = load(session, **CUT)
    assert recording.n_neurons == 8
    assert "all 8 units taken: no column says how good they are" in say(recording)


def test_areas_of_probes_are_from_different_files(session):
    write_two_probes(session, [1, 1, 1, 1])
    recording = load(session, **CUT)
    assert recording.areas == {"CA1": 2, "DG": 2, "382": 3, "void": 1}
    taken = say(recording)
    assert "areas of probe01 are numbers of the Allen atlas" in taken
    how = "of the channel where it is largest (channels)"
    assert (
        f"area of a unit: channels.brainLocationAcronyms_ccf_2017, {how} (probe00); "
        f"channels.brainLocationIds_ccf_2017, {how} (probe01)" in taken
    )
    (session / "probe01" / "channels.brainLocationIds_ccf_2017.npy").unlink()
    recording = load(session, **CUT)
    assert recording.areas == {"CA1": 2, "DG": 2, "unknown": 4}
    assert f"{how} (probe00); none (probe01)" in say(recording)


def write_task(session, task, start, **trials):
    """Write trials and wheel of a task that begins at a time, in its folder."""
    folder = session / task
    folder.mkdir()
    times = np.arange(start, start + 40, 4.0)
    columns = {"stimOn_times": times, "intervals_0": times - 0.5, "intervals_1": times + 2}
    pd.DataFrame(columns | trials).to_csv(folder / "_ibl_trials.table.csv", index=False)
    np.save(folder / "_ibl_wheel.timestamps.npy", np.linspace(start, start + 45, 4500))
    np.save(folder / "_ibl_wheel.position.npy", np.linspace(0, 3, 4500))
    return times


@pytest.mark.parametrize("place", ["../../..", ".", "..", "probe00/iblsorter"])
def test_trials_and_wheel_in_the_folder_of_a_task(session, place):
    (session / "_ibl_trials.stimOn_times.npy").unlink()
    np.save(session / "passiveStims.times.npy", [80.5, 85.5])
    write_probe(session / "probe00" / "iblsorter", brainLocationIds_ccf_2017=[382] * 4)
    times = write_task(session, "task_00", 2.5)
    recording = load(session / place, **CUT)
    assert recording.trials["event_time"].tolist() == times.tolist()
    assert "wheel_position" in recording.dataset
    assert "trials and behaviour are from the folders alf, task_00" in say(recording)


def test_of_several_tasks_each_keeps_its_name(session):
    (session / "_ibl_trials.stimOn_times.npy").unlink()
    write_probe(session / "probe00", brainLocationIds_ccf_2017=[382] * 4)
    write_task(session, "task_00", 2.5)
    times = write_task(session, "task_01", 52.5)
    (session / "task_notes").mkdir()
    with pytest.raises(
        InputError, match=r"'task_00_trials' and 'task_01_trials' both have .* name"
    ):
        load(session, **CUT)
    recording = load(session, trials="task_01_trials", **CUT)
    assert recording.trials["event_time"].tolist() == times.tolist()
    assert (
        "trials, wheel_position: there in several of the folders task_00, task_01; those of a task "
        "are called by it, as task_00_trials" in say(recording)
    )


def test_trials_beside_the_folders_of_tasks_are_taken_where_none_are_named(session):
    write_probe(session / "probe00", brainLocationIds_ccf_2017=[382] * 4)
    times = write_task(session, "task_01", 52.5, stimOff_times=np.arange(10) + 60.5)
    recording = load(session, **CUT)
    assert recording.trials["event_time"].tolist() == EVENTS.tolist()
    assert "by it, as task_01_trials; without it, trials is that of alf" in say(recording)
    recording = load(session, trials="task_01_trials", **CUT)
    assert recording.trials["event_time"].tolist() == times.tolist()
    assert load(session, **(CUT | {"align": "stimOff_times"})).n_trials == 10


def test_notices_of_probes_add_their_numbers():
    kind = NoticeKind("odd", "minor", "{n} units of {file} are odd")
    (joined,) = join_notices({"a": [kind(n=1, file="x")], "b": [kind(n=2, file="x")]})
    assert str(joined) == "3 units of x are odd"
