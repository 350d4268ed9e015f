"""Angles that jump: from a whole turn to nothing, where they pass it."""

import numpy as np

PERIODS = {2 * np.pi: "radians", 360.0: "degrees"}
"""Whole turns, and the unit of angles that they are in."""
SLACK = 0.01  # of a turn, by which values may lie beyond it


def jumps(values: np.ndarray, period: float) -> bool:
    """Return whether values (sample,) lie all round a turn and jump from its end to its start.

    Angles that go on counting beyond a turn do not, nor do those of an eye, of targets, or of a
    wheel that is set back to 0 before it has turned once.

    Examples
    --------
    >>> degrees = np.arange(0.0, 1000.0, 7.0)
    >>> jumps(degrees % 360, 360.0), jumps(degrees, 360.0), jumps(degrees % 200, 360.0)
    (True, False, False)
    """
    values = np.asarray(values, dtype=float)
    all_round = 0.95 * period <= np.ptp(values) <= (1 + SLACK) * period
    return bool(all_round and np.abs(np.diff(values)).max(initial=0.0) > 0.9 * period)


def find_period(values: np.ndarray) -> float | None:
    """Return the turn of values (sample[, channel]) that look like an angle, as they jump by it.

    Examples
    --------
    >>> find_period(np.arange(0, 1000, 7) % 360), find_period(np.arange(0, 1000, 7) % 300)
    (360.0, None)
    """
    for one in np.atleast_2d(np.asarray(values, dtype=float).T):
        for period in PERIODS:
            near = min(abs(one.min()), abs(one.min() + period / 2)) <= 5 * SLACK * period
            if near and jumps(one, period):
                return period
    return None


def wrap(angles: np.ndarray, like: np.ndarray, period: float) -> np.ndarray:
    """Return angles within the turn that others lie in: from 0, from minus half, or another.

    Examples
    --------
    >>> wrap(np.array([-90.0]), like=np.array([0.0, 359.0]), period=360.0).tolist()
    [270.0]
    """
    low, high = float(like.min()), float(like.max())
    slack = SLACK * period
    starts = [
        start
        for start in (0.0, -period / 2)
        if start - slack <= low and high <= start + period + slack
    ]
    start = starts[0] if starts else low
    return np.mod(angles - start, period) + start
