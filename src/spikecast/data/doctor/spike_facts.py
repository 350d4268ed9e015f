"""What one pass over the spikes of a session counts, for all checks that need each spike."""

from dataclasses import dataclass

import numpy as np

from spikecast.data.session import RawSession

REFRACTORY = 0.0015  # seconds; shorter than that of any neuron but a few of the fastest
SHORT = 0.1  # seconds; every neuron that fires at all fires twice within it now and then
NEAR = (0.02, 0.05)  # seconds
TOLERANCE = 0.1  # seconds that a spike may lie outside the session
N_STRETCHES = 100  # of the session
MOST_SECONDS = 200_000  # of the session that are counted one by one


@dataclass(frozen=True)
class SpikeFacts:
    """Counts of the spikes of a session.

    Attributes
    ----------
    units : array of int, (unit,)
        Rows of the table of units that were looked at.
    start, stop : float
        The session in seconds: as its reader says, else first and last spike.
    n_spikes : array, (unit,)
    n_outside : int
        Spikes before the start or after the end.
    n_violations : array, (unit,)
        Pairs of successive spikes closer than the refractory period.
    n_short : array, (unit,)
        The same within a tenth of a second.
    n_near : array, (unit,)
        Pairs of spikes 20 to 50 ms apart: how densely the unit fires where it fires.
    counts : array, (stretch, unit)
        Spikes in equal stretches of the session.
    population : array, (second,)
        Spikes of all units in each second; in longer steps where the session is very long.
    """

    units: np.ndarray
    start: float
    stop: float
    n_spikes: np.ndarray
    n_outside: int
    n_violations: np.ndarray
    n_short: np.ndarray
    n_near: np.ndarray
    counts: np.ndarray
    population: np.ndarray

    @property
    def seconds(self) -> float:
        """Length of the session."""
        return self.stop - self.start

    @property
    def rate(self) -> np.ndarray:
        """Mean rate of each unit, in Hz."""
        return self.n_spikes / self.seconds

    @property
    def chance_pairs(self) -> np.ndarray:
        """Pairs within the refractory period that a unit without one would have.

        Of its mean rate, or of that 20 to 50 ms from a spike where it is higher: neurons fire in
        some places or states much more than in others.
        """
        everywhere = self.n_spikes * self.rate * REFRACTORY
        return np.maximum(everywhere, self.n_near * REFRACTORY / (NEAR[1] - NEAR[0]))

    @property
    def stretches(self) -> np.ndarray:
        """Edges of the stretches, in seconds."""
        return np.linspace(self.start, self.stop, len(self.counts) + 1)


def count_spikes(raw: RawSession, units: np.ndarray) -> SpikeFacts | None:
    """Return the counts of some units, or None where there is not one spike."""
    spikes = raw.spikes
    limits = _find_limits(raw, units)
    if spikes is None or limits is None:
        return None
    start, stop = limits
    n_units = len(units)
    column = np.full(len(raw.units), -1)
    column[units] = np.arange(n_units)
    n_seconds = int(np.clip(np.ceil(stop - start), 1, MOST_SECONDS))
    # spikes, violations, short intervals, pairs nearby
    totals = np.zeros((4, n_units), dtype=np.int64)
    counts = np.zeros((N_STRETCHES, n_units), dtype=np.int64)
    population = np.zeros(n_seconds, dtype=np.int64)
    n_outside = 0
    for times, rows in spikes.read_pieces(units):
        here = column[rows]
        interval = np.diff(times)
        interval[np.diff(here) != 0] = np.inf  # of another unit
        totals[0] += np.bincount(here, minlength=n_units)
        for total, limit in zip(totals[1:3], (REFRACTORY, SHORT)):
            total += np.bincount(here[1:][interval < limit], minlength=n_units)
        later = times + (here + 1) * (stop - start + 10.0)  # one unit after the other
        n_near = np.diff([np.searchsorted(later, later + lag) for lag in NEAR], axis=0)[0]
        totals[3] += np.bincount(here, n_near, minlength=n_units).astype(np.int64)
        inside = (times >= start - TOLERANCE) & (times <= stop + TOLERANCE)
        n_outside += int(np.count_nonzero(~inside))
        place, here = (times[inside] - start) / (stop - start), here[inside]
        place = np.clip(place, 0, 1 - 1e-12)
        flat = (place * N_STRETCHES).astype(int) * n_units + here
        counts += np.bincount(flat, minlength=counts.size).reshape(counts.shape)
        population += np.bincount((place * n_seconds).astype(int), minlength=n_seconds)
    n_spikes, n_violations, n_short, n_near = totals
    return SpikeFacts(
        units, start, stop, n_spikes, n_outside, n_violations, n_short, n_near, counts, population
    )


def _find_limits(raw: RawSession, units: np.ndarray) -> tuple[float, float] | None:
    """Return the session's first and last time: as given, else of its spikes."""
    start, stop = raw.duration
    if raw.spikes is not None and not stop > start:
        pieces = [times for times, _ in raw.spikes.read_pieces(units) if times.size]
        start = min((times.min() for times in pieces), default=0.0)
        stop = max((times.max() for times in pieces), default=0.0)
    return (float(start), float(stop)) if stop > start else None
