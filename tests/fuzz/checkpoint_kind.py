"""The checkpoint of a training that was killed, and what goes on from it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from spikecast.core.checksums import write_checksum
from spikecast.core.errors import DamagedFileError
from spikecast.models.networks import checkpoint, training
from spikecast.models.networks.plan import History, Plan
from spikecast.models.networks.timescales import TimescalesNet
from spikecast.models.networks.training_state import BestWeights, TrainingState
from spikecast.tasks.splits import Fold

PLAN = Plan(epochs=2, min_steps=1, batch_size=2)
FOLDS = [Fold(np.arange(3), np.array([3])), Fold(np.arange(1, 4), np.array([0]))]
N_STEPS = 4


def build() -> TimescalesNet:
    return TimescalesNet("counts", 3, 2, 2, n_members=2)


def collect_checkpoint(folder: Path) -> dict[Path, Callable[[], object]]:
    """Return what reads a checkpoint whose checksum fits, as a training does that goes on."""
    x, y = torch.zeros(4, 6, 3), torch.ones(4, 6, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint.shutil, "rmtree", lambda *folder, **how: None)
        with checkpoint.keep_checkpoints(folder, every=0):
            training.train_network(build, x, y, FOLDS, PLAN, 0, torch.device("cpu"))
    path = folder / "1.safetensors"
    with safe_open(path, "pt") as file:
        signature = file.metadata()["signature"]

    def resume() -> None:
        if path.is_file():
            write_checksum(path)
        network = build()
        optimizer, schedule = training._make_optimizer(network, PLAN, N_STEPS)
        state = TrainingState(network, optimizer, schedule, BestWeights(network), History())
        if not state.resume(checkpoint.Checkpoint(path, signature, every=1e9)):
            raise DamagedFileError("it counts as none")

    resume()
    return {path: resume}
