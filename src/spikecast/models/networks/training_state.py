"""What training changes from epoch to epoch: the best weights so far, and the state to resume."""

import copy
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from spikecast.models.networks.checkpoint import Checkpoint
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import History


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
        saved = checkpoint.load()
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
