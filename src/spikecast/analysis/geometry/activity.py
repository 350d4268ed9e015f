"""Activity and latents, checked: (trial, time, feature)."""

import numpy as np

from spikecast.core.checks import check_finite, check_three_axes
from spikecast.data.recording import Recording


def read_activity(data: Recording | np.ndarray) -> np.ndarray:
    """Return (trial, time, neuron) of a recording, or the array itself once checked.

    Examples
    --------
    >>> read_activity(np.zeros((3, 4, 2))).shape
    (3, 4, 2)
    """
    return data.activity if isinstance(data, Recording) else read_latents(data, "activity")


def read_latents(latents: np.ndarray, name: str = "latents") -> np.ndarray:
    """Return latents (trial, time, latent) as an array, once checked for its axes and for NaN."""
    latents = np.asarray(latents)
    check_three_axes(name, latents)
    check_finite(name, latents)
    return latents
