"""Leave out trials and units where a file says that units were not recorded."""

from dataclasses import replace

import numpy as np

from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.cuts.intervals import lie_within, merge_intervals, overlap_any
from spikecast.data.cuts.samples import Bins
from spikecast.data.cuts.trials import LEAST_BEYOND, Trials
from spikecast.data.session import RawSession

CLOSE = 1.5e-3  # seconds; intervals on a grid of 1 ms follow one another
TRIALS_UNOBSERVED = NoticeKind(
    "trials_unobserved",
    "minor",
    "{n} of {n_all} trials left out: in their windows {most} of {n_units} units were not recorded "
    "throughout, as the {source} says",
)
UNITS_UNOBSERVED = NoticeKind(
    "units_unobserved",
    "serious",
    "{n} of {n_units} units left out: the {source} says that they were not recorded throughout "
    "{what}. To keep these units, name {way}, a shorter window, or fewer units",
)
TIMES_UNOBSERVED = NoticeKind(
    "times_unobserved",
    "serious",
    "{share:.0%} of the time from {start:g} to {stop:g} s is {why}, as the {source} says, and is "
    "taken: what areas have in common there is no interplay. Name a window without it, or an event",
)


def leave_out_unobserved(
    raw: RawSession, rows: np.ndarray, trials: Trials, bins: Bins, whole: bool
) -> tuple[np.ndarray, Trials, Bins, list[Notice]]:
    """Return the rows of units, trials and bins for which all units were recorded, and notices.

    Of one long trial (`whole`) no time can be left out; those units go that lack more than a
    hundredth of the time that most units have.
    """
    if whole:
        kept, about_time = _look_at_long_trial(raw, rows, bins)
        return rows[kept], trials, bins, about_time
    if raw.observed_units is None:
        return rows, trials, bins, []
    window = (bins.start, bins.start + bins.n * bins.size)
    lists, which = _find_seen(raw, rows, trials.events, window, tolerance=0.5 * bins.size)
    seen = lists[:, which]
    kept_trials, kept_units = choose_block(seen)
    n_units, n_trials = int(kept_units.sum()), int(kept_trials.sum())
    if not n_units or not n_trials:
        raise NotEnoughDataError(
            f"the {raw.source} says that no unit was recorded throughout the window {window[0]:g} "
            f"to {window[1]:g} s around any of {len(trials.events)} events; name a shorter window"
        )
    notices: list[Notice] = []
    if n_trials < len(kept_trials):
        lacking = (~seen[~kept_trials]).sum(axis=1)
        notices.append(
            TRIALS_UNOBSERVED(
                n=len(kept_trials) - n_trials,
                n_all=len(kept_trials),
                source=raw.source,
                most=_say_range(lacking),
                n_units=len(rows),
            )
        )
    if n_units < len(rows):
        notices.append(
            UNITS_UNOBSERVED(
                n=len(rows) - n_units,
                n_units=len(rows),
                source=raw.source,
                what=f"all {n_trials} trials",
                way="a table of fewer trials",
            )
        )
    trials = trials.take(kept_trials)
    return rows[kept_units], trials, replace(bins, events=trials.events), notices


def choose_block(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return masks of trials and of units that were all recorded, from a mask (trial, unit).

    The trial or the unit that lacks the largest share of the others goes first, the trial where
    both lack as much, until nothing is lacking.

    Examples
    --------
    >>> seen = np.array([[1, 1, 1], [1, 1, 1], [1, 0, 1], [0, 0, 0]], dtype=bool)
    >>> [mask.tolist() for mask in choose_block(seen)]
    [[True, True, False, False], [True, True, True]]
    """
    trials, units = (np.ones(n, dtype=bool) for n in seen.shape)
    by_trial, by_unit = (~seen).sum(axis=1), (~seen).sum(axis=0)  # of those that are left
    while by_trial.any():
        trial, unit = int(by_trial.argmax()), int(by_unit.argmax())
        if by_trial[trial] / units.sum() >= by_unit[unit] / trials.sum():
            trials[trial], by_trial[trial] = False, 0
            by_unit -= ~seen[trial] & units
        else:
            units[unit], by_unit[unit] = False, 0
            by_trial -= ~seen[:, unit] & trials
    return trials, units


def _find_seen(
    raw: RawSession,
    rows: np.ndarray,
    events: np.ndarray,
    window: tuple[float, float],
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each window was recorded throughout, (event, list), and each unit's list.

    Units with the same intervals share a list; a hole of at most `tolerance` is none.
    """
    assert raw.observed_units is not None
    lists: dict[bytes, int] = {}
    seen: list[np.ndarray] = []
    which = np.zeros(len(rows), dtype=np.int64)
    for place, row in enumerate(rows):
        intervals = np.asarray(raw.observed_units[row], dtype=float)
        which[place] = lists.setdefault(intervals.tobytes(), len(lists))
        if len(lists) == len(seen):
            continue
        merged = merge_intervals(intervals, max(CLOSE, tolerance))
        # where there are no intervals, nothing is said of the unit
        seen.append(
            lie_within(merged, events, window, tolerance)
            if len(merged)
            else np.ones(len(events), dtype=bool)
        )
    return np.column_stack(seen), which


def _look_at_long_trial(
    raw: RawSession, rows: np.ndarray, bins: Bins
) -> tuple[np.ndarray, list[Notice]]:
    """Return a mask of the units that were recorded throughout a long trial, and notices."""
    starts, window = bins.start + bins.size * np.arange(bins.n), (0.0, bins.size)
    kept = np.ones(len(rows), dtype=bool)
    notices = []
    if raw.invalid is not None:
        share = float(overlap_any(raw.invalid, starts, window).mean())
        notices += _note_times(raw, bins, share, "invalid")
    if raw.observed_units is None:
        return kept, notices
    seen, which = _find_seen(raw, rows, starts, window, tolerance=0.5 * bins.size)
    by_most = seen @ np.bincount(which) * 2 >= len(rows)
    notices += _note_times(raw, bins, float(1 - by_most.mean()), "not recorded in most units")
    if by_most.any():
        kept = (seen[by_most].mean(axis=0) >= 1 - LEAST_BEYOND)[which]
    if not kept.any():
        raise NotEnoughDataError(
            f"the {raw.source} says that no unit was recorded throughout {bins.start:g} to "
            f"{bins.start + bins.n * bins.size:g} s; name a shorter window, or an event"
        )
    if not kept.all():
        notices.append(
            UNITS_UNOBSERVED(
                n=int((~kept).sum()),
                n_units=len(rows),
                source=raw.source,
                what="the time that is taken",
                way="an event",
            )
        )
    return kept, notices


def _note_times(raw: RawSession, bins: Bins, share: float, why: str) -> list[Notice]:
    if share <= LEAST_BEYOND:
        return []
    stop = bins.start + bins.n * bins.size
    return [TIMES_UNOBSERVED(share=share, start=bins.start, stop=stop, why=why, source=raw.source)]


def _say_range(numbers: np.ndarray) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return str(low) if low == high else f"{low} to {high}"
