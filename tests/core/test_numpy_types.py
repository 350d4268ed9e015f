"""Headers of numpy's files name plain types; others would end the interpreter, not the reading."""

import io
import pickle
import warnings
import zipfile

import numpy as np
import pytest

from spikecast.core.errors import DamagedFileError, FormatError
from spikecast.core.numpy_types import check_npy_header
from spikecast.core.stored_arrays import read_arrays
from spikecast.data.array_files import map_matrix
from spikecast.data.safe_pickle import load_numpy


def write_npy(path, header, content=bytes(64)):
    text = header.encode("latin1").ljust(117) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content)
    return path


def describe(descr, shape="(2,)"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


def read_in_all_ways(path):
    """Return what each reader makes of a file, an array or its message."""
    archive = path.with_suffix(".npz")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(path, "a.npy")
    ways = {
        "map": lambda: map_matrix(path, "iufMmUSV"),
        "load": lambda: load_numpy(path)[""],
        "load npz": lambda: load_numpy(archive)["a"],
        "arrays": lambda: read_arrays(archive)["a"],
    }
    found = {}
    for name, read in ways.items():
        try:
            found[name] = read()
        except (FormatError, DamagedFileError) as error:
            found[name] = str(error)
    return found


# the first three end Python by a signal where numpy makes them
@pytest.mark.parametrize(
    "descr",
    ["'<M8[Y/0]'", "'<m8[s/0]'", "[('a', '<M8[Y/0]')]", "'M8[0s]'", "'i4,i4'", "'(2,3)f4'", "7",
     "[['a', 'f4']]", "[('a', [('b', [('c', [('d', [('e', 'f4')])])])])]", "'x'", "None"],
)  # fmt: skip
def test_types_that_are_not_plain_are_refused(tmp_path, descr):
    found = read_in_all_ways(write_npy(tmp_path / "a.npy", describe(descr)))
    assert {name: type(one) for name, one in found.items()} == dict.fromkeys(found, str)
    assert all("\n" not in message for message in found.values())


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{'shape': (2,)}", "names no type"),
        ("[1]", "names no type"),
        (describe("'<f8'") + " " * 20_000, "header has 2"),
        ("{'descr': __import__('os').getcwd()}", "header is damaged"),
        (describe("'<f8'", "(1is 2,)"), "header is damaged"),
    ],
)
def test_what_is_no_header_is_refused(tmp_path, header, message):
    path = write_npy(tmp_path / "a.npy", header)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, found in read_in_all_ways(path).items():
            assert message in found, name


def test_a_file_of_python_2_is_read_without_a_warning(tmp_path):
    path = write_npy(tmp_path / "a.npy", describe("'<i8'", "(2L, 4L)"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_in_all_ways(path)
    for name, array in found.items():
        assert np.array_equal(array, np.zeros((2, 4))), name


@pytest.mark.parametrize(
    "array",
    [np.ones(2, "?"), np.ones(2, ">f4"), np.ones(2, "c16"), np.array(["a", "bc"]), np.ones(2, "S3"),
     np.array(["2020-01-01"], "M8[ns]"), np.ones(1, "m8[ms]"), np.zeros(1, "m8[25us]"),
     np.ones(2, "f2"), np.zeros((0, 3)),
     np.ones(2, [("a", "f4"), ("b", "U2", (2,)), ("c", [("d", "i8")])]), np.float64(3)],
)  # fmt: skip
def test_what_numpy_writes_passes(array):
    stream = io.BytesIO()
    np.save(stream, array)
    stream.seek(0)
    check_npy_header(stream)
    assert stream.tell() == 0
    assert np.load(stream).dtype == array.dtype


class DateOf:
    """A pickle of an array of dates in a unit of one's own."""

    def __init__(self, unit, number):
        self.unit, self.number = unit, number

    def __reduce__(self):
        state = (4, "<", None, None, None, -1, -1, 0, ({}, (self.unit, self.number, 1, 1)))
        return np.dtype, ("M8", False, True), state


@pytest.mark.parametrize(
    ("unit", "number"), [(b"Y/0", 1), (b"s/0", 1), (b"", 1), (b"][", 1), (b"s", 0), (b"s", "1/0")]
)
def test_a_pickled_type_of_dates_has_a_known_unit(tmp_path, unit, number):
    (tmp_path / "a.npy").write_bytes(
        b"\x93NUMPY\x01\x00v\x00"
        + describe("'|O'", "()").encode().ljust(117)
        + b"\n"
        + pickle.dumps({"a": DateOf(unit, number)}, protocol=2)
    )
    with pytest.raises(FormatError, match=r"dates in|damaged"):
        load_numpy(tmp_path / "a.npy")
