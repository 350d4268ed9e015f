"""Ways to hide entries in training: each is a question the network learns to answer.

A scheme is a function ``scheme(shape, rand)``: given the shape (member, trial, time, neuron) and a
source of uniform numbers (``rand(*shape)``), it returns what is hidden, True where it is, in a
shape that broadcasts to the given one. Time has length 1 where whole trials are hidden.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Rand = Callable[..., Tensor]
Scheme = Callable[[Sequence[int], Rand], Tensor]


def entries(probability: float) -> Scheme:
    """Hide single entries, each with the same probability: denoising."""
    return lambda shape, rand: rand(*shape) < probability


def always(neurons: Tensor) -> Scheme:
    """Hide the same neurons, marked True in (neuron,): the question the model is fitted for."""
    return lambda shape, rand: neurons[None, None, None]


def some_neurons(largest: float) -> Scheme:
    """Hide random neurons, a random part of them up to `largest`: co-smoothing."""

    def scheme(shape: Sequence[int], rand: Rand) -> Tensor:
        part = largest * rand(*shape[:2], 1, 1)
        return rand(*shape[:2], 1, shape[3]) < part

    return scheme


def one_group(labels: Tensor) -> Scheme:
    """Hide one group of neurons, drawn per trial; `labels` (neuron,) are 0, 1, ...: areas."""
    n_groups = int(labels.max()) + 1

    def scheme(shape: Sequence[int], rand: Rand) -> Tensor:
        return labels == (n_groups * rand(*shape[:2], 1, 1)).long()

    return scheme


def future(shape: Sequence[int], rand: Rand) -> Tensor:
    """Hide all neurons from a random bin on: forecasting."""
    start = shape[2] * rand(*shape[:2], 1, 1)
    return _bins(shape, start) >= start


def span(shape: Sequence[int], rand: Rand) -> Tensor:
    """Hide all neurons for a random span, up to half of the trial: interpolation."""
    start, length = shape[2] * rand(*shape[:2], 1, 1), shape[2] / 2 * rand(*shape[:2], 1, 1)
    # placed around the start, so that the first bins are hidden as often as the last
    since = _bins(shape, start) - start + length / 2
    return (since >= 0) & (since < length)


def _bins(shape: Sequence[int], like: Tensor) -> Tensor:
    return torch.arange(shape[2], device=like.device)[:, None]  # (time, 1)


def both(*schemes: Scheme) -> Scheme:
    """Hide what any of the schemes hides."""

    def scheme(shape: Sequence[int], rand: Rand) -> Tensor:
        hidden = schemes[0](shape, rand)
        for other in schemes[1:]:
            hidden = hidden | other(shape, rand)
        return hidden

    return scheme


def mixture(main: Scheme, others: Sequence[Scheme], share: float) -> Scheme:
    """Draw one scheme per batch: `main` with probability `share`, else one of the others.

    One for all trials of a batch, because hiding bins costs more than hiding neurons.
    """

    def scheme(shape: Sequence[int], rand: Rand) -> Tensor:
        drawn = (float(rand(1)) - share) / (1 - share) * len(others)
        return (main if drawn < 0 else others[int(drawn)])(shape, rand)

    return scheme
