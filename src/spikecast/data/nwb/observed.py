"""When units of an NWB file were recorded, and which times are to be left out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.data.nwb.columns import read_columns, to_plain
from spikecast.data.nwb.electrodes import name_groups

OBSERVED = "obs_intervals"
INVALID = "invalid_times"
PROBE = "ecephysprobe"  # a tag of the Allen Institute's: one of several probes is meant

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


def read_invalid(nwb: Any) -> tuple[np.ndarray | None, dict[str, np.ndarray], list[Notice]]:
    """Return the intervals (interval, 2) that are to be left out of analyses, or None.

    Those whose tags name some of the electrode groups come apart, by group; those of a probe that
    is no group of the file under "".
    """
    if nwb.invalid_times is None:
        return None, {}, []
    try:
        table, _ = read_columns(nwb.invalid_times)
        limits = np.column_stack([to_numbers(table[name]) for name in ("start_time", "stop_time")])
    except (FormatError, KeyError) as error:
        return None, {}, [INTERVALS_LEFT(name=INVALID, why=str(error))]
    sound = _are_sound(limits)
    left = [SOME_INTERVALS_LEFT(n=int((~sound).sum()), n_all=len(sound), name=INVALID)]
    named = [_find_groups(nwb, tags) for tags in _read_tags(nwb.invalid_times)]
    parts = {
        group: limits[sound & np.array([group in groups for groups in named], dtype=bool)]
        for group in sorted(set().union(*named))
    }
    of_all = np.array([not groups for groups in named], dtype=bool)
    return limits[sound & of_all], parts, left if not sound.all() else []


def _read_tags(table: Any) -> list[list[str]]:
    """Return the tags of each interval, in lower case; numbers are none."""
    none: list[list[str]] = [[] for _ in range(len(table.id))]
    if "tags" not in table.colnames or type(table["tags"]).__name__ != "VectorIndex":
        return none
    words = to_plain(table["tags"].target.data[:])
    ends = np.asarray(table["tags"].data[:], dtype=np.int64)
    if words is None or len(ends) != len(none):
        return none
    plain = [str(word).strip().lower() for word in words]
    parts = [plain[start:stop] for start, stop in zip(np.r_[0, ends[:-1]], ends)]
    return [[word for word in part if not word.isdigit()] for part in parts]


def _find_groups(nwb: Any, tags: Sequence[str]) -> set[str]:
    """Return the electrode groups that tags name, themselves or by their device.

    None where all are meant; {""} where a probe is meant that is none of them.
    """
    groups = nwb.electrode_groups or {}
    named = {
        name
        for name, group in groups.items()
        if {name.lower(), str(getattr(group.device, "name", "")).lower()} & set(tags)
    }
    if len(named) == len(groups) or len(groups) == 1:
        return set()
    return named or ({""} if PROBE in tags else set())


def leave_out_parts(
    observed: list[np.ndarray] | None, units: Any, table: pd.DataFrame, parts: dict[str, np.ndarray]
) -> tuple[list[np.ndarray] | None, list[Notice]]:
    """Return the intervals in which each unit was recorded, less those that are invalid for it.

    `table` holds the plain columns of the units and those of their electrodes.
    """
    if not parts:
        return observed, []
    of_units = name_groups(units, "electrode_group")
    if of_units is None:
        of_units = table.get("electrode_group_name", pd.Series([""] * len(table))).to_numpy(str)
    observed = observed or [np.zeros((0, 2))] * len(table)
    notices = []
    for group, invalid in parts.items():
        members = (of_units == group) & (group != "")
        if not members.any():
            why = f"its tags name a probe ('{group}') of which no unit is known to be"
            notices.append(INTERVALS_LEFT(name=INVALID, why=why))
        observed = [
            _cut_out(of_unit, invalid) if member else of_unit
            for of_unit, member in zip(observed, members)
        ]
    return observed, notices


def _cut_out(intervals: np.ndarray, invalid: np.ndarray) -> np.ndarray:
    """Return intervals (interval, 2) without times that are invalid; none at all are all times."""
    left = intervals if len(intervals) else np.array([[-np.inf, np.inf]])
    for start, stop in invalid:
        before = np.column_stack([left[:, 0], np.minimum(left[:, 1], start)])
        after = np.column_stack([np.maximum(left[:, 0], stop), left[:, 1]])
        pieces = np.concatenate([before, after])
        left = pieces[pieces[:, 0] < pieces[:, 1]]
    return left if len(left) else np.full((1, 2), -np.inf)  # never, and not "nothing is said"


def read_observed(
    units: Any, span: tuple[float, float], own: np.ndarray
) -> tuple[list[np.ndarray] | None, list[Notice]]:
    """Return the intervals (interval, 2) in which each unit was recorded, or None.

    Those of a unit of which nothing is said are empty. Intervals beyond the `span` of all spikes
    are on another clock, and not taken. One from a unit's first to its last spike (`own`) says
    nothing of when it was recorded.
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
    parts = [limits[start:stop] for start, stop in zip(starts, ends)]
    return [
        part[:0] if len(part) == 1 and np.allclose(part[0], of_unit, rtol=0, atol=1e-3) else part
        for part, of_unit in zip(parts, own)
    ], []


def _are_sound(limits: np.ndarray) -> np.ndarray:
    """Return a mask of the intervals that do not stop before they start."""
    return np.isfinite(limits).all(axis=1) & (limits[:, 1] >= limits[:, 0])
