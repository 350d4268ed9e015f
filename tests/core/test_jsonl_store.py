import os

import pytest

from spikecast.core.errors import DamagedFileError
from spikecast.core.jsonl_store import JsonlStore


def test_records_come_back_in_order_and_exactly(tmp_path):
    store = JsonlStore(tmp_path / "jobs.jsonl")
    store.append("b", {"value": 0.1 + 0.2})
    store.append("a", [None, "text\nwith a line"])
    again = JsonlStore(tmp_path / "jobs.jsonl")
    assert again.records == {"b": {"value": 0.1 + 0.2}, "a": [None, "text\nwith a line"]}
    assert list(again.records) == ["b", "a"] == list(store.records)


def test_a_torn_line_is_cut_off_wherever_it_was_torn(tmp_path):
    path = tmp_path / "jobs.jsonl"
    store = JsonlStore(path)
    store.append("a", 1)
    whole = path.stat().st_size
    store.append("b", {"value": 2})
    content = path.read_bytes()
    for end in range(whole, len(content)):
        path.write_bytes(content[:end])
        again = JsonlStore(path)
        assert list(again.records) == ["a"]
        again.append("b", {"value": 2})
        assert path.read_bytes() == content


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    store = JsonlStore(tmp_path / "jobs.jsonl")
    store.append("a", 1)
    before = store.path.read_bytes()
    write = os.write

    def full(handle, part):
        if len(part) < 100:
            raise OSError(28, "No space left on device")
        return write(handle, part[:50])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        store.append("b", "x" * 200)
    assert store.path.read_bytes() == before
    assert "b" not in store.records


@pytest.mark.parametrize(
    ("line", "why"),
    [(b"nonsense", "expected"), (b"[1, 2]", "a text is expected"), (b'["b"]', "is missing"),
     (b'["b", "c"]', "a whole number is expected"), (b"\xff", "")],
)  # fmt: skip
def test_a_damaged_line_is_named_with_what_to_do(tmp_path, line, why):
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(b'["a", 1]\n' + line + b'\n["c", 3]\n')
    with pytest.raises(DamagedFileError, match=f"in line 2: .*{why}.* Remove that line"):
        JsonlStore(path, int)
