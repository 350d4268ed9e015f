"""Networks on numpy arrays: what estimators call when they fit and predict."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.training import pick_device, train_network
from spikecast.tasks.splits import Fold

CHUNK = 64  # trials per pass when predicting


def start_network(build: Callable[[], Network], initialize: Callable[[Network], None]) -> Network:
    """Return a network as training finds it: built, and some weights given their first values."""
    network = build()
    with torch.no_grad():
        initialize(network)
    return network


def fit_network(
    build: Callable[[], Network],
    z: np.ndarray,
    y: np.ndarray,
    folds: Sequence[Fold],
    plan: Plan,
    seed: int,
    device: str,
) -> tuple[Network, dict[str, Any]]:
    """Train a network; see :func:`spikecast.models.networks.training.train_network`.

    Parameters
    ----------
    build : callable
    z : array of float32, (trial, time, feature)
    y : array of float32, (trial, time, target)
    folds : sequence of Fold
    plan : Plan
    seed : int
    device : str

    Returns
    -------
    network : Network
    training : dict
        :class:`spikecast.models.networks.plan.History`, as plain values.
    """
    network, history = train_network(
        build, torch.from_numpy(z), torch.from_numpy(y), folds, plan, seed, pick_device(device)
    )
    return network, asdict(history)


@torch.no_grad()
def run_network(network: Network, z: np.ndarray, function: str, device: str) -> Tensor:
    """Return what a method of the network gives, (member, trial, ...), in chunks of trials."""
    to = pick_device(device)
    run = getattr(network.to(to), function)
    n_inputs = 1 if network.shares_batches else network.n_members
    parts = [
        run(part.to(to).expand(n_inputs, *part.shape)).cpu()
        for part in torch.from_numpy(z).split(CHUNK)
    ]
    network.cpu()
    return torch.cat(parts, dim=1)
