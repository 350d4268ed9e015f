"""What all commands share: mistakes, Ctrl-C and a full disk are one line each."""

import errno
import json
import signal
import subprocess
import sys
import time

import pytest
import typer

from spikecast import __version__
from spikecast.cli.app import choose_folder, resumable, show
from spikecast.cli.signals import END_SIGNALS
from spikecast.core.errors import InputError

COMMAND = [sys.executable, "-m", "spikecast.cli"]


def test_other_commands_explain_their_mistakes_too(spikecast, tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKECAST_DATA", str(tmp_path / "cache"))
    for arguments in (
        ("inspect", "nowhere.npz"), ("report", tmp_path), ("run", "none.yaml"),
        ("data", "fetch", "steinmets"), ("predict", "steinmetz", "--target", "MOs"),
        ("explain", "simulated"), ("explain",), ("explian",), ("predict", "--targt", "MOs"),
    ):  # fmt: skip
        done = spikecast(*arguments)
        assert done.status == 2, arguments
        assert len(done.errors.strip().splitlines()) == 1, done.errors


def test_ctrl_c_leaves_a_run_that_resumes(data, spikecast, tmp_path):
    arguments = ["predict", str(data), "--session", "0", "--target", "MOs", "--out", "run",
                 "--models", "mean_rate,poisson_glm,pca_ridge", "--folds", "3",
                 "--workers", "1"]  # fmt: skip
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        # a shell that puts the tests in the background has them, and theirs, ignore Ctrl-C
        text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    jobs = tmp_path / "run" / "targets" / "MOs" / "jobs"
    deadline = time.time() + 60
    while time.time() < deadline and len(list(jobs.glob("*.json"))) < 4:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.stderr.readline()
    process.send_signal(signal.SIGINT)  # by somebody who cannot wait, while it ends its processes
    _, more = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)
    assert "--resume" in said
    assert not more
    assert not (tmp_path / "run" / "scores.csv").exists()
    done = spikecast(*arguments, "--resume")
    assert done.status == 0, done.errors
    assert (tmp_path / "run" / "report.html").exists()


def test_a_full_disk_is_one_line_that_says_how_to_go_on(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.txt").touch()  # a run was begun
    with pytest.raises(typer.Exit) as left, resumable(tmp_path / "run"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert left.value.exit_code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("error: the disk is full")
    assert said.endswith(f"--resume --out {tmp_path / 'run'}")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(typer.Exit), resumable(tmp_path / "run", options=""):
        raise KeyboardInterrupt
    signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "interrupted; go on with the same command\n"
    with pytest.raises(FileNotFoundError), resumable(tmp_path / "run"):
        raise FileNotFoundError(errno.ENOENT, "No such file")


def test_names_in_data_give_the_terminal_no_orders(capsys):
    show("area \x1b[31mred\x07\u202e\udcff\n\tVISp")
    assert capsys.readouterr().out == "area  [31mred   \n\tVISp\n"


def test_a_path_that_cannot_be_is_one_line(spikecast, tmp_path):
    for out in ("x" * 300, tmp_path / "file" / "run"):
        (tmp_path / "file").touch()
        refused = spikecast("predict", "simulated", "--target", "MOs", "--out", out)
        assert refused.status == 2
        assert refused.errors.startswith("error: ")
        assert len(refused.errors.splitlines()) == 1
    refused = spikecast("inspect", f"{'x' * 100}/" * 30 + "a.csv")
    assert len(refused.errors) < 2100
    refused = spikecast("inspect", "a\nb\x1b[31m.csv")
    assert refused.errors == "error: there is no file 'a b [31m.csv'\n"


@pytest.mark.parametrize("asked", END_SIGNALS)
def test_a_process_that_is_asked_to_end_says_how_to_go_on(tmp_path, capsys, asked):
    outside = signal.signal(asked, signal.SIG_DFL)  # tests may be run under nohup
    try:
        with pytest.raises(typer.Exit) as left, resumable(tmp_path / "run"):
            signal.raise_signal(asked)
        assert left.value.exit_code == 130
        assert capsys.readouterr().err == "interrupted; go on with the same command\n"
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "log.txt").touch()  # a run was begun
        with pytest.raises(typer.Exit), resumable(tmp_path / "run"):
            signal.raise_signal(asked)
        assert "go on with the same command and --resume" in capsys.readouterr().err
        assert signal.getsignal(asked) == signal.SIG_DFL
    finally:
        signal.signal(asked, outside)


@pytest.mark.parametrize("asked", END_SIGNALS)
def test_a_process_that_is_asked_to_end_while_a_command_is_imported_says_so(
    spikecast, monkeypatch, asked
):
    monkeypatch.setattr("spikecast.cli.app.load_command", lambda name: signal.raise_signal(asked))
    outside = signal.signal(asked, signal.SIG_DFL)  # tests may be run under nohup
    try:
        done = spikecast("run", "livewired")
        assert signal.getsignal(asked) == signal.SIG_DFL
    finally:
        signal.signal(asked, outside)
    assert (done.status, done.errors) == (130, "interrupted\n")


def test_the_package_is_the_command_line_as_well():
    for module in ("spikecast", "spikecast.cli"):
        done = subprocess.run(
            [sys.executable, "-m", module, "run", "none"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("error: 'none' is neither a config (.yaml) nor a study")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP on Windows")
def test_a_run_under_nohup_outlives_its_terminal(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with resumable(tmp_path / "run"):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("asked", END_SIGNALS)
def test_an_order_to_end_that_python_drops_comes_again(tmp_path, capsys, asked):
    class Dropping:
        def __del__(self):
            signal.raise_signal(asked)

    def run():
        with resumable(tmp_path / "run"):
            Dropping()
            time.sleep(10)

    outside = signal.signal(asked, signal.default_int_handler)  # tests may be run under nohup
    try:
        with pytest.raises(typer.Exit) as left:
            run()
    finally:
        signal.signal(asked, outside)
    assert left.value.exit_code == 130
    assert "Exception ignored" not in capsys.readouterr().err


@pytest.mark.parametrize("asked", END_SIGNALS)
def test_what_is_half_made_as_the_order_comes_goes_without_a_word(tmp_path, capsys, asked):
    class HalfMade:
        def __init__(self):
            signal.raise_signal(asked)
            self.closed = False

        def __del__(self):
            assert self.closed

    outside = signal.signal(asked, signal.default_int_handler)  # tests may be run under nohup
    try:
        with pytest.raises(typer.Exit), resumable(tmp_path / "run"):
            HalfMade()
    finally:
        signal.signal(asked, outside)
    assert capsys.readouterr().err == "interrupted; go on with the same command\n"


def test_a_command_without_out_takes_a_free_folder_and_resumes_the_one_that_is_unfinished(tmp_path):
    stem = tmp_path / "data_MOs"
    states = iter(({"finished": True}, {"finished": None}, {"finished": True}))
    assert choose_folder(stem, resume=True) == stem
    for name in ("data_MOs", "data_MOs-2", "data_MOs-3"):
        folder = choose_folder(stem, resume=False)
        assert folder.name == name
        folder.mkdir()
        content = {"format": 2, "command": "", "versions": {}, "data": {"hash": {}}}
        moment = "2026-11-28T12:00:00+00:00"
        finished = moment if next(states)["finished"] else None
        content |= {"started": moment, "finished": finished}
        (folder / "manifest.json").write_text(json.dumps(content))
    assert choose_folder(stem, resume=True).name == "data_MOs-2"
    (stem / "manifest.json").write_text(json.dumps(content | {"finished": None}))
    with pytest.raises(InputError, match=r"2 runs are not finished .*data_MOs-2.*--out"):
        choose_folder(stem, resume=True)
    for folder in (stem, tmp_path / "data_MOs-2"):
        (folder / "manifest.json").write_text(json.dumps(content | {"finished": moment}))
    assert choose_folder(stem, resume=True).name == "data_MOs-3"


def test_the_version_is_an_option_and_a_command(spikecast):
    for arguments in (("--version",), ("version",)):
        done = spikecast(*arguments)
        assert (done.status, done.output.strip()) == (0, __version__)
