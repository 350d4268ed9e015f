"""Networks on numpy arrays: what estimators call when they fit and predict."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from spikecast.models.networks.network import Network
from spikecast.models.networks.training import pick_device

CHUNK = 64  # trials per pass when predicting


def start_network(build: Callable[[], Network], initialize: Callable[[Network], None]) -> Network:
    """Return a network that is built, with the weights set that do not start at random."""
    network = build()
    with torch.no_grad():
        initialize(network)
    return network


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
