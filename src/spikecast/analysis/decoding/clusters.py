"""Which stretch is above chance, and from when: cluster-based permutation over time.

Maris & Oostenveld 2007, "Nonparametric statistical testing of EEG- and MEG-data". The test says
*that* there is a stretch above chance; where exactly it begins is an estimate (Sassenhagen &
Draschkow 2019), which is why an onset never comes without its bootstrap interval.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.stats import norm

from spikecast.core.checks import check_in_range

SMALLEST_LEVEL = 1e-9


@dataclass(frozen=True)
class ClusterLevels:
    """Levels of a cluster test.

    Parameters
    ----------
    alpha : float
        Of a cluster as a whole.
    join : float
        Of a point (one-sided) that joins a cluster. It changes what kind of effect is found, not
        how often nothing is taken for something: a lenient one finds weak long effects but lets
        noise lengthen a cluster into the time before the effect.
    """

    alpha: float = 0.05
    join: float = 0.001

    def __post_init__(self) -> None:
        check_in_range("alpha", self.alpha, SMALLEST_LEVEL, 1)
        check_in_range("join", self.join, SMALLEST_LEVEL, 1)


LEVELS = ClusterLevels()


@dataclass(frozen=True)
class Clusters:
    """A cluster test of scores over time, or over any grid: arrays over the grid.

    A point joins a cluster where its score exceeds the threshold; its excess is
    ``(score - center) / scale``.
    """

    significant: np.ndarray  # points in a cluster with p at most alpha
    p: np.ndarray  # of the cluster a point is in, corrected for all clusters; 1 outside
    p_pointwise: np.ndarray  # uncorrected
    threshold: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    chance: np.ndarray  # mean of the null
    critical: float  # mass (sum of excess) from which on a cluster is significant


def cluster_test(scores: np.ndarray, levels: ClusterLevels = LEVELS) -> Clusters:
    """Test observed scores against their null, (1 + permutation, ...), the observed ones first.

    Observed and null scores are treated alike throughout (thresholds are taken from all of them),
    so that under the null the observed row is one among equals and the test is exact. Without a
    null (a single row) nothing is significant, and p is NaN.

    Examples
    --------
    >>> scores = np.random.default_rng(0).normal(size=(200, 50))
    >>> scores[0, 20:25] += 4
    >>> np.flatnonzero(cluster_test(scores).significant)
    array([20, 21, 22, 23, 24])
    """
    n = len(scores)
    if n == 1:
        return _leave_untested(scores[0])
    center, scale = scores.mean(axis=0), scores.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    # the level of the test does not hang on this threshold, so a normal quantile is good enough,
    # and steadier than a far quantile of few permutations
    threshold = center + norm.ppf(1 - levels.join) * scale
    above = scores > threshold
    excess = np.where(above, (scores - center) / scale, 0.0)
    largest = np.array([_sum_clusters(a, e)[1].max(initial=0.0) for a, e in zip(above, excess)])
    labels, masses = _sum_clusters(above[0], excess[0])
    p = np.ones(scores.shape[1:])
    for index, mass in enumerate(masses, start=1):
        p[labels == index] = (largest >= mass - 1e-9).sum() / n
    # the smallest mass that fewer than alpha of all rows reach or exceed
    descending = np.sort(largest)[::-1]
    critical = float(descending[max(int(np.floor(levels.alpha * n + 1e-9)), 1) - 1])
    pointwise = (scores >= scores[0] - 1e-12).sum(axis=0) / n
    chance = scores[1:].mean(axis=0)
    return Clusters(p <= levels.alpha, p, pointwise, threshold, center, scale, chance, critical)


def _leave_untested(score: np.ndarray) -> Clusters:
    """Return that nothing is significant of scores without a null."""
    unknown, never = np.full(score.shape, np.nan), np.full(score.shape, np.inf)
    nowhere = np.zeros(score.shape, dtype=bool)
    one = np.ones(score.shape)
    return Clusters(nowhere, unknown, unknown, never, score, one, unknown, np.inf)


def _sum_clusters(above: np.ndarray, excess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the cluster each point is in, and the sum of each one's excess."""
    # diagonal neighbours count: a code that moves on is a diagonal of train x test times
    labels, n_clusters = ndimage.label(above, np.ones((3,) * above.ndim))
    return labels, ndimage.sum_labels(excess, labels, np.arange(1, n_clusters + 1))


def find_onsets(curves: np.ndarray, test: Clusters, least_bins: int) -> np.ndarray:
    """Return when each curve (curve, time) first has a significant cluster that lasts, in bins.

    A cluster begins where the curve crosses the threshold of `test`, on a straight line between the
    last bin below and the first above: whole bins would add noise of their own to differences.
    Infinite where no cluster of `least_bins` is significant.

    Examples
    --------
    >>> flat, one = np.zeros(4), np.ones(4)
    >>> test = Clusters(flat > 0, one, one, flat + 0.5, flat, one, flat, critical=1.5)
    >>> find_onsets(np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 0.0]]), test, 1)
    array([1.5, inf])
    """
    margin = curves - test.threshold
    excess = (curves - test.center) / test.scale
    onset = np.full(len(curves), np.inf)
    start = np.zeros(len(curves))
    length, mass = np.zeros(len(curves)), np.zeros(len(curves))
    for t in range(curves.shape[1]):
        above = margin[:, t] > 0
        begins = above & (length == 0)
        start[begins] = t
        if t:
            rise = margin[begins, t] - margin[begins, t - 1]
            start[begins] -= margin[begins, t] / rise
        length = np.where(above, length + 1, 0)
        mass = np.where(above, mass + excess[:, t], 0.0)
        # a cluster's mass only grows: once significant it stays so
        new = np.isinf(onset) & (length >= least_bins) & (mass >= test.critical - 1e-9)
        onset[new] = start[new]
    return onset
