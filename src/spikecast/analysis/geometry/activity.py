"""Activity out of a recording or an array."""

import numpy as np

from spikecast.core.checks import check_finite, check_three_axes
from spikecast.data.recording import Recording


def read_activity(data: Recording | np.ndarray) -> np.ndarray:
    """Return (trial, time, neuron) from a recording, or the array itself once checked.

    Examples
    --------
    >>> read_activity(np.zeros((3, 4, 2))).shape
    (3, 4, 2)
    """
    if isinstance(data, Recording):
        return data.activity
    data = np.asarray(data)
    check_three_axes("activity", data)
    check_finite("activity", data)
    return data
