"""The restricted reader reads what numpy writes and runs nothing."""

import contextlib
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from spikecast.core.errors import FormatError, UnsafeFileError
from spikecast.data.safe_pickle import load_numpy


def write(path, pickled: bytes):
    """A .npy file whose object array is the given pickle."""
    header = np.lib.format.header_data_from_array_1_0(np.empty((), dtype=object))
    with open(path, "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(pickled)
    return path


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
def test_everything_the_data_sets_hold_is_read(tmp_path, protocol):
    content = {
        "array": np.arange(12, dtype=np.int8).reshape(3, 4),
        "fortran": np.asfortranarray(np.random.default_rng(0).random((3, 4))),
        "text": np.array(["VISp", "MOs"]),
        "ragged": np.array([{"a": 1}, None, [1, 2]], dtype=object),
        "scalar": np.float32(2.5),
        "bool": np.bool_(True),
        "nested": {"list": [1, 2.5, None], "tuple": (True, b"raw"), "set": {1, 2}},
        "empty": np.zeros((0, 3)),
    }
    again = load_numpy(write(tmp_path / "x.npy", pickle.dumps(content, protocol)))[""].item()
    assert again.keys() == content.keys()
    for key in ("array", "fortran", "text", "empty"):
        np.testing.assert_array_equal(again[key], content[key])
        assert again[key].dtype == content[key].dtype
    assert again["ragged"].tolist() == content["ragged"].tolist()
    assert (again["scalar"], again["bool"]) == (np.float32(2.5), np.bool_(True))
    assert again["nested"] == content["nested"]


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (os.system, ("touch pwned",), "system"),
        (eval, ("1 + 1",), "eval"),
        (getattr, ("", "upper"), "getattr"),
        (np.load, ("other.npy",), "numpy"),
        (OrderedDict, (), "collections.OrderedDict"),
        (__import__, ("os",), "__import__"),
        (print, ("hello",), "print"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_everything_else_is_refused_by_name(
    tmp_path, monkeypatch, capsys, function, arguments, named, protocol
):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "x.npy", pickle.dumps({"a": Hostile(function, *arguments)}, protocol))
    with pytest.raises(UnsafeFileError, match=named):
        load_numpy(path)
    assert not (tmp_path / "pwned").exists()
    assert capsys.readouterr().out == ""


def test_dotted_names_cannot_reach_around_the_list(tmp_path):
    # protocol 4 looks up "ndarray.tofile" attribute by attribute if it is allowed to
    pickled = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    with pytest.raises(UnsafeFileError, match=r"ndarray\.tofile"):
        load_numpy(write(tmp_path / "x.npy", pickled))


def test_references_outside_the_file_are_refused(tmp_path):
    with pytest.raises(UnsafeFileError, match="outside itself"):
        load_numpy(write(tmp_path / "x.npy", b"\x80\x04\x8c\x01aQ."))


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_only_plain_arrays_are_reconstructed(tmp_path):
    bad = pickle.dumps(np.matrix([[1, 2]]))
    with pytest.raises(UnsafeFileError, match="matrix"):
        load_numpy(write(tmp_path / "x.npy", bad))


def test_object_scalars_and_foreign_codecs_are_refused(tmp_path):
    scalar = pickle.dumps(Hostile(np._core.multiarray.scalar, np.dtype("O"), b"12345678"), 2)
    with pytest.raises(UnsafeFileError, match="scalar"):
        load_numpy(write(tmp_path / "x.npy", scalar))
    import _codecs

    codec = pickle.dumps(Hostile(_codecs.encode, "x", "rot13"), 2)
    with pytest.raises(UnsafeFileError, match="rot13"):
        load_numpy(write(tmp_path / "y.npy", codec))


@pytest.mark.parametrize("seed", range(20))
def test_damaged_bytes_never_escape_as_anything_but_our_error(tmp_path, seed):
    rng = np.random.default_rng(seed)
    pickled = bytearray(pickle.dumps({"spks": np.arange(50), "area": np.array(["a", "b"])}))
    for position in rng.integers(len(pickled), size=4):
        pickled[position] = rng.integers(256)
    with contextlib.suppress(FormatError):
        load_numpy(write(tmp_path / "x.npy", bytes(pickled)))


def test_plain_files_are_read_and_bad_ones_explained(tmp_path):
    np.save(tmp_path / "plain.npy", np.arange(6).reshape(2, 3, order="F"))
    np.testing.assert_array_equal(load_numpy(tmp_path / "plain.npy")[""], [[0, 2, 4], [1, 3, 5]])
    (tmp_path / "text.npy").write_text("hello")
    with pytest.raises(FormatError, match="not a numpy file"):
        load_numpy(tmp_path / "text.npy")
    with pytest.raises(FormatError, match="there is no file"):
        load_numpy(tmp_path / "none.npy")
    with pytest.raises(FormatError, match="folder"):
        load_numpy(tmp_path)


def test_an_announced_size_beyond_memory_is_an_error_not_a_crash(tmp_path):
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
    with open(tmp_path / "x.npy", "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(b"0" * 64)
    with pytest.raises(FormatError):
        load_numpy(tmp_path / "x.npy")
