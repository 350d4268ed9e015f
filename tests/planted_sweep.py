"""A tiny recording whose target needs many components of its source, and one that is noise."""

import numpy as np

from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording
from spikecast.runs import config

N_TRIALS, N_BINS, N_DRIVES = 40, 20, 6
SEARCH = {"trials": 6, "inner_folds": 2, "space": {
    "widths": None, "n_components": {"low": 1, "high": 6}}}  # fmt: skip


def planted(signal):
    """Six independent drives: each moves one source and one target neuron."""
    rng = make_rng(0, "planted")
    drive = np.repeat(rng.normal(size=(N_TRIALS, N_BINS // 5, N_DRIVES)), 5, axis=1)
    source = rng.poisson(3 * np.exp(0.7 * drive))
    target = rng.poisson(np.maximum(0.2, 2 + 1.2 * signal * drive))
    return Recording.from_arrays(
        np.concatenate([source, target], axis=2).astype(np.uint8),
        time=0.01 * np.arange(N_BINS),
        area=["VISp"] * N_DRIVES + ["MOs"] * N_DRIVES,
    )


def maker(folder):
    """Write both recordings; return what makes a config: by default one component, too few."""
    for name, signal in (("signal", 1), ("noise", 0)):
        planted(signal).save(folder / f"{name}.nc")

    def config_of(name="signal", search=None, **change):
        content = {
            "data": {"path": str(folder / f"{name}.nc")},
            "task": {"target": "MOs"},
            "models": ["mean_rate", {"pca_ridge": {"widths": [1.0], "n_components": 1}}],
            "evaluation": {"folds": 2, "bootstrap": 200, "shifts": 0},
            "search": SEARCH | (search or {}),
        }
        return config.parse_config(content | change)

    return config_of
