"""Which windows around events lie within intervals, or overlap them."""

import numpy as np

TOUCHES = 1e-6  # seconds; intervals that share less do not overlap


def lie_within(
    intervals: np.ndarray, events: np.ndarray, window: tuple[float, float], tolerance: float
) -> np.ndarray:
    """Return a mask of the events (event,) whose window lies within one interval.

    `intervals` (interval, 2) are in order of time; a window may reach beyond by `tolerance`.

    Examples
    --------
    >>> lie_within(np.array([[0.0, 2.0], [3.0, 9.0]]), np.array([0.5, 1.5, 4.0]), (0, 1), 0.1)
    array([ True, False,  True])
    """
    if not len(intervals):
        return np.zeros(len(events), dtype=bool)
    start, stop = np.asarray(intervals, dtype=float).T
    row = np.searchsorted(start, events + window[0] + tolerance, side="right") - 1
    inside = events + window[1] <= stop[row.clip(min=0)] + tolerance
    return (row >= 0) & inside


def overlap_any(
    intervals: np.ndarray, events: np.ndarray, window: tuple[float, float]
) -> np.ndarray:
    """Return a mask of the events (event,) whose window overlaps any interval (interval, 2).

    Examples
    --------
    >>> overlap_any(np.array([[2.0, 3.0]]), np.array([0.5, 1.0, 1.5, 3.0]), (0, 1))
    array([False, False,  True, False])
    """
    found = np.zeros(len(events), dtype=bool)
    for start, stop in intervals:
        found |= (start < events + window[1] - TOUCHES) & (stop > events + window[0] + TOUCHES)
    return found


def merge_intervals(intervals: np.ndarray, gap: float = 0.0) -> np.ndarray:
    """Return intervals (interval, 2) in order of time; those at most a `gap` apart are one.

    Examples
    --------
    >>> merge_intervals(np.array([[5.0, 6.0], [0.0, 2.0], [1.0, 3.0], [3.0, 4.0]])).tolist()
    [[0.0, 4.0], [5.0, 6.0]]
    """
    ordered = np.asarray(intervals, dtype=float).reshape(-1, 2)
    ordered = ordered[np.argsort(ordered[:, 0], kind="stable")]
    reached = np.maximum.accumulate(ordered[:, 1])
    first = np.r_[True, ordered[1:, 0] > reached[:-1] + gap][: len(ordered)]
    last = np.r_[first[1:], True][: len(ordered)]
    return np.column_stack([ordered[first, 0], reached[last]])
