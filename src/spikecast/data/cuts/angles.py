"""Angles that jump: from a whole turn to nothing, where they pass it."""

import numpy as np

PERIODS = (2 * np.pi, 360.0)
"""A turn in radians and in degrees."""
SLACK = 0.01  # of a turn, by which values may lie beyond it


def jumps(values: np.ndarray, period: float) -> bool:
    """Return whether values (sample[, channel]) lie within a turn and jump by more than half of it.

    Angles that go on counting beyond a turn do not jump, nor do those of an eye.

    Examples
    --------
    >>> degrees = np.array([340.0, 350.0, 0.0, 10.0])
    >>> jumps(degrees, 360.0), jumps(np.unwrap(degrees, period=360.0), 360.0)
    (True, False)
    """
    values = np.asarray(values, dtype=float)
    if np.ptp(values, axis=0).max() > (1 + SLACK) * period:
        return False
    return bool((np.abs(np.diff(values, axis=0)) > period / 2).any())


def find_period(values: np.ndarray) -> float | None:
    """Return the turn of values (sample[, channel]) that look like an angle, as they jump by it.

    Examples
    --------
    >>> find_period(np.arange(0, 1000, 7) % 360), find_period(np.arange(0, 1000, 7) % 300)
    (360.0, None)
    """
    values = np.asarray(values, dtype=float)
    for one in np.atleast_2d(values.T):
        low, high = one.min(), one.max()
        largest = np.abs(np.diff(one)).max(initial=0.0)
        for period in PERIODS:
            near = min(abs(low), abs(low + period / 2)) <= 5 * SLACK * period
            all_round = 0.95 * period <= high - low <= (1 + SLACK) * period
            if near and all_round and largest > 0.9 * period:
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
