"""predict from the command line."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from spikecast.runs.reader import open_run

COMMAND = [sys.executable, "-m", "spikecast.cli"]
PREDICT = ("--session", "0", "--target", "MOs", "--models", "mean_rate,pca_ridge", "--folds", "3")


def test_predict_answers_writes_and_draws(data, spikecast, tmp_path):
    done = subprocess.run(
        [*COMMAND, "predict", data, *PREDICT], capture_output=True, text=True, cwd=tmp_path,
        check=False, timeout=120, env=os.environ | {"LOKY_MAX_CPU_COUNT": "2"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    beyond = "beyond the task, the session's drift and the recorded behaviour"
    assert done.stdout.startswith(f"MOs can be predicted from the rest {beyond}")
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
    # another process may round the last digit of 32-bit numbers otherwise
    pd.testing.assert_frame_equal(*numbers, atol=1e-6)
    (run / "report.html").unlink()
    assert spikecast("report", run).status == 0
    assert (run / "report.html").exists()
    second = spikecast("predict", data, *PREDICT, "--workers", 1)
    assert "runs/task-0_MOs-2/report.html" in second.output


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
        (("--session", 0, "--target", "MOs", "--seed", 2**63), "--seed 9223372036854775808: Input"),
        (("--session", 0, "--target", "MOs", "--folds", 1), "--folds 1"),
        (("--session", 0, "--target", "wheel"), "'wheel' is behaviour, not an area"),
        (("--session", 0, "--target", "response"), "'response' is a column of the trials"),
        (("--session", 0), "name a target"),
        (("--session", 0, "--target", "MOs", "--behavior", "wheel"), "not both"),
        (("--session", 0, "--target", "MOs", "--models", "recipe", "--causal"), "be causal"),
        (
            ("--session", 0, "--target", "MOs", "--models", "psth", "--context", "full"),
            "none of the models has a context; add one of poisson_glm",
        ),
        (("--session", 0, "--target", "all", "--min-neurons", 99), "no area has 99 neurons"),
        (("--session", 0, "--target", "MOs", "--beside", "trial"), "name the other one"),
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


def test_behaviour_is_predicted_and_models_are_causal(data, spikecast, tmp_path):
    quick = ("--session", 0, "--models", "pca_ridge", "--folds", 2, "--workers", 1, "--quiet")
    done = spikecast("predict", data, *quick, "--behavior", "wheel", "--causal", "--out", "run")
    assert done.status == 0, done.errors
    run = open_run(tmp_path / "run")
    assert (run.task.kind, run.task.target) == ("behavior", "wheel")
    assert run.config.build_models()["pca_ridge"].causal


def test_a_saved_simulation_is_not_compared_with_real_areas(recording, spikecast, tmp_path):
    quick = ("--target", "MOs", "--models", "pca_ridge", "--folds", 2, "--workers", 1, "--quiet")
    recording = recording.select(trials=np.arange(40))
    recording.save(tmp_path / "saved.nc")
    done = spikecast("predict", "saved.nc", *quick, "--out", "run")
    assert done.status == 0, done.errors
    assert "57 areas" not in (tmp_path / "run" / "report.html").read_text()
    recording.dataset.attrs["subject"] = "Tatum"
    recording.save(tmp_path / "real.nc")
    done = spikecast("predict", "real.nc", *quick, "--out", "real")
    assert "57 areas" in (tmp_path / "real" / "report.html").read_text()


def test_models_with_a_context_stand_beside_the_others(data, spikecast, tmp_path):
    quick = ("--session", 0, "--models", "poisson_glm", "--folds", 2, "--workers", 1, "--quiet")
    done = spikecast(
        "predict", data, *quick, "--target", "MOs", "--context", "full", "--out", "run"
    )
    assert done.status == 0, done.errors
    run = open_run(tmp_path / "run")
    assert {"poisson_glm", "poisson_glm_full_context"} <= set(run.targets[0].models)
    assert "context_models" in {notice.code for notice in run.targets[0].notices}
