"""The run directory: complete, resumable to the same numbers, never half-written."""

import json
import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from spikecast import report
from spikecast.core.errors import ConfigError, DamagedFileError, RunError, SpikecastError
from spikecast.core.files import lock_folder
from spikecast.data.recording import Recording
from spikecast.models import storage
from spikecast.parallel.shared_data import share_value
from spikecast.runs import config, experiment, fits, run_directory
from spikecast.runs.layout import RunLayout
from spikecast.runs.questions.catalog import Analysis
from spikecast.runs.reader import open_run
from spikecast.runs.run_directory import LogFile, empty_folder, prepare_run_directory

pytestmark = pytest.mark.usefixtures("one_width", "quick_pages")

MODELS = ["mean_rate", "pca_ridge", {"timescales": {"n_members": 1, "epochs": 2}}]
QUICK = {
    "data": {"path": "simulated"},
    "task": {"target": "MOs"},
    "models": ["mean_rate"],
    "evaluation": {"folds": 2, "bootstrap": 100, "shifts": 0},
}


@pytest.fixture(scope="module")
def data(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "recording.nc"
    recording.save(path)
    return str(path)


def make(path, **change):
    content = {
        "data": {"path": path},
        "task": {"target": "MOs"},
        "models": MODELS,
        "evaluation": {"folds": 3, "bootstrap": 200},
    }
    return config.parse_config(content | change)


def make_quick(path):
    """Return a config whose numbers nothing is compared with."""
    return make(path, models=["mean_rate", "pca_ridge"], evaluation=QUICK["evaluation"])


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return experiment.run(make(data), tmp_path_factory.mktemp("run") / "one", workers=1)


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_run_directory_is_complete(run):
    names = files(run)
    expected = "config.yaml manifest.json log.txt scores.csv summary.csv neurons.csv verdict.json"
    for name in [*expected.split(), "excerpt.nc", "targets/MOs/problem.nc"]:
        assert name in names
    assert list(pd.read_csv(run / "scores.csv")) == [
        *("session", "task", "source", "target", "model", "fold", "metric", "null", "aggregate"),
        *("value", "n_test_trials", "n_neurons", "fit_seconds"),
    ]
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["finished"]
    assert manifest["versions"]["torch"]
    assert "fitted in" in (run / "log.txt").read_text()
    assert not [name for name in names if "/." in name or name.startswith(".")]


def test_a_recording_without_trial_columns_has_a_page(recording, tmp_path):
    bare = Recording.from_arrays(recording.activity, recording.time, recording.area)
    bare.save(tmp_path / "bare.nc")
    done = experiment.run(make_quick(str(tmp_path / "bare.nc")), tmp_path / "run", workers=1)
    assert open_run(done).trials.shape == (recording.n_trials, 0)
    assert report.build(done).is_file()


def test_the_weights_give_the_predictions_that_are_stored(run, recording):
    from spikecast.tasks.tasks import AreaToArea

    problem = AreaToArea("MOs").problem(recording)
    stored = np.load(run / "targets/MOs/jobs/timescales-fold1.npz")
    model = storage.load(run / "targets/MOs/weights/timescales-fold1")
    np.testing.assert_allclose(
        model.predict(problem.x[stored["test"]]), stored["prediction"], rtol=1e-4
    )


def test_held_out_latents_are_stored_for_every_trial(run):
    tested = [np.load(run / f"targets/MOs/jobs/timescales-fold{f}.npz") for f in range(3)]
    assert sorted(np.concatenate([fold["test"] for fold in tested])) == list(range(60))
    assert all(fold["latents"].shape == (20, 80, 48) for fold in tested)


@pytest.mark.parametrize(
    ("ranking", "expected"),
    [
        (["pca_ridge", "timescales", "mean_rate"], "pca_ridge"),
        (["timescales", "pca_ridge", "mean_rate"], "timescales"),
        ([], "timescales"),  # before there is a ranking: no baseline
    ],
)
def test_latents_are_those_of_the_best_model(run, data, ranking, expected):
    asked = make(data, analysis={"decode": [{"labels": ["response"], "sources": ["latents"]}]})
    *_, (question,) = experiment._plan(asked, RunLayout(run), ranking)
    assert question.name == f"decode-response-latents-{expected}"


def test_the_written_config_gives_the_same_numbers(run, tmp_path):
    again = experiment.run(config.read_config(run / "config.yaml"), tmp_path / "again", workers=1)
    drop = ["fit_seconds"]
    pd.testing.assert_frame_equal(
        pd.read_csv(run / "scores.csv").drop(columns=drop),
        pd.read_csv(again / "scores.csv").drop(columns=drop),
    )


def test_an_interrupted_run_goes_on_to_the_same_numbers(data, run, tmp_path):
    out = tmp_path / "run"

    def interrupt_at(job):
        def progress(what, done, total):
            if done == job:
                raise KeyboardInterrupt

        return progress

    with pytest.raises(KeyboardInterrupt):
        experiment.run(make(data), out, workers=1, progress=interrupt_at(5))
    assert not (out / "scores.csv").exists()
    assert "interrupted" in (out / "log.txt").read_text()
    done_before = [name for name in files(out) if name.endswith(".json") and "jobs" in name]
    assert len(done_before) == 4  # and what is beyond the ladder
    times = {name: (out / name).stat().st_mtime_ns for name in done_before}
    with pytest.raises(RunError, match="unfinished run; resume it"):
        experiment.run(make(data), out, workers=1)
    experiment.run(make(data), out, workers=1, resume=True)
    assert times == {name: (out / name).stat().st_mtime_ns for name in done_before}
    drop = ["fit_seconds"]
    pd.testing.assert_frame_equal(
        pd.read_csv(run / "scores.csv").drop(columns=drop),
        pd.read_csv(out / "scores.csv").drop(columns=drop),
    )


def test_a_job_that_was_cut_off_while_writing_is_done_again(data, run, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        experiment.run(make_quick(data), out, workers=1, progress=_stop_after(3))
    (out / "targets/MOs/jobs/mean_rate-fold1.json").unlink()  # the npz was written, the json not
    experiment.run(make_quick(data), out, workers=1, resume=True)
    assert (out / "scores.csv").exists()


def exchange(first, second):
    """Let two files change places."""
    beside = first.with_name("beside")
    first.rename(beside)
    second.rename(first)
    beside.rename(second)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_fits_of_two_models_that_were_exchanged_are_neither_resumed_nor_shown(
    data, run, tmp_path, suffix
):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    layout = RunLayout(folder)
    jobs = layout.target("MOs").jobs
    for fold in range(3):
        exchange(jobs / f"pca_ridge-fold{fold}{suffix}", jobs / f"psth-fold{fold}{suffix}")
    target = open_run(folder).targets[0]
    readers = {".json": [target.read_job], ".npz": [target.read_arrays, target.read_record]}
    for read in readers[suffix]:
        with pytest.raises(RunError, match=r"belongs to 'MOs/pca.*put the files of the fits back"):
            read("psth", 0)
    manifest = json.loads(layout.manifest.read_text())
    layout.manifest.write_text(json.dumps(manifest | {"finished": None}))
    with pytest.raises(RunError, match="belongs to"):
        experiment.run(make(data), folder, workers=1, resume=True)


def test_a_run_whose_fits_do_not_say_whose_they_are_is_read(run, tmp_path):
    """As those of earlier versions."""
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    for path in RunLayout(folder).list_jobs():
        facts = json.loads(path.read_text())
        assert facts.pop("belongs_to") == f"MOs/{path.stem}"
        path.write_text(json.dumps(facts))
        with np.load(path.with_suffix(".npz")) as stored:
            arrays = {name: stored[name] for name in stored.files if name != "belongs_to"}
        np.savez_compressed(path.with_suffix(".npz"), **arrays)
    target = open_run(folder).targets[0]
    assert target.read_job("psth", 0)["fit_seconds"] >= 0
    assert target.read_record("psth", 0).test.size == len(target.read_arrays("psth", 0)["test"])


def test_a_run_goes_on_where_the_data_are_called_by_another_path(data, tmp_path, monkeypatch):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        experiment.run(make_quick(data), out, workers=1, progress=_stop_after(1))
    monkeypatch.chdir(Path(data).parent)
    experiment.run(make_quick(Path(data).name), out, workers=1, resume=True)
    assert "resumed" in (out / "log.txt").read_text()


def _stop_after(jobs):
    def progress(what, done, total):
        if done == jobs:
            raise KeyboardInterrupt

    return progress


def test_a_finished_run_is_not_changed_without_overwrite(data, run):
    before = (run / "scores.csv").read_text()
    with pytest.raises(RunError, match="a finished run"):
        experiment.run(make(data), run, workers=1)
    assert (run / "scores.csv").read_text() == before


def test_overwriting_replaces_runs_and_nothing_else(data, tmp_path):
    short = make(data, models=["mean_rate"])
    out = experiment.run(short, tmp_path / "run", workers=1)
    for name in ("stale.csv", ".DS_Store"):
        (out / name).write_text("")
    experiment.run(short, out, workers=1, overwrite=True)
    assert not (out / "stale.csv").exists()
    other = tmp_path / "precious"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="not a run directory"):
        experiment.run(short, other, workers=1, overwrite=True)
    assert (other / "thesis.txt").exists()
    with pytest.raises(RunError, match="is a file"):
        experiment.run(short, other / "thesis.txt", workers=1)


def test_resuming_something_else_is_refused(data, run, tmp_path, recording):
    with pytest.raises(RunError, match="another config"):
        experiment.run(make(data, seed=9), run, resume=True)
    shutil.copytree(run, tmp_path / "edited")
    for edited in ("data: [", "just words"):
        (tmp_path / "edited" / "config.yaml").write_text(edited)
        with pytest.raises(RunError, match="another config"):
            experiment.run(make(data), tmp_path / "edited", resume=True)
    with pytest.raises(RunError, match="no run in"):
        experiment.run(make(data), tmp_path / "none", resume=True)


def test_a_config_edited_since_the_fits_is_neither_resumed_nor_shown(run, tmp_path):
    shutil.copytree(run, tmp_path / "edited")
    path = RunLayout(tmp_path / "edited").config
    settings = yaml.safe_load(path.read_text())
    settings["models"][1] = {"pca_ridge": {"n_components": 2}}
    path.write_text(yaml.safe_dump(settings))
    with pytest.raises(RunError, match=r"edited since the run began \(models\)"):
        experiment.run(path, tmp_path / "edited", resume=True)
    with pytest.raises(RunError, match=r"edited since the run began \(models\)"):
        report.build(tmp_path / "edited")


def change_one(recording, part):
    """A copy of a recording with one value of one part changed."""
    dataset = recording.dataset.copy(deep=True)
    if dataset[part].dtype.kind == "U":
        dataset[part].values[0] = "VISl"
    else:
        dataset[part].values[(0,) * dataset[part].ndim] += 1
    return type(recording)(dataset)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("activity", "activity"),
        ("response", "trial column 'response'"),
        ("contrast_left", "trial column 'contrast_left'"),
        ("wheel", "behaviour 'wheel'"),
        ("area", "neuron column 'area'"),
    ],
)
def test_changed_data_are_refused_and_named(recording, run, data, tmp_path, part, name):
    """Whether a run is to go on, or a further question is asked of it."""
    changed, out = tmp_path / "changed.nc", tmp_path / "run"
    change_one(recording, part).save(changed)
    shutil.copytree(run, out)
    written = (out / "config.yaml").read_text()
    with pytest.raises(RunError, match=f"the {name} has changed since"):
        experiment.run(make(str(changed)), out, resume=True)
    (out / "config.yaml").write_text(written.replace(data, str(changed)))
    question = {"labels": ["response"], "folds": 3, "permutations": 20}
    with pytest.raises(RunError, match=f"the {name} has changed since"):
        experiment.add_answers(out, Analysis(decode=[question]))
    assert not (out / "analysis").exists()


def test_a_run_of_an_earlier_version_is_not_resumed(data, run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    manifest = json.loads((out / "manifest.json").read_text())
    del manifest["format"]  # as 0.1.0 wrote it
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="an earlier version of spikecast"):
        experiment.run(make(data), out, resume=True)


@pytest.mark.parametrize(
    "change",
    [
        {"task": {"target": "MOS"}},
        {"task": {"target": "MOs", "source": ["MOs", "CA1"]}},
        {"evaluation": {"folds": 50}},
        {"evaluation": {"split": "stratum", "strata": "nothing"}},
        {"task": {"target": "MOs", "min_rate": 1e6}},
        {"data": {"path": "nowhere.npz"}},
    ],
)
def test_a_mistake_leaves_nothing_behind(data, tmp_path, change):
    with pytest.raises(SpikecastError):
        experiment.run(make(data, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"behavior": "wheel", "fraction": 0.5}, "takes no fraction: .* task held_out_neurons"),
        ({"target": "MOs", "horizon": 3}, "task area_to_area takes no horizon"),
    ],
)
def test_settings_of_another_kind_of_task_are_refused_where_a_run_begins(
    data, tmp_path, task, message
):
    with pytest.raises(ConfigError, match=message):
        experiment.run(make(data, task=task), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_several_targets_make_one_run(data, tmp_path):
    settings = make(data, task={"target": ["MOs", "VISp"]}, models=["mean_rate", "pca_ridge"],
                    evaluation=QUICK["evaluation"])  # fmt: skip
    out = experiment.run(settings, tmp_path / "run", workers=1)
    assert set(pd.read_csv(out / "scores.csv")["target"]) == {"MOs", "VISp"}
    assert (out / "targets/VISp/weights/pca_ridge-fold1.safetensors").exists()


@pytest.mark.slow  # test_cross_validate.py looks at the same without a folder
def test_processes_give_the_same_numbers(data, run, tmp_path):
    out = experiment.run(make(data), tmp_path / "run", workers=2)
    drop = ["fit_seconds"]
    pd.testing.assert_frame_equal(
        pd.read_csv(run / "scores.csv").drop(columns=drop),
        pd.read_csv(out / "scores.csv").drop(columns=drop),
    )


def test_a_model_that_cannot_be_fitted_is_left_out_and_says_why(recording, tmp_path, monkeypatch):
    from spikecast.models.linear import PCARidge

    recording.save(tmp_path / "task.nc")
    settings = config.parse_config(
        {
            "data": {"path": str(tmp_path / "task.nc")},
            "task": {"target": "MOs"},
            "models": ["mean_rate", "pca_ridge", "reduced_rank"],
            "evaluation": {"folds": 2, "shifts": 0},
        }
    )
    fit = PCARidge._fit

    def unlucky(self, x, y):
        raise MemoryError("no room")

    monkeypatch.setattr(PCARidge, "_fit", unlucky)
    out = experiment.run(settings, tmp_path / "run", workers=1)
    why = json.loads((out / "manifest.json").read_text())["failed"]
    assert why == {"MOs": {"pca_ridge": "fold 0: MemoryError: no room"}}
    assert set(pd.read_csv(out / "summary.csv")["model"]) == {
        "mean_rate", "reduced_rank", "psth", "drift", "source_free", "behavior"
    }  # fmt: skip
    page = report.build(out).read_text()
    assert "pca_ridge could not be fitted: fold 0: MemoryError: no room" in page
    monkeypatch.setattr(PCARidge, "_fit", fit)
    experiment.run(settings, out, resume=True, workers=1)
    assert json.loads((out / "manifest.json").read_text())["failed"] == {}
    assert "pca_ridge" in set(pd.read_csv(out / "summary.csv")["model"])
    monkeypatch.setattr(PCARidge, "_fit", unlucky)
    alone = settings.model_copy(update={"models": ["pca_ridge"]})
    with pytest.raises(RunError, match="no model of MOs could be fitted"):
        experiment.run(alone, tmp_path / "alone", workers=1)


@pytest.mark.slow
def test_a_cluster_gives_the_same_scores(recording, cluster, tmp_path):
    recording.save(tmp_path / "task.nc")
    settings = config.parse_config(
        {
            "data": {"path": str(tmp_path / "task.nc")},
            "task": {"target": "MOs"},
            "models": ["pca_ridge", {"timescales": {"n_members": 1, "epochs": 2}}],
            "evaluation": {"folds": 2, "shifts": 0},
        }
    )
    here = experiment.run(settings, tmp_path / "here", workers=1)
    there = experiment.run(settings, tmp_path / "there", engine=f"dask://{cluster.address}")
    mine, others = (pd.read_csv(out / "scores.csv") for out in (here, there))
    pd.testing.assert_frame_equal(
        mine.drop(columns="fit_seconds"), others.drop(columns="fit_seconds"), check_exact=True
    )


def test_a_target_is_shared_once_for_all_its_jobs(data, tmp_path, monkeypatch):
    shared = []

    def counted(value, *rest):
        shared.append(value)
        return share_value(value, *rest)

    monkeypatch.setattr(fits, "share_value", counted)
    experiment.run(make_quick(data), tmp_path / "run", workers=1)
    assert len(shared) == 1


def test_a_dict_and_a_file_give_the_same_scores(data, tmp_path):
    content = QUICK | {"data": {"path": data}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    first = experiment.run(content, tmp_path / "first", workers=1)
    second = experiment.run(path, tmp_path / "second", workers=1)
    tables = [pd.read_csv(folder / "scores.csv") for folder in (first, second)]
    pd.testing.assert_frame_equal(*(table.drop(columns="fit_seconds") for table in tables))


def test_unknown_key_gets_the_nearest_in_its_message(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'task'"):
        experiment.run(QUICK | {"tasks": {}}, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_not_ours_is_neither_replaced_nor_removed(data, run, tmp_path):
    """Other programs have a manifest.json too; a folder may be where a person keeps a config."""
    for name, content in {"web": {"manifest.json": "{}", "thesis.tex": "x"},
                          "kept": {"config.yaml": "seed: 1"},
                          "own": {".backup-20240101.tar": "x"}}.items():  # fmt: skip
        (tmp_path / name).mkdir()
        for file, text in content.items():
            (tmp_path / name / file).write_text(text)
        with pytest.raises(RunError):
            experiment.run(make(data), tmp_path / name, overwrite=True)
        assert {path.name for path in (tmp_path / name).iterdir()} == set(content)
    out, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    shutil.copytree(run, out)
    elsewhere.mkdir()
    (elsewhere / "data.nc").touch()
    (out / "link").symlink_to(elsewhere)
    empty_folder(out)
    assert (elsewhere / "data.nc").exists()
    assert not list(out.iterdir())


@pytest.mark.parametrize(("n_removed", "how"), [(0, "resume"), (3, "overwrite"), (9, "resume")])
def test_a_run_whose_replacement_was_interrupted_is_replaced_by_the_next(
    data, run, tmp_path, monkeypatch, how, n_removed
):
    out, quick = tmp_path / "run", make(data, models=["mean_rate"], evaluation=QUICK["evaluation"])
    shutil.copytree(run, out)
    removed = []

    def remove(path):
        if len(removed) == n_removed:
            raise KeyboardInterrupt
        removed.append(path)
        real(path)

    real = run_directory._remove
    with monkeypatch.context() as patch:
        patch.setattr(run_directory, "_remove", remove)
        with pytest.raises(KeyboardInterrupt):
            experiment.run(quick, out, workers=1, overwrite=True)
    assert not run_directory.is_finished(out)
    (out / "notes.txt").touch()
    with pytest.raises(RunError, match=r"also holds notes\.txt, no part of a run"):
        experiment.run(quick, out, workers=1, **{how: True})
    (out / "notes.txt").unlink()
    experiment.run(quick, out, workers=1, **{how: True})
    assert set(pd.read_csv(out / "summary.csv")["model"]) >= {"mean_rate"}
    assert "pca_ridge" not in (out / "summary.csv").read_text()
    assert run_directory.is_finished(out)
    assert not (out / ".emptying").exists()


@pytest.mark.parametrize("name", ["data.nc.bak", "notes.txt", "data"])
def test_what_is_no_part_of_a_run_is_not_overwritten(data, run, tmp_path, name):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    (out / name).mkdir() if name == "data" else (out / name).touch()
    with pytest.raises(RunError, match=rf"also holds {name}, no part of a run"):
        experiment.run(make(data), out, workers=1, overwrite=True)
    assert (out / name).exists()
    assert (out / "scores.csv").exists()


@pytest.mark.parametrize("name", ["figures", "log.txt", ".lock"])
def test_nothing_is_written_through_a_link(run, tmp_path, name):
    out, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    shutil.copytree(run, out, ignore=shutil.ignore_patterns(name))
    elsewhere.mkdir() if name == "figures" else elsewhere.write_text("own")
    (out / name).symlink_to(elsewhere)
    with pytest.raises(RunError, match="it is a link"):
        report.build(out)
    with pytest.raises(RunError, match="it is a link"), lock_folder(out):
        pass
    assert name == "figures" or elsewhere.read_text() == "own"
    assert name != "figures" or not list(elsewhere.iterdir())


def test_a_log_that_finds_no_room_shows_no_traceback(tmp_path, capsys):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    handler = LogFile("/dev/full", encoding="utf-8")
    handler.emit(logging.makeLogRecord({"msg": "fitted"}))
    handler.close()
    assert capsys.readouterr().err == ""


def test_a_run_killed_as_it_was_set_up_begins_anew_by_resume(tmp_path):
    for name in ("log.txt", "config.yaml", ".spikecast-0aadc0e8.nc"):
        (tmp_path / name).touch()
    prepare_run_directory(tmp_path / "config.yaml", "", {}, resume=True, overwrite=False)
    assert {path.name for path in tmp_path.iterdir()} == {"log.txt"}
    with pytest.raises(RunError, match="there is no run"):
        prepare_run_directory(tmp_path / "none" / "a", "", {}, resume=True, overwrite=False)
    with pytest.raises(RunError, match="either resumed or overwritten, not both"):
        prepare_run_directory(tmp_path / "none" / "a", "", {}, resume=True, overwrite=True)


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        ({"areas": {"MOs": 3, "Z": 777}}, r"its areas .* are not those of manifest\.json"),
        ({"n_neurons": 777}, r"its neurons \(\d+\) are not those of manifest\.json \(777\)"),
        ({"n_bins": 3}, "its bins "),
        ({"n_trials": 12345}, "rows; the run has 12345 trials"),
        ({"kind": "continuous"}, r"its kind \(counts\) are not those of manifest"),
        ({"bin_size": 0.4321}, r"not 0\.4321 s apart"),
    ],
)
def test_a_manifest_of_another_recording_is_refused(run, tmp_path, fact, message):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"data": manifest["data"] | fact}))
    with pytest.raises(DamagedFileError, match=message):
        report.build(tmp_path / "run")


def test_an_unfinished_run_is_resumed_by_the_version_that_began_it(data, run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["versions"]["spikecast"] = "0.0.1"
    (out / "manifest.json").write_text(json.dumps(manifest))
    experiment.run(make(data), out, resume=True)  # a finished one has nothing left to mix
    (out / "manifest.json").write_text(json.dumps(manifest | {"finished": None}))
    with pytest.raises(RunError, match=r"begun with spikecast 0\.0\.1, and this is spikecast"):
        experiment.run(make(data), out, resume=True)


def test_a_resumed_run_has_the_table_of_trials_of_its_recording(data, run, tmp_path):
    out = shutil.copytree(run, tmp_path / "run")
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps(manifest | {"finished": None}))
    table = pd.read_csv(out / "trial_table.csv")
    table.assign(response=7).to_csv(out / "trial_table.csv", index=False)
    experiment.run(make(data), out, resume=True, workers=1)
    assert (out / "trial_table.csv").read_bytes() == (run / "trial_table.csv").read_bytes()


@pytest.mark.parametrize("how", ["resume", "overwrite"])
def test_a_run_killed_before_its_manifest_begins_anew(data, tmp_path, monkeypatch, how):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "describe_run", stop)
    with pytest.raises(KeyboardInterrupt):
        experiment.run(make(data), tmp_path, workers=1)
    left = {path.name for path in tmp_path.iterdir()}
    assert {"config.yaml", "excerpt.nc", "trial_table.csv", "targets"} < left
    settings = {"resume": False, "overwrite": False} | {how: True}
    prepare_run_directory(tmp_path / "config.yaml", "", {}, **settings)
    assert not (tmp_path / "targets").exists()


@pytest.mark.parametrize("name", ["log.txt", "manifest.json"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_in_a_run_directory_is_a_line(data, run, tmp_path, name):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    (out / name).unlink()
    os.mkfifo(out / name)
    with pytest.raises(RunError, match="a pipe or a device"):
        experiment.run(make(data), out, resume=True)
