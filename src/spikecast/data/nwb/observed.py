"""When units of an NWB file were recorded, and which times are to be left out."""

from typing import Any

import numpy as np

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.data.nwb.columns import read_columns

OBSERVED = "obs_intervals"
INVALID = "invalid_times"

INTERVALS_LEFT = NoticeKind(
    "intervals_left",
    "serious",
    "'{name}' is not taken: {why}. What was not recorded may be taken for silence",
)
SOME_INTERVALS_LEFT = NoticeKind(
    "some_intervals_left",
    "serious",
    "{n} of {n_all} intervals of '{name}' are not taken: they have no start or stop, or stop "
    "before they start",
)


def read_invalid(nwb: Any) -> tuple[np.ndarray | None, list[Notice]]:
    """Return the intervals (interval, 2) that are to be left out of analyses, or None."""
    if nwb.invalid_times is None:
        return None, []
    try:
        table, _ = read_columns(nwb.invalid_times)
        limits = np.column_stack([to_numbers(table[name]) for name in ("start_time", "stop_time")])
    except (FormatError, KeyError) as error:
        return None, [INTERVALS_LEFT(name=INVALID, why=str(error))]
    sound = _are_sound(limits)
    left = [SOME_INTERVALS_LEFT(n=int((~sound).sum()), n_all=len(sound), name=INVALID)]
    return limits[sound], left if not sound.all() else []


def read_observed(
    units: Any, span: tuple[float, float]
) -> tuple[list[np.ndarray] | None, list[Notice]]:
    """Return the intervals (interval, 2) in which each unit was recorded, or None.

    Those of a unit of which nothing is said are empty. Intervals beyond the `span` of all spikes
    are on another clock, and not taken.
    """
    if OBSERVED not in units.colnames:
        return None, []
    index = units[OBSERVED]
    if type(index).__name__ != "VectorIndex":
        return None, [INTERVALS_LEFT(name=OBSERVED, why="it holds no list of intervals per unit")]
    ends = np.asarray(index.data[:], dtype=np.int64)
    limits = np.asarray(index.target.data[:], dtype=float)
    if not limits.size:
        return None, []
    starts = np.r_[0, ends[:-1]]
    fits = len(ends) == len(units.id) and (ends >= starts).all() and ends[-1] == len(limits)
    if limits.ndim != 2 or limits.shape[1] != 2 or not fits:
        return None, [INTERVALS_LEFT(name=OBSERVED, why="its intervals do not go with the units")]
    if not _are_sound(limits).all():
        why = "an interval has no start or stop, or stops before it starts"
        return None, [INTERVALS_LEFT(name=OBSERVED, why=why)]
    first, last = float(limits[:, 0].min()), float(limits[:, 1].max())
    if last <= span[0] or first >= span[1]:
        why = (
            f"its times, {first:g} to {last:g} s, lie beyond those of the spikes, {span[0]:g} to "
            f"{span[1]:g} s"
        )
        return None, [INTERVALS_LEFT(name=OBSERVED, why=why)]
    return [limits[start:stop] for start, stop in zip(starts, ends)], []


def _are_sound(limits: np.ndarray) -> np.ndarray:
    """Return a mask of the intervals that do not stop before they start."""
    return np.isfinite(limits).all(axis=1) & (limits[:, 1] >= limits[:, 0])
