"""Activity and latents, checked: (trial, time, feature)."""

from collections.abc import Sequence

import numpy as np

from spikecast.core.checks import check_finite, check_same_length, check_three_axes, to_numeric
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.binning import check_magnitude, to_numbers
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
    check_three_axes(name, latents)
    latents = to_numeric(name, latents)
    check_finite(name, latents)
    check_magnitude(f"value of {name}", latents)
    return latents


def check_varies(points: np.ndarray) -> None:
    """Raise where all points (point, feature) are one: no axis and no map tells them apart."""
    if not np.ptp(points, axis=0).any():
        raise NotEnoughDataError(
            f"all {len(points)} points are the same: activity that never changes has no dimensions"
        )


def read_time(time: Sequence[float] | np.ndarray, n_bins: int) -> np.ndarray:
    """Return the bin centres of latents, once checked: a number per bin, in rising order."""
    times = to_numbers("time", time)
    check_same_length("time", len(times), "the time axis of latents", n_bins)
    check_finite("time", times)
    if not (np.diff(times) > 0).all():
        raise InputError("time must rise from bin to bin, as the time axis of latents does")
    return times
