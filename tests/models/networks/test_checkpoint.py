"""A training that was killed goes on from its checkpoint and ends with the same numbers."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save as serialize

from spikecast.core.checksums import write_checksum
from spikecast.models.inner_cv import split_inner_folds
from spikecast.models.networks import checkpoint, training
from spikecast.models.networks.checkpoint import keep_checkpoints
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.timescales import TimescalesNet
from spikecast.models.networks.training import train_network
from spikecast.models.networks.training_state import TrainingState
from spikecast.models.single import SINGLE

X, Y = torch.randn(20, 15, 6), torch.randint(0, 2, (20, 15, 3)).float()
PLAN = Plan(epochs=6, min_steps=1, batch_size=4)


def fit(seed=3):
    return train_network(
        lambda: TimescalesNet("counts", 6, 5, 3, n_members=2),
        X, Y, split_inner_folds(20, 5, 0)[:2], PLAN, seed, torch.device("cpu"),
    )  # fmt: skip


def killed(folder, monkeypatch, after):
    """Run until the validation of epoch `after`, saving after every epoch."""
    real, calls = training.validation_loss, []

    def dies(*args):
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(training, "validation_loss", dies)
        with pytest.raises(KeyboardInterrupt), keep_checkpoints(folder, every=0):
            fit()


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory):
    """The checkpoints of a training that was killed, and the losses of one that was not."""
    folder = tmp_path_factory.mktemp("killed") / "c"
    with pytest.MonkeyPatch.context() as patch:
        killed(folder, patch, 4)
    return folder, fit()[1].train_loss


@pytest.mark.parametrize("after", [1, 4])
def test_a_killed_training_ends_with_the_same_numbers(tmp_path, monkeypatch, after):
    network, history = fit()
    killed(tmp_path / "c", monkeypatch, after)
    assert (tmp_path / "c" / "1.safetensors").exists()
    with keep_checkpoints(tmp_path / "c", every=1e9):
        again, resumed = fit()
    assert resumed.train_loss == history.train_loss
    assert resumed.valid_loss == history.valid_loss
    assert resumed.best_epoch == history.best_epoch
    for name, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert not (tmp_path / "c").exists()  # nothing is left of a fit that went well


def test_the_checkpoint_of_another_training_is_not_used(tmp_path, monkeypatch):
    killed(tmp_path / "c", monkeypatch, 4)
    network, _ = fit(seed=4)
    with keep_checkpoints(tmp_path / "c", every=1e9):
        again, _ = fit(seed=4)
    for name, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


@pytest.mark.parametrize("kind", ["noise", "a weight", "a key", "cut"])
def test_a_damaged_checkpoint_is_as_good_as_none(tmp_path, monkeypatch, kind):
    folder = tmp_path / "c"
    killed(folder, monkeypatch, 4)
    path = folder / "1.safetensors"
    content = bytearray(path.read_bytes())
    damaged = {
        "noise": b"not a checkpoint",
        "a weight": content[:-300] + b"\x01" + content[-299:],
        "a key": content.replace(b"signature", b"signaturf"),
        "cut": content[:-1],
    }
    path.write_bytes(damaged[kind])
    with keep_checkpoints(folder, every=1e9):
        _, history = fit()
    assert history.train_loss == fit()[1].train_loss


def rewrite(path, tensors=None, about=None, **values):
    """Change what a checkpoint holds, so that its checksum fits; None removes."""
    with safe_open(path, "pt") as file:
        known = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        said = file.metadata()
    kept = json.loads(said["values"]) | values
    kept = {name: value for name, value in kept.items() if value is not None}
    said |= {"values": json.dumps(kept)} | (about or {})
    known |= tensors or {}
    path.write_bytes(serialize({name: one for name, one in known.items() if one is not None}, said))
    write_checksum(path)


@pytest.mark.parametrize(
    "change",
    [
        {"tensors": {"generator": None}},
        {"tensors": {"generator": torch.zeros(3)}},
        {"tensors": {"generator": torch.zeros(5056, dtype=torch.uint8)}},
        {"tensors": {"best_loss": None}},
        {"tensors": {"best_loss": torch.tensor([0.1, torch.nan])}},
        {"tensors": {"best_loss": torch.zeros(3)}},
        {"tensors": {"best_loss": torch.zeros(2, dtype=torch.complex64)}},
        {"tensors": {"network.unknown": torch.zeros(3)}},
        {"tensors": {"optimizer.0.exp_avg": None}},
        {"tensors": {"optimizer.0.step": torch.tensor(torch.inf)}},
        {"tensors": {"optimizer.0.exp_avg": torch.zeros(3)}},
        {"about": {"values": "{"}},
        {"about": {"values": "[" * 100_000}},
        {"best_epoch": [-5, 1]},
        {"best_epoch": [99, 1]},
        {"best_epoch": [1]},
        {"best_epoch": None},
        {"history": None},
        {"learning_rates": [1e-3]},
        {"learning_rates": ["x", 1]},
        {"step": None},
        {"step": 10**9},
        {"step": "x"},
    ],
    ids=str,
)
def test_a_checkpoint_of_something_else_is_as_good_as_none(killed_once, tmp_path, change):
    folder, expected = killed_once
    shutil.copytree(folder, tmp_path / "c")
    rewrite(tmp_path / "c" / "1.safetensors", **change)
    with keep_checkpoints(tmp_path / "c", every=1e9):
        assert fit()[1].train_loss == expected


def test_a_file_that_is_no_checkpoint_is_as_good_as_none(killed_once, tmp_path):
    folder, expected = killed_once
    for content in (b"x" * 100, serialize({"generator": torch.zeros(3)})):
        shutil.copytree(folder, tmp_path / "c")
        path = tmp_path / "c" / "1.safetensors"
        path.write_bytes(content)
        write_checksum(path)
        with keep_checkpoints(tmp_path / "c", every=1e9):
            assert fit()[1].train_loss == expected


@pytest.mark.parametrize("name", [name for name, one in SINGLE.items() if hasattr(one(), "epochs")])
def test_every_network_goes_on_from_its_checkpoint(tmp_path, monkeypatch, name):
    rng = np.random.default_rng(0)
    x, y = rng.poisson(0.5, (10, 12, 6)), rng.poisson(0.5, (10, 12, 4))
    areas = np.array(["A", "B"] * 3) if "areas" in SINGLE[name]().needs else None
    resume, begun = TrainingState.resume, []

    def watch(state, checkpoint):
        begun.append(resume(state, checkpoint))
        return begun[-1]

    monkeypatch.setattr(TrainingState, "resume", watch)
    monkeypatch.setattr(training, "count_epochs", lambda plan, steps: 2)
    monkeypatch.setattr(checkpoint.shutil, "rmtree", lambda *folder, **how: None)
    for _ in range(2):
        with keep_checkpoints(tmp_path / "c", every=0):
            SINGLE[name]().fit(x, y, areas)
    assert begun == [0, 2]


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit()
    assert not list(tmp_path.iterdir())
