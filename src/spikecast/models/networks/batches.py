"""The trials of each training step, and the members that learn from them."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from spikecast.tasks.splits import Fold


class Batches:
    """The trials of each step, and which members learn from them.

    Members usually have batches of their own. Where they share them, a batch is as much larger as
    it takes for a member to learn from equally many, and holds trials that a member must not see.
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
            every_trial = self.learns.any(dim=0).nonzero().flatten()
            self.orders, self.n_drawn = [every_trial], len(every_trial)
            self.size = round(size * len(every_trial) / n_train)
        self.steps = self.n_drawn // self.size

    def draw(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each step's trials, (member or 1, trial), and which members learn from them."""
        if self.size == self.learns.shape[1]:  # all trials at once: no order to draw
            yield torch.stack(self.orders), self.learns
            return
        order = torch.stack(
            [trials[torch.randperm(len(trials))[: self.n_drawn]] for trials in self.orders]
        )
        for batch in order[:, : self.steps * self.size].split(self.size, dim=1):
            yield batch, self.learns.gather(1, batch.expand(len(self.learns), -1))


def take_trials(z: Tensor, chosen: Tensor) -> Tensor:
    """Return ``z[chosen]``, (member, trial, ...); whole trials at once are several times faster."""
    if chosen.shape[1] == len(z) and bool((chosen == torch.arange(len(z))).all()):
        return z.expand(len(chosen), *z.shape)
    return z.index_select(0, chosen.flatten().to(z.device)).view(*chosen.shape, *z.shape[1:])
