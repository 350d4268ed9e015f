"""How many pairs of spikes lie how far apart."""

import numpy as np

REACH, STEP = 0.02, 0.0005  # seconds
LAGS = np.arange(-REACH, REACH + STEP / 2, STEP)
"""Edges of the lags, in seconds."""
MOST_SPIKES = 20_000  # whose neighbours are counted


def correlate(times: np.ndarray, others: np.ndarray, *, same: bool = True) -> np.ndarray:
    """Return the number of pairs of spikes at each lag of `others` from `times`, (lag,).

    Parameters
    ----------
    times, others : array, (spike,)
        Ascending, in seconds; of many spikes a stretch from the middle is taken.
    same : bool
        Whether both are one unit; a spike is then no pair with itself.

    Examples
    --------
    >>> counts = correlate(np.array([1.0, 1.0102, 3.0]), np.array([1.0, 1.0102, 3.0]))
    >>> int(counts.sum()), (1000 * LAGS[counts.nonzero()[0]]).round(1)
    (2, array([-10.5,  10. ]))
    """
    if len(times) > MOST_SPIKES:
        start = (len(times) - MOST_SPIKES) // 2
        times = times[start : start + MOST_SPIKES]
    first = np.searchsorted(others, times - REACH)
    n_near = np.searchsorted(others, times + REACH) - first
    spike = np.repeat(np.arange(len(times)), n_near)
    within = np.arange(spike.size) - np.repeat(n_near.cumsum() - n_near, n_near)
    lag = others[first[spike] + within] - times[spike]
    counts, _ = np.histogram(lag, LAGS)
    if same:
        counts[np.searchsorted(LAGS, 0.0, side="right") - 1] -= np.count_nonzero(lag == 0)
    return counts
