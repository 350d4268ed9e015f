"""Count spikes in bins around events, check counts, measure the size of bins."""

import math
from collections.abc import Sequence

import numpy as np

from spikecast.core.checks import (
    check_finite,
    check_in_range,
    check_same_length,
    check_unmasked,
    quote,
    shorten_line,
)
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_common_type
from spikecast.core.precision import is_lost_in_single

MOST_OUTSIDE = 0.5  # of the events; more are on another clock, or in another unit
SMALLEST, LARGEST = 1e-12, 1e12  # of continuous activity
MOST_COUNTS = 1e6  # spikes per bin
MOST_VALUES = 2**31  # of counts: 16 GB while they are counted
COARSEST = 1e-3  # of a neuron's range: the step of float32 there
LONGEST = 1e9  # seconds of a window, from its event: 30 years
MOST_COARSE = 0.5  # of a bin: how far apart neighbouring values of a type of times may be
LEAST_RATE = 0.02  # Hz, of the mean neuron; less is a time in another unit
FEWEST_SPIKES = 1000  # that such a rate is judged by
UNLISTED = NoticeKind(
    "clusters_left_out",
    "serious",
    "{n} of {n_clusters} clusters that fired (the first is {first}) are left out: no area was "
    "given for them",
)


def bin_spikes(
    spike_times: np.ndarray,
    clusters: np.ndarray,
    ids: np.ndarray,
    events: Sequence[float] | np.ndarray,
    window: tuple[float, float],
    bin_size: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return counts (trial, time, neuron) of the clusters `ids` (ascending), and bin centres.

    Spikes of other clusters are not counted. The other arguments are those of
    :meth:`spikecast.Recording.from_spike_times`.
    """
    for name, times in (("spike_times", spike_times), ("events", events)):
        to_vector(name, times)
        check_precision(name, np.asarray(times), bin_size)  # in the type that they came in
    spike_times = to_numbers("spike_times", spike_times)
    clusters = to_vector("clusters", clusters)
    events = to_numbers("events", events)
    check_same_length("spike_times", spike_times.size, "clusters", clusters.size)
    check_finite("spike_times", spike_times)
    check_finite("events", events)
    n_bins = count_bins(window, bin_size)
    _check_clock(spike_times, events, window)
    seconds = np.ptp(spike_times) if spike_times.size else 0.0
    check_rate(spike_times.size, np.unique(clusters).size, seconds)

    listed = np.isin(clusters, ids)
    order = np.argsort(spike_times[listed], kind="stable")
    spike_times = spike_times[listed][order]
    neuron = np.searchsorted(ids, clusters[listed][order])
    first = np.searchsorted(spike_times, events + window[0] - bin_size)
    last = np.searchsorted(spike_times, events + window[1] + bin_size)
    shape = events.size, n_bins, ids.size
    if math.prod(shape) > MOST_VALUES:
        raise InputError(
            f"{shape[0]} trials x {shape[1]} bins x {shape[2]} neurons are too many; take wider "
            "bins, or a shorter window"
        )
    counts = np.zeros(shape, dtype=np.int64)
    for trial, (start, stop) in enumerate(zip(first, last, strict=True)):
        since = spike_times[start:stop] - events[trial] - window[0]
        # the small shift keeps a spike that lies on an edge in the bin that starts there
        bin_number = np.floor(since / bin_size + 1e-6).astype(int)
        inside = (bin_number >= 0) & (bin_number < n_bins)
        np.add.at(counts[trial], (bin_number[inside], neuron[start:stop][inside]), 1)
    return counts, window[0] + bin_size * (np.arange(n_bins) + 0.5)


def to_vector(name: str, values: object) -> np.ndarray:
    """Return an array of one axis; a single column or row is one, as MATLAB keeps them."""
    check_unmasked(name, values)
    try:
        values = np.asarray(values)
    except ValueError as error:  # lists of different lengths
        raise InputError(f"{name} must have one axis: {shorten_line(error)}") from None
    if values.size != max(values.shape, default=0):
        raise ShapeError(f"{name} must have one axis, not the shape {values.shape}")
    return to_common_type(values.ravel())


def to_numbers(name: str, values: np.ndarray | Sequence[float]) -> np.ndarray:
    """Return decimal numbers of one axis, or raise where values are no numbers."""
    try:
        vector = to_vector(name, values)
        if vector.dtype.kind == "b":
            raise InputError(f"{name} must be numbers, not truth values")
        return vector.astype(float)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name} must be numbers: {shorten_line(error)}") from None


def check_precision(what: str, times: np.ndarray, bin_size: float, seconds: float = 1.0) -> None:
    """Raise where the type of times is too coarse for bins: a spike may be in the wrong one.

    ``times * seconds`` is in seconds.
    """
    if times.dtype.kind != "f" or times.dtype.itemsize > 4 or not times.size:
        return
    largest = np.nanmax(np.abs(times))
    step = float(np.spacing(largest)) * seconds
    if np.isfinite(step) and step > MOST_COARSE * bin_size:
        raise InputError(
            f"{what} are {times.dtype}, whose values are {step:.2g} s apart at "
            f"{float(largest) * seconds:g} s: too coarse for bins of {bin_size:g} s. Give float64 "
            "(or take the start of the session from float64 times first), or take wider bins"
        )


def _check_clock(spike_times: np.ndarray, events: np.ndarray, window: tuple[float, float]) -> None:
    """Raise where most events have no spike near them because they are on another clock."""
    if not spike_times.size or not events.size:
        return
    start, stop = spike_times.min(), spike_times.max()
    outside = (events + window[1] <= start) | (events + window[0] > stop)
    if outside.mean() > MOST_OUTSIDE:
        raise InputError(
            f"{np.count_nonzero(outside)} of {events.size} events lie outside the recording: they "
            f"go from {events.min():g} to {events.max():g} s, spikes from {start:g} to {stop:g} s. "
            "Give both in seconds on the same clock"
        )


def check_rate(n_spikes: int, n_clusters: int, seconds: float) -> None:
    """Raise where so few spikes in so long a time can only be times in another unit."""
    if n_spikes < FEWEST_SPIKES:
        return
    rate = n_spikes / n_clusters / seconds if seconds else np.inf
    if rate < LEAST_RATE:
        raise InputError(
            f"spike times look like milliseconds or samples, not seconds: they last "
            f"{seconds / 3600:.0f} hours, and a neuron fires {rate:.2g} Hz. Divide them by 1000, "
            "or by the sampling rate"
        )


def note_unlisted(fired: np.ndarray, listed: np.ndarray) -> list[Notice]:
    """Return a notice of the clusters that fired and are not among those that were listed."""
    unlisted = np.setdiff1d(fired, listed)
    if not unlisted.size:
        return []
    return [UNLISTED(n=unlisted.size, n_clusters=fired.size, first=str(unlisted[0]))]


def count_bins(window: tuple[float, float], bin_size: float) -> int:
    """Return how many bins a window holds, or raise where that is not a whole number."""
    check_in_range("bin_size", bin_size, 1e-6)
    check_window("window", window)
    if not all(abs(end) <= LONGEST for end in window):  # NaN is none of them
        raise InputError(f"window {window}: start and stop must be seconds, up to {LONGEST:g}")
    if window[1] <= window[0]:
        raise InputError(f"window {tuple(window)}: stop must come after start")
    n_bins = round((window[1] - window[0]) / bin_size)
    if n_bins < 1 or not np.isclose(n_bins * bin_size, window[1] - window[0]):
        raise InputError(f"window {tuple(window)} is not a whole number of bins of {bin_size} s")
    return n_bins


def check_window(what: str, window: Sequence[float]) -> None:
    """Raise unless a window is two numbers."""
    if np.shape(window) != (2,) or not all(
        isinstance(end, float | int | np.number) and not isinstance(end, bool) for end in window
    ):
        raise InputError(f"{what} {quote(window)}: give start and stop, in seconds")


def shrink_counts(activity: np.ndarray) -> np.ndarray:
    """Return counts in the smallest unsigned integers that hold them; raise for other values."""
    if activity.size == 0:
        raise NotEnoughDataError(f"activity is empty: its shape is {activity.shape}")
    if activity.dtype.kind not in "iufb":
        raise InputError(f"counts must be numbers, not {activity.dtype}")
    check_finite("activity", activity)
    low, high = float(activity.min()), float(activity.max())
    if low < 0:
        raise InputError(f"counts are negative: the smallest is {low:g}")
    if activity.dtype.kind == "f" and not (activity == np.floor(activity)).all():
        raise InputError("counts must be whole numbers; pass kind='continuous' for other activity")
    if high > MOST_COUNTS:
        raise InputError(
            f"counts go up to {high:g} per bin, which no neuron fires; pass kind='continuous' for "
            "fluorescence and other activity"
        )
    return activity.astype(np.min_scalar_type(int(high)), copy=False)


def to_float32(activity: np.ndarray) -> np.ndarray:
    """Return continuous activity; raise where it is no numbers, or their squares are no float32."""
    if activity.dtype.kind not in "iufb":
        raise InputError(f"activity must be numbers, not {activity.dtype}")
    check_magnitude("activity", activity)
    check_units(activity)
    single = activity.astype(np.float32, copy=False)
    if activity.dtype.itemsize > single.dtype.itemsize:
        check_resolved(activity)
    return single


def check_units(activity: np.ndarray) -> None:
    """Raise where neurons that change have values so small that their squares are no float32."""
    size = np.maximum(-activity.min(axis=(0, 1)), activity.max(axis=(0, 1))).astype(float)
    tiny = np.flatnonzero((size > 0) & (size < SMALLEST))
    if tiny.size:
        raise InputError(
            f"the activity of {tiny.size} neurons (the first is {tiny[0]}) goes up to "
            f"{size[tiny].max():.3g} only, below what is computed with ({SMALLEST:g}); give it in "
            "other units, or set it to 0"
        )


def check_resolved(activity: np.ndarray) -> None:
    """Raise where changes of a neuron, the last axis, are lost beside its baseline in float32."""
    low, high = activity.min(axis=(0, 1)), activity.max(axis=(0, 1))
    lost = np.flatnonzero(is_lost_in_single(low, high, COARSEST))
    if lost.size:
        first = lost[0]
        least, most = float(low[first]), float(high[first])
        raise InputError(
            f"the activity of {lost.size} neurons (the first is {first}) changes by "
            f"{most - least:.3g} around {least:.3g}, too little for float32; subtract each "
            "neuron's baseline first"
        )


def check_magnitude(what: str, values: np.ndarray) -> None:
    """Raise where numbers are so large or so small that their squares are no float32."""
    flat = values.reshape(-1)
    size = max(-float(np.fmin.reduce(flat)), float(np.fmax.reduce(flat))) if flat.size else 0.0
    if size > LARGEST or 0 < size < SMALLEST:
        raise InputError(
            f"the largest {what} is {size:g}, beyond what is computed with ({SMALLEST:g} to "
            f"{LARGEST:g}); give it in other units"
        )


def check_prediction_size(name: str, predicted: np.ndarray) -> None:
    """Raise for a prediction that no recording can come near: its square is no float32."""
    largest = float(np.max(np.abs(predicted), initial=0.0, where=np.isfinite(predicted)))
    if largest > LARGEST:
        raise InputError(
            f"{name} goes up to {largest:g}, beyond what is computed with (up to {LARGEST:g}); a "
            "prediction is an expected count per bin, or a value in the unit of the truth"
        )


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
    if size < 1e-9:
        raise InputError(f"bins are {size:g} s wide; give time in seconds")
    return float(np.round(size, 9))


def find_inside(time: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Tell which bin centres lie in ``[start, stop)``, whatever the rounding of their seconds.

    Examples
    --------
    >>> time = -0.2 + 0.01 * np.arange(60)  # 5e-17 short of 0.05, and the like
    >>> find_inside(time, (-0.15, -0.1)).sum(), find_inside(time, (0.0, 0.05)).sum()
    (np.int64(5), np.int64(5))
    """
    slack = 1e-6 * np.diff(time).min(initial=1.0)
    return (time >= window[0] - slack) & (time < window[1] - slack)
