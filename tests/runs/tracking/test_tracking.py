"""Trackers: what they are told, when one is missing or fails, and the two real ones."""

import json
import sys

import numpy as np
import pytest

from spikecast.core.errors import InputError, UnknownNameError
from spikecast.core.schema import to_yaml
from spikecast.runs import config, experiment, tracking

QUICK = {"timescales": {"n_members": 2, "epochs": 2}}


class Recorder:
    """Keeps what it is told; fails where asked to."""

    def __init__(self, fails=None):
        self.calls, self.fails = [], fails

    def _log(self, *what):
        self.calls.append(what)
        if what[0] == self.fails:
            raise OSError("the disk is full")

    def start(self, folder, config):
        self._log("start", folder, config)

    def log_fit(self, fit):
        self._log("log_fit", fit)

    def log_scores(self, summary):
        self._log("log_scores", summary)

    def finish(self, folder):
        self._log("finish", folder)

    def stop(self, why):
        self._log("stop", why)

    @property
    def names(self):
        return [name for name, *_ in self.calls]


@pytest.fixture(scope="module")
def experiment_config(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "task.nc"
    recording.save(path)
    return config.parse_config({
        "data": {"path": str(path)}, "task": {"target": "MOs"}, "models": ["psth", QUICK],
        "evaluation": {"folds": 2, "bootstrap": 100, "shifts": 0},
    })  # fmt: skip


def tracked(tracker, experiment_config, out, **arguments):
    with tracking.watch_run(tracker, experiment_config, out, **arguments) as progress:
        return experiment.run(experiment_config, out, workers=1, progress=progress)


@pytest.fixture(scope="module")
def run(experiment_config, tmp_path_factory):
    """A finished run and what its tracker was told."""
    recorder = Recorder()
    return tracked(recorder, experiment_config, tmp_path_factory.mktemp("runs") / "run"), recorder


def test_a_run_is_told_from_start_to_end(run, experiment_config):
    folder, recorder = run
    models = ("psth", "timescales", "drift", "source_free", "behavior")
    assert recorder.names == ["start", *["log_fit"] * 10, "log_scores", "finish"]
    assert recorder.calls[0] == ("start", folder, experiment_config)
    fits = [fit for name, fit in recorder.calls[1:11]]
    assert {(fit.target, fit.model, fit.fold) for fit in fits} == {
        ("MOs", model, fold) for model in models for fold in (0, 1)
    }
    for fit in fits:
        if fit.model != "timescales":
            assert fit.losses == {}
            continue
        stored = folder / "targets" / "MOs" / "jobs" / f"timescales-fold{fit.fold}.json"
        history = json.loads(stored.read_text())["training"]
        assert fit.losses["valid"] == np.mean(history["valid_loss"], axis=1).tolist()
        assert len(fit.losses["train"]) == len(fit.losses["valid"])
    assert set(recorder.calls[11][1]["model"]) == set(models)


def test_tracking_changes_no_number_and_leaves_no_file(run):
    names = {path.name for path in run[0].iterdir()}
    assert names == {
        *("config.yaml", "manifest.json", "log.txt", "excerpt.nc", "excerpt.nc.b2sum", "targets"),
        *("trial_table.csv", "scores.csv", "summary.csv", "neurons.csv", "verdict.json"),
    }


@pytest.mark.parametrize("fails", ["start", "log_fit", "finish"])
def test_a_failing_tracker_costs_one_warning_and_not_the_run(run, experiment_config, fails):
    recorder, warnings = Recorder(fails), []
    with tracking.watch_run(recorder, experiment_config, run[0], warn=warnings.append) as progress:
        progress("fitting", 1, 4)
        progress("fitting", 2, 4)
    assert len(warnings) == 1
    assert "the run goes on" in warnings[0]
    assert "OSError: the disk is full" in warnings[0]
    assert recorder.names[-1] == fails
    assert recorder.names.count(fails) == 1


def stopped_by(error, recorder, experiment_config, out, done, total):
    """A run that ends with `error` right after it reported progress once."""
    with tracking.watch_run(recorder, experiment_config, out) as progress:
        progress("fitting", done, total)
        raise error


def test_a_run_that_stops_says_so(run, experiment_config):
    recorder = Recorder()
    with pytest.raises(KeyboardInterrupt):
        stopped_by(KeyboardInterrupt(), recorder, experiment_config, run[0], 1, 4)
    assert recorder.calls[-1] == ("stop", "interrupted")


def test_what_an_older_run_left_is_not_told_as_this_ones(run, experiment_config):
    recorder = Recorder()
    with pytest.raises(InputError):
        stopped_by(InputError("wrong"), recorder, experiment_config, run[0], 0, 0)
    assert recorder.calls == []


def test_a_missing_package_names_its_extra(monkeypatch):
    for name, package in (("tensorboard", "torch.utils.tensorboard"), ("mlflow", "mlflow")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(InputError, match=rf"pip install 'spikecast\[{name}\]'"):
            tracking.make_tracker(name)
    with pytest.raises(UnknownNameError, match="Did you mean 'mlflow'"):
        tracking.make_tracker("mlflo")


def losses(recorder, fold):
    fits = [what[0] for name, *what in recorder.calls if name == "log_fit"]
    (values,) = [f.losses["valid"] for f in fits if (f.model, f.fold) == ("timescales", fold)]
    return values


def test_tensorboard_reads_back_what_was_written(run, experiment_config, tmp_path):
    pytest.importorskip("tensorboard", reason="the extra 'tensorboard' is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder, recorder = run
    tracker = tracking.make_tracker("tensorboard")
    tracker.start(tmp_path, experiment_config)
    for name, *what in recorder.calls[1:-1]:
        getattr(tracker, name)(*what)
    tracker.finish(folder)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    tags = events.Tags()["scalars"]
    curve = [event.value for event in events.Scalars("valid_loss/MOs/timescales/fold1")]
    assert curve == pytest.approx(losses(recorder, 1), rel=1e-5)
    assert "fit_seconds/MOs/psth" in tags
    summary = recorder.calls[-2][1].set_index("model")
    (score,) = events.Scalars("bits_per_spike/MOs/timescales")
    assert score.value == pytest.approx(summary.loc["timescales", "bits_per_spike"], rel=1e-5)


@pytest.mark.filterwarnings("default")  # its many packages warn of each other
def test_mlflow_reads_back_what_was_written(run, experiment_config, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="the extra 'mlflow' is not installed")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder, recorder = run
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text(to_yaml(experiment_config))
    tracker = tracking.make_tracker("mlflow")
    tracker.start(tmp_path / "run", experiment_config)
    for name, *what in recorder.calls[1:-1]:
        getattr(tracker, name)(*what)
    tracker.finish(folder)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (found,) = client.search_runs([client.get_experiment_by_name("spikecast").experiment_id])
    assert found.info.status == "FINISHED"
    assert found.data.params["evaluation.folds"] == "2"
    summary = recorder.calls[-2][1].set_index("model")
    assert found.data.metrics["MOs/timescales/bits_per_spike"] == pytest.approx(
        summary.loc["timescales", "bits_per_spike"]
    )
    curve = client.get_metric_history(found.info.run_id, "MOs/timescales/fold1/valid_loss")
    assert [point.value for point in curve] == pytest.approx(losses(recorder, 1))
    assert "summary.csv" in [file.path for file in client.list_artifacts(found.info.run_id)]
