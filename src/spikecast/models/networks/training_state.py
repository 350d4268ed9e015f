"""What training changes from epoch to epoch: the best weights so far, and the state to resume."""

import copy
from dataclasses import asdict, dataclass
from typing import Annotated, Any, NotRequired

import torch
from annotated_types import Ge, MinLen
from pydantic import TypeAdapter
from torch import Tensor
from typing_extensions import TypedDict

from spikecast.core.stored import Finite
from spikecast.models.networks.checkpoint import Checkpoint
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import History


class _Losses(TypedDict):
    train_loss: Annotated[list[list[Finite]], MinLen(1)]
    valid_loss: list[list[Finite]]
    best_epoch: list[int]
    seconds: Finite


class Saved(TypedDict):
    """What a checkpoint holds besides tensors."""

    history: _Losses
    best_epoch: Annotated[list[Annotated[int, Ge(0)]], MinLen(1)]
    learning_rates: list[Annotated[Finite, Ge(0)]]
    step: NotRequired[Annotated[int, Ge(0)]]


_SAVED = TypeAdapter(Saved)


class BestWeights:
    """The best weights so far of each member, and the epoch they are from."""

    def __init__(self, network: Network) -> None:
        self.loss = torch.full((network.n_members,), torch.inf)
        self.epoch = [0] * network.n_members
        self.weights = copy.deepcopy(network.state_dict())

    def update(self, network: Network, loss: Tensor, epoch: int) -> None:
        """Keep the weights of the members whose validation loss is not above their best."""
        better = loss <= self.loss
        self.loss = torch.where(better, loss, self.loss)
        for member in better.nonzero().flatten().tolist():
            self.epoch[member] = epoch
            kept = network.take_member(self.weights, member)
            for name, value in network.take_member(network.state_dict(), member).items():
                kept[name].copy_(value)

    def restore(self, network: Network) -> None:
        """Put the best weights back."""
        network.load_state_dict(self.weights)


def _find_kinds(tensors: dict[str, Tensor]) -> dict[str, tuple[torch.dtype, torch.Size]]:
    return {name: (one.dtype, one.shape) for name, one in tensors.items()}


@dataclass
class TrainingState:
    """Everything that changes from epoch to epoch, written to a checkpoint and read back."""

    network: Network
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None
    best: BestWeights
    history: History

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the state after an epoch."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.weights.items()}
        tensors["best_loss"] = self.best.loss
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
        values: dict[str, Any] = {
            "history": asdict(self.history),
            "best_epoch": self.best.epoch,
            "learning_rates": [group["lr"] for group in self.optimizer.param_groups],
        }
        if self.schedule is not None:
            values["step"] = self.schedule.last_epoch
        checkpoint.save(tensors, values)

    def resume(self, checkpoint: Checkpoint) -> int:
        """Restore a saved state if there is one, and return the epoch to go on with."""
        saved = checkpoint.load(self._check)
        if saved is None:
            return 0
        tensors, values = saved

        def part(prefix: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(prefix): value
                for name, value in tensors.items()
                if name.startswith(prefix)
            }

        self.network.load_state_dict(part("network."))
        self.best.weights = {
            name: value.to(self.best.weights[name].device) for name, value in part("best.").items()
        }
        self.best.loss, self.best.epoch = tensors["best_loss"], values["best_epoch"]
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimizer.").items():
            index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        for group, rate in zip(self.optimizer.param_groups, values["learning_rates"], strict=True):
            group["lr"] = rate
        if self.schedule is not None:
            self.schedule.last_epoch = values["step"]
        vars(self.history).update(values["history"])
        return len(self.history.train_loss)

    def _check(self, tensors: dict[str, Tensor], values: str) -> Saved:
        """Return saved values, or raise a ValueError where they or tensors are not of this kind."""
        expected = {"best_loss": self.best.loss}
        for name, weights in self.network.state_dict().items():
            expected |= dict.fromkeys((f"network.{name}", f"best.{name}"), weights)
        learnt = [one for group in self.optimizer.param_groups for one in group["params"]]
        for index, weights in enumerate(learnt):
            of = f"optimizer.{index}."
            if any(name.startswith(of) for name in tensors):  # none before its first step
                expected |= dict.fromkeys((f"{of}exp_avg", f"{of}exp_avg_sq"), weights)
                expected[f"{of}step"] = torch.zeros(())
        saved = _SAVED.validate_json(values)
        history, n_epochs = saved["history"], len(saved["history"]["train_loss"])
        fits = (
            _find_kinds(tensors) == _find_kinds(expected)
            and not tensors["best_loss"].isnan().any()
            and all(one.isfinite().all() for name, one in tensors.items() if name != "best_loss")
            and len(history["valid_loss"]) == n_epochs
            and len(saved["best_epoch"]) == self.network.n_members
            and max(saved["best_epoch"]) < n_epochs
            and len(saved["learning_rates"]) == len(self.optimizer.param_groups)
            and ("step" in saved) == (self.schedule is not None)
            and saved.get("step", 0) <= getattr(self.schedule, "total_steps", 0)
        )
        if not fits:
            raise ValueError("this was saved by another training")
        return saved
