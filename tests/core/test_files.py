import os
import subprocess
import sys
from pathlib import Path

import pytest

from spikecast.core.errors import DamagedFileError, InputError, MissingFileError, RunError
from spikecast.core.files import (
    check_path,
    is_temporary,
    lock_folder,
    prepare_export,
    to_file_name,
    write_atomically,
    write_json,
)
from spikecast.core.stored import read_json
from spikecast.data import load
from spikecast.runs.run_directory import open_run_directory


def test_two_processes_do_not_write_into_one_folder(tmp_path):
    hold = "import sys, time; from spikecast.core.files import lock_folder\n"
    hold += f"with lock_folder({str(tmp_path)!r}): print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout.readline().strip() == "held"
        with pytest.raises(RunError, match="another process is writing"), lock_folder(tmp_path):
            pass
        other.kill()
    with lock_folder(tmp_path):
        pass


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "facts.json"
    write_json(path, {"n": 1})
    with pytest.raises(TypeError), write_atomically(path) as temporary:
        temporary.write_text(3)
    assert is_temporary(temporary)
    assert read_json(path) == {"n": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["facts.json"]


def test_a_writer_that_makes_private_files_leaves_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    with write_atomically(tmp_path / "weights") as temporary:
        temporary.unlink()
        temporary.touch(mode=0o600)
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(MissingFileError) as caught:
        read_json(tmp_path / "facts.json")
    assert caught.value.path == tmp_path / "facts.json"
    (tmp_path / "facts.json").write_text("{")
    with pytest.raises(DamagedFileError, match=r"facts\.json"):
        read_json(tmp_path / "facts.json")


def test_what_a_killed_process_had_begun_to_write_is_removed_under_the_lock(tmp_path):
    inside = tmp_path / "jobs"
    inside.mkdir()
    (inside / ".spikecast-0aadc0e8.csv").write_text("half")
    (inside / ".mine").write_text("kept")
    with lock_folder(tmp_path):
        assert [path.name for path in inside.iterdir()] == [".mine"]


def test_what_a_killed_process_had_begun_to_write_beside_a_file_is_removed(tmp_path):
    write = "import sys, time; from spikecast.core.files import write_atomically\n"
    write += f"with write_atomically({str(tmp_path / 'a.nc')!r}) as path:\n"
    write += "    path.write_text('half'); print('begun', flush=True); time.sleep(60)"
    killed, alive = (
        subprocess.Popen([sys.executable, "-c", write], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    with killed, alive:
        for process in (killed, alive):
            assert process.stdout.readline().strip() == "begun"
        assert len(list(tmp_path.iterdir())) == 2
        killed.kill()
        killed.wait()
        # of another machine, of another version, of a person, and a folder
        others = [f".spikecast-0aadc0e8-ffffff-{killed.pid}.nc", ".spikecast-0aadc0e8.nc", ".mine"]
        for name in others:
            (tmp_path / name).write_text("kept")
        assert prepare_export(tmp_path / "b.nc", ".nc") == tmp_path / "b.nc"
        left = {path.name for path in tmp_path.iterdir()}
        assert len(left) == 4
        (own,) = left.difference(others)
        assert f"-{alive.pid}.nc" in own
        alive.kill()


def test_files_of_others_are_kept_under_the_lock(tmp_path):
    (tmp_path / ".backup-20240101.tar").write_text("mine")
    (tmp_path / ".spikecast-20240101").mkdir()
    with lock_folder(tmp_path):
        pass
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("what", ["folder", "link", "file"])
def test_a_lock_that_cannot_be_made_is_a_line(tmp_path, what):
    folder = tmp_path / "run"
    if what == "file":
        folder.write_text("a file")
    else:
        folder.mkdir()
        lock = folder / ".lock"
        lock.mkdir() if what == "folder" else lock.symlink_to(lock)
    with pytest.raises(RunError, match="cannot be written"), lock_folder(folder):
        pass


def test_a_path_that_cannot_be_written_is_a_line(tmp_path):
    for path in (tmp_path / ("x" * 300) / "facts.json", tmp_path / "file" / "facts.json"):
        (tmp_path / "file").touch()
        with pytest.raises(RunError, match="cannot be written"):
            write_json(path, {})


def test_a_path_of_too_many_folders_is_a_line(tmp_path):
    with pytest.raises(InputError, match=r"names 1\d+ folders within each other"):
        write_json(tmp_path.joinpath(*["a"] * 1500, "b.json"), {})
    with pytest.raises(InputError, match=r"names 1\d+ folders within each other"):
        check_path(tmp_path.joinpath(*["a"] * 1500))
    assert not list(tmp_path.iterdir())
    for top in Path("/"), Path():
        check_path(top.joinpath(*["a"] * 200, "b.json"))
        with pytest.raises(InputError, match=r"names 201 folders .* up to 200: name one"):
            check_path(top.joinpath(*["a"] * 201, "b.json"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "facts.json")
    with pytest.raises(DamagedFileError, match="a pipe or a device"):
        read_json(tmp_path / "facts.json")


def test_two_names_of_any_length_and_letters_fit_into_one_file_name(tmp_path):
    names = ["x" * 300, "x" * 299 + "y", "\u8996" * 100, "\u8996" * 99 + "y", "..", "/", "a\ud800"]
    written = [to_file_name(name) for name in names]
    assert len(set(written)) == len(names)
    assert [to_file_name(name) for name in written] == written
    for name in written:
        (tmp_path / f"subspace-{name}-{name}.svg").touch()


def test_a_path_that_is_no_text_is_refused_before_anything_is_done(tmp_path):
    out = tmp_path / os.fsdecode(b"a\xff")
    with pytest.raises(InputError, match=r"a\\udcff' holds bytes that are no text"):
        check_path(out)
    with (
        pytest.raises(InputError, match="no text"),
        open_run_directory(out / "config.yaml", "", {}, resume=False, overwrite=False),
    ):
        pass
    assert not out.exists()
    out.mkdir()
    with pytest.raises(InputError, match="no text"):
        load(out)
