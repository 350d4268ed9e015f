"""A session as a lab has it on disk: units, events and behaviour on one clock, not yet cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from spikecast.core.notices import Notice
from spikecast.data.binning import check_precision
from spikecast.data.mapped import release

PIECE = 2**22  # spikes of all units that are read at once
COUNTED = 2**19  # that are counted at once: a long trial has more


class Spikes(Protocol):
    """Spike times of the units of a session, read when they are asked for."""

    def read_unit(self, unit: int) -> np.ndarray:
        """Return the times (spike,) of one unit, by its row in the table of units, ascending, s."""
        ...

    def count(
        self, units: np.ndarray, events: np.ndarray, window: tuple[float, float], bin_size: float
    ) -> np.ndarray:
        """Return counts (trial, time, unit) around events; only what lies near them is read."""
        ...

    def read_pieces(self, units: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield every spike of some units once: times in seconds, and rows of units, (spike,).

        A piece holds the spikes of one unit after the other, ascending; a unit may be in several
        pieces, in order of time. No piece is larger than memory has to be.
        """
        ...


def _widen(counts: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Return counts in a type that also holds what is to be added; most need one byte."""
    needed = np.min_scalar_type(int(added.max(initial=0)))
    return counts.astype(np.promote_types(counts.dtype, needed), copy=False)


@dataclass(frozen=True, eq=False)
class SpikesByUnit:
    """Spikes that are stored unit by unit (NWB, pynapple, SpikeInterface).

    Parameters
    ----------
    read_unit : callable
        Row of a unit -> its times (spike,), ascending, in seconds.
    """

    read_unit: Callable[[int], np.ndarray]

    def count(
        self, units: np.ndarray, events: np.ndarray, window: tuple[float, float], bin_size: float
    ) -> np.ndarray:
        """Return counts (trial, time, unit) around events, one unit after the other."""
        n_bins = round((window[1] - window[0]) / bin_size)
        # the small shift keeps a spike that lies on an edge in the bin that starts there
        edges = window[0] + bin_size * (np.arange(n_bins + 1) - 1e-6)
        corners = (events[:, None] + edges).ravel()  # (trial * edge,)
        counts = np.empty((len(events), n_bins, len(units)), dtype=np.uint8)
        for column, unit in enumerate(units):
            times = self.read_unit(int(unit))
            check_precision("spike times", times[-1:], bin_size)
            before = np.searchsorted(times, corners)
            of_unit = np.diff(before.reshape(len(events), n_bins + 1), axis=1)
            counts = _widen(counts, of_unit)
            counts[:, :, column] = of_unit
        return counts

    def read_pieces(self, units: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the spikes of some units (times, rows), one unit after the other."""
        for unit in units:
            times = np.asarray(self.read_unit(int(unit)), dtype=float)
            yield times, np.full(times.size, unit)


@dataclass(frozen=True, eq=False)
class SpikesInTime:
    """Spikes of all units in one list, in order of time (Phy, ALF); arrays may be memory maps.

    Parameters
    ----------
    times : array, (spike,)
        Ascending; ``times * seconds`` is in seconds.
    units : array, (spike,)
        The id of the unit that fired each spike.
    ids : array, (unit,)
        Ids of the units, in the order of the table of units; spikes of other ids are ignored.
    seconds : float
        Seconds per unit of `times`: 1, or one over the sampling rate.
    amplitudes : array, (spike,), optional
        Sizes of the spikes, in any unit.
    """

    times: np.ndarray
    units: np.ndarray
    ids: np.ndarray
    seconds: float = 1.0
    amplitudes: np.ndarray | None = None

    def read_unit(self, unit: int) -> np.ndarray:
        """Return the times (spike,) of one unit in seconds."""
        return np.asarray(self.times[self.units == self.ids[unit]], dtype=float) * self.seconds

    def count(
        self, units: np.ndarray, events: np.ndarray, window: tuple[float, float], bin_size: float
    ) -> np.ndarray:
        """Return counts (trial, time, unit) around events, one event after the other."""
        n_bins = round((window[1] - window[0]) / bin_size)
        check_precision("spike times", self.times[-1:], bin_size, self.seconds)
        counts = np.zeros((len(events), n_bins, len(units)), dtype=np.uint8)
        order = np.argsort(self.ids[units])
        wanted = self.ids[units][order]
        limits = (events[:, None] + np.array([window[0] - bin_size, window[1] + bin_size])).ravel()
        first, last = self._find_places(limits).reshape(-1, 2).T
        for trial, (start, stop) in enumerate(zip(first, last)):
            for begin in range(start, stop, COUNTED):
                part = slice(begin, min(begin + COUNTED, stop))
                fired = np.asarray(self.units[part])
                place = np.searchsorted(wanted, fired).clip(max=len(wanted) - 1)
                since = np.asarray(self.times[part], dtype=float) * self.seconds
                since = since - events[trial] - window[0]
                time = np.floor(since / bin_size + 1e-6).astype(int)
                inside = (wanted[place] == fired) & (time >= 0) & (time < n_bins)
                if not inside.any():
                    continue
                bins = slice(time[inside].min(), time[inside].max() + 1)
                flat = (time[inside] - bins.start) * len(units) + order[place[inside]]
                size = (bins.stop - bins.start) * len(units)
                added = counts[trial, bins] + np.bincount(flat, minlength=size).reshape(
                    -1, len(units)
                )
                counts = _widen(counts, added)
                counts[trial, bins] = added
            release(self.times)
            release(self.units)
        return counts

    def _find_places(self, seconds: np.ndarray) -> np.ndarray:
        """Return the number of the first spike at or after each time."""
        limits = seconds / self.seconds
        if self.times.dtype.kind in "iu":  # of the same type: numpy would copy all times as floats
            largest = min(np.iinfo(self.times.dtype).max, 2**62)
            limits = np.ceil(limits).clip(0, largest).astype(self.times.dtype)
        return np.searchsorted(self.times, limits)

    def read_pieces(self, units: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the spikes of some units (times, rows), one stretch of time after the other."""
        order = np.argsort(self.ids[units])
        wanted = self.ids[units][order]
        for start in range(0, len(self.times), PIECE):
            fired = np.asarray(self.units[start : start + PIECE])
            place = np.searchsorted(wanted, fired).clip(max=len(wanted) - 1)
            known = np.flatnonzero(wanted[place] == fired)
            rows = np.asarray(units)[order[place[known]]]
            by_unit = np.argsort(rows, kind="stable")
            times = np.asarray(self.times[start : start + PIECE])[known[by_unit]]
            yield times.astype(float) * self.seconds, rows[by_unit]
            release(self.times)
            release(self.units)


@dataclass(frozen=True, eq=False)
class SpikesOfProbes:
    """Spikes of several probes, each stored by itself, on one clock.

    Parameters
    ----------
    probes : sequence of Spikes
    sizes : sequence of int
        Number of units of each; their rows follow one another in the table of units.
    """

    probes: Sequence[Spikes]
    sizes: Sequence[int]

    def read_unit(self, unit: int) -> np.ndarray:
        """Return the times (spike,) of one unit in seconds."""
        probe, row = self._find_rows(np.array([unit]))
        return self.probes[int(probe[0])].read_unit(int(row[0]))

    def count(
        self, units: np.ndarray, events: np.ndarray, window: tuple[float, float], bin_size: float
    ) -> np.ndarray:
        """Return counts (trial, time, unit) around events, one probe after the other."""
        probe, rows = self._find_rows(np.asarray(units))
        n_bins = round((window[1] - window[0]) / bin_size)
        counts = np.empty((len(events), n_bins, len(rows)), dtype=np.uint8)
        for number in np.unique(probe):
            own = probe == number
            of_probe = self.probes[number].count(rows[own], events, window, bin_size)
            counts = _widen(counts, of_probe)
            counts[:, :, own] = of_probe
        return counts

    def read_pieces(self, units: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the spikes of some units (times, rows), one probe after the other."""
        probe, rows = self._find_rows(np.asarray(units))
        first = np.cumsum([0, *self.sizes])
        for number in np.unique(probe):
            for times, own in self.probes[number].read_pieces(rows[probe == number]):
                yield times, own + first[number]

    def _find_rows(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the probe of each unit, and its row among that probe's."""
        first = np.cumsum([0, *self.sizes])
        probe = np.searchsorted(first, units, side="right") - 1
        return probe, units - first[probe]


@dataclass(frozen=True, eq=False)
class Samples:
    """Something sampled on its own clock: a wheel, a pupil, fluorescence; or times of licks.

    Parameters
    ----------
    times : array, (sample,)
        Ascending, in seconds on the session's clock.
    values : array, (sample,) or (sample, channel), optional
        None where only the times count (licks, pulses).
    unit : str
        Of the values, for messages.
    is_position : bool
        Whether the speed is what tasks want (wheel position, place).
    held : bool
        Whether there is a sample only where the value changes (a rotary encoder): samples that lie
        far apart are then no gap.
    period : float, optional
        A whole turn in the unit of the values, where they are angles.
    """

    times: np.ndarray
    values: np.ndarray | None = None
    unit: str = ""
    is_position: bool = False
    held: bool = False
    period: float | None = None


@dataclass(frozen=True, eq=False)
class RawSession:
    """What a reader finds in a file, a folder or an object, before it is cut into trials.

    Parameters
    ----------
    source : str
        What it was read from, in words: "NWB file", "Phy folder", ...
    units : DataFrame
        One row per unit or cell: index = ids as in the file (text or numbers); columns as found.
    spikes : Spikes, optional
        Their times; None for fluorescence.
    traces : Samples, optional
        Fluorescence: values (sample, unit); None for spikes.
    tables : mapping of DataFrame
        Trial tables by name, one row per trial; times in seconds on the session's clock.
    second_tables : sequence of str
        Those of `tables` that give way to another that has the event too, where none is named.
    events : mapping of array
        Bare lists of event times by name (`stimulus` -> (event,)), where there is no table.
    behavior : mapping of Samples
        By name.
    area_columns, quality_columns : sequence of str
        Columns of `units` that may be the area, and the quality, best first. More than one area
        column that disagree, or none: the user must choose.
    duration : (float, float)
        First and last time of the session, in seconds; windows that reach beyond are left out.
    session, subject : str
        Names for tables and figures.
    frame_rate : float, optional
        Frames per second of imaging, where the source says it.
    in_frames : bool
        The frame rate is not known, so that times of `traces` and `duration` are numbers of frames;
        the user must give it.
    use_rate : callable, optional
        Frame rate -> the session in seconds, where more than `traces` counts frames or samples.
    observed : array, (interval, 2), optional
        Start and stop of what was recorded, in seconds, ascending; all of `duration` by default.
    observed_units : sequence of array, (interval, 2), optional
        The same for each unit, in any order, where units were not all recorded all the time; empty
        for a unit of which nothing is said.
    invalid : array, (interval, 2), optional
        Start and stop of times that the source says to leave out, in seconds.
    notices : sequence of Notice
        What the reader found odd, or decided.
    """

    source: str
    units: pd.DataFrame
    spikes: Spikes | None = None
    traces: Samples | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    second_tables: Sequence[str] = ()
    events: Mapping[str, np.ndarray] = field(default_factory=dict)
    behavior: Mapping[str, Samples] = field(default_factory=dict)
    area_columns: Sequence[str] = ()
    quality_columns: Sequence[str] = ()
    duration: tuple[float, float] = (0.0, 0.0)
    session: str = ""
    subject: str = ""
    frame_rate: float | None = None
    in_frames: bool = False
    use_rate: Callable[[float], RawSession] | None = None
    observed: np.ndarray | None = None
    observed_units: Sequence[np.ndarray] | None = None
    invalid: np.ndarray | None = None
    notices: Sequence[Notice] = ()
