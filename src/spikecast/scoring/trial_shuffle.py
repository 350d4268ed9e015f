"""Expected scores of predictions that are swapped between trials of one condition.

What a prediction gains over the predictions made from other trials of its fold and condition, it
gains from the trial itself and not from the stimulus. The mean over all other trials has a closed
form: of ``sum(y log r - r)`` over bins, with the rates r of the other n - 1 trials, it is
``y . mean(log r) - mean(sum r)``.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from spikecast.scoring.metrics import RATE_FLOOR
from spikecast.tasks.splits import Fold


def group_trials(folds: Sequence[Fold], condition: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the test trials of each fold and condition, where there are at least two."""
    for fold in folds:
        for label in np.unique(condition[fold.test]):
            trials = np.sort(fold.test[condition[fold.test] == label])
            if trials.size > 1:
                yield trials


def average_others(values: np.ndarray) -> np.ndarray:
    """Return for each trial the mean over the other trials; 0 where there are none.

    Examples
    --------
    >>> average_others(np.array([1.0, 2.0, 6.0]))
    array([4. , 3.5, 1.5])
    """
    return (values.sum(axis=0) - values) / max(len(values) - 1, 1)


def shuffled_likelihood(y: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return each trial's log-likelihood expected over other trials' rates, (trial, target).

    `y` and `rate`, (trial, time, target), are of the trials of one condition; see
    :func:`spikecast.scoring.metrics.log_likelihood` (nats, Poisson).

    Examples
    --------
    >>> y = np.array([[[1]], [[0]]])
    >>> shuffled_likelihood(y, np.array([[[1.0]], [[2.0]]])).round(2).ravel()
    array([-1.31, -1.  ])
    """
    rate = np.maximum(rate, np.asarray(RATE_FLOOR, dtype=rate.dtype))
    expected = rate.sum(axis=1, dtype=float)
    matched = (y * average_others(np.log(rate))).sum(axis=1, dtype=float)
    return matched - average_others(expected)


def shuffled_error(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return each trial's squared error expected over other trials' predictions, (trial, target).

    `y` and `prediction`, (trial, time, target), are of one condition; errors are summed over bins.
    """
    # summed over bins, (y - p)^2 is y.y - 2 y.p + p.p, with the p of the other trials
    squares = average_others(np.square(prediction).sum(axis=1, dtype=float))
    matched = (y * average_others(prediction)).sum(axis=1, dtype=float)
    return np.square(y).sum(axis=1, dtype=float) - 2 * matched + squares
