"""Small files that announce much are refused before they take memory."""

import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from spikecast.core import free_memory
from spikecast.core.errors import DamagedFileError, FormatError
from spikecast.core.free_memory import check_fits
from spikecast.core.hdf5_check import check_readable
from spikecast.core.stored import read_text
from spikecast.core.stored_arrays import read_arrays, read_dataset
from spikecast.core.stored_tables import Table
from spikecast.core.stored_tables import read_table as read_stored_table
from spikecast.data.array_files import read_npz, read_table
from spikecast.data.event_files import read_matlab
from spikecast.data.readers.native import open_sessions
from spikecast.data.recording import Recording
from spikecast.data.safe_pickle import load_numpy

N = 200_000  # zeros


@pytest.fixture
def small(monkeypatch):
    """Make every size that is refused as small as the files of a test."""
    monkeypatch.setattr(free_memory, "LARGE", 1e5)
    monkeypatch.setattr(free_memory, "MOST_TIMES", 10)


def save_npz(path):
    np.savez_compressed(path, a=np.zeros(N))


def save_recording(path):
    Recording.from_arrays(np.zeros((10, 1000, 50), int), np.arange(1000) / 100, "A").save(path)


def save_unwritten(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("group/times", (N,), "f8")


def save_matlab(path):
    savemat(path, {"x": np.zeros((N // 100, 100))}, do_compression=True)


def save_numbers(path):
    pd.DataFrame({"time": np.zeros(N), "unit": 1}).to_parquet(path, compression="zstd")


def save_text(path):
    pd.DataFrame({"time": range(30), "area": "A" * 100_000}).to_parquet(path)


@pytest.mark.parametrize(
    ("name", "save", "read"),
    [
        ("a.npz", save_npz, read_arrays),
        ("a.npz", save_npz, read_npz),
        ("a.npz", save_npz, load_numpy),
        ("a.nc", save_recording, lambda path: read_dataset(path, {})),
        ("a.nc", save_recording, lambda path: open_sessions(path)[0]()),
        ("a.nwb", save_unwritten, check_readable),
        ("a.mat", save_matlab, read_matlab),
        ("a.parquet", save_numbers, read_table),
        ("a.parquet", save_text, read_table),
    ],
)
def test_arrays_hundreds_of_times_as_large_as_their_file_are_refused(
    tmp_path, small, monkeypatch, name, save, read
):
    path = tmp_path / name
    save(path)
    with pytest.raises((FormatError, DamagedFileError), match=r"a\.\w+'.* and the file ") as error:
        read(path)
    assert "\n" not in str(error.value)
    monkeypatch.undo()
    read(path)


def test_what_is_not_that_much_larger_is_read(tmp_path, small):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", a=np.zeros(N))
    assert len(read_npz(tmp_path / "a.npz")["a"]) == N
    table = pd.DataFrame({"time": rng.random(1000), "area": rng.choice(["A", "B"], 1000)})
    table.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet"), table)


def test_texts_that_are_larger_than_the_memory_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(free_memory, "LARGE", 10)
    monkeypatch.setattr(free_memory, "measure_free_memory", lambda: 100)
    path = tmp_path / "a.csv"
    path.write_text("time\n" + "1\n" * 100)
    for read in (read_text, read_table, lambda path: read_stored_table(path, Table({}))):
        with pytest.raises((FormatError, DamagedFileError), match=r"a\.csv'.* of memory are free"):
            read(path)


def test_an_archive_counts_all_its_members(tmp_path, small):
    path = tmp_path / "a.npz"
    save_npz(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("noise", np.random.default_rng(0).bytes(100))
    with pytest.raises(DamagedFileError, match="and the file"):
        read_arrays(path, prefix="noise")


def test_the_free_memory_is_the_limit_of_every_file(monkeypatch):
    monkeypatch.setattr(free_memory, "measure_free_memory", lambda: 100)
    check_fits(100)
    with pytest.raises(FormatError, match="of memory are free"):
        check_fits(101)
