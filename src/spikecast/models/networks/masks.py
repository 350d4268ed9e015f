"""Ways to hide entries in training: the network learns to predict what each of them hides.

A scheme is a module called as ``scheme(shape, rand)``: given the shape (member, trial, time,
neuron) and a source of uniform numbers (``rand(*shape)``), it returns what is hidden, True where it
is, in a shape that broadcasts to the given one. Time has length 1 where whole trials are hidden.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

Rand = Callable[..., Tensor]


class Scheme(nn.Module):
    """Base class; a module, so that its tensors move to the network's device."""

    def forward(self, shape: Sequence[int], rand: Rand) -> Tensor:
        """Return what is hidden, bool, broadcastable to `shape`."""
        raise NotImplementedError


class Entries(Scheme):
    """Single entries, each with the same probability: denoising."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, shape: Sequence[int], rand: Rand) -> Tensor:
        """(member, trial, time, neuron)."""
        return rand(*shape) < self.probability


class Always(Scheme):
    """The same neurons in every trial, True in `neurons` (neuron,): the targets."""

    neurons: Tensor

    def __init__(self, neurons: Tensor) -> None:
        super().__init__()
        self.register_buffer("neurons", neurons, persistent=False)

    def forward(self, shape: Sequence[int], rand: Rand) -> Tensor:
        """(1, 1, 1, neuron)."""
        return self.neurons[None, None, None]


class SomeNeurons(Scheme):
    """Random neurons of each trial, a random part of them up to `largest`: co-smoothing."""

    def __init__(self, largest: float) -> None:
        super().__init__()
        self.largest = largest

    def forward(self, shape: Sequence[int], rand: Rand) -> Tensor:
        """(member, trial, 1, neuron)."""
        part = self.largest * rand(*shape[:2], 1, 1)
        return rand(*shape[:2], 1, shape[3]) < part


class OneGroup(Scheme):
    """One group of neurons, drawn per trial; `labels` (neuron,) are 0, 1, ...: areas."""

    labels: Tensor

    def __init__(self, labels: Tensor) -> None:
        super().__init__()
        self.n_groups = int(labels.max()) + 1
        self.register_buffer("labels", labels, persistent=False)

    def forward(self, shape: Sequence[int], rand: Rand) -> Tensor:
        """(member, trial, 1, neuron)."""
        return self.labels == (self.n_groups * rand(*shape[:2], 1, 1)).long()


class Future(Scheme):
    """All neurons from a random bin on: forecasting."""

    def forward(self, shape: Sequence[int], rand: Rand) -> Tensor:
        """(member, trial, time, 1)."""
        start = shape[2] * rand(*shape[:2], 1, 1)
        return _number_bins(shape, start) >= start


class Span(Scheme):
    """All neurons for a random span, up to half of the trial: interpolation."""

    def forward(self, shape: Sequence[int], rand: Rand) -> Tensor:
        """(member, trial, time, 1)."""
        middle, length = shape[2] * rand(*shape[:2], 1, 1), shape[2] / 2 * rand(*shape[:2], 1, 1)
        return (_number_bins(shape, middle) - middle).abs() < length / 2


class Both(Scheme):
    """What either of two schemes hides."""

    def __init__(self, first: Scheme, second: Scheme) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, shape: Sequence[int], rand: Rand) -> Tensor:
        """The wider of the two shapes."""
        return self.first(shape, rand) | self.second(shape, rand)


class Mixture(Scheme):
    """One scheme per batch: `main` with probability `share`, else one of the others.

    One for all trials of a batch, because hiding bins costs more than hiding neurons.
    """

    def __init__(self, main: Scheme, others: Sequence[Scheme], share: float) -> None:
        super().__init__()
        self.main, self.others, self.share = main, nn.ModuleList(others), share

    def forward(self, shape: Sequence[int], rand: Rand) -> Tensor:
        """The shape of the scheme that was drawn."""
        drawn = (float(rand(1)) - self.share) / (1 - self.share) * len(self.others)
        scheme = self.main if drawn < 0 else self.others[int(drawn)]
        return scheme(shape, rand)


def _number_bins(shape: Sequence[int], like: Tensor) -> Tensor:
    return torch.arange(shape[2], device=like.device)[:, None]  # (time, 1)
