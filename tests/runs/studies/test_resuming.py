"""A study that was killed goes on where it stopped and ends with the same numbers."""

import json
import sys

import numpy as np
import pytest

from spikecast import report
from spikecast.core.errors import RunError
from spikecast.data import load
from spikecast.runs import experiment
from spikecast.runs.audit import list_audited
from spikecast.runs.layout import StudyLayout
from spikecast.runs.run_directory import is_finished
from spikecast.runs.studies import stringer_running, stringer_sound
from spikecast.runs.studies.run import _check_folder, read_facts, run_study
from spikecast.runs.studies.step_cache import StepCache

TINY = {
    "data": {"simulation": {"n_neurons": 40, "n_bins": 1000, "planes": 2}},
    "settings": {
        "n_components": 10, "few_components": 4, "epochs": 2, "folds": 2, "splits": [0.6],
        "first": {"activation": "ReLU", "hidden": [8, 4]},
        "second": {"activation": "Sigmoid", "hidden": [8]},
        "families": [{"hidden": [8], "activations": ["Sigmoid"]},
                     {"hidden": [8, 4], "activations": ["ReLU"]}],
        "animals": {"n_neurons": [10, 12], "n_bins": 1200, "folds": 2, "n_train": 5,
                    "model": {"n_members": 1, "epochs": 1}},
    },
    "sound": {"main": {
        "models": ["mean_rate", {"pca_ridge": {"widths": [0.0]}},
                   {"timescales": {"n_members": 1, "epochs": 2}}],
        "evaluation": {"folds": 2, "bootstrap": 200, "shifts": 0}}},
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


@pytest.mark.slow
def test_a_killed_study_resumes_where_it_stopped_with_the_same_numbers(
    small, tmp_path, monkeypatch
):
    whole = small("stringer-running", TINY)
    out = tmp_path / "killed"
    # the second of two networks; the score of the sound run; the conclusion
    fit, fits = killing(stringer_running.fit_family, 2)
    score, _ = killing(experiment.score_target, 1)
    conclude, _ = killing(stringer_sound.sound_runs.read_scores, 1)
    monkeypatch.setattr(stringer_running, "fit_family", fit)
    monkeypatch.setattr(experiment, "score_target", score)
    monkeypatch.setattr(stringer_sound.sound_runs, "read_scores", conclude)
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

    # two families, another split, fewer components, two steps of the staircase; the second twice
    assert len(fits) == 6 + 1
    told = [json.loads((folder / "study.json").read_text()) for folder in (whole, out)]
    assert told[0]["columns"] == told[1]["columns"]
    assert told[0]["conclusions"] == told[1]["conclusions"]
    for path in sorted((whole / "described").glob("*.npz")):
        with np.load(path) as one, np.load(out / "described" / path.name) as other:
            for key in one:
                np.testing.assert_array_equal(one[key], other[key])
    assert (whole / "described" / "errors.csv").read_text() == (
        out / "described" / "errors.csv"
    ).read_text()
    assert {path.name for path in out.iterdir()} == {path.name for path in whole.iterdir()}
    written = (out / "study.json").stat().st_mtime_ns
    assert small("stringer-running", TINY, out, resume=True) == out
    assert (out / "study.json").stat().st_mtime_ns == written


def test_a_study_whose_replacement_was_interrupted_is_replaced_by_the_next(tmp_path):
    (tmp_path / "preset.yaml").touch()
    with pytest.raises(RunError, match="is not empty and holds no study"):
        _check_folder(StudyLayout(tmp_path), {}, resume=True, overwrite=False)
    (tmp_path / ".emptying").touch()
    for how in ({"resume": True, "overwrite": False}, {"resume": False, "overwrite": True}):
        assert _check_folder(StudyLayout(tmp_path), {}, **how)
    (tmp_path / "own").touch()
    with pytest.raises(RunError, match="also holds own, no part of a run"):
        _check_folder(StudyLayout(tmp_path), {}, resume=True, overwrite=False)


def test_the_recording_of_a_killed_study_is_written_anew(small, tmp_path, monkeypatch):
    """The sound column is made from it: damaged meanwhile, it would be of other data."""
    out = tmp_path / "killed"
    data = out / "data.nc"
    kept = []
    for resume in (False, True):
        describe, _ = killing(stringer_running.describe, 1)
        monkeypatch.setattr(stringer_running, "describe", describe)
        with pytest.raises(Killed):
            small("stringer-running", TINY, out, resume=resume)
        kept.append(load(data))
        kept[-1].select(neurons=range(10)).save(data)
    assert kept[0].identical(kept[1])


def test_an_unfinished_study_says_so_and_keeps_its_version_and_command(
    small, tmp_path, monkeypatch
):
    out = tmp_path / "killed"

    def begin(argument, **how):
        describe, _ = killing(stringer_running.describe, 1)
        monkeypatch.setattr(stringer_running, "describe", describe)
        monkeypatch.setattr(sys, "argv", ["/bin/spikecast", "run", argument])
        with pytest.raises(Killed):
            small("stringer-running", TINY, out, **how)

    begin("first")
    assert not is_finished(out)
    for read in (report.build, list_audited, read_facts):
        with pytest.raises(RunError, match=r"is not finished; resume it .*spikecast run first"):
            read(out)
    begin("second", resume=True)
    begun = json.loads((out / "begun.json").read_text())
    assert begun["command"] == "spikecast run first"
    for before, said in (("0.0.1", "spikecast 0.0.1"), (None, "an earlier version of spikecast")):
        changed = begun | {"version": before}
        (out / "begun.json").write_text(
            json.dumps({k: v for k, v in changed.items() if v is not None})
        )
        with pytest.raises(RunError, match=f"begun with {said}, and this is spikecast"):
            small("stringer-running", TINY, out, resume=True)
    begin("third", overwrite=True)
    assert json.loads((out / "begun.json").read_text())["command"] == "spikecast run third"


def sum_up(values):
    return {"sum": np.sum(values)}


def test_steps_beside_each_other_are_those_computed_one_by_one(tmp_path):
    steps = {str(number): (sum_up, ([number, 1],)) for number in range(3)}
    told = []
    for workers in (1, 2):
        cache = StepCache(tmp_path / str(workers), told.append, workers)
        cache.prepare(steps)
        assert sorted(told) == ([] if workers == 1 else ["0", "1", "2"])
        for name, (step, arguments) in steps.items():
            assert cache.compute(name, step, *arguments)["sum"] == int(name) + 1
        assert sorted(told) == ["0", "1", "2"]
        if workers == 1:
            told.clear()


def test_what_is_no_study_is_left_alone(tmp_path):
    with pytest.raises(RunError, match="no study in"):
        run_study("livewired", tmp_path / "none", quick=True, resume=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="holds no study"):
        run_study("livewired", tmp_path, quick=True, overwrite=True)
    assert (tmp_path / "notes.txt").exists()
