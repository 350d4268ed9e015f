"""Augmentation: new activity from what was recorded, drawn again for every batch."""

import numpy as np
import torch
from torch import Tensor


def perturb_spikes(counts: Tensor, thinning: float, jitter: int) -> Tensor:
    """Drop spikes and move those that are left in time, each spike on its own.

    Parameters
    ----------
    counts : Tensor, (..., time, neuron)
        Whole numbers.
    thinning : float
        Probability with which a spike is dropped; the result is scaled so that its mean is that of
        `counts`.
    jitter : int
        A spike moves by at most so many bins, every shift being as likely; at the ends of a trial
        it stays inside.

    Returns
    -------
    Tensor, the shape of `counts`

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
    """Add Gaussian noise, independent from bin to bin and neuron to neuron.

    Parameters
    ----------
    activity : Tensor, (..., time, neuron)
    spread : array, (neuron,)
        Its standard deviation.

    Returns
    -------
    Tensor, the shape of `activity`

    Examples
    --------
    >>> add_noise(torch.ones(3, 2), np.zeros(2)).unique()
    tensor([1.])
    """
    scale = torch.from_numpy(spread).to(activity)
    return torch.addcmul(activity, torch.randn_like(activity), scale)


def keep(activity: Tensor) -> Tensor:
    """Return the activity as it is."""
    return activity
