"""Responses that come earlier or later in the course of the session: clocks that drift apart.

Only what a response shows is claimed. Without a response of some neurons to some event a drift
cannot be seen, nor can one of a few milliseconds; a constant offset of the clocks looks like a
latency, and is not looked for.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.doctor.events import find_clocks
from spikecast.data.doctor.spike_facts import SpikeFacts
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession

WINDOW, BIN_SIZE = (-0.5, 1.0), 0.005  # seconds around an event
MOST_BIN_SIZE = 0.02  # seconds, of a recording
FEWEST_TRIALS = 60
MOST_TRIALS, MOST_UNITS, MOST_CLOCKS = 600, 150, 6
N_BLOCKS = 12
SMOOTHING = 0.01  # seconds
LEAST_SHIFT = 0.02  # seconds over the session
LEAST_Z = 6.0
PLANTED = 0.06  # seconds; where as much would not be seen, nothing can be said
N_PERMUTATIONS = 200

CLOCK_DRIFT = NoticeKind(
    "clock_drift",
    "serious",
    "responses to '{name}' come {shift_ms:.0f} ms {way} at the end of the session than at its "
    "start{ppm}: the clock of the events and that of the spikes drift apart, or what the animal "
    "does slows down. Compare with another event; if all shift alike, correct the clock",
)


@dataclass(frozen=True)
class LatencyDrift:
    """How responses to an event move in the course of the session.

    Attributes
    ----------
    name : str
        Of the event.
    shift : float
        Seconds from the first to the last event; positive where responses come later and later.
    z : float
        How much sharper the response becomes by undoing the shift, in standard deviations of the
        same with blocks of trials in random order.
    seconds : float
        From the first to the last event; NaN where it is not known.
    time : array, (time,)
        Seconds from the event, bin centres.
    responses : array, (block, time)
        Activity of all units in blocks of trials, in order; spikes per second and unit.
    strength : float
        Of the mean response: variance of its spikes over time, relative to chance.
    is_visible : bool
        Whether 60 ms more would have been found.
    """

    name: str
    shift: float
    z: float
    seconds: float
    time: np.ndarray
    responses: np.ndarray
    strength: float
    is_visible: bool

    @property
    def is_clear(self) -> bool:
        """Whether the shift is larger than bins and chance make it."""
        least = max(LEAST_SHIFT, 2 * float(self.time[1] - self.time[0]))
        return abs(self.shift) >= least * (1 - 1e-9) and self.z >= LEAST_Z


def find_latency_drift(raw: RawSession, facts: SpikeFacts) -> LatencyDrift | None:
    """Return the drift of the responses to that event of a session that shows it best."""
    if raw.spikes is None:
        return None
    busiest = np.argsort(-facts.n_spikes, kind="stable")[:MOST_UNITS]
    units = facts.units[np.sort(busiest[facts.n_spikes[busiest] > 0])]
    found: list[LatencyDrift] = []
    for name, events in _choose_clocks(raw, facts).items():
        chosen = np.unique(np.linspace(0, len(events) - 1, MOST_TRIALS).astype(int))
        events = events[chosen]
        counts = raw.spikes.count(units, events, WINDOW, BIN_SIZE)
        time = WINDOW[0] + BIN_SIZE * (np.arange(counts.shape[1]) + 0.5)
        if (one := measure_latency_drift(name, counts, time, events)) is not None:
            found.append(one)
    return max(found, key=lambda one: (one.is_clear, one.is_visible, one.strength), default=None)


def find_latency_drift_of_recording(recording: Recording) -> LatencyDrift | None:
    """Return the drift of the responses to the event that a recording is aligned to."""
    fine = recording.bin_size <= MOST_BIN_SIZE * (1 + 1e-6)
    if recording.kind != "counts" or not fine or recording.n_bins < 20:
        return None
    name = str(recording.dataset.attrs["align_to"])
    busiest = np.argsort(-recording.firing_rate, kind="stable")[:MOST_UNITS]
    chosen = np.unique(np.linspace(0, recording.n_trials - 1, MOST_TRIALS).astype(int))
    counts = recording.activity[chosen][:, :, np.sort(busiest)]
    return measure_latency_drift(name, counts, recording.time, chosen.astype(float), known=False)


def measure_latency_drift(
    name: str, counts: np.ndarray, time: np.ndarray, when: np.ndarray, known: bool = True
) -> LatencyDrift | None:
    """Return how far responses move from the first to the last trial, None for too few trials.

    Trials are averaged in 12 blocks. Of all shifts that grow evenly with time, the one is taken
    that makes the blocks' responses most alike, neuron by neuron, so that neurons that become more
    or less active move nothing.

    Parameters
    ----------
    name : str
        Of the event.
    counts : array, (trial, time, unit)
    time : array, (time,)
        Bin centres in seconds from the event.
    when : array, (trial,)
        Time of each event, ascending.
    known : bool
        Whether `when` is in seconds.
    """
    if len(counts) < FEWEST_TRIALS or np.ptp(when) == 0:
        return None
    bin_size = float(time[1] - time[0])
    blocks = np.array_split(np.arange(len(counts)), N_BLOCKS)
    mean = np.stack([counts[block].mean(axis=0, dtype=np.float64) for block in blocks])
    variance = mean.mean(axis=(0, 1))
    total = counts.sum(axis=(0, 2), dtype=np.float64)
    place = np.array([when[block].mean() for block in blocks])
    place = (place - when.mean()) / np.ptp(when)
    weighted = mean / np.sqrt(np.maximum(variance, 1e-9))
    shifts, energy, gains = _align_blocks(weighted, place, bin_size)
    best = int(energy.argmax())
    return LatencyDrift(
        name,
        float(shifts[best]),
        _measure_gain(energy, gains),
        float(np.ptp(when)) if known else float("nan"),
        time,
        mean.mean(axis=2) / bin_size,
        float(total.var() / max(total.mean(), 1e-12)),
        _is_visible(weighted, place, bin_size, float(shifts[best])),
    )


def _measure_gain(energy: np.ndarray, gains: np.ndarray) -> float:
    """Return how much the best shift gains over none, in standard deviations of chance."""
    gain = energy.max() - energy[len(energy) // 2]
    return float((gain - gains.mean()) / max(gains.std(), 1e-12))


def _is_visible(mean: np.ndarray, place: np.ndarray, bin_size: float, found: float) -> bool:
    """Return whether a shift beside the one found is seen when it is planted in the responses."""
    lags = np.rint(PLANTED * place / bin_size).astype(int)
    most = int(np.abs(lags).max())
    stop = mean.shape[1] - most
    planted = np.stack([block[most - lag : stop - lag] for block, lag in zip(mean, lags)])
    shifts, energy, gains = _align_blocks(planted, place, bin_size)
    seen = shifts[energy.argmax()] - found
    return abs(seen - PLANTED) < PLANTED / 2 and _measure_gain(energy, gains) >= LEAST_Z


def _align_blocks(
    mean: np.ndarray, place: np.ndarray, bin_size: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shifts, how alike blocks are when each is undone, and gains with blocks permuted.

    `mean` (block, time, unit) are the responses of blocks at `place` (block,), from -.5 to .5.
    """
    n_blocks, n_bins, _ = mean.shape
    smooth = gaussian_filter1d(mean, max(SMOOTHING / bin_size, 0.5), axis=1)
    smooth = smooth - smooth.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(smooth, 2 * n_bins, axis=1)
    # likeness of two blocks when the second is so many bins later
    cross = np.einsum("bfu,cfu->bcf", spectrum.conj(), spectrum)
    likeness = np.fft.irfft(cross, axis=2)
    lags = np.arange(2 * n_bins)
    overlap = n_bins - np.minimum(lags, 2 * n_bins - lags)
    likeness *= n_bins / np.maximum(overlap, n_bins / 4)
    most = n_bins // 2  # bins
    shifts = np.arange(-most, most + 1)
    first, second = np.triu_indices(n_blocks, 1)

    def measure(at: np.ndarray) -> np.ndarray:
        lag = np.rint(shifts[:, np.newaxis] * (at[second] - at[first])).astype(int)
        return likeness[first, second, lag % (2 * n_bins)].sum(axis=1)

    rng = make_rng(0, "clock drift")
    drawn = [measure(rng.permutation(place)) for _ in range(N_PERMUTATIONS)]
    gains = np.array([energy.max() - energy[most] for energy in drawn])
    return shifts * bin_size, measure(place), gains


def check_latency_drift(drift: LatencyDrift | None) -> list[Notice]:
    """Return a notice where responses move clearly in the course of the session."""
    if drift is None or not drift.is_clear:
        return []
    ppm = 1e6 * abs(drift.shift) / drift.seconds
    return [
        CLOCK_DRIFT(
            name=drift.name,
            shift_ms=1000 * abs(drift.shift),
            way="later" if drift.shift > 0 else "earlier",
            ppm=f" ({ppm:.0f} millionths of the time)" if np.isfinite(ppm) else "",
            shift=drift.shift,
            z=drift.z,
        )
    ]


def _choose_clocks(raw: RawSession, facts: SpikeFacts) -> dict[str, np.ndarray]:
    """Return the events that may show a drift; those at a fixed distance of another one once."""
    chosen: dict[str, np.ndarray] = {}
    for name, times in find_clocks(raw).items():
        inside = (times >= facts.start - WINDOW[0]) & (times <= facts.stop - WINDOW[1])
        events = np.sort(times[inside])
        if events.size < FEWEST_TRIALS:
            continue
        if any(_is_same(events, other) for other in chosen.values()):
            continue
        chosen[name] = events
        if len(chosen) == MOST_CLOCKS:
            break
    return chosen


def _is_same(events: np.ndarray, other: np.ndarray) -> bool:
    return events.size == other.size and float(np.std(events - other)) < BIN_SIZE
