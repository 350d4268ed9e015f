"""Examples in docstrings train networks for the epochs that they ask for, and not longer."""

import pytest


@pytest.fixture(autouse=True)
def brief_examples(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten training where a docstring of a network is run."""
    if "src/spikecast/models" in request.node.nodeid:
        from spikecast.models.networks import training  # imports torch

        monkeypatch.setattr(training, "count_epochs", lambda plan, steps: plan.epochs)
