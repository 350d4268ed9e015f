"""Examples in docstrings: what takes long is done once, or not for longer than is asked for."""

from functools import cache
from typing import Any

import pytest

WHOLE_RUNS = ("src/spikecast/runs", "src/spikecast/report/__init__")


@pytest.fixture(autouse=True)
def brief_examples(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate the data set once, and less of it for whole runs; train for the epochs asked for."""
    name = request.node.nodeid
    if not name.startswith("src/spikecast"):
        return
    from spikecast.data import loaders

    n_trials = 60 if name.startswith(WHOLE_RUNS) else None
    monkeypatch.setitem(loaders.SIMULATED, "simulated", lambda: _copy_simulated(n_trials))
    if name.startswith(("src/spikecast/models", "src/spikecast/evaluation/many_sessions")):
        from spikecast.models.networks import training  # imports torch

        monkeypatch.setattr(training, "count_epochs", lambda plan, steps: plan.epochs)


def _copy_simulated(n_trials: int | None) -> Any:
    from spikecast.data.recording import Recording

    return Recording(_simulate().dataset.isel(trial=slice(n_trials)).copy(deep=True))


@cache
def _simulate() -> Any:
    from spikecast.data import simulate

    return simulate.decision_task().recording
