"""atlas from the command line."""

import pandas as pd
import pytest


def test_an_atlas_from_the_command_line(data, spikecast, tmp_path):
    words = ("atlas", data, "--sessions", 0, "--folds", 3, "--quiet", "--out", "map",
             "--workers", 1)  # fmt: skip
    done = spikecast(*words)
    assert done.status == 0, done.errors
    assert "more than the task" in done.output
    assert done.output.strip().endswith("report: map/report.html")
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
