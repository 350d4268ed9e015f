"""Small directories of each kind, which tests damage, and pages without their dear parts."""

import json
import shutil

import planted_study
import planted_sweep
import pytest

from spikecast.data import simulate
from spikecast.report.shared import pages, style
from spikecast.runs import config, experiment
from spikecast.runs.atlas.run import run_atlas
from spikecast.runs.atlas.settings import AtlasSettings
from spikecast.runs.layout import RunLayout
from spikecast.runs.studies import run as study_run
from spikecast.runs.sweep.run import run_sweep

CONFIG = {
    "task": {"target": "MOs"}, "models": ["mean_rate", "pca_ridge"],
    "evaluation": {"folds": 2, "bootstrap": 100, "shifts": 20},
    "analysis": {
        "decode": {"labels": ["response"], "sources": ["counts", "latents"], "folds": 2,
                   "permutations": 20},
        "over_time": {"labels": ["response"], "folds": 2, "permutations": 40},
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A file with few trials, bins and neurons."""
    path = tmp_path_factory.mktemp("small") / "task.nc"
    simulated = simulate.decision_task(
        n_trials=40, areas={"VISp": 8, "MOs": 6}, n_bins=20, stim_onset=0.04, seed=5
    )
    simulated.recording.save(path)
    return path


@pytest.fixture(scope="session")
def small_run(small_data):
    """A run that predicts and answers two kinds of question."""
    content = {**CONFIG, "data": {"path": str(small_data)}}
    return experiment.run(config.parse_config(content), small_data.parent / "run", workers=1)


@pytest.fixture
def quick_pages(monkeypatch):
    """Figures are made, but neither laid out nor written: that takes most of a page's time."""
    monkeypatch.setattr(pages, "to_svg", lambda figure: b"<svg/>")
    monkeypatch.setitem(style.STYLE, "figure.constrained_layout.use", False)


@pytest.fixture(scope="session")
def unfinished_run(small_run):
    """The same, interrupted: a fit, the scores and an answer are not there yet."""
    folder = shutil.copytree(small_run, small_run.parent / "unfinished")
    layout = RunLayout(folder)
    manifest = json.loads(layout.manifest.read_text()) | {"finished": None}
    layout.manifest.write_text(json.dumps(manifest))
    for path in (
        layout.scores, layout.summary, layout.neurons, layout.verdict, layout.answer_index,
        layout.answer("time-response-counts"), layout.target("MOs").job("pca_ridge", 1),
    ):  # fmt: skip
        path.unlink()
    return folder


@pytest.fixture(scope="session")
def small_atlas(small_data):
    """An atlas of one session and two areas."""
    settings = {"data": [str(small_data)], "folds": 3, "shifts": 20, "min_neurons": 3,
                "bootstrap": 100}  # fmt: skip
    out = small_data.parent / "atlas"
    return run_atlas(AtlasSettings.model_validate(settings), out, workers=1).folder


@pytest.fixture(scope="session")
def small_sweep(tmp_path_factory):
    """A sweep of one model, with three tries per search."""
    folder = tmp_path_factory.mktemp("sweep")
    settings = planted_sweep.maker(folder)(search={"trials": 3})
    return run_sweep(settings, folder / "out", workers=1)


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="session")
def unfinished_study(small_data, small_run):
    """A study that was killed before its last file: its kept step is still there."""

    def kill(*arguments):
        raise Killed

    out = small_data.parent / "unfinished_study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_run, "join_staircases", kill)
        with pytest.raises(Killed):
            planted_study.run_planted_study(patch, small_data, small_run, out)
    return out


@pytest.fixture(scope="session")
def small_study(small_data, small_run):
    """A finished study with a figure of every kind."""
    out = small_data.parent / "study"
    with pytest.MonkeyPatch.context() as patch:
        return planted_study.run_planted_study(patch, small_data, small_run, out)
