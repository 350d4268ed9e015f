"""Samples on their own clock, onto the bins of trials."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spikecast.core.precision import is_lost_in_single
from spikecast.data.cuts.angles import wrap

GAP = 5.0
"""Samples further apart than this many times the usual distance have a gap between them."""

SHORTEST = 1e-12
"""Seconds; samples that are not further apart are of one time."""


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of all trials.

    Parameters
    ----------
    events : array, (trial,)
        In seconds.
    start, size : float
        Start of the window after the event, and width of a bin, in seconds.
    n : int
        Bins of a trial.
    """

    events: np.ndarray
    start: float
    size: float
    n: int

    def edges(self, trial: int) -> np.ndarray:
        """Return the edges (n + 1,) of a trial's bins, in seconds."""
        # the small shift keeps a sample that lies on an edge in the bin that starts there
        return self.events[trial] + self.start + self.size * (np.arange(self.n + 1) - 1e-6)


@dataclass(frozen=True, eq=False)
class Series:
    """Samples without missing ones: times (sample,) ascending, values (sample[, channel]).

    `held` says that there is a sample only where the value changes, so that none is missing;
    `period` is a whole turn of values that are angles and jump.
    """

    times: np.ndarray
    values: np.ndarray
    held: bool = False
    period: float | None = None

    @property
    def step(self) -> float:
        """The usual distance of samples, in seconds."""
        steps = np.diff(self.times)
        return float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0

    def onto(self, bins: Bins) -> np.ndarray:
        """Return values (trial, time[, channel]): means within bins, or interpolated.

        Means where a bin holds two samples or more, as a rule; else values at the middle of bins,
        on the line between two samples. Of angles that jump, both are those on the circle.
        """
        if self.period is not None:
            radians = np.asarray(self.values, dtype=float) * (2 * np.pi / self.period)
            parts = (replace(self, values=f(radians), period=None) for f in (np.sin, np.cos))
            angles = np.arctan2(*(one.onto(bins) for one in parts)) * (self.period / (2 * np.pi))
            return wrap(angles, like=self.values, period=self.period)
        shape = (len(bins.events), bins.n, *self.values.shape[1:])
        result = np.empty(shape, dtype=self.precision)
        averages = self.averages(bins.size)
        for trial in range(len(bins.events)):
            edges = bins.edges(trial)
            middle = self.at(edges[:-1] + bins.size / 2)
            result[trial] = self._average(edges, middle) if averages else middle
        return result

    @property
    def precision(self) -> type:
        """Single precision, or double where it loses what changes beside a large baseline."""
        if self.values.dtype.kind not in "iuf" or self.values.dtype == np.float32:
            return np.float32
        low, high = self.values.min(axis=0), self.values.max(axis=0)
        return float if is_lost_in_single(low, high).any() else np.float32

    def averages(self, bin_size: float) -> bool:
        """Return whether bins hold the mean of their samples, not a value between two."""
        return not self.held and self.step <= bin_size / 2

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return the values (time[, channel]) on the lines between samples; constant beyond."""
        if len(self.times) == 1:
            return np.repeat(np.asarray(self.values[:1], dtype=float), len(times), axis=0)
        after = np.searchsorted(self.times, times).clip(1, len(self.times) - 1)
        before = after - 1
        width = self.times[after] - self.times[before]
        apart = width > SHORTEST
        share = np.where(
            apart, (times - self.times[before]) / np.where(apart, width, 1.0), 1.0
        ).clip(0.0, 1.0)
        share = share.reshape(-1, *[1] * (self.values.ndim - 1))
        low = np.asarray(self.values[before], dtype=float)
        return low + share * (np.asarray(self.values[after], dtype=float) - low)

    def _average(self, edges: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
        """Return the mean of the samples in each bin, or what is given where there is none."""
        places = np.searchsorted(self.times, edges)
        inside = np.asarray(self.values[places[0] : places[-1]], dtype=float)
        sums = np.concatenate([np.zeros((1, *inside.shape[1:])), np.cumsum(inside, axis=0)])
        count = np.diff(places).reshape(-1, *[1] * (inside.ndim - 1))
        totals = np.diff(sums[places - places[0]], axis=0)
        return np.where(count > 0, totals / np.maximum(count, 1), otherwise)

    def gaps(self, bins: Bins) -> np.ndarray:
        """Return the share (trial, time) of each bin that lies in a gap between samples.

        A gap is longer than a bin and than `GAP` times the usual distance; what lies before the
        first sample and after the last one is a gap as well. A sample stands for half a usual
        distance on either side.
        """
        first, last = self.times[0], self.times[-1]
        longest = max(GAP * self.step, bins.size)
        before = np.flatnonzero(np.diff(self.times) > longest)
        before = before[:0] if self.held else before
        half = self.step / 2
        starts = np.concatenate([[-np.inf], self.times[before] + half, [last + half]])
        stops = np.concatenate([[first - half], self.times[before + 1] - half, [np.inf]])
        result = np.empty((len(bins.events), bins.n), dtype=np.float32)
        for trial in range(len(bins.events)):
            edges = bins.edges(trial)
            near = slice(
                np.searchsorted(stops, edges[0]), np.searchsorted(starts, edges[-1], "right")
            )
            ends = (
                np.minimum(stops[near], edges[1:, None]),
                np.maximum(starts[near], edges[:-1, None]),
            )
            result[trial] = np.clip(ends[0] - ends[1], 0.0, None).sum(axis=1) / bins.size
        return result.clip(0.0, 1.0)

    def speed(self, bins: Bins) -> np.ndarray:
        """Return the mean velocity (trial, time) of a bin, or the speed of several channels.

        In the unit of the values per second; signed where there is one channel.
        """
        if self.period is not None:
            on = np.unwrap(np.asarray(self.values, dtype=float), period=self.period, axis=0)
            return replace(self, values=on, period=None).speed(bins)
        result = np.empty((len(bins.events), bins.n), dtype=np.float32)
        for trial in range(len(bins.events)):
            steps = np.diff(self.at(bins.edges(trial)), axis=0) / bins.size
            result[trial] = steps if steps.ndim == 1 else np.linalg.norm(steps, axis=1)
        return result


def count_times(times: np.ndarray, bins: Bins) -> np.ndarray:
    """Return how many of the times (ascending) lie in each bin, (trial, time)."""
    places = [np.searchsorted(times, bins.edges(trial)) for trial in range(len(bins.events))]
    return np.diff(np.array(places), axis=1).astype(np.float32)
