"""What tests of questions share: a recording with planted answers, configs, facts of answers."""

import json
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from spikecast.data.recording import Recording
from spikecast.runs.config import Config, parse_config
from spikecast.runs.layout import RunLayout

LAG = 2
LATENTS = {"source": "latents"}
TASK_QUESTIONS = {
    "decode": {"labels": ["response"], "sources": ["counts", "latents", "behavior"],
               "folds": 3, "permutations": 20},
    "over_time": {"labels": ["contrast_right>0"], "areas": ["VISp", "MOs"],
                  "folds": 3, "permutations": 40},
    "flow": {"pairs": [["VISp", "MOs"]], "lags": [1, 2], "folds": 2, "shifts": 20},
    "dimensions": {"areas": ["VISp"], "components": 8},
    "embed": {"labels": ["response"], "methods": ["pca", "tsne"]},
    "trajectories": {"labels": ["response"], "source": "latents"},
}  # fmt: skip
PAIR_QUESTIONS = {
    "joint": {"pairs": [["A", "B"], ["A", "C"]], "window": 1, "max_lag": 3},
    "subspace": {"pairs": [["A", "B"], ["A", "C"]], "bins": 1, "folds": 5, "max_rank": 4},
    "tuning": [{"areas": ["A", "C"], "correction": "holm"}, {"source": "latents"}],
    "align": {"components": 2, "conditions": ["condition"], "shuffles": 19},
    "decode": {"labels": ["side"], "sources": ["counts"], "areas": ["A"], "cell_types": True,
               "folds": 3, "permutations": 40},
    "trajectories": {"labels": ["side"], "n_dims": 3},
}  # fmt: skip


def plant_pairs(seed=0, n_trials=90, n_bins=25) -> Recording:
    """Return areas: A leads B by 2 bins and its narrow cells know the side; C is noise."""
    rng = np.random.default_rng(seed)
    latent = lfilter([1.0], [1.0, -0.7], rng.normal(size=(n_trials, n_bins + LAG)), axis=1)
    own = rng.normal(size=(n_trials, n_bins))
    side = rng.choice(["left", "right"], n_trials)
    sizes = {"A": 24, "B": 12, "C": 12, "few": 3}
    x = {name: rng.normal(size=(n_trials, n_bins, size)) for name, size in sizes.items()}
    x["A"] += latent[:, LAG:, np.newaxis] * rng.normal(size=24)
    x["A"] += own[..., np.newaxis] * rng.normal(size=24)
    x["A"][:, :, ::2] += np.where(side == "right", 0.7, -0.7)[:, np.newaxis, np.newaxis]
    x["B"] += latent[:, :-LAG, np.newaxis] * rng.normal(size=12)
    area = np.repeat(list(sizes), list(sizes.values()))
    width = np.where(np.arange(area.size) % 2, 0.7, 0.2)
    width[area == "few"] = [0.2, 0.7, np.nan]
    return Recording.from_arrays(
        np.concatenate(list(x.values()), axis=2),
        np.arange(n_bins) * 0.01,
        area,
        kind="continuous",
        trials={
            "side": side, "nothing": rng.choice(["a", "b"], n_trials), "one": np.ones(n_trials),
            "condition": np.arange(n_trials) % 5,
        },
        neurons={"trough_to_peak": width},
    )  # fmt: skip


def make_task_config(path, analysis, models=("mean_rate", "pca_ridge")) -> Config:
    """Return a config that predicts MOs of the simulated task."""
    return _make_config(path, analysis, "MOs", models)


def make_pairs_config(path, analysis, models=("pca_ridge", "reduced_rank")) -> Config:
    """Return a config that predicts B of the planted areas."""
    return _make_config(path, analysis, "B", models)


def make_alone(path, analysis) -> Config:
    """Return a config that only asks questions."""
    return parse_config({"data": {"path": path}, "models": [], "analysis": analysis})


def _make_config(path, analysis, target, models) -> Config:
    return parse_config({
        "data": {"path": path}, "task": {"target": target}, "models": list(models),
        "evaluation": {"folds": 3, "bootstrap": 200, "shifts": 0}, "analysis": analysis,
    })  # fmt: skip


def read_facts(run) -> dict:
    """Return the facts of a run's answers by name, as they are stored."""
    layout = RunLayout(Path(run))
    names = json.loads(layout.answer_index.read_text())
    return {name: json.loads(layout.answer(name).read_text()) for name in names}
