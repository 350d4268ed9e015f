import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikecast.core.errors import FetchError, FormatError, UnknownNameError, UnreadError
from spikecast.data import load, simulate
from spikecast.data.array_files import read_table
from spikecast.data.predictions import read_predictions
from spikecast.data.readers import native


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


def _add_ragged(file):
    file.create_dataset("ragged", (4,), h5py.vlen_dtype("f8"))[0] = np.arange(3.0)
    file["ragged"].dims[0].attach_scale(file["trial"])


def _announce_much(file):
    wide = file.create_dataset("wide", (10**14,), "u1", chunks=(1000,))
    wide.make_scale("This is a netCDF dimension but not a netCDF variable.")
    much = file.create_dataset("much", (4, 10**14), "u1", chunks=(1, 1000))
    much.dims[0].attach_scale(file["trial"])
    much.dims[1].attach_scale(wide)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.attrs.update(bin_size=0.02), "bin_size is 0.02, but time rises"),
        (lambda file: file.attrs.update(bin_size="ten"), "bin_size is 'ten'"),
        (lambda file: file.attrs.update(bin_size=[0.01, 1]), "bin_size is array"),
        (lambda file: file.attrs.update(ordered="false"), "ordered is 'false'; it must be 0 or 1"),
        (lambda file: file["activity"].attrs.update(scale_factor="x"), "is damaged or not"),
        # where xarray makes this type, the interpreter ends
        (
            lambda file: file["response"].attrs.update(dtype="timedelta64[s/0]", units="seconds"),
            "unknown unit",
        ),
        (
            lambda file: file["response"].attrs.update(dtype=np.bytes_("timedelta64[s/0]")),
            "unknown unit",
        ),
        (_add_ragged, "is damaged or not"),
        (_announce_much, "its arrays take 500000.0 GB"),
    ],
)
def test_what_a_file_says_of_itself_is_checked(tmp_path, change, message):
    path = tmp_path / "mine.nc"
    simulate.decision_task(n_trials=4, areas={"A": 3}).recording.save(path)
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(FormatError, match=rf"^'.*mine\.nc'.*{message}"):
        load(path)


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


def test_what_a_reader_does_not_foresee_is_a_line(tmp_path, monkeypatch):
    simulate.decision_task(n_trials=4, areas={"A": 3}).recording.save(tmp_path / "mine.nc")

    def fail(path):
        raise AttributeError("no such\nthing")

    monkeypatch.setattr(native, "_read_file", fail)
    with pytest.raises(UnreadError, match=r"'.*mine.nc' is not read: .*no such") as caught:
        load(tmp_path / "mine.nc")
    assert isinstance(caught.value.__cause__, AttributeError)  # for who mends it
    assert str(caught.value).isprintable()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="not on this system")
def test_what_a_system_tells_of_itself_is_no_data(tmp_path):
    (tmp_path / "speed.csv").symlink_to("/proc/self/stat")  # another one never ends
    for path in (tmp_path / "speed.csv", tmp_path, "/proc/self/stat", "/proc/self"):
        with pytest.raises(FormatError, match="a pipe or a device"):
            load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_not_read(tmp_path):
    for suffix in (".nc", ".npz", ".csv", ".mat"):
        os.mkfifo(tmp_path / f"pipe{suffix}")
        with pytest.raises(FormatError, match="a pipe or a device"):
            load(tmp_path / f"pipe{suffix}")
    (tmp_path / "session" / "probe").mkdir(parents=True)
    os.mkfifo(tmp_path / "session" / "probe" / "spike_times.npy")
    with pytest.raises(FormatError, match=r"spike_times\.npy' is a pipe or a device; move it"):
        load(tmp_path / "session")
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
