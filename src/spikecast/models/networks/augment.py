"""Augmentation: new activity from what was recorded, drawn again for every batch."""

import numpy as np
import torch
from torch import Tensor


def perturb_spikes(counts: Tensor, thinning: float, jitter: int) -> Tensor:
    """Return counts (..., time, neuron) with some spikes dropped, and the others moved in time.

    A spike is dropped with probability `thinning`; what is left is scaled up to the same mean. A
    spike moves by at most `jitter` bins, every shift being as likely, and never out of its trial.

    Examples
    --------
    >>> perturb_spikes(torch.tensor([[0.0], [2.0], [0.0]]), thinning=0.0, jitter=1).sum()
    tensor(2.)
    """
    if thinning == 0 and jitter == 0:
        return counts
    n_bins, n_neurons = counts.shape[-2:]
    flat = counts.reshape(-1)
    (place,) = flat.nonzero(as_tuple=True)
    spikes = place.repeat_interleave(flat[place].long())  # one entry per spike
    spikes = spikes[torch.rand(len(spikes), device=counts.device) >= thinning]
    shift = torch.randint(-jitter, jitter + 1, spikes.shape, device=counts.device)
    bins = spikes // n_neurons % n_bins
    spikes = spikes + ((bins + shift).clamp(0, n_bins - 1) - bins) * n_neurons
    counts_left = torch.bincount(spikes, minlength=flat.numel()).to(counts)
    return (counts_left / (1 - thinning)).view_as(counts)


def add_noise(activity: Tensor, spread: np.ndarray) -> Tensor:
    """Return activity (..., neuron) plus Gaussian noise, `spread` (neuron,) its deviation."""
    scale = torch.from_numpy(spread).to(activity)
    return torch.addcmul(activity, torch.randn_like(activity), scale)
