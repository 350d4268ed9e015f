"""What a format is: a module that recognises a path and reads it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from spikecast.core.errors import FormatError
from spikecast.data import load
from spikecast.data.readers import READERS, find_reader

READER = """
import numpy as np
from spikecast.data.recording import Recording

CONTENT = ".txt files of counts"


def sniff(path):
    return path.suffix == ".txt"


def open_sessions(path):
    counts = np.loadtxt(path, dtype=int)[np.newaxis]
    return [lambda: Recording.from_arrays(counts, 0.1 * np.arange(counts.shape[1]), "CA1")]
"""


def test_a_format_is_one_module_and_one_line(tmp_path, monkeypatch):
    (tmp_path / "text.py").write_text(READER)
    spec = importlib.util.spec_from_file_location("text", tmp_path / "text.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    np.savetxt(tmp_path / "counts.txt", np.arange(20).reshape(5, 4), fmt="%d")
    with pytest.raises(FormatError, match="from_arrays"):
        load(tmp_path / "counts.txt")
    monkeypatch.setitem(READERS, "text", module)
    assert load(tmp_path / "counts.txt").shape == (1, 5, 4)


@pytest.mark.parametrize(
    ("file", "name"), [("a.nc", "spikecast"), ("a.npz", "steinmetz"), ("a.npy", "stringer")]
)
def test_each_format_is_recognised(tmp_path, file, name):
    assert find_reader(tmp_path / file) is READERS[name]


def test_a_folder_is_recognised_by_what_it_holds(tmp_path):
    with pytest.raises(FormatError, match="in no format") as raised:
        find_reader(tmp_path)
    assert len(str(raised.value)) < 900 + len(str(tmp_path))
    (tmp_path / "steinmetz_part0.npz").touch()
    assert find_reader(tmp_path) is READERS["steinmetz"]


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("source", [None, 3, {}, {"a": 1}, [1.0], "text", np.zeros(3), Path("no")])
def test_no_format_is_recognised_in_anything_else_and_nothing_is_raised(reader, source):
    assert not reader.sniff(source)
