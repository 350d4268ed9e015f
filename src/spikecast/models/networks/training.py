"""THE training loop: mini-batches, AdamW, early stopping on validation trials, best weights."""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from spikecast.core.errors import DivergedError
from spikecast.models.networks.checkpoint import Checkpoint, current
from spikecast.models.networks.network import Network
from spikecast.tasks.splits import Fold


@dataclass(frozen=True)
class Plan:
    """How to train.

    Parameters
    ----------
    epochs : int
        Passes through the training trials.
    min_steps : int
        Few trials make few steps in a pass; there are as many passes as it takes to get here.
    batch_size : int or None
        Trials per step; None takes all.
    learning_rate : float
        Its peak: it rises over the first `warmup` part of the steps and falls to 0 on a cosine.
    warmup : float or None
        None keeps the learning rate constant.
    weight_decay : float
        Of the network's matrices (decoupled, as in AdamW).
    clip : float or None
        Largest norm of the gradient, per member.
    patience : int or None
        Stop when no member has improved for so many epochs.
    """

    epochs: int = 12
    min_steps: int = 100
    batch_size: int | None = 8
    learning_rate: float = 0.01
    warmup: float | None = 0.2
    weight_decay: float = 0.5
    clip: float | None = 5.0
    patience: int | None = None

    @classmethod
    def plain(
        cls,
        epochs: int,
        learning_rate: float,
        batch_size: int | None = None,
        weight_decay: float = 0.0,
    ) -> "Plan":
        """As many published recipes train: so many epochs, one learning rate, no clipping."""
        return cls(
            epochs=epochs,
            min_steps=1,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=None,
            weight_decay=weight_decay,
            clip=None,
        )


@dataclass
class History:
    """What happened in training; losses are (epoch, member)."""

    train_loss: list[list[float]] = field(default_factory=list)
    valid_loss: list[list[float]] = field(default_factory=list)
    best_epoch: list[int] = field(default_factory=list)
    seconds: float = 0.0


def pick_device(name: str = "auto") -> torch.device:
    """Return the device by name; ``"auto"``: CUDA, then Apple's MPS, then the CPU."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def train(
    build: Callable[[], Network],
    x: Tensor,
    y: Tensor,
    folds: Sequence[Fold],
    plan: Plan,
    seed: int,
    device: torch.device,
) -> tuple[Network, History]:
    """Fit a network; each member learns from its own fold and keeps its best weights.

    Parameters
    ----------
    build : callable
        Makes the network, drawing its weights from torch's generator, which is seeded here and
        put back as it was.
    x : Tensor, (trial, time, feature)
    y : Tensor, (trial, time, target)
    folds : sequence of Fold, one per member
        ``train``: trials to learn from; ``test``: validation trials that decide which epoch's
        weights are kept (empty: the last).
    plan : Plan
    seed : int
    device : torch.device

    Returns
    -------
    network : Network
        In evaluation mode, on the CPU.
    history : History

    Raises
    ------
    DivergedError
        When the loss stops being a number.
    """
    started = time.perf_counter()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = build().to(device)
        x, y = x.to(device), y.to(device)
        history = _train(network, x, y, folds, plan, seed)
    history.seconds = time.perf_counter() - started
    return network.cpu().eval(), history


def _train(
    network: Network, x: Tensor, y: Tensor, folds: Sequence[Fold], plan: Plan, seed: int
) -> History:
    batches = Batches(folds, plan.batch_size, len(x), network.shares_batches)
    steps = batches.steps
    epochs = max(plan.epochs, math.ceil(plan.min_steps / steps))

    matrices = network.matrices()
    shrunk = {id(matrix) for matrix in matrices}
    others = [p for p in network.parameters() if id(p) not in shrunk]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": plan.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=plan.learning_rate,
        fused=x.device.type != "mps",
    )
    schedule = None
    if plan.warmup is not None:
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            plan.learning_rate,
            total_steps=epochs * steps,
            # a warm-up of exactly one step would make torch divide by zero
            pct_start=plan.warmup * (0.99 if plan.warmup * epochs * steps == 1 else 1),
            cycle_momentum=False,
        )
    clip = None if plan.clip is None else plan.clip * math.sqrt(network.n_members)

    history = History()
    best = Best(network)
    loop = Loop(network, optimizer, schedule, best, history)
    signature = f"{plan} {[fold.train.tolist() for fold in folds]} {tuple(x.shape)} {seed}"
    checkpoint = current().next(signature)
    for epoch in range(loop.resume(checkpoint), epochs):
        network.train()
        total = torch.zeros(network.n_members, device=x.device)
        for step, (batch, learns) in enumerate(batches.drawn()):
            network.progress((epoch * steps + step) / (epochs * steps))
            loss = network.loss(_trials(x, batch), _trials(y, batch))  # (member, trial)
            learns = learns.to(loss)
            loss = (loss * learns).sum(dim=1) / learns.sum(dim=1).clamp(min=1)  # (member,)
            optimizer.zero_grad()
            loss.sum().backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
            optimizer.step()
            if schedule is not None:
                schedule.step()
            total += loss.detach()
        history.train_loss.append((total / steps).tolist())
        valid = validation_loss(network, x, y, folds)
        history.valid_loss.append(valid.tolist())
        if not np.isfinite([history.train_loss[-1], history.valid_loss[-1]]).all():
            raise DivergedError(
                f"training diverged in epoch {epoch + 1}: the loss is not a number any more. Lower "
                f"learning_rate (now {plan.learning_rate:g}), or look for extreme values in x and y"
            )
        best.update(network, valid, epoch)
        if plan.patience is not None and epoch - max(best.epoch) >= plan.patience:
            break
        if checkpoint.due():
            loop.save(checkpoint)
    best.restore(network)
    history.best_epoch = best.epoch
    return history


class Batches:
    """The trials of each step, and which members learn from them.

    Members usually have batches of their own. Where they share them, a batch is as much larger as
    it takes for a member to learn from equally many, and passes over those it must not see.

    Parameters
    ----------
    folds : sequence of Fold
    batch_size : int or None
    n_trials : int
        Of the data.
    shared : bool
    """

    def __init__(
        self, folds: Sequence[Fold], batch_size: int | None, n_trials: int, shared: bool
    ) -> None:
        self.learns = torch.zeros(len(folds), n_trials, dtype=torch.bool)
        for member, fold in enumerate(folds):
            self.learns[member, torch.as_tensor(fold.train)] = True
        # members step side by side, so each epoch they see equally many of their training trials
        n_train = min(fold.train.size for fold in folds)
        size = min(batch_size or n_train, n_train)
        self.orders = [torch.as_tensor(fold.train) for fold in folds]
        self.n_drawn, self.size = n_train, size
        if shared:
            everyone = self.learns.any(dim=0).nonzero().flatten()
            self.orders, self.n_drawn = [everyone], len(everyone)
            self.size = round(size * len(everyone) / n_train)
        self.steps = self.n_drawn // self.size

    def drawn(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Draw an epoch: trials (member or 1, trial) and who learns from them (member, trial)."""
        if self.size == self.learns.shape[1]:  # all trials at once: no order to draw
            yield torch.stack(self.orders), self.learns
            return
        order = torch.stack(
            [trials[torch.randperm(len(trials))[: self.n_drawn]] for trials in self.orders]
        )
        for batch in order[:, : self.steps * self.size].split(self.size, dim=1):
            yield batch, self.learns.gather(1, batch.expand(len(self.learns), -1))


@dataclass
class Loop:
    """Everything that changes from epoch to epoch, to write it down and to put it back."""

    network: Network
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None
    best: "Best"
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
        """Put a state back if there is one, and return the epoch to go on with."""
        found = checkpoint.load()
        if found is None:
            return 0
        tensors, values = found

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


@torch.no_grad()
def validation_loss(
    network: Network, x: Tensor, y: Tensor, folds: Sequence[Fold], samples: int = 4000
) -> Tensor:
    """Mean loss of each member over its validation trials, (member,); 0 where there are none.

    `samples` bins (of all trials) go through in one pass: few enough to stay in the caches.
    """
    network.eval()
    n_valid = [fold.test.size for fold in folds]
    longest = max(n_valid)
    if longest == 0:
        return torch.zeros(network.n_members)
    # members with fewer trials repeat their first one, with weight 0
    trials = torch.stack(
        [
            torch.as_tensor(
                np.resize(fold.test, longest) if fold.test.size else np.zeros(longest, int)
            )
            for fold in folds
        ]
    )
    weight = (torch.arange(longest) < torch.tensor(n_valid)[:, None]).float()
    losses = [
        network.loss(_trials(x, part), _trials(y, part)).cpu()
        for part in trials.split(max(1, samples // x.shape[1]), dim=1)
    ]  # each (member, trial)
    return (torch.cat(losses, dim=1) * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


def _trials(z: Tensor, chosen: Tensor) -> Tensor:
    """``z[chosen]``, (member, trial, ...), whole trials copied at once: several times faster."""
    if chosen.shape[1] == len(z) and bool((chosen == torch.arange(len(z))).all()):
        return z.expand(len(chosen), *z.shape)
    return z.index_select(0, chosen.flatten().to(z.device)).view(*chosen.shape, *z.shape[1:])


class Best:
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
            for name, value in network.state_dict().items():
                if network.n_members == 1:
                    self.weights[name].copy_(value)
                else:
                    self.weights[name][member] = value[member]

    def restore(self, network: Network) -> None:
        """Put the best weights back."""
        network.load_state_dict(self.weights)
