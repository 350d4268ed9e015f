"""Where fewer digits would lose what numbers tell."""

import numpy as np

FINE = 1e-5
"""Part of what a channel changes: a step of single precision that is no matter."""
MOST_HALF = 6e4
"""Numbers from here on have no half precision."""


def is_lost_in_single(low: np.ndarray, high: np.ndarray, coarsest: float = FINE) -> np.ndarray:
    """Return which channels change by too few steps of single precision, beside their baseline.

    Parameters
    ----------
    low, high : array
        The least and the largest value of each channel.
    coarsest : float
        The largest step that is taken, as a part of what the channel changes.

    Examples
    --------
    >>> is_lost_in_single(np.array([0.0, 3e7]), np.array([1.0, 3e7 + 1]))
    array([False,  True])
    """
    low, high = low.astype(float), high.astype(float)
    with np.errstate(all="ignore"):  # what is too large is refused elsewhere
        step = np.spacing(np.maximum(-low, high).astype(np.float32))
        lost: np.ndarray = (high > low) & (step > coarsest * (high - low))
    return lost


def to_half(values: np.ndarray) -> np.ndarray:
    """Return values in half precision; as they are, where some are too large for it.

    Examples
    --------
    >>> to_half(np.array([1.0])).dtype, to_half(np.array([1e5])).dtype
    (dtype('float16'), dtype('float64'))
    """
    return values.astype(np.float16) if np.abs(values).max(initial=0) < MOST_HALF else values
