"""Whether two areas covary at all, when, and which is ahead, beyond shifted pairings of trials."""

from typing import NamedTuple

import numpy as np

from spikecast.analysis.interareal.canonical import correlate_sums, find_whitening
from spikecast.analysis.interareal.shift_claims import Pairings
from spikecast.tasks.shifts import rank_p


class CorrelationTest(NamedTuple):
    """p of the correlation overall, of the correlation around each bin, and of the lead."""

    p: float | None
    p_of_bins: np.ndarray  # (time,)
    p_of_lead: float | None


def rank_correlation(
    x: np.ndarray, y: np.ndarray, pairings: Pairings, max_lag: int, step: int, shrinkage: float
) -> CorrelationTest:
    """Rank the canonical correlation of the true pairing of trials among that of shifted ones.

    `x` and `y` are components (trial, time, component), cleared of what else is known to explain
    them. Pairs of bins at most `max_lag` apart around every `step`-th bin are looked at, their lags
    also about `step` apart. Overall the statistic is their mean correlation on held-out trials.
    Around a bin it is the mean over lags, ranked among the largest of any bin of each shifted
    pairing, so that with nothing shared one test in twenty is wrong about any bin at all. The lead
    is tested to both sides.
    """
    n_bins = x.shape[1]
    centers = np.arange(0, n_bins, step)
    bins = _list_pairs(centers, max_lag, step, n_bins)
    regression = _PairedCorrelation(x, y, pairings, bins, shrinkage)
    true, *shifted = (regression.measure(shift) for shift in pairings.all_shifts)
    together, *others = (_average(one, bins.place, len(centers)) for one in (true, *shifted))
    p_of_lead = None
    if (bins.lag > 0).any():  # else steps are so long that no pair of two bins fits in
        lead, *other_leads = (_measure_lead(one, bins.lag) for one in (true, *shifted))
        p_of_lead = rank_p(abs(lead), np.abs(other_leads))
    highest = np.array([one.max() for one in others])
    p_of_bins = np.array([rank_p(value, highest) for value in together])
    return CorrelationTest(
        rank_p(true.mean(), np.array([one.mean() for one in shifted])),
        np.repeat(p_of_bins, step)[:n_bins],
        p_of_lead,
    )


class _BinPairs(NamedTuple):
    """Pairs of a bin of the source and one of the target, each (pair,)."""

    source: np.ndarray
    target: np.ndarray
    lag: np.ndarray  # target less source: above 0 the source comes first
    place: np.ndarray  # number of the bin in the middle


def _list_pairs(centers: np.ndarray, max_lag: int, step: int, n_bins: int) -> _BinPairs:
    positive = np.linspace(0, max_lag, 1 + -(-max_lag // step)).round().astype(int)
    lag = np.concatenate([-positive[:0:-1], positive])
    earlier = centers[:, np.newaxis] - (abs(lag) + 1) // 2
    later = earlier + abs(lag)
    inside = (earlier >= 0) & (later < n_bins)
    source, target = np.where(lag >= 0, earlier, later), np.where(lag >= 0, later, earlier)
    place, which = np.nonzero(inside)
    return _BinPairs(source[inside], target[inside], lag[which], place)


def _average(values: np.ndarray, place: np.ndarray, n_places: int) -> np.ndarray:
    """Return the mean of the pairs around each bin; 0 where there are none."""
    number = np.bincount(place, minlength=n_places)
    return np.bincount(place, values, n_places) / np.maximum(number, 1)


def _measure_lead(values: np.ndarray, lag: np.ndarray) -> float:
    """Return how much larger the correlation is where the source comes first."""
    return float(values[lag > 0].mean() - values[lag < 0].mean())


class _PairedCorrelation:
    """Canonical correlation of one pairing of trials after the other, all from sums over parts.

    Directions, and the variances of held-out trials along them, follow from covariances of a bin
    and of a pair of bins. Both sides are centred on the trials that are paired: what is left of
    slow drift is 0 on average over the session, but not over a part of it.
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, pairings: Pairings, bins: _BinPairs, shrinkage: float
    ) -> None:
        self.plan, self.parts = pairings
        self.bins, self.shrinkage = bins, shrinkage
        self.x = x
        y = _center(y[self.plan.targets])
        self.y_pairs = y[:, bins.target].transpose(1, 0, 2).copy()  # (pair, trial, component)
        self.y_squares = self._sum_squares(y)
        self.white_y = self._find_whitenings(self.y_squares)

    def measure(self, shift: int) -> np.ndarray:
        """Return the correlation on held-out trials of each pair of bins, (pair,)."""
        x, bins = _center(self.x[self.plan.find_sources(shift)]), self.bins
        x_pairs = x[:, bins.source].transpose(1, 2, 0)  # (pair, component, trial)
        cross = np.stack([x_pairs[..., part] @ self.y_pairs[:, part] for part in self.parts])
        x_squares = self._sum_squares(x)
        whitenings = self._find_whitenings(x_squares)
        sums = np.zeros((3, len(bins.lag)))
        for number in range(len(self.parts)):
            one, other = whitenings[number][bins.source], self.white_y[number][bins.target]
            left, _, right = np.linalg.svd(one @ (cross.sum(axis=0) - cross[number]) @ other)
            u = one @ left[..., :1]
            v = other @ right[..., :1, :].swapaxes(1, 2)
            held_out = (
                (u, cross[number], v),
                (u, x_squares[number][bins.source], u),
                (v, self.y_squares[number][bins.target], v),
            )
            for total, (first, middle, second) in zip(sums, held_out, strict=True):
                total += (first.swapaxes(1, 2) @ middle @ second)[:, 0, 0]
        return correlate_sums(*sums)

    def _sum_squares(self, z: np.ndarray) -> np.ndarray:
        """Return products of components, summed over each part, (part, time, component, same)."""
        parts = (z[part] for part in self.parts)
        return np.stack([np.einsum("rti,rtj->tij", one, one, optimize=True) for one in parts])

    def _find_whitenings(self, squares: np.ndarray) -> np.ndarray:
        """Return the whitening of each bin learnt without each part, from sums of its squares."""
        n_trials = [len(self.plan.targets) - len(part) for part in self.parts]
        covariances = (squares.sum(axis=0) - squares) / np.reshape(n_trials, (-1, 1, 1, 1))
        return find_whitening(covariances, self.shrinkage)


def _center(z: np.ndarray) -> np.ndarray:
    """Return components less their mean over trials, (trial, time, component)."""
    return z - z.mean(axis=0)
