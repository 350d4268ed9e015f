import os

import numpy as np
import pytest

from spikecast.core.errors import FetchError, FormatError, UnknownNameError
from spikecast.data import load, simulate
from spikecast.data.array_files import read_table
from spikecast.data.predictions import read_predictions


@pytest.mark.parametrize("make", [
    lambda: simulate.decision_task(n_trials=6, areas={"A": 4, "B": 3}).recording,
    lambda: simulate.spontaneous(n_neurons=20, n_bins=60).recording,
])  # fmt: skip
def test_our_own_files_give_the_same_recording(tmp_path, make):
    recording = make()
    recording.save(tmp_path / "mine.nc")
    assert load(tmp_path / "mine.nc").identical(recording)


def test_booleans_and_text_survive(tmp_path):
    recording = simulate.decision_task(n_trials=4, areas={"A": 3}).recording
    dataset = recording.dataset.assign_coords(
        good=("trial", [True, False, True, True]), mouse=("trial", list("abcd"))
    )
    recording = type(recording)(dataset)
    recording.save(tmp_path / "mine.nc")
    again = load(tmp_path / "mine.nc")
    assert again.identical(recording)
    assert again.trials["good"].dtype == bool


def test_damaged_and_foreign_files_are_refused(tmp_path):
    recording = simulate.decision_task(n_trials=4, areas={"A": 3}).recording
    recording.save(tmp_path / "mine.nc")
    content = (tmp_path / "mine.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(content[: len(content) // 2])
    with pytest.raises(FormatError, match="damaged"):
        load(tmp_path / "cut.nc")
    recording.dataset.drop_vars("area").to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(FormatError, match="not a spikecast recording"):
        load(tmp_path / "other.nc")


def test_names_and_paths_that_lead_nowhere_are_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKECAST_DATA", str(tmp_path))
    with pytest.raises(FormatError, match="there is no file"):
        load("nowhere/file.npz")
    with pytest.raises(UnknownNameError, match="Did you mean 'steinmetz'"):
        load("stienmetz")
    with pytest.raises(
        FetchError, match=r"spikecast data fetch steinmetz.*osf\.io.*by hand|By hand"
    ):
        load("steinmetz")
    (tmp_path / "x.mat").write_text("")
    with pytest.raises(FormatError, match="from_arrays"):
        load(tmp_path / "x.mat")
    with pytest.raises(FormatError, match="names no file"):
        load("")
    with pytest.raises(FormatError, match="is no file: "):
        load("x" * 5000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_not_read(tmp_path):
    for suffix in (".nc", ".npz", ".csv", ".mat"):
        os.mkfifo(tmp_path / f"pipe{suffix}")
        with pytest.raises(FormatError, match="a pipe or a device"):
            load(tmp_path / f"pipe{suffix}")
    with pytest.raises(FormatError, match="a pipe or a device"):
        read_table(tmp_path / "pipe.csv")
    with pytest.raises(FormatError, match="a pipe or a device"):
        read_predictions(tmp_path / "pipe.npz")


def test_the_simulated_recording_needs_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "simulated").mkdir()  # a run directory of that name does not hide it
    recording = load("simulated")
    assert recording.n_bins == 250
    np.testing.assert_allclose(recording.time[0], -0.495)
