"""What is built as MATLAB does is read; what is not ends in a line before scipy crashes of it."""

import contextlib
import zlib

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_array

from spikecast.core.errors import FormatError
from spikecast.data.event_files import read_matlab
from spikecast.data.matlab_check import check_matlab


def write(path, compressed):
    cells = np.empty((1, 2), dtype=object)
    cells[0] = [np.arange(3.0), "a"]
    content = {
        "number": 1.5, "complex": np.array([1 + 2j, 3]), "text": "words", "cells": cells,
        "struct": {"one": np.arange(4, dtype="u1"), "two": {"three": "b"}}, "empty": np.zeros(0),
        "sparse": csc_array(np.eye(3)), "true": np.array([True, False]),
    }  # fmt: skip
    savemat(path, content, do_compression=compressed)
    return set(content)


@pytest.mark.parametrize("compressed", [False, True])
def test_every_class_is_read(tmp_path, compressed):
    names = write(tmp_path / "a.mat", compressed)
    assert set(read_matlab(tmp_path / "a.mat")) == names


def test_older_files_pass(tmp_path):
    savemat(tmp_path / "a.mat", {"a": np.eye(2)}, format="4")
    assert set(read_matlab(tmp_path / "a.mat")) == {"a"}


@pytest.mark.filterwarnings("ignore")  # scipy's of names and text that are none
def test_no_byte_of_a_file_crashes_the_process(tmp_path):
    write(tmp_path / "a.mat", compressed=False)
    whole = (tmp_path / "a.mat").read_bytes()
    n_refused = 0
    for place in range(128, len(whole)):
        damaged = bytearray(whole)
        damaged[place] = (0, 14, 255)[place % 3]
        (tmp_path / "b.mat").write_bytes(damaged)
        with contextlib.suppress(FormatError):
            read_matlab(tmp_path / "b.mat")
            continue
        n_refused += 1
    assert n_refused > len(whole) / 6


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"\x0e\x00\x00\x00", b"\x63\x00\x00\x00", "type 99 stands where an array is needed"),
        (b"\x05\x00\x00\x00\x08", b"\x05\x00\x00\x00\x07", "lacks its size"),
        (b"\x09\x00\x00\x00", b"\x0e\x00\x00\x00", "other parts than it must"),
        (b"\x08\x00\x00\x00\x06\x00", b"\x08\x00\x00\x00\x63\x00", "of class 99"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path, old, new, reason):
    savemat(tmp_path / "a.mat", {"a": np.arange(3.0)})
    whole = (tmp_path / "a.mat").read_bytes()
    assert old in whole[128:]
    (tmp_path / "a.mat").write_bytes(whole[:128] + whole[128:].replace(old, new, 1))
    with pytest.raises(FormatError, match=reason):
        check_matlab(tmp_path / "a.mat")


def test_an_announced_size_must_fit_in_memory(tmp_path):
    write(tmp_path / "a.mat", compressed=True)
    whole = (tmp_path / "a.mat").read_bytes()
    bomb = zlib.compress(b"\x0e\x00\x00\x00\xff\xff\xff\xff" + bytes(100))
    (tmp_path / "a.mat").write_bytes(
        whole[:128] + b"\x0f\x00\x00\x00" + len(bomb).to_bytes(4, "little") + bomb
    )
    with pytest.raises(FormatError, match=r"longer than what holds it|GB of memory|and the file"):
        check_matlab(tmp_path / "a.mat")
