"""The command line as a user meets it."""

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import typer

from spikecast.cli.app import resumable
from spikecast.data.readers import steinmetz
from spikecast.report.questions.catalog import make_headlines
from spikecast.runs.reader import Run

COMMAND = [sys.executable, "-m", "spikecast.cli"]


@pytest.fixture(scope="module")
def data(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "task.npz"
    steinmetz.write([recording, recording.select(trials=range(12))], path)
    return path


PREDICT = ("--session", "0", "--target", "MOs", "--models", "mean_rate,pca_ridge", "--folds", "3")


def test_predict_answers_writes_and_draws(data, spikecast, tmp_path):
    done = subprocess.run(
        [*COMMAND, "predict", data, *PREDICT], capture_output=True, text=True, cwd=tmp_path,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("MOs can be predicted from the rest")
    assert done.stdout.strip().endswith("report: runs/task-0_MOs/report.html")
    run = tmp_path / "runs" / "task-0_MOs"
    assert (run / "report.html").stat().st_size > 50_000
    again = spikecast("run", run / "config.yaml", "--out", "again", "--quiet", "--workers", 1)
    assert again.status == 0
    assert again.errors == ""
    numbers = [
        pd.read_csv(folder / "scores.csv").drop(columns="fit_seconds")
        for folder in (run, tmp_path / "again")
    ]
    pd.testing.assert_frame_equal(*numbers)
    (run / "report.html").unlink()
    assert spikecast("report", run).status == 0
    assert (run / "report.html").exists()
    second = spikecast("predict", data, *PREDICT, "--workers", 1)
    assert "runs/task-0_MOs-2/report.html" in second.said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--session", 0, "--target", "MOS"), "Did you mean 'MOs'"),
        (("--session", 5, "--target", "MOs"), "it holds 0 to 1"),
        (("--target", "MOs"), "choose one: session 0 to 1"),
        (("--session", 1, "--target", "MOs", "--folds", 9), "too few for 9 folds"),
        (("--session", 0, "--target", "MOs", "--source", "MOs,CA1"), "overlap"),
        (("--session", 0, "--target", "MOs", "--models", "gruu"), "Did you mean 'gru'"),
        (("--session", 0, "--target", "MOs", "--split", "blok"), "--split blok"),
        (("--session", 0, "--target", "MOs", "--folds", 1), "--folds 1"),
    ],
)
def test_mistakes_get_one_line_status_2_and_leave_nothing(
    data, spikecast, tmp_path, arguments, message
):
    done = spikecast("predict", data, *arguments)
    assert done.status == 2
    lines = done.errors.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_other_commands_explain_their_mistakes_too(spikecast, tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKECAST_DATA", str(tmp_path / "cache"))
    for arguments in (
        ("inspect", "nowhere.npz"), ("report", tmp_path), ("run", "none.yaml"),
        ("data", "fetch", "steinmets"), ("predict", "steinmetz", "--target", "MOs"),
    ):  # fmt: skip
        done = spikecast(*arguments)
        assert done.status == 2, arguments
        assert len(done.errors.strip().splitlines()) == 1, done.errors


def test_inspect_says_what_is_in_a_file(data, spikecast):
    done = spikecast("inspect", data)
    assert done.status == 0
    for expected in ("session 1", "VISp 25", "contrast_left", "wheel", "only 12 trials",
                     "-0.2 to 0.6 s"):  # fmt: skip
        assert expected in done.said


def test_the_catalogues_are_listed(spikecast):
    models = spikecast("models").said
    for name in ("mean_rate", "poisson_glm", "timescales", "recipe"):
        assert name in models
    data_sets = spikecast("data", "list").said
    assert "steinmetz" in data_sets
    assert "stringer-spontaneous" in data_sets


def test_ctrl_c_leaves_a_run_that_resumes(data, spikecast, tmp_path):
    arguments = ["predict", str(data), "--session", "0", "--target", "MOs", "--out", "run",
                 "--models", "mean_rate,gru,pca_ridge", "--folds", "3",
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
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in errors
    assert len(errors.strip().splitlines()) == 1
    assert not (tmp_path / "run" / "scores.csv").exists()
    done = spikecast(*arguments, "--resume")
    assert done.status == 0, done.errors
    assert (tmp_path / "run" / "report.html").exists()


def features(run):
    return {(answer["label"], answer["features"]) for answer in Run(run).answers}


def test_decode_answers_from_data_and_adds_to_a_run(data, spikecast, tmp_path):
    quick = ("--label", "response", "--folds", 3, "--permutations", 20, "--quiet")
    done = spikecast("decode", data, "--session", 0, *quick, "--areas", "VISp,MOs", "--over-time")
    assert done.status == 0, done.errors
    answers = Run(Path("runs/task-0_response")).answers
    assert {(answer.kind, answer["area"]) for answer in answers} >= {
        ("decode", "VISp"), ("decode", "MOs"), ("time", None)
    }  # fmt: skip
    assert set(make_headlines(answers)) <= set(done.said.splitlines())
    within = spikecast("decode", data, "--session", 0, *quick, "--strata",
                       "contrast_left,contrast_right", "--out", "within")  # fmt: skip
    (answer,) = (answer for answer in Run(Path("within")).answers if answer["source"] == "counts")
    assert answer["strata"] == ["contrast_left", "contrast_right"]
    assert answer["label"] in within.said
    assert done.said.strip().endswith("report: runs/task-0_response/report.html")
    predicted = spikecast("predict", data, *PREDICT, "--label", "feedback", "--workers", 1)
    run = tmp_path / "runs" / "task-0_MOs"
    assert ("feedback", "latents of pca_ridge") in features(run), predicted.errors
    added = spikecast("decode", run, *quick)
    assert added.status == 0, added.errors
    assert ("response", "latents of pca_ridge") in features(run)
    page = (run / "report.html").read_text()
    assert "&#39;feedback&#39;" in page
    assert "&#39;response&#39;" in page
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for arguments, message in (
        ((run, "--label", "respons"), "Did you mean 'response'"),
        ((run, "--label", "response", "--seed", 1), "leave out --session, --seed"),
    ):
        wrong = spikecast("decode", *arguments)
        assert wrong.status == 2, arguments
        (line,) = wrong.errors.strip().splitlines()
        assert message in line
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_audit_names_what_is_wrong_with_a_run_and_how_to_mend_it(data, spikecast, tmp_path):
    quick = ("--label", "response", "--folds", 3, "--permutations", 20, "--quiet")
    done = spikecast("decode", data, "--session", 0, *quick, "--out", "run")
    assert done.status == 0, done.errors
    assert "rules found anything" in spikecast("audit", tmp_path / "run").said
    (tmp_path / "run" / "protocol.json").write_text(
        '[{"name": "accuracy", "metric": "accuracy", "value": 0.9, "train": [1], "test": [1]}]'
    )
    flawed = spikecast("audit", tmp_path / "run").said
    assert flawed.startswith("severe: evaluated on training data (accuracy)")
    assert "fix: score on trials that no step has seen" in flawed
    assert "hazards" in (spikecast("report", tmp_path / "run") and (
        tmp_path / "run" / "report.html").read_text())  # fmt: skip
    assert spikecast("audit", tmp_path).status == 2


def test_studies_are_listed_and_their_mistakes_explained(spikecast, tmp_path):
    listed = spikecast("studies").said
    assert "livewired" in listed
    assert "Steinmetz 2019" in listed
    for arguments, message in (
        (("run", "livewird"), "Did you mean 'livewired'"),
        (("run", "c.yaml", "--quick"), "are for studies"),
        (("run", "livewired", "--quick", "--resume"), "no study in"),
        (("run", "livewired", "--data", "none.npz"), "there is no file"),
    ):
        wrong = spikecast(*arguments)
        assert wrong.status == 2, arguments
        (line,) = wrong.errors.strip().splitlines()
        assert message in line
    assert list(tmp_path.iterdir()) == []


def test_an_atlas_from_the_command_line(data, spikecast, tmp_path):
    words = ("atlas", data, "--sessions", 0, "--folds", 3, "--quiet", "--out", "map",
             "--workers", 1)  # fmt: skip
    done = spikecast(*words)
    assert done.status == 0, done.errors
    assert "above the null" in done.said
    assert done.said.strip().endswith("report: map/report.html")
    assert len(pd.read_csv(tmp_path / "map" / "cells.csv")) == 9
    again = spikecast(*words)
    assert again.status == 2
    assert "holds a finished run" in again.errors
    assert spikecast("report", tmp_path / "map").status == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sessions", "x"), "sessions"),
        (("--targets", "MOS"), "Did you mean 'MOs'"),
        (("--models", "ridgy"), "unknown model 'ridgy'"),
        (("--sources", "some"), "sources"),
        (("--repeats", "3"), "matched"),
        (("--folds", "2"), "folds"),
        (("--engine", "slurm"), "unknown engine 'slurm'"),
    ],
)
def test_an_atlas_refuses_in_one_line_and_leaves_nothing(
    data, spikecast, tmp_path, arguments, message
):
    done = spikecast("atlas", data, *arguments, "--out", "map")
    assert done.status == 2
    assert message in done.errors
    assert done.errors.count("\n") == 1
    assert not (tmp_path / "map").exists()


def test_a_full_disk_is_one_line_that_says_how_to_go_on(tmp_path, capsys):
    with pytest.raises(typer.Exit) as left, resumable(tmp_path / "run"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert left.value.exit_code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("error: the disk is full")
    assert said.endswith(f"--resume --out {tmp_path / 'run'}")
    with pytest.raises(FileNotFoundError), resumable(tmp_path / "run"):
        raise FileNotFoundError(errno.ENOENT, "No such file")
