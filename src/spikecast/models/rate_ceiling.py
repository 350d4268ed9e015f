"""The largest rate of a model of counts: it keeps a bad step finite, and no rate of the data."""

import numpy as np

MAX_LOG_RATE = 5.0
"""Largest log rate where no bin of the training trials has more than 50 counts."""


def find_max_log_rate(y: np.ndarray) -> float:
    """Return the largest log rate that is predicted after training on counts `y`.

    Examples
    --------
    >>> find_max_log_rate(np.array([0, 3])), round(find_max_log_rate(np.array([0, 1000])), 2)
    (5.0, 7.91)
    """
    return max(MAX_LOG_RATE, float(np.log(max(float(y.max()), 1.0))) + 1)
