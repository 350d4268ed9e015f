"""Whether a label changes slowly over the session: in runs, or in how often a class comes.

The measure is the autocorrelation of each class (of the ranks, for numbers) over trials, summed up
to lags of 1, 2, 4, ... trials: runs show at once, a bias that drifts slowly at long lags only.
"""

from collections.abc import Iterator

import numpy as np
from scipy.stats import rankdata

from spikecast.core.seeding import make_rng

SLOW_P = 0.05  # up to which a label counts as slow; to err on this side costs little power
N_SHUFFLES = 500


def is_numeric(labels: np.ndarray) -> bool:
    """Return whether labels are numbers (float) rather than codes of classes (int)."""
    return np.asarray(labels).dtype.kind == "f"


def make_series(labels: np.ndarray, classes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield what varies of labels (draw, trial): ranks, one of two classes, or each of several.

    `classes` are the codes of the classes; empty for numbers.
    """
    if not classes.size:
        yield rankdata(labels, axis=-1)
    for code in classes[:1] if classes.size == 2 else classes:
        yield (labels == code).astype(float)


def find_classes(labels: np.ndarray) -> np.ndarray:
    """Return the codes of the classes; none for numbers."""
    return np.empty(0) if is_numeric(labels) else np.unique(labels)


def list_lags(n_trials: int) -> np.ndarray:
    """Return the lags, 1, 2, 4, ... up to a quarter of the session, at least one."""
    return 2 ** np.arange(max(1, int(np.log2(max(2, n_trials // 4))) + 1))


def sum_autocorrelation(series: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return the autocorrelation within `strata` (trial,) summed up to each lag, (draw, lag).

    Examples
    --------
    >>> blocks = np.repeat([[0.0, 1.0, 0.0, 1.0]], 8, axis=1)
    >>> sum_autocorrelation(blocks, np.zeros(32)).round(1)
    array([[0.8, 1.3, 1.8, 0.1]], dtype=float32)
    """
    n = series.shape[1]
    lags = list_lags(n)
    centered = np.array(series, dtype=np.float32)
    for stratum in np.unique(strata):
        here = strata == stratum
        centered[:, here] -= centered[:, here].mean(axis=1, keepdims=True)
    length = 1 << int(n + lags[-1]).bit_length()  # zeros beyond the session: nothing wraps around
    power = np.abs(np.fft.rfft(centered, length, axis=1)) ** 2
    products = np.fft.irfft(power, axis=1)[:, : lags[-1] + 1]
    variance = np.maximum(products[:, :1], 1e-9)
    return np.cumsum(products[:, 1:] / variance, axis=1)[:, lags - 1]


def compute_slowness_p(labels: np.ndarray, strata: np.ndarray, shuffled: np.ndarray) -> float:
    """Return how rarely shuffled labels (draw, trial) are as slow as the observed ones, as p.

    The largest excess over all classes and lags is compared, in standard deviations of the
    shuffles.
    """
    largest = np.full(1 + len(shuffled), -np.inf)
    everything = np.vstack([labels, shuffled])
    for series in make_series(everything, find_classes(labels)):
        sums = sum_autocorrelation(series, strata)
        excess = (sums - sums.mean(axis=0)) / (sums.std(axis=0) + 1e-9)
        largest = np.maximum(largest, excess.max(axis=1))
    return float((largest >= largest[0] - 1e-9).mean())


def labels_come_in_runs(labels: np.ndarray, seed: int = 0, n: int = N_SHUFFLES) -> bool:
    """Tell whether labels change more slowly over trials than shuffled ones (p at most .05).

    Labels are codes of classes (int), or numbers (float).

    Examples
    --------
    >>> labels_come_in_runs(np.repeat([0, 1, 0, 1], 10)), labels_come_in_runs(np.tile([0, 1], 20))
    (True, False)
    """
    labels = np.asarray(labels)
    shuffled = make_rng(seed, "runs").permuted(np.tile(labels, (n, 1)), axis=1)
    return compute_slowness_p(labels, np.zeros(labels.size, dtype=int), shuffled) <= SLOW_P
