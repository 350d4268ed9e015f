"""Small directories of each kind, which tests damage: runs, answers, sweeps, atlases, studies."""

import json
import shutil
from pathlib import Path

import numpy as np
import planted_questions
import planted_study
import planted_sweep
import pytest

from spikecast.core.schema import to_yaml
from spikecast.data import simulate
from spikecast.data.recording import Recording
from spikecast.runs import config, experiment
from spikecast.runs.atlas.run import run_atlas
from spikecast.runs.atlas.settings import AtlasSettings
from spikecast.runs.layout import RunLayout
from spikecast.runs.studies import run as study_run
from spikecast.runs.sweep import run as sweep_run
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

PAIR = [["A", "B"]]
QUESTIONS = {
    "decode": {"labels": ["side"], "sources": ["counts"], "areas": ["A"], "cell_types": True,
               "folds": 2, "permutations": 20},
    "over_time": {"labels": ["side"], "areas": ["A"], "folds": 2, "permutations": 20,
                  "generalization": True},
    "explain": {"targets": ["B"], "folds": 2, "shifts": 20},
    "flow": {"pairs": PAIR, "lags": [1], "folds": 2, "shifts": 20},
    "joint": {"pairs": PAIR, "window": 2, "max_lag": 2, "shifts": 20},
    "subspace": {"pairs": PAIR, "bins": 1, "folds": 3, "max_rank": 3, "shifts": 20},
    "dimensions": {"areas": ["A"], "components": 4},
    "embed": {"labels": ["side"], "methods": ["pca"]},
    "trajectories": {"labels": ["side"], "n_dims": 3},
    "tuning": {"areas": ["A"], "correction": "holm"},
    "align": {"components": 2, "conditions": ["condition"], "shuffles": 19},
}  # fmt: skip
"""A question of every kind."""


def make_data(folder: Path) -> Path:
    """Write a file with few trials, bins and neurons."""
    simulated = simulate.decision_task(
        n_trials=40, areas={"VISp": 8, "MOs": 6}, n_bins=20, stim_onset=0.04, seed=5
    )
    simulated.recording.save(folder / "task.nc")
    return folder / "task.nc"


def make_run(data: Path, out: Path) -> Path:
    """Run a config that predicts and answers two kinds of question."""
    content = {**CONFIG, "data": {"path": str(data)}}
    return experiment.run(config.parse_config(content), out, workers=1)


def make_answers(folder: Path) -> Path:
    """Answer a question of every kind; one of them needs latents of a model."""
    planted = planted_questions.plant_pairs(n_trials=40, n_bins=12).dataset
    counts = np.random.default_rng(0).poisson(np.exp(0.4 * planted["activity"].clip(-4, 4)))
    activity = planted["activity"].copy(data=counts.astype(np.uint8))
    counted = planted.assign(activity=activity).assign_attrs(kind="counts")
    Recording(counted).save(folder / "pairs.nc")
    content = {
        "data": {"path": str(folder / "pairs.nc")}, "task": {"target": "B"},
        "models": ["pca_ridge"], "analysis": QUESTIONS,
        "evaluation": {"folds": 2, "bootstrap": 100, "shifts": 0},
    }  # fmt: skip
    return experiment.run(config.parse_config(content), folder / "run", workers=1)


def interrupt_run(run: Path, out: Path) -> Path:
    """Copy a run without its scores, an answer and a fit, as if it had been interrupted."""
    layout = RunLayout(shutil.copytree(run, out))
    manifest = json.loads(layout.manifest.read_text()) | {"finished": None}
    layout.manifest.write_text(json.dumps(manifest))
    for path in (
        layout.scores, layout.summary, layout.neurons, layout.verdict, layout.answer_index,
        layout.answer("time-response-counts"), layout.target("MOs").job("pca_ridge", 1),
    ):  # fmt: skip
        path.unlink()
    return out


def make_atlas(data: Path, out: Path) -> Path:
    """Run an atlas of one session and two areas."""
    settings = {"data": [str(data)], "folds": 3, "shifts": 20, "min_neurons": 3, "bootstrap": 100}
    return run_atlas(AtlasSettings.model_validate(settings), out, workers=1).folder


def make_sweep(folder: Path) -> Path:
    """Run a sweep of one model, with three tries per search."""
    settings = planted_sweep.maker(folder)(search={"trials": 3})
    return run_sweep(settings, folder / "out", workers=1)


SETTINGS = "settings.yaml"
"""The config of an unfinished sweep, beside its directory."""


class Killed(Exception):
    """Stands for the end of the process."""


def kill(*arguments):
    raise Killed


def interrupt_sweep(folder: Path) -> Path:
    """Kill a sweep when all was searched and fitted, before its results are written.

    Its searches learn from their tries: the journal has every operation.
    """
    settings = planted_sweep.maker(folder)(search={"trials": 12})
    (folder / SETTINGS).write_text(to_yaml(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_run, "write_results", kill)
        with pytest.raises(Killed):
            run_sweep(settings, folder / "out", workers=1)
    return folder / "out"


def make_study(data: Path, run: Path, out: Path) -> Path:
    """Run a study with a figure of every kind."""
    with pytest.MonkeyPatch.context() as patch:
        return planted_study.run_planted_study(patch, data, run, out)


def interrupt_study(data: Path, run: Path, out: Path) -> Path:
    """Kill a study before its last file: its kept step is still there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_run, "join_staircases", kill)
        with pytest.raises(Killed):
            planted_study.run_planted_study(patch, data, run, out)
    return out
