import subprocess
import sys

import pytest

from spikecast.core.errors import DamagedFileError, MissingFileError, RunError
from spikecast.core.files import lock_folder, write_atomically, write_json
from spikecast.core.stored import read_json


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
    (inside / ".scores-0aadc0e8.csv").write_text("half")
    (inside / ".mine").write_text("kept")
    with lock_folder(tmp_path):
        assert [path.name for path in inside.iterdir()] == [".mine"]
