"""A study that was killed goes on where it stopped and ends with the same numbers."""

import json

import numpy as np
import pytest

from spikecast.core.errors import RunError
from spikecast.runs import experiment
from spikecast.runs.studies import stringer_running
from spikecast.runs.studies.run import run_study

TINY = {
    "data": {"simulation": {"n_neurons": 40, "n_bins": 1000, "planes": 2}},
    "settings": {"n_components": 10, "epochs": 2},
    "sound": {"main": {
        "models": ["mean_rate", {"linear": {"model": "pca_ridge", "widths": [0.0]}},
                   {"timescales": {"n_members": 1, "epochs": 2}}],
        "evaluation": {"folds": 2, "bootstrap": 200}}},
}  # fmt: skip


class Killed(Exception):
    """Stands for the end of the process."""


def killing(function, at):
    """The function, which ends the process when it is called for the `at`-th time."""
    calls = []

    def call(*arguments, **named):
        calls.append(arguments)
        if len(calls) == at:
            raise Killed
        return function(*arguments, **named)

    return call, calls


def test_a_killed_study_resumes_where_it_stopped_with_the_same_numbers(
    small, tmp_path, monkeypatch
):
    whole = small("stringer-running", TINY)
    out = tmp_path / "killed"
    # the second of two networks; the score of the sound run; the conclusion
    fit, fits = killing(stringer_running._fit_network, 2)
    score, _ = killing(experiment.score_target, 1)
    conclude, _ = killing(stringer_running.sound_runs.read_scores, 1)
    monkeypatch.setattr(stringer_running, "_fit_network", fit)
    monkeypatch.setattr(experiment, "score_target", score)
    monkeypatch.setattr(stringer_running.sound_runs, "read_scores", conclude)
    for resume in (False, True, True):
        with pytest.raises(Killed):
            small("stringer-running", TINY, out, resume=resume)
        assert not (out / "study.json").exists()
    with pytest.raises(RunError, match="unfinished study; resume it"):
        small("stringer-running", TINY, out)
    with pytest.raises(RunError, match="begun with another seed"):
        small("stringer-running", TINY, out, resume=True, seed=1)
    with pytest.raises(RunError, match="either resumed or overwritten"):
        small("stringer-running", TINY, out, resume=True, overwrite=True)
    small("stringer-running", TINY, out, resume=True)

    assert len(fits) == 3  # the first network once, the second twice
    told = [json.loads((folder / "study.json").read_text()) for folder in (whole, out)]
    assert told[0]["columns"] == told[1]["columns"]
    assert told[0]["conclusions"] == told[1]["conclusions"]
    for path in sorted((whole / "described").glob("*.npz")):
        with np.load(path) as one, np.load(out / "described" / path.name) as other:
            for key in one:
                np.testing.assert_array_equal(one[key], other[key])
    assert (whole / "described" / "sweep.csv").read_text() == (
        out / "described" / "sweep.csv"
    ).read_text()
    assert {path.name for path in out.iterdir()} == {path.name for path in whole.iterdir()}
    with pytest.raises(RunError, match="a finished study"):
        small("stringer-running", TINY, out, resume=True)


def test_what_is_no_study_is_left_alone(tmp_path):
    with pytest.raises(RunError, match="no study in"):
        run_study("livewired", tmp_path / "none", quick=True, resume=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="holds no study"):
        run_study("livewired", tmp_path, quick=True, overwrite=True)
    assert (tmp_path / "notes.txt").exists()
