"""Count spikes in bins around events, check counts, measure the size of bins."""

from collections.abc import Sequence

import numpy as np

from spikecast.core.checks import check_finite, check_in_range, check_same_length
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError


def bin_spikes(
    spike_times: np.ndarray,
    clusters: np.ndarray,
    ids: np.ndarray,
    events: Sequence[float] | np.ndarray,
    window: tuple[float, float],
    bin_size: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return counts (trial, time, neuron) of the clusters `ids` (ascending), and bin centres.

    The other arguments are those of :meth:`spikecast.Recording.from_spike_times`.
    """
    spike_times, clusters = np.asarray(spike_times, dtype=float), np.asarray(clusters)
    events = np.asarray(events, dtype=float)
    check_same_length("spike_times", spike_times.size, "clusters", clusters.size)
    check_finite("spike_times", spike_times)
    check_finite("events", events)
    n_bins = count_bins(window, bin_size)
    unknown = np.setdiff1d(clusters, ids)
    if unknown.size:
        raise UnknownNameError(f"cluster {unknown[0]} has spikes but no area is given for it")

    order = np.argsort(spike_times, kind="stable")
    spike_times, neuron = spike_times[order], np.searchsorted(ids, clusters[order])
    first = np.searchsorted(spike_times, events + window[0] - bin_size)
    last = np.searchsorted(spike_times, events + window[1] + bin_size)
    counts = np.zeros((events.size, n_bins, ids.size), dtype=np.int64)
    for trial, (start, stop) in enumerate(zip(first, last, strict=True)):
        since = spike_times[start:stop] - events[trial] - window[0]
        # the small shift keeps a spike that lies on an edge in the bin that starts there
        bin_number = np.floor(since / bin_size + 1e-6).astype(int)
        inside = (bin_number >= 0) & (bin_number < n_bins)
        np.add.at(counts[trial], (bin_number[inside], neuron[start:stop][inside]), 1)
    return counts, window[0] + bin_size * (np.arange(n_bins) + 0.5)


def count_bins(window: tuple[float, float], bin_size: float) -> int:
    """Return how many bins a window holds, or raise where that is not a whole number."""
    check_in_range("bin_size", bin_size, 1e-6)
    n_bins = round((window[1] - window[0]) / bin_size)
    if n_bins < 1 or not np.isclose(n_bins * bin_size, window[1] - window[0]):
        raise InputError(f"window {tuple(window)} is not a whole number of bins of {bin_size} s")
    return n_bins


def shrink_counts(activity: np.ndarray) -> np.ndarray:
    """Return counts in the smallest unsigned integers that hold them; raise for other values."""
    if activity.size == 0:
        raise NotEnoughDataError(f"activity is empty: its shape is {activity.shape}")
    if activity.dtype.kind not in "iufb":
        raise InputError(f"counts must be numbers, not {activity.dtype}")
    check_finite("activity", activity)
    low, high = activity.min(), activity.max()
    if low < 0:
        raise InputError(f"counts are negative: the smallest is {low:g}")
    if activity.dtype.kind == "f" and not (activity == np.floor(activity)).all():
        raise InputError("counts must be whole numbers; pass kind='continuous' for other activity")
    return activity.astype(np.min_scalar_type(int(high)), copy=False)


def measure_bin_size(time: np.ndarray) -> float:
    """Return the spacing of bin centres in seconds, or raise when they are not evenly spaced."""
    check_finite("time", time)
    if time.size < 2:
        raise NotEnoughDataError(f"time has {time.size} bins; at least 2 are needed")
    steps = np.diff(time)
    size = float((time[-1] - time[0]) / (time.size - 1))
    if size <= 0 or not np.allclose(steps, size, rtol=1e-3, atol=1e-9):
        raise InputError(
            f"time must rise in equal steps; its steps go from {steps.min():g} to {steps.max():g} s"
        )
    return float(np.round(size, 9))
