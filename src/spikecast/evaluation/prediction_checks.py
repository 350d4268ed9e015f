"""What can be measured of predictions whose fits nobody watched: signs that they saw the answer."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2_contingency

from spikecast.tasks.splits import Fold

FAST_SHARE = 0.1  # of a target's fast variance: so much of it may be of its rate
LEAST_SPIKES = 50


def measure_zero_lag(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return how far predictions follow the counts of their own bin, as a z per target.

    From bin to bin, counts of a neuron change by chance: no other data know by how much. What a
    prediction has at bin t above its mean at t - 1 and t + 1 therefore goes along with the count at
    t only as far as the rate itself changes so fast. How much of it does is estimated from the
    counts: the variance of their own differences in excess of that of Poisson counts, two standard
    errors more, and a tenth of that variance at least. The z is of what goes beyond. A prediction
    that was made from the target itself reaches it even where it was smoothed.

    Parameters
    ----------
    truth, predicted : array, (trial, time, target)
        Counts, and the expected counts of the same trials.

    Returns
    -------
    array, (target,)
        NaN where a target has fewer than 50 spikes.

    Examples
    --------
    >>> rate = np.full((50, 40, 1), 0.2); rng = np.random.default_rng(0)
    >>> counts = rng.poisson(rate)
    >>> honest, leaking = rng.gamma(4.0, 0.05, rate.shape), 0.9 * rate + 0.1 * counts
    >>> z = [measure_zero_lag(counts, one)[0] for one in (honest, leaking)]
    >>> bool(z[0] < 3), bool(z[1] > 9)
    (True, True)
    """
    z = np.full(truth.shape[2], np.nan)
    if truth.shape[1] < 3:
        return z
    truth, predicted = truth.astype(np.float64), predicted.astype(np.float64)
    inner = truth[:, 1:-1]
    spikes = inner.sum(axis=(0, 1))
    own = (_subtract_neighbours(truth) * inner - inner).sum(axis=1)  # (trial, target)
    fast = own.sum(axis=0) + 2 * own.std(axis=0) * np.sqrt(len(own))
    fast = np.maximum(fast, FAST_SHARE * spikes)
    step = _subtract_neighbours(predicted)
    size = np.square(step).sum(axis=(0, 1))
    followed = (step * inner).sum(axis=(0, 1))
    noise = np.sqrt(np.maximum((np.square(step) * inner).sum(axis=(0, 1)), 1e-12))
    enough = spikes >= LEAST_SPIKES
    z[enough] = ((followed - np.sqrt(size * fast)) / noise)[enough]
    return z


def _subtract_neighbours(values: np.ndarray) -> np.ndarray:
    """Return each inner bin above the mean of both its neighbours, (trial, time - 2, target)."""
    return values[:, 1:-1] - (values[:, :-2] + values[:, 2:]) / 2


def correlate_with_truth(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the correlation of each target with its prediction over all bins, (target,).

    Examples
    --------
    >>> counts = np.random.default_rng(0).poisson(0.3, (5, 20, 2))
    >>> correlate_with_truth(counts, counts + 1).round(2).tolist()
    [1.0, 1.0]
    """
    first, second = (
        values.reshape(-1, values.shape[2]).astype(np.float64) for values in (truth, predicted)
    )
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    size = np.linalg.norm(first, axis=0) * np.linalg.norm(second, axis=0)
    return np.divide((first * second).sum(axis=0), size, out=np.zeros(len(size)), where=size > 0)


def count_by_part(condition: np.ndarray, folds: Sequence[Fold]) -> dict[str, list[int]]:
    """Return how many trials of each condition each part holds out.

    Examples
    --------
    >>> folds = [Fold(np.array([2, 3]), np.array([0, 1])), Fold(np.array([0, 1]), np.array([2, 3]))]
    >>> count_by_part(np.array(["left", "left", "left", "right"]), folds)
    {'left': [2, 1], 'right': [0, 1]}
    """
    return {
        str(name): [int((condition[fold.test] == name).sum()) for fold in folds]
        for name in np.unique(condition)
    }


def judge_balance(counts: dict[str, list[int]]) -> float:
    """Return p that conditions are spread over the parts by chance; 1 with one of either.

    Examples
    --------
    >>> judge_balance({"left": [20, 0], "right": [0, 20]}) < 1e-6
    True
    """
    table = np.array(list(counts.values()))
    table = table[table.sum(axis=1) > 0]
    if min(table.shape) < 2:
        return 1.0
    return float(chi2_contingency(table).pvalue)
