"""A damaged HDF5 file that hangs or ends the library is one line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikecast.core import hdf5_check
from spikecast.core.errors import FormatError, WorkerLostError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.h5"
    with h5py.File(path, "w") as opened:
        opened["texts"] = ["a", "b"]
        opened.attrs["about"] = "text"
    return path


def cut(file):
    file.write_bytes(file.read_bytes()[:500])


def test_a_file_that_hdf5_does_not_open_is_not_opened_here(file):
    hdf5_check.check_readable(file)
    cut(file)
    with pytest.raises(OSError, match="truncated file"):
        hdf5_check.check_readable(file)


def test_damage_further_in_is_left_to_the_reader(file):
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"texts", b"t\xffxts"))
    hdf5_check.check_readable(file)


def test_memory_of_the_process_that_asks_is_not_that_of_the_file(file):
    hdf5_check._READER.close()  # the next one is started by a process that is large
    large = np.ones(80_000_000)
    file.write_bytes(file.read_bytes().replace(b"texts", b"t\xffxts"))
    hdf5_check.check_readable(file)
    assert large[-1] == 1


@pytest.fixture
def run_instead(tmp_path, monkeypatch):
    """Let the process that reads files run other lines."""

    def run(lines):
        script = tmp_path / "script.py"
        script.write_text(lines)
        monkeypatch.setattr(hdf5_check, "SCRIPT", script)
        hdf5_check._READER.close()

    yield run
    hdf5_check._READER.close()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("while True: pass", r"are not read in 0\.5 s"),
        ("import os; os.kill(os.getpid(), 11)", "ends by signal 11"),
    ],
)
def test_what_never_ends_and_what_dies_is_refused(file, monkeypatch, run_instead, lines, reason):
    run_instead(lines)
    monkeypatch.setattr(hdf5_check, "SECONDS", 0.5)
    with pytest.raises(FormatError, match=rf"mine\.h5' is damaged: .*{reason}"):
        hdf5_check.check_readable(file)


def test_a_process_that_somebody_ends_is_no_damage(file, tmp_path, run_instead):
    run_instead("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(WorkerLostError, match=r"mine\.h5' is not read: .* signal 9.*try again"):
        hdf5_check.check_readable(file)
    with pytest.raises(WorkerLostError), hdf5_check.explain_damage(file, "a netCDF file"):
        hdf5_check.check_readable(file)


def test_where_a_process_is_ended_once_another_is_asked(file, tmp_path, run_instead):
    done, original = tmp_path / "done", hdf5_check.SCRIPT.read_text()
    run_instead(
        f"import os, pathlib\ndone = pathlib.Path({str(done)!r})\n"
        f"if not done.exists():\n    done.touch()\n    os.kill(os.getpid(), 9)\n{original}"
    )
    hdf5_check.check_readable(file)
    assert done.exists()


def test_a_loop_is_ended_by_its_use_of_the_processor(file, monkeypatch, run_instead):
    original = hdf5_check.SCRIPT.read_text()
    changed = original.replace('opened = h5py.File(path, "r")', "while True: pass")
    assert changed != original
    run_instead(changed)
    monkeypatch.setattr(hdf5_check, "PROCESSOR_SECONDS", 1)
    with pytest.raises(FormatError, match=r"mine\.h5' is damaged: .* reads it without end$"):
        hdf5_check.check_readable(file)


def find_process():
    return hdf5_check._READER._process


def test_a_process_is_kept_until_a_file_is_damaged(file, tmp_path):
    hdf5_check.check_readable(file)
    first = find_process()
    hdf5_check.check_readable(file)
    assert find_process() is first
    damaged = tmp_path / "cut.h5"
    damaged.write_bytes(file.read_bytes()[:500])
    with pytest.raises(OSError, match="truncated file"):
        hdf5_check.check_readable(damaged)
    assert find_process() is None
    assert first.returncode is not None
    hdf5_check.check_readable(file)


def test_a_process_that_ended_meanwhile_is_replaced(file):
    for seen in (True, False):
        hdf5_check.check_readable(file)
        before = find_process()
        os.kill(before.pid, signal.SIGKILL)
        if seen:  # that it ended; else only its silence tells
            before.wait()
        hdf5_check.check_readable(file)
        assert find_process() is not before


def test_an_interrupt_leaves_no_answer_to_the_next_file(file, tmp_path, monkeypatch):
    hdf5_check.check_readable(file)

    def interrupt(*_):
        raise KeyboardInterrupt

    process = find_process()
    monkeypatch.setattr(process.stdout, "readline", interrupt, raising=False)
    with pytest.raises(KeyboardInterrupt):
        hdf5_check.check_readable(file)
    assert find_process() is None


def test_a_fork_has_a_process_of_its_own(file):
    hdf5_check.check_readable(file)
    before = find_process()
    child = os.fork()
    if child == 0:
        hdf5_check.check_readable(file)
        os._exit(int(find_process().pid == before.pid))
    assert os.waitpid(child, 0)[1] == 0
    hdf5_check.check_readable(file)
    assert find_process() is before


def test_the_process_ends_with_the_one_that_started_it(file):
    lines = (
        "import sys; from spikecast.core import hdf5_check as check; check.check_readable("
        "sys.argv[1]); print(check._READER._process.pid, flush=True); import os; "
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", lines, file], capture_output=True, check=False)
    place, end = Path(f"/proc/{int(done.stdout)}"), time.monotonic() + 60
    while place.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not place.exists()


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
            place.create_dataset("linked", (8,), "u1", external=[("secret", 0, 8)])
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


def test_a_file_is_found_from_the_folder_of_now(file, tmp_path, monkeypatch):
    hdf5_check.check_readable(file)
    kept = find_process()
    (tmp_path / "folder").mkdir()
    file.rename(tmp_path / "folder" / "mine.h5")
    monkeypatch.chdir(tmp_path / "folder")
    hdf5_check.check_readable(Path("mine.h5"))
    assert find_process() is kept  # it read the file; not found, it would have been replaced


def test_a_filter_that_is_not_there_is_no_damage(tmp_path):
    path = tmp_path / "zstandard.h5"
    values = np.arange(6, dtype=np.uint8)
    with h5py.File(path, "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk(values.shape)
        made.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple(values.shape)
        data = h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_UINT8, space, made)
        data.write_direct_chunk((0,), values.tobytes())
    with (
        pytest.raises(FormatError, match="compressed in a way"),
        hdf5_check.explain_damage(path, "HDF5"),
    ):
        h5py.File(path)["x"][()]


@pytest.mark.parametrize("made_of", ["loop", "other"])
def test_a_virtual_array_of_virtual_arrays_is_refused(file, made_of):
    # read, one that is made of itself ends the process by a signal
    with h5py.File(file, "a") as opened:
        for name, source in (("loop", made_of), ("other", "loop")):
            layout = h5py.VirtualLayout((3,), "f8")
            layout[:] = h5py.VirtualSource(".", source, (3,))
            opened.create_virtual_dataset(name, layout)
    with pytest.raises(FormatError, match="'loop' is a virtual array of virtual arrays"):
        hdf5_check.check_readable(file)


def test_a_long_text_among_many_is_refused(file):
    with h5py.File(file, "a") as opened:
        opened["about"] = "x" * 200_000  # by itself it takes no more than its own room
    hdf5_check.check_readable(file)
    with h5py.File(file, "a") as opened:
        opened["labels"] = ["x" * 50_000, *["left"] * 3000]
    with pytest.raises(FormatError, match="'labels' holds a text of 50000 characters"):
        hdf5_check.check_readable(file)


@pytest.mark.parametrize("where", ["dataset", "attribute"])
def test_one_text_at_thousands_of_places_does_not_take_all_memory(tmp_path, where):
    path, length, n = tmp_path / "a.nc", 500_000, 4000
    texts = np.array([b"A" * length] + [b"z"] * (n - 1), dtype=object)
    with h5py.File(path, "w") as file:
        if where == "dataset":
            file.create_dataset("x", data=texts, dtype=h5py.string_dtype("ascii"))
        else:
            file.create_dataset("x", data=[1])
            file["x"].attrs.create("y", texts, dtype=h5py.string_dtype("ascii"))
    whole = bytearray(path.read_bytes())
    first = whole.find(length.to_bytes(4, "little"))  # a length, and where the text lies
    whole[first : first + 16 * n] = whole[first : first + 16] * n
    path.write_bytes(whole)
    with pytest.raises(FormatError, match="far more memory than the file is large"):
        hdf5_check.check_readable(path)


def make_of_a_pattern(opened, name):
    """Make an array of all arrays whose names are its own and a number."""
    space = h5py.h5s.create_simple((3,), (h5py.h5s.UNLIMITED,))
    parts = h5py.h5s.create_simple((3,), (h5py.h5s.UNLIMITED,))
    parts.select_hyperslab((0,), (h5py.h5s.UNLIMITED,), (1,), (1,))
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_virtual(parts, b".", f"{name}%b".encode(), h5py.h5s.create_simple((1,)))
    h5py.h5d.create(opened.id, name.encode(), h5py.h5t.IEEE_F64LE, space, layout)
    opened[f"{name}0"] = opened[name]


def give_an_attribute_that_cannot_be_read(item):
    kind, space = h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((1,))
    h5py.h5a.create(item.id, b"odd", kind, space)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_virtual_array_of_a_pattern_is_refused(file, hidden):
    # read, one whose name the pattern gives ends the process by a signal
    with h5py.File(file, "a") as opened:
        group = opened.create_group("group")
        make_of_a_pattern(group, "/group/loop")
        if hidden:
            give_an_attribute_that_cannot_be_read(group)
    with pytest.raises(FormatError, match="is a virtual array of virtual arrays"):
        hdf5_check.check_readable(file)


@pytest.mark.parametrize("n_listed", [1, 3, 100])
def test_a_list_of_axes_of_another_length_is_refused(file, n_listed):
    # the library writes a longer one beyond its memory
    with h5py.File(file, "a") as opened:
        opened["values"] = np.zeros((3, 4))
        listed = np.empty(n_listed, object)
        listed[:] = [np.array([opened["texts"].ref], h5py.ref_dtype)] * n_listed
        kind = h5py.vlen_dtype(h5py.ref_dtype)
        opened["values"].attrs.create("DIMENSION_LIST", listed, dtype=kind)
    with pytest.raises(FormatError, match="'values' has 2 axes, and their list another"):
        hdf5_check.check_readable(file)


def test_a_long_text_in_a_field_is_refused(file):
    rows = np.zeros(3000, [("about", h5py.string_dtype()), ("number", "i4")])
    rows["about"] = ["a"] * 2999 + ["x" * 90_000]
    with h5py.File(file, "a") as opened:
        opened["rows"] = rows
    with pytest.raises(FormatError, match="'rows' holds a text of 90000 characters"):
        hdf5_check.check_readable(file)


@pytest.mark.parametrize("linked", [False, True])
def test_a_chunk_that_unpacks_to_gigabytes_is_refused(file, tmp_path, linked):
    # as announced; what is written of it is unpacked as a whole
    with h5py.File(tmp_path / "chunk.h5", "w") as opened:
        opened.create_dataset("few", (40,), "f8", chunks=(2**28,), maxshape=(None,))
    with h5py.File(file, "a") as opened:
        opened["few"] = h5py.ExternalLink(str(tmp_path / "chunk.h5"), "/few")
    with pytest.raises(FormatError, match=r"its arrays take 2\.1 GB"):
        hdf5_check.check_readable(file if linked else tmp_path / "chunk.h5")


def test_a_pipe_that_a_linked_file_links_to_is_refused(file, tmp_path):
    (tmp_path / "below").mkdir()
    os.mkfifo(tmp_path / "below" / "pipe.h5")
    with h5py.File(tmp_path / "below" / "linked.h5", "w") as opened:
        opened["values"] = h5py.ExternalLink("pipe.h5", "/values")
    with h5py.File(file, "a") as opened:
        opened["below"] = h5py.ExternalLink("below/linked.h5", "/")
    with pytest.raises(FormatError, match=r"'values' lies in 'pipe\.h5'"):
        hdf5_check.check_readable(file)


def test_thousands_of_attributes_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / "data.nc"
    with h5py.File(path, "w") as opened:
        opened["a"] = np.arange(3)
        for number in range(5001):
            opened["a"].attrs[f"n{number}"] = 1
    with pytest.raises(FormatError, match="'a' has 5001 attributes; up to 5000 are read"):
        hdf5_check.check_readable(path)
