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


class Forged:
    """Something that pickles as an array with the state it is given."""

    def __init__(self, *state):
        self.state = state

    def __reduce__(self):
        make = np.array([]).__reduce__()[0]
        return make, (np.ndarray, (0,), b"b"), (1, *self.state)


@pytest.mark.parametrize(
    "state",
    [
        ((4,), np.dtype("f4"), False, [1, 2, 3, 4]),  # numpy reads these as addresses of objects
        ((4,), np.dtype("O"), False, b"0123456701234567012345670123456701234567"),
        ((2**40,), np.dtype("f4"), False, b"0123"),
        ((-1,), np.dtype("f4"), False, b""),
        ((1,), np.dtype([("a", "O"), ("b", "i8")]), False, [(1, 2)]),
        ((1,), "f4", False, b"0123"),
        ((1,),),
    ],
)
def test_a_damaged_array_is_refused_and_does_not_crash(tmp_path, state):
    np.save(tmp_path / "a.npy", {"a": Forged(*state)}, allow_pickle=True)
    with pytest.raises(FormatError):
        load_numpy(tmp_path / "a.npy")


def test_arrays_of_all_kinds_come_back_as_they_were(tmp_path):
    arrays = {
        "floats": np.arange(6.0, dtype=">f4").reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "objects": np.array([[1, "a"], [None, np.arange(3)]], dtype=object).T,
        "text": np.array(["a", "bcd"]),
        "bytes": np.array([b"a", b"bcd"]),
        "dates": np.array(["2024-05-06"], dtype="M8[ns]"),
        "records": np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8", (2,))]),
        "empty": np.zeros((0, 3)),
        "flags": np.array([True, False]),
    }
    np.save(tmp_path / "a.npy", arrays, allow_pickle=True)
    read = load_numpy(tmp_path / "a.npy")[""].item()
    for name, array in arrays.items():
        assert type(read[name]) is np.ndarray
        assert read[name].dtype == array.dtype.newbyteorder("=")  # as numpy does
        if name == "objects":
            assert read[name].shape == (2, 2)
            assert type(read[name][1, 1]) is np.ndarray
            np.testing.assert_array_equal(read[name][1, 1], np.arange(3))
        else:
            np.testing.assert_array_equal(read[name], array)


TWICE = b"2\x86"  # the value before, and a tuple of both
TREE = b"N" + 60 * TWICE  # 2**60 values
DTYPE = b"cnumpy\ndtype\n"
FLOAT = DTYPE + b"X\x02\x00\x00\x00f8\x85R"
BYTES = b"B\x40\x42\x0f\x00" + bytes(1_000_000) + b"q\x000"


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"]r\xff\xff\xff\x0f.", "size 0"),
        (b"]p9999999999\n.", "size 0"),
        (b"cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR.", "makes bytes of 2147483647"),
        (b"\x80\x05\x96\xff\xff\xff\xff\x0f\x00\x00\x00.", "announces"),
        (b"\x80\x04N" + 60 * TWICE + b".", "values, far more than it has bytes"),
        (b"\x80\x03B\xff\xff\xff\xffabc.", "EOFError"),
        (b"\x80\x04}N" + 60 * TWICE + b"Ns.", "tuples as keys"),
        (b"\x80\x04}(N" + 200_000 * b"\x85" + b"Nu.", "tuples as keys"),
        (b"\x80\x04(N" + 60 * TWICE + b"\x91.", "tuples as keys"),
        (b"\x80\x04\x8f(N" + 60 * TWICE + b"\x90.", "tuples as keys"),
        (b"\x80\x04cbuiltins\nset\n]N" + 60 * TWICE + b"a\x85R.", "tuples as keys"),
        (b"\x80\x04]\x94(h\x00h\x00e.", "contains itself"),
        (b"\x80\x04cnumpy\nndarray\nJ\xff\xff\xff\x0f\x85\x8c\x01O\x86R.", "not filled"),
        (
            b"\x80\x04\x8c\x03abcq\x00" + 40 * b"cpathlib\nPath\nh\x00h\x00\x86Rq\x00" + b".",
            "thousands of letters",
        ),
        (b"\x80\x04" + DTYPE + TREE + b"\x85R.", "the type"),
        (b"\x80\x04c_codecs\nencode\nX\x01\x00\x00\x00a" + TREE + b"\x86R.", "the codec"),
        (b"\x80\x04cbuiltins\nbytearray\n" + TREE + b"\x85R.", "makes bytes of"),
        (b"\x80\x04cpathlib\nPath\n" + TREE + b"\x85R.", "something else than text"),
        (b"\x80\x04" + FLOAT + b"(K\x03" + TREE + b"NNNK\x08K\x01K\x00tb.", "the byte order"),
        (b"\x80\x04}(" + b"\x8a\x08" + b"\xff" * 7 + b"\x7fNu.", "above 2..60 as keys"),
        (b"\x80\x04cbuiltins\nset\n]cbuiltins\ncomplex\nK\x01\x85Ra\x85R.", "complexs as keys"),
        (
            b"\x80\x04" + BYTES + b"](" + 900 * b"cbuiltins\nset\nh\x00\x85R" + b"e.",
            "bytes makes 5e.08 of them",
        ),
        (
            b"\x80\x04" + BYTES + b"](" + 900 * b"cbuiltins\nbytearray\nh\x00\x85R" + b"e.",
            "bytes makes 5e.08 of them",
        ),
    ],
)
def test_a_few_bytes_do_not_take_all_memory_or_time(tmp_path, pickled, reason):
    with pytest.raises(FormatError, match=reason):
        load_numpy(write(tmp_path / "x.npy", pickled))


def nest(n_times, n_fields=1):
    """Return the pickle of a type whose fields are of a type whose fields ..."""
    steps = [b"\x80\x04", FLOAT, b"q\x01"]
    for _ in range(n_times):
        names = b"".join(b"X\x04\x00\x00\x00%04d" % number for number in range(n_fields))
        fields = b"".join(
            b"X\x04\x00\x00\x00%04dh\x01K\x00\x86" % number for number in range(n_fields)
        )
        state = b"(K\x03X\x01\x00\x00\x00|N(" + names + b"t}(" + fields + b"uK\x08K\x01K\x00t"
        steps += [DTYPE, b"X\x02\x00\x00\x00V8\x85R", state, b"bq\x01"]
    return b"".join(steps) + b"."


def test_types_within_types_are_few(tmp_path):
    read = load_numpy(write(tmp_path / "x.npy", nest(2, 3)))[""].item()
    assert read.names == read["0000"].names == ("0000", "0001", "0002")
    for n_times, n_fields, found in ((5, 1, "nested 5 times"), (5000, 1, "nested 5 times"),
                                     (1, 1001, "1001 parts"), (4, 9, "6561 parts")):  # fmt: skip
        with pytest.raises(FormatError, match=found):
            load_numpy(write(tmp_path / "x.npy", nest(n_times, n_fields)))


@pytest.mark.parametrize("state", [b"}\x8c\x01aK\x01s", b"N}\x8c\x0c__defaults__)s\x86"])
@pytest.mark.parametrize("called", [b"_codecs\nencode", b"pathlib\nPath", b"builtins\nset"])
def test_a_pickle_does_not_change_the_reader(tmp_path, called, state):
    with pytest.raises(FormatError, match="changes what is no array"):
        load_numpy(write(tmp_path / "x.npy", b"\x80\x04c" + called + b"\n" + state + b"b."))


def test_many_texts_without_letters_are_refused(tmp_path):
    header = {"descr": "<U0", "fortran_order": False, "shape": (10**9,)}
    with open(tmp_path / "x.npy", "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(FormatError, match="holds nothing"):
        load_numpy(tmp_path / "x.npy")


def test_what_is_shared_is_read(tmp_path):
    shared = {"a": np.arange(3), "t": (1, [2])}
    content = {"one": [shared] * 3, "two": (shared, shared), "names": {1: "x", "b": {2, "c"}}}
    again = load_numpy(write(tmp_path / "x.npy", pickle.dumps(content)))[""].item()
    assert again["one"][0] is again["one"][2] is again["two"][1]
    assert again["two"][0]["t"] == (1, [2])
    assert again["names"] == content["names"]


@pytest.mark.parametrize("protocol", range(6))
def test_bytes_that_can_change_are_read(tmp_path, protocol):
    content = {"a": bytearray(b"ab\xff"), "b": bytearray()}
    again = load_numpy(write(tmp_path / "x.npy", pickle.dumps(content, protocol)))[""].item()
    assert again == content


def test_odd_names_in_a_message_are_one_line(tmp_path):
    pickled = b"cnumpy\ndtype\n(X\x02\x00\x00\x00O\x00tR."
    with pytest.raises(FormatError, match="holds the type") as raised:
        load_numpy(write(tmp_path / "x.npy", pickled))
    assert str(raised.value).isprintable()


def test_text_that_is_no_unicode_is_refused(tmp_path):
    text = np.array([97, 2**24], "u4").view("U2")
    np.save(tmp_path / "plain.npy", text)
    np.save(tmp_path / "pickled.npy", np.array({"a": text}, dtype=object), allow_pickle=True)
    for name in ("plain.npy", "pickled.npy"):
        with pytest.raises(FormatError, match="no Unicode"):
            load_numpy(tmp_path / name)
