"""The training loop: mini-batches, AdamW, early stopping on validation trials, best weights."""

import math
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from spikecast.core.checks import quote
from spikecast.core.errors import DivergedError, InputError
from spikecast.models.networks.batches import Batches, take_trials
from spikecast.models.networks.checkpoint import current_checkpoints
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import History, Plan
from spikecast.models.networks.training_state import BestWeights, TrainingState
from spikecast.tasks.splits import Fold

TOLERANCE = 3.0
"""How much worse than at their best members may end, as a multiple of all that they had learnt."""
EPOCHS_PER_LOOK = 3
"""Epochs from one look at the validation trials to the next, where members are stopped together."""

_GENERATOR = threading.RLock()
"""Held while torch's generator, which all threads share, is seeded and drawn from."""


def pick_device(name: str = "auto") -> torch.device:
    """Return the device by name; ``"auto"``: CUDA, then Apple's MPS, then the CPU."""
    if name != "auto":
        try:
            return torch.device(name)
        except (RuntimeError, TypeError, ValueError):
            raise InputError(
                f"device is {quote(name)}; it must be 'auto', 'cpu', 'cuda', 'cuda:0' or 'mps'"
            ) from None
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def train_network(
    build: Callable[[], Network],
    x: Tensor | np.ndarray,
    y: Tensor | np.ndarray,
    folds: Sequence[Fold],
    plan: Plan,
    seed: int,
    device: torch.device,
) -> tuple[Network, History]:
    """Fit a network; each member learns from its own fold and keeps its best weights.

    `build` makes the network, drawing its weights from torch's generator, which is seeded here and
    put back as it was; of several threads, one trains at a time. `x` (trial, time, feature) and `y`
    (trial, time, target) are float32. The test trials of a member's fold are its validation trials,
    which decide which epoch's weights are kept (without any, the last). The network is returned in
    evaluation mode, on the CPU. Raises DivergedError when the loss stops being a number.
    """
    started = time.perf_counter()
    with _GENERATOR, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = build().to(device)
        x, y = (torch.as_tensor(array).to(device) for array in (x, y))
        history = _train_members(network, x, y, folds, plan, seed)
    history.seconds = time.perf_counter() - started
    return network.cpu().eval(), history


def count_epochs(plan: Plan, steps: int) -> int:
    """Return how many epochs, of so many steps each, a plan takes."""
    return max(plan.epochs, math.ceil(plan.min_steps / steps))


def _train_members(
    network: Network, x: Tensor, y: Tensor, folds: Sequence[Fold], plan: Plan, seed: int
) -> History:
    """Train all members side by side, and leave each with its best weights."""
    batches = Batches(folds, plan.batch_size, len(x), network.shares_batches)
    epochs = count_epochs(plan, batches.steps)
    optimizer, schedule = _make_optimizer(network, plan, epochs * batches.steps)
    together = 0 < sum(fold.test.size > 0 for fold in folds) < len(folds)
    start, every = torch.zeros(len(folds)), 1
    if together:  # the loss at the start is about that of the mean rate
        start, every = validation_loss(network, x, y, folds), EPOCHS_PER_LOOK
    best, history = BestWeights(network), History()
    state = TrainingState(network, optimizer, schedule, best, history)
    signature = f"{plan} {[fold.train.tolist() for fold in folds]} {tuple(x.shape)} {seed}"
    checkpoint = current_checkpoints().open_next(signature)
    for epoch in range(state.resume(checkpoint), epochs):
        loss = _train_epoch(state, batches, x, y, plan.clip, (epoch, epochs))
        history.train_loss.append(loss.tolist())
        if looks := (epoch + 1) % every == 0 or epoch + 1 == epochs:
            history.valid_loss.append(validation_loss(network, x, y, folds).tolist())
        else:
            history.valid_loss.append((history.valid_loss or [start.tolist()])[-1])
        if not np.isfinite([history.train_loss[-1], history.valid_loss[-1]]).all():
            raise DivergedError(
                f"training diverged in epoch {epoch + 1}: the loss is not a number any more. Lower "
                f"learning_rate (now {plan.learning_rate:g}), or look for extreme values in x and y"
            )
        if looks:
            best.update(network, torch.tensor(history.valid_loss[-1]), epoch)
        if plan.patience is not None and epoch - max(best.epoch) >= plan.patience:
            break
        if checkpoint.is_due():
            state.save(checkpoint)
    last = torch.tensor(history.valid_loss[-1])
    if together and _may_keep_last(last, best.loss, start):
        best.update(network, best.loss, len(history.valid_loss) - 1)
    best.restore(network)
    history.best_epoch = best.epoch
    return history


def _may_keep_last(last: Tensor, best: Tensor, start: Tensor) -> bool:
    """Return whether members that are stopped together may keep the weights they ended with.

    One network that has learnt a little by heart predicts validation trials worse than it did
    before; the average of several, weighed against other models, does not. Beyond this it does.
    """
    return bool((last - best <= TOLERANCE * (start - best)).all())


def _make_optimizer(
    network: Network, plan: Plan, n_steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
    """Return AdamW, with weight decay of the network's matrices only, and its schedule."""
    matrices = network.decayed_weights()
    decayed = {id(matrix) for matrix in matrices}
    others = [p for p in network.parameters() if id(p) not in decayed]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": plan.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=plan.learning_rate,
        fused=next(network.parameters()).device.type != "mps",
    )
    if plan.warmup is None:
        return optimizer, None
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        plan.learning_rate,
        total_steps=n_steps,
        # a warm-up of exactly one step would make torch divide by zero
        pct_start=plan.warmup * (0.99 if plan.warmup * n_steps == 1 else 1),
        cycle_momentum=False,
    )
    return optimizer, schedule


def _train_epoch(
    state: TrainingState,
    batches: Batches,
    x: Tensor,
    y: Tensor,
    clip: float | None,
    done: tuple[int, int],
) -> Tensor:
    """Take the steps of one epoch, the first number of `done`; return its mean loss, (member,)."""
    network, (epoch, epochs) = state.network, done
    network.train()
    total = torch.zeros(network.n_members, device=x.device)
    for step, (batch, learns) in enumerate(batches.draw()):
        network.set_progress((epoch * batches.steps + step) / (epochs * batches.steps))
        loss = network.loss(take_trials(x, batch), take_trials(y, batch))  # (member, trial)
        learns = learns.to(loss)
        loss = (loss * learns).sum(dim=1) / learns.sum(dim=1).clamp(min=1)  # (member,)
        state.optimizer.zero_grad()
        loss.sum().backward()
        if clip is not None:  # the norm of all members' gradients together
            norm = clip * math.sqrt(network.n_members)
            torch.nn.utils.clip_grad_norm_(network.parameters(), norm)
        state.optimizer.step()
        if state.schedule is not None:
            state.schedule.step()
        total += loss.detach()
    return total / batches.steps


@torch.no_grad()
def validation_loss(
    network: Network, x: Tensor, y: Tensor, folds: Sequence[Fold], samples: int = 4000
) -> Tensor:
    """Return the mean loss of each member over its validation trials, (member,); 0 without any.

    Where only some members have any, all get the mean of theirs: they are stopped together.
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
        network.loss(take_trials(x, part), take_trials(y, part)).cpu()
        for part in trials.split(max(1, samples // x.shape[1]), dim=1)
    ]  # each (member, trial)
    loss = (torch.cat(losses, dim=1) * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)
    judged = weight.any(dim=1)
    return loss if judged.all() else loss[judged].mean().expand(len(loss))
