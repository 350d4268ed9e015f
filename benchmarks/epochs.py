"""Seconds per epoch: timescales against torch's own GRU of the same size, in one process.

    python benchmarks/epochs.py

Same trials, same batches, same training loop, one thread; one member each. Networks alternate, and
the median of several rounds counts.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from machine import describe

import spikecast as sc
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.recurrent import Recurrent
from spikecast.models.networks.timescales import TimescalesNet
from spikecast.models.networks.training import train_network

N_TRIALS, N_BINS, N_FEATURES, N_LATENTS, N_TARGETS = 160, 250, 120, 48, 60
EPOCHS, ROUNDS = 3, 5
PLAN = Plan(epochs=EPOCHS, min_steps=1, batch_size=8)


def seconds(build: Callable[[], Network], x: torch.Tensor, y: torch.Tensor) -> float:
    """Seconds per epoch."""
    fold = sc.splits.Fold(np.arange(N_TRIALS), np.arange(0))
    started = time.perf_counter()
    train_network(build, x, y, [fold], PLAN, 0, torch.device("cpu"))
    return (time.perf_counter() - started) / EPOCHS


def main() -> None:
    print(describe())
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N_TRIALS, N_BINS, N_FEATURES, generator=generator)
    y = torch.poisson(torch.full((N_TRIALS, N_BINS, N_TARGETS), 0.1), generator=generator)
    print("| latents | torch GRU, s | timescales, s | ratio |\n|---|---|---|---|")
    sizes = (N_FEATURES, N_LATENTS, N_TARGETS)
    with sc.limit_threads():
        for causal, name in ((True, "causal"), (False, "both directions")):
            ours, theirs = [], []
            for number in range(ROUNDS + 1):
                a = seconds(partial(TimescalesNet, "counts", *sizes, causal=causal), x, y)
                b = seconds(partial(Recurrent, "counts", "gru", *sizes, causal=causal), x, y)
                if number:  # the first round pays for torch's start
                    ours.append(a)
                    theirs.append(b)
            mine, other = np.median(ours), np.median(theirs)
            print(f"| {name} | {other:.3f} | {mine:.3f} | {other / mine:.1f} |", flush=True)


if __name__ == "__main__":
    main()
