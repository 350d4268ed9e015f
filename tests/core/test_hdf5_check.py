"""A damaged HDF5 file that hangs or ends the library is one line."""

import os

import h5py
import numpy as np
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


@pytest.mark.parametrize("kind", ["raw", "virtual", "pipe", "in a group"])
def test_an_array_that_lies_in_another_file_is_refused(file, tmp_path, kind):
    """A private file would become part of a page, a pipe is read without end."""
    secret = tmp_path / "secret"
    if kind == "pipe":
        os.mkfifo(secret)
    else:
        secret.write_bytes(bytes(8))
    with h5py.File(file, "a") as opened:
        if kind == "pipe":
            opened["linked"] = h5py.ExternalLink("secret", "/values")
        elif kind == "virtual":
            layout = h5py.VirtualLayout((8,), "u1")
            layout[:] = h5py.VirtualSource("secret", "values", (8,))
            opened.create_virtual_dataset("linked", layout)
        else:
            place = opened if kind == "raw" else opened.create_group("group")
            place.create_dataset("linked", (8,), "u1", external=[(str(secret), 0, 8)])
    with pytest.raises(FormatError, match=r"mine\.h5' is not read: 'linked' lies in '.*secret'"):
        hdf5_check.check_readable(file)


def test_links_to_other_hdf5_files_and_groups_within_themselves_are_followed(file, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["values"] = np.arange(3)
    with h5py.File(file, "a") as opened:
        opened["linked"] = h5py.ExternalLink("other.h5", "/values")
        group = opened.create_group("group")
        group["itself"] = group
    hdf5_check.check_readable(file)
