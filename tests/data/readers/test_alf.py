"""Folders of ALF files as IBL and Steinmetz et al. write them: planted counts, bad files."""

import os
import re

import numpy as np
import pandas as pd
import pytest
from fuzz.format_fuzz import check_mutations

from spikecast.core.errors import FormatError
from spikecast.data import load
from spikecast.data.readers import alf

WINDOW, BIN_SIZE = (-0.1, 0.2), 0.1


def plant_spikes(events, n_units, seed):
    """Return times and units of spikes, and the counts that they give around the events."""
    counts = np.random.default_rng(seed).integers(0, 4, (len(events), 3, n_units))
    times, units = [], []
    for (trial, time, unit), count in np.ndenumerate(counts):
        start = events[trial] + WINDOW[0] + time * BIN_SIZE
        times += list(start + 0.01 + 0.02 * np.arange(count))
        units += [unit] * count
    order = np.argsort(times, kind="stable")
    return np.array(times)[order], np.array(units)[order], counts


def write_steinmetz(folder):
    """Write one session in the layout of the authors' release; return events and counts."""
    folder.mkdir(parents=True)
    stimulus = np.array([3.0, 6.5, 10.0, 14.25])
    times, units, counts = plant_spikes(stimulus, 4, 0)
    column = {
        "spikes.times": times, "spikes.clusters": units, "spikes.amps": np.ones(len(times)),
        "clusters.peakChannel": [1.0, 3, 2, 9], "clusters.probes": [0.0, 0, 1, 1],
        "clusters._phy_annotation": [2.0, 3, 1, 2], "clusters.waveformDuration": [10.0, 20, 9, 8],
        "clusters.depths": [20.0, 40, 60, 80], "channels.probe": [0.0, 0, 1],
        "channels.site": [0.0, 1, 0], "trials.visualStim_times": stimulus,
        "trials.response_choice": [1.0, -1, 0, 1], "trials.included": [True, True, False, True],
        "trials.feedbackType": [1.0, -1, 1, 1], "trials.goCue_times": stimulus + 0.7,
        "trials.response_times": stimulus + 1, "trials.feedback_times": stimulus + 1.1,
        "trials.visualStim_contrastLeft": [0, 0.5, 0, 1], "trials.repNum": [1.0, 1, 1, 1],
        "trials.visualStim_contrastRight": [1, 0, 0, 0.25], "licks.times": [4.0, 4.2, 8.0],
        "passiveVisual.times": [16.0, 17.0], "passiveVisual.contrastLeft": [0, 1.0],
        "passiveVisual.contrastRight": [1.0, 0], "passiveBeeps.times": [15.5, 15.8],
        "wheel.position": np.arange(2001.0), "eye.area": np.linspace(1, 2, 501),
        "wheelMoves.type": [0.0, 2],
    }  # fmt: skip
    for name, values in column.items():
        np.save(folder / f"{name}.npy", np.asarray(values)[:, np.newaxis])
    matrices = {
        "trials.intervals": np.column_stack([stimulus - 0.5, stimulus + 1.5]),
        "wheel.timestamps": [[0.0, 0.0], [2000.0, 20.0]],
        "eye.timestamps": [[0.0, 1.0], [500.0, 11.0]],
        "eye.xyPos": np.column_stack([np.arange(501.0), np.zeros(501)]),
        "wheelMoves.intervals": [[3.2, 3.6], [7.0, 7.3]],
        "clusters.templateWaveforms": np.zeros((4, 82, 50)),
        "clusters.templateWaveformChans": np.zeros((4, 50)),
        "channels.sitePositions": np.zeros((3, 2)),
    }
    for name, values in matrices.items():
        np.save(folder / f"{name}.npy", np.asarray(values))
    (folder / "channels.brainLocation.tsv").write_text(
        "ccf_ap\tccf_dv\tccf_lr\tallen_ontology\n1.0\t2.0\t3.0\tVISp\n1\t2\t3\tCA1\n1\t2\t3\troot\n"
    )
    (folder / "probes.description.tsv").write_text("description\nNeuropixels\nNeuropixels\n")
    return stimulus, counts


def write_ibl(root, two_sorters=False):
    """Write a session of two probes as ONE downloads it; return events and counts of each."""
    session = root / "mainenlab" / "Subjects" / "ZM_2240" / "2020-01-23" / "001" / "alf"
    session.mkdir(parents=True)
    stimulus = np.array([2.0, 5.0, 9.0])
    trials = pd.DataFrame(
        {
            "stimOn_times": stimulus, "choice": [-1.0, 1, 1], "feedbackType": [1.0, 1, -1],
            "intervals_0": stimulus - 0.5, "intervals_1": stimulus + 2,
            "firstMovement_times": [2.2, np.nan, 9.1],
        }
    )  # fmt: skip
    trials.to_parquet(session / "_ibl_trials.table.pqt")
    np.save(session / "_ibl_trials.stimOff_times.npy", stimulus + 1)
    np.save(session / "_ibl_wheel.position.npy", np.linspace(0, 3, 300))
    np.save(session / "_ibl_wheel.timestamps.npy", np.linspace(0, 12, 300))
    np.save(session / "_ibl_leftCamera.times.npy", np.linspace(0, 12, 120))
    pose = pd.DataFrame({"nose_x": np.arange(120.0), "nose_y": np.zeros(120)})
    pose.to_parquet(session / "_ibl_leftCamera.dlc.pqt")
    np.save(session / "leftCamera.ROIMotionEnergy.npy", np.arange(120.0))
    planted = {}
    for number, probe in enumerate(("probe00", "probe01")):
        folder = session / probe / "pykilosort"
        folder.mkdir(parents=True)
        times, units, planted[probe] = plant_spikes(stimulus, 3, 5 + number)
        np.save(folder / "spikes.times.npy", times)
        np.save(folder / "spikes.clusters.npy", units.astype(np.int32))
        np.save(folder / "clusters.channels.npy", [0, 1, 1])
        np.save(folder / "channels.brainLocationIds_ccf_2017.npy", [385, 382])
        np.save(folder / "channels.mlapdv.npy", np.zeros((2, 3), dtype=int))
        metrics = pd.DataFrame({"cluster_id": [0, 1, 2], "label": [1.0, 2 / 3, 1.0]})
        metrics.assign(ks2_label=["good", "mua", "good"]).to_parquet(
            folder / "clusters.metrics.pqt"
        )
        if two_sorters:
            np.save(session / probe / "spikes.times.npy", times + 1)
            np.save(session / probe / "spikes.clusters.npy", units)
    return session, stimulus, planted


def read_one(path):
    (open_session,) = alf.open_sessions(path)
    return open_session()


def test_the_authors_release_of_steinmetz(tmp_path):
    stimulus, counts = write_steinmetz(tmp_path / "Cori_2016-12-14")
    session = read_one(tmp_path / "Cori_2016-12-14")
    found = session.spikes.count(np.arange(4), stimulus, WINDOW, BIN_SIZE)
    np.testing.assert_array_equal(found, counts)
    assert (session.subject, session.session) == ("Cori", "Cori 2016-12-14")
    # peakChannel counts from 1; channel 9 is not in the table
    assert list(session.units["acronym"]) == ["VISp", "root", "CA1", ""]
    assert list(session.units["probe"]) == ["probe00", "probe00", "probe01", "probe01"]
    assert list(session.units["phy_annotation"]) == ["good", "unsorted", "mua", "good"]
    assert list(session.units["quality"]) == ["good", "good", "mua", "good"]
    codes = {notice.code: notice.values for notice in session.notices}
    assert codes["channels_outside"] == {"n": 1}
    assert "phy_annotation" in codes
    assert list(session.tables) == ["trials", "passiveVisual", "wheelMoves"]
    trials = session.tables["trials"]
    np.testing.assert_array_equal(trials["visualStim_times"], stimulus)
    np.testing.assert_array_equal(trials["intervals_0"], stimulus - 0.5)
    assert list(trials["included"]) == [True, True, False, True]
    assert list(session.events["passiveBeeps"]) == [15.5, 15.8]


def test_behavior_has_its_own_clock(tmp_path):
    write_steinmetz(tmp_path / "Cori_2016-12-14")
    behavior = read_one(tmp_path).behavior
    wheel = behavior["wheel_position"]
    np.testing.assert_allclose(wheel.times, np.arange(2001) / 100)
    assert wheel.is_position
    np.testing.assert_allclose(behavior["eye_area"].times[[0, -1]], [1, 11])
    assert behavior["eye_xyPos"].values.shape == (501, 2)
    assert behavior["licks"].values is None
    assert list(behavior["licks"].times) == [4.0, 4.2, 8.0]


def test_a_folder_of_sessions_gives_them_by_name(tmp_path):
    for name in ("Muller_2017-01-07", "Cori_2016-12-14"):
        write_steinmetz(tmp_path / "allData" / name)
    names = [open_session().session for open_session in alf.open_sessions(tmp_path)]
    assert names == ["Cori 2016-12-14", "Muller 2017-01-07"]


def test_an_ibl_session_of_two_probes(tmp_path):
    pytest.importorskip("pyarrow")
    session_folder, stimulus, planted = write_ibl(tmp_path)
    session = read_one(tmp_path)
    assert list(session.units.index[:4]) == ["probe00_0", "probe00_1", "probe00_2", "probe01_0"]
    found = session.spikes.count(np.array([4, 1, 0]), stimulus, WINDOW, BIN_SIZE)
    expected = [planted["probe01"][..., 1], planted["probe00"][..., 1], planted["probe00"][..., 0]]
    np.testing.assert_array_equal(found, np.stack(expected, axis=2))
    assert list(session.units["atlas_id"][:3]) == ["385", "382", "382"]
    assert list(session.units["quality"][:3]) == ["good", "not good", "good"]
    assert (session.subject, session.session) == ("ZM_2240", "ZM_2240 2020-01-23")
    notice = next(notice for notice in session.notices if notice.code == "ibl_label")
    assert notice.values == {"n_good": 4, "n": 6}
    trials = session.tables["trials"]
    np.testing.assert_array_equal(trials["stimOff_times"], stimulus + 1)
    assert np.isnan(trials["firstMovement_times"][1])
    behavior = session.behavior
    assert behavior["wheel_position"].unit == "rad"
    assert set(behavior) == {
        "wheel_position", "leftCamera_nose_x", "leftCamera_nose_y", "leftCamera_ROIMotionEnergy",
    }  # fmt: skip
    one = read_one(session_folder / "probe01" / "pykilosort")
    np.testing.assert_array_equal(
        one.spikes.count(np.arange(3), stimulus, WINDOW, BIN_SIZE), planted["probe01"]
    )
    assert "trials" in one.tables


def test_of_two_sorters_one_is_taken_and_said(tmp_path):
    pytest.importorskip("pyarrow")
    write_ibl(tmp_path, two_sorters=True)
    session = read_one(tmp_path)
    notice = next(notice for notice in session.notices if notice.code == "sorter_chosen")
    assert notice.values["taken"] == "pykilosort"
    assert len(session.units) == 6


def test_the_latest_revision_replaces_the_others(tmp_path):
    pytest.importorskip("pyarrow")
    folder, stimulus, planted = write_ibl(tmp_path)
    probe = folder / "probe00" / "pykilosort"
    for revision in ("#2023-01-01#", "#2024-05-06#"):
        (probe / revision).mkdir()
        shift = 0 if revision == "#2024-05-06#" else 100
        np.save(probe / revision / "spikes.times.npy", np.load(probe / "spikes.times.npy") + shift)
    os.remove(probe / "spikes.times.npy")
    session = read_one(tmp_path)
    found = session.spikes.count(np.arange(3), stimulus, WINDOW, BIN_SIZE)
    np.testing.assert_array_equal(found, planted["probe00"])


def test_areas_of_a_merged_table(tmp_path):
    pytest.importorskip("pyarrow")
    folder, *_ = write_ibl(tmp_path)
    for probe in ("probe00", "probe01"):
        table = pd.DataFrame({"acronym": ["VISp", "CA1", "CA1"], "cluster_id": [0, 1, 2]})
        table.to_parquet(folder / probe / "pykilosort" / "clusters.pqt")
    session = read_one(tmp_path)
    assert list(session.units["acronym"]) == ["VISp", "CA1", "CA1"] * 2
    assert list(session.area_columns) == ["acronym"]


def test_metrics_are_joined_by_id_and_may_lack_clusters(tmp_path):
    pytest.importorskip("pyarrow")
    folder, *_ = write_ibl(tmp_path)
    metrics = pd.DataFrame({"cluster_id": [2, 0], "label": [1.0, 0.0]})
    metrics.to_parquet(folder / "probe00" / "pykilosort" / "clusters.metrics.pqt")
    units = read_one(folder / "probe00").units
    assert list(units["quality"]) == ["not good", "", "good"]
    assert list(units["atlas_id"]) == ["385", "382", "382"]
    metrics.drop(columns="cluster_id").to_parquet(
        folder / "probe00" / "pykilosort" / "clusters.metrics.pqt"
    )
    with pytest.raises(FormatError, match=r"clusters.metrics has 2 rows, other files .* 3"):
        read_one(folder / "probe00")


@pytest.mark.parametrize(
    "labels", [["good", "mua", "noise"], [True, False, False], np.array(["Good", "x", ""], "O")]
)
def test_labels_that_are_words_or_truth_values_say_which_units_are_good(tmp_path, labels):
    session, *_ = write_ibl(tmp_path)
    (session / "probe00" / "pykilosort" / "clusters.metrics.pqt").unlink()
    np.save(session / "probe00" / "pykilosort" / "clusters.label.npy", labels)
    recording = load(session / "probe00", align="stimOn_times", window=WINDOW, bin_size=BIN_SIZE)
    assert recording.neurons["label"].astype(str).tolist() == [str(labels[0])]


def test_ids_that_are_no_numbers_are_not_replaced_by_the_place_of_rows(tmp_path):
    pytest.importorskip("pyarrow")
    folder, *_ = write_ibl(tmp_path)
    metrics = pd.DataFrame({"cluster_id": [b"2", b"1", b"0"], "label": [1.0, 0.0, 0.0]})
    metrics.to_parquet(folder / "probe00" / "pykilosort" / "clusters.metrics.pqt")
    with pytest.raises(FormatError, match=r"cluster_id of .* must be whole numbers, each once"):
        read_one(folder / "probe00")


def test_one_reads_the_same(tmp_path):
    """ONE-api sees in a folder what this reader does."""
    alfio = pytest.importorskip("one.alf.io", reason="ONE-api is not installed")
    write_steinmetz(tmp_path / "Cori_2016-12-14")
    session = read_one(tmp_path)
    trials = alfio.load_object(tmp_path / "Cori_2016-12-14", "trials")
    for name in ("visualStim_times", "response_choice", "feedback_times"):
        np.testing.assert_array_equal(session.tables["trials"][name], trials[name])
    wheel = alfio.load_object(tmp_path / "Cori_2016-12-14", "wheel")
    np.testing.assert_array_equal(session.behavior["wheel_position"].values, wheel["position"])


def test_nothing_found_is_an_error_that_names_what_was_looked_for(tmp_path):
    (tmp_path / "alf").mkdir()
    assert not alf.sniff(tmp_path)
    with pytest.raises(FormatError, match=r"hold no spikes\.times\.npy"):
        alf.open_sessions(tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("spikes.times", np.arange, "are whole numbers: they seem to be samples"),
        ("spikes.times", lambda n: 1e6 + np.arange(n) / 7, "reach .*: they seem"),
        ("spikes.times", lambda n: np.arange(n)[::-1] / 7, "not in order of time"),
        ("spikes.times", lambda n: np.arange(n) / 7 - 3, "negative times"),
        ("spikes.times", lambda n: np.array([{}] * n), "Python objects"),
        ("spikes.clusters", np.arange, r"spikes of cluster 4, which .* \(4 rows\)"),
        ("spikes.clusters", lambda n: np.zeros(5, dtype=int), r"has 5 values; \d+ are needed"),
        ("trials.intervals", lambda n: np.zeros((2, 4)), r"\(2, 4\): is it turned\? Inter"),
        ("clusters.depths", lambda n: np.zeros(3), r"has 4 rows, .* has 3|has 3 rows, .* has 4"),
    ],
)
def test_bad_files_are_explained(tmp_path, name, change, reason):
    write_steinmetz(tmp_path / "mine")
    n = len(np.load(tmp_path / "mine" / "spikes.times.npy"))
    np.save(tmp_path / "mine" / f"{name}.npy", change(n), allow_pickle=True)
    with pytest.raises(FormatError, match=reason):
        read_one(tmp_path / "mine")


@pytest.mark.parametrize(
    ("name", "values", "left_out", "reason"),
    [
        ("wheel.timestamps", np.zeros((3, 3)), "wheel.position", "must have one time for each"),
        ("wheel.timestamps", [[0, 5], [2000, 2.0]], "wheel.position", "go backwards"),
        ("wheel.timestamps", [[-1.7e308, 0], [1.7e308, 9]], "wheel.position", r"beyond 1e\+30"),
        ("eye.area", np.array([{}, {}]), "eye", "Python objects|one time|holds"),
    ],
)
def test_bad_behavior_is_left_out_and_said(tmp_path, name, values, left_out, reason):
    write_steinmetz(tmp_path / "mine")
    np.save(tmp_path / "mine" / f"{name}.npy", values, allow_pickle=True)
    session = read_one(tmp_path / "mine")
    said = [notice for notice in session.notices if notice.code == "behavior_left_out"]
    if name == "eye.area":  # not numbers: no variable
        assert "eye_area" not in session.behavior
        return
    assert [notice.values["name"] for notice in said] == [left_out]
    assert re.search(reason, str(said[0]))
    assert "wheel_position" not in session.behavior


def test_what_fits_the_clock_of_a_camera_stays_beside_what_does_not(tmp_path):
    write_steinmetz(tmp_path / "mine")
    np.save(tmp_path / "mine" / "_ibl_leftCamera.times.npy", np.arange(0, 20, 0.02))
    np.save(tmp_path / "mine" / "_ibl_leftCamera.features.npy", np.zeros(1000))
    np.save(tmp_path / "mine" / "leftCamera.ROIMotionEnergy.npy", np.zeros(990))
    session = read_one(tmp_path / "mine")
    assert [name for name in session.behavior if "Camera" in name] == ["leftCamera_features"]
    (said,) = (notice for notice in session.notices if notice.code == "behavior_left_out")
    assert said.values["name"] == "leftCamera.ROIMotionEnergy"


def test_a_row_of_values_is_a_column(tmp_path):
    stimulus, _ = write_steinmetz(tmp_path / "mine")
    np.save(tmp_path / "mine" / "trials.visualStim_times.npy", stimulus[np.newaxis])
    found = read_one(tmp_path / "mine").tables["trials"]["visualStim_times"]
    assert found.tolist() == stimulus.tolist()


def test_missing_files_are_named(tmp_path):
    write_steinmetz(tmp_path / "mine")
    (tmp_path / "mine" / "spikes.clusters.npy").unlink()
    with pytest.raises(FormatError, match=r"lacks spikes.clusters.npy \(of spikes there is: amps"):
        read_one(tmp_path / "mine")
    write_steinmetz(tmp_path / "again")
    np.save(tmp_path / "again" / "_ibl_spikes.times.npy", np.ones(3))
    with pytest.raises(FormatError, match=r"has 2 files of spikes.times"):
        read_one(tmp_path / "again")


def read_all(path):
    for open_session in alf.open_sessions(path):
        session = open_session()
        session.spikes.count(np.arange(len(session.units)), np.array([3.0]), WINDOW, BIN_SIZE)


def test_damaged_folders_give_errors_of_one_line(tmp_path):
    write_steinmetz(tmp_path / "Cori_2016-12-14")
    write_ibl(tmp_path / "ibl")
    assert check_mutations(tmp_path / "Cori_2016-12-14", read_all, tmp_path, 30) > 3
    assert check_mutations(tmp_path / "ibl", read_all, tmp_path, 30) > 3


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_steinmetz, write_ibl])
def test_ten_thousand_damaged_folders(tmp_path, write):
    write(tmp_path / "mine")
    assert check_mutations(tmp_path / "mine", read_all, tmp_path, 10_000) > 1000


def test_the_data_set_is_loaded_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKECAST_DATA", str(tmp_path))
    _, counts = write_steinmetz(tmp_path / "steinmetz-alf" / "allData" / "Cori_2016-12-14")
    recording = load("steinmetz-alf", align="visualStim_times", window=WINDOW, bin_size=BIN_SIZE)
    np.testing.assert_array_equal(recording.activity, counts[: len(recording.trials), :, [0, 1, 3]])
    assert recording.areas == {"VISp": 1, "root": 1, "unknown": 1}
    assert {"wheel_position", "wheel_position_speed", "eye_area", "licks"} <= set(
        recording.behavior
    )
    assert list(recording.trials["included"])[:3] == [True, True, False]


def test_tables_that_were_sorted_are_not_taken_by_place(tmp_path):
    pytest.importorskip("pyarrow")
    folder, *_ = write_ibl(tmp_path)
    path = folder / "probe00" / "pykilosort" / "clusters.metrics.pqt"
    labels = pd.DataFrame({"label": [1.0, 0.0, 0.5]}, index=[2, 0, 1])
    labels.to_parquet(path)
    with pytest.raises(FormatError, match="were sorted: their numbers go 2, 0, 1"):
        read_one(folder / "probe00")
    labels.rename_axis("cluster_id").to_parquet(path)
    units = read_one(folder / "probe00").units
    assert list(units["label"]) == [0.0, 0.5, 1.0]
    path.unlink()
    labels.to_csv(path.with_suffix(".csv"))
    with pytest.raises(FormatError, match="were sorted"):
        read_one(folder / "probe00")


def test_two_files_of_one_attribute_must_agree(tmp_path):
    folder, stimulus, _ = write_ibl(tmp_path)
    np.save(folder / "_ibl_trials.stimOn_times.npy", stimulus.astype(np.float32))
    assert "stimOn_times" in read_one(folder / "probe00").tables["trials"]
    np.save(folder / "_ibl_trials.stimOn_times.npy", stimulus + 0.7)
    with pytest.raises(FormatError, match="another file of 'trials' differ in 'stimOn_times'"):
        read_one(folder / "probe00")
