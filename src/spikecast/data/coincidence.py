"""Neurons recorded twice: pairs whose spikes fall into the same bins.

A neuron that two probes pick up, or that a sorter found on two channels, predicts itself.
"""

from hashlib import blake2b

import numpy as np
import pandas as pd
from scipy.stats import binom, norm

from spikecast.data.recording import Recording

MAX_BIN_SIZE = 0.02  # seconds; in wider bins, fast fluctuations that neurons share look the same
MIN_SHARE = 0.2  # of the spikes of the neuron that has fewer
MIN_SPIKES = 30  # bins with a spike
ALPHA = 0.01  # for all pairs together
NEAR, FAR = 1, 3  # bins: a copy's spikes come within NEAR; lags up to FAR tell what is smooth
# weights of lags: the peak, less a straight line through lags 2 and 3, on either side
LAG_WEIGHTS = {0: 1.0, 1: 1.0, 2: -3.5, 3: 2.0}
STRETCH = 1000  # bins of a continuous recording that are held as one trial
BLOCK = 2**26  # numbers held at once
COLUMNS = ["first", "second", "share", "z"]


def can_find_coincidences(recording: Recording) -> bool:
    """Return whether a recording has spikes in bins that are fine enough, and enough of them."""
    fine = recording.bin_size <= MAX_BIN_SIZE * (1 + 1e-6)
    return recording.kind == "counts" and fine and recording.n_bins >= 2 * FAR + 2


def find_coincident_pairs(
    recording: Recording, first: np.ndarray, second: np.ndarray
) -> pd.DataFrame:
    """Find pairs of neurons that look like one neuron recorded twice.

    Bins with a spike of both are counted when one neuron is shifted against the other by -3 to 3
    bins. What two neurons share of a stimulus, a movement, or a fluctuation makes this count change
    smoothly with the shift; a neuron recorded twice gives a peak of -1 to 1 bins (a spike beside
    the border of a bin may fall to either side). A pair is found where the peak stands out by at
    least a fifth of the bins with a spike of the neuron that has fewer, above the neighbouring
    shifts as well as above the straight line through them, and more than chance gives over all
    pairs. Coupling and what is smooth over two bins or more do not get there. A neuron that is the
    same as another in every bin is found in any recording.

    Parameters
    ----------
    recording : Recording
        Counts in bins of at most 20 ms. In wider bins fast fluctuations that neurons share cannot
        be told from one neuron, and continuous activity has no spikes: only what is the same in
        every bin is found there.
    first, second : array of int
        Numbers of neurons; every one of `first` is compared with every other of `second`.

    Returns
    -------
    DataFrame
        One row per pair: ``first, second`` (numbers of neurons), ``share`` of spikes, ``z``.

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.random.default_rng(0).poisson(0.1, (50, 40, 4))
    >>> counts[:, :, 3] = counts[:, :, 0]
    >>> recording = Recording.from_arrays(counts, 0.01 * np.arange(40), ["A", "A", "B", "B"])
    >>> find_coincident_pairs(recording, np.arange(2), np.arange(2, 4))["second"].tolist()
    [3]
    """
    same = _find_same(recording, first, second)
    rows = [(i, j, 1.0, np.inf) for i, j in sorted(same)]
    if not can_find_coincidences(recording):
        return pd.DataFrame(rows, columns=COLUMNS)
    active = _cut_long_trial(recording.activity > 0)
    inner = active[:, FAR:-FAR]
    n_spikes = inner.sum(axis=(0, 1))
    first, second = (some[n_spikes[some] >= MIN_SPIKES] for some in (first, second))
    if not first.size or not second.size:
        return pd.DataFrame(rows, columns=COLUMNS)
    limit = norm.isf(ALPHA / max(first.size * second.size, 1))
    # the variance of a peak is never below its size, so that a z above the limit needs its square
    least = np.maximum(MIN_SHARE * np.minimum.outer(n_spikes[first], n_spikes[second]), limit**2)
    peak = _sum_weighted_coincidences(active, first, second)
    candidates = np.argwhere((peak >= least) & (first[:, np.newaxis] != second))
    for i, j in candidates:
        if (first[i], second[j]) in same:
            continue
        share, z = _measure_peak(active[:, :, first[i]], active[:, :, second[j]])
        if share >= MIN_SHARE and z > limit:
            rows.append((int(first[i]), int(second[j]), share, z))
    return pd.DataFrame(rows, columns=COLUMNS)


def _find_same(recording: Recording, first: np.ndarray, second: np.ndarray) -> set[tuple[int, int]]:
    """Return the pairs (of `first`, of `second`) whose activity is the same in every bin.

    Neurons that never change are not compared, nor those with few spikes.
    """
    counts = recording.kind == "counts"
    known: dict[bytes, list[int]] = {}
    found = set()
    for neuron in [*first.tolist(), *second.tolist()]:
        values = recording.activity[:, :, neuron]
        if np.ptp(values) == 0 or (counts and np.count_nonzero(values) < MIN_SPIKES):
            continue
        same = known.setdefault(blake2b(values.tobytes(), digest_size=16).digest(), [])
        found |= {(other, neuron) for other in same}
        same.append(neuron)
    return {(i, j) for i, j in found if i != j and i in first and j in second}


def _cut_long_trial(active: np.ndarray) -> np.ndarray:
    """Return one long trial as stretches of it, (stretch, time, neuron); several as they are."""
    n_trials, n_bins, n_neurons = active.shape
    if n_trials > 1 or n_bins < 2 * STRETCH:
        return active
    n_stretches = n_bins // STRETCH
    return active[0, : n_stretches * STRETCH].reshape(n_stretches, STRETCH, n_neurons)


def _sum_weighted_coincidences(
    active: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Return the peak above the line through lags 2 and 3, in bins, (first, second)."""
    n_trials, n_bins, _ = active.shape
    total = np.zeros((first.size, second.size), dtype=np.float32)
    step = max(1, BLOCK // (n_bins * (first.size + 2 * second.size + 1)))
    for start in range(0, n_trials, step):
        part = active[start : start + step]
        x = part[:, FAR:-FAR, first].astype(np.float32)
        y = part[:, :, second].astype(np.float32)
        peak = np.zeros((len(part), n_bins - 2 * FAR, second.size), dtype=np.float32)
        for lag in range(-FAR, FAR + 1):
            peak += LAG_WEIGHTS[abs(lag)] * y[:, FAR + lag : n_bins - FAR + lag]
        total += x.reshape(-1, first.size).T @ peak.reshape(-1, second.size)
    return total


def _measure_peak(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return the share of spikes in the peak of two neurons (trial, time), and its z.

    Both are the lesser of two: above the line through lags 2 and 3, and above their mean. The
    latter's z is exact: where nothing peaks, each coincidence is as likely at every lag.
    """
    n_bins = a.shape[1]
    lags = np.arange(-FAR, FAR + 1)
    inner = a[:, FAR:-FAR]
    counts = np.array([(inner & b[:, FAR + lag : n_bins - FAR + lag]).sum() for lag in lags])
    weights = np.array([LAG_WEIGHTS[lag] for lag in abs(lags).tolist()])
    near = np.abs(lags) <= NEAR
    n_peak, level = counts[near].sum(), counts[~near].mean()
    line = (weights * counts).sum()
    spread = max((weights**2 * counts).sum(), (weights**2).sum() * level)
    exact = norm.isf(binom.sf(n_peak - 1, counts.sum(), near.mean()))
    n_smaller = min(inner.sum(), b[:, FAR:-FAR].sum())
    share = min(line, n_peak - near.sum() * level) / n_smaller
    return float(share), float(min(line / np.sqrt(spread + 1), exact))
