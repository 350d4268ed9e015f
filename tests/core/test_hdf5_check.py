"""A damaged HDF5 file that hangs or ends the library is one line."""

import h5py
import pytest

from spikecast.core import hdf5_check
from spikecast.core.errors import FormatError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.h5"
    with h5py.File(path, "w") as opened:
        opened["texts"] = ["a", "b"]
        opened.attrs["about"] = "text"
    return path


def test_a_sound_file_and_one_cut_short_are_left_to_their_reader(file):
    hdf5_check.check_readable(file)
    file.write_bytes(file.read_bytes()[:500])
    hdf5_check.check_readable(file)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("while True: pass", r"are not read in 0\.5 s"),
        ("import os; os.kill(os.getpid(), 9)", "ends by signal 9"),
    ],
)
def test_what_never_ends_and_what_dies_is_refused(file, monkeypatch, script, reason):
    monkeypatch.setattr(hdf5_check, "READ_TEXTS", script)
    monkeypatch.setattr(hdf5_check, "SECONDS", 0.5)
    with pytest.raises(FormatError, match=rf"mine\.h5' is damaged: .*{reason}"):
        hdf5_check.check_readable(file)


def test_a_loop_is_ended_by_its_use_of_the_processor(file, monkeypatch):
    monkeypatch.setattr(hdf5_check, "READ_TEXTS", "while True: pass")
    monkeypatch.setattr(hdf5_check, "PROCESSOR_SECONDS", 1)
    with pytest.raises(FormatError, match=r"mine\.h5' is damaged: .* reads it without end$"):
        hdf5_check.check_readable(file)


def test_nothing_is_imported_from_the_folder_of_the_command(file, tmp_path, monkeypatch):
    (tmp_path / "h5py.py").write_text("open('ran', 'w').close()")
    monkeypatch.chdir(tmp_path)
    hdf5_check.check_readable(file)
    assert not (tmp_path / "ran").exists()
