"""How many dimensions of one population predict another beyond shifted pairings of their trials."""

from collections.abc import Sequence

import numpy as np

from spikecast.analysis.interareal.shift_claims import ALPHA, Pairings
from spikecast.tasks.shifts import rank_p


def rank_dimensions(
    x: np.ndarray, y: np.ndarray, pairings: Pairings, penalties: Sequence[float], max_rank: int
) -> np.ndarray:
    """Return p of each dimension in which `x` predicts `y`, that which adds most first.

    Both are (trial, time, feature), cleared of what else is known to explain them, and in units in
    which penalties are meant. The statistic is what a dimension adds to the R2 on held-out trials,
    ranked among the most that any dimension adds in each shifted pairing: however many real ones
    come before it, a dimension that is not there is the best of those that chance makes.
    """
    gains = _PairedRegression(x, y, pairings, penalties, max_rank).measure_gains
    true, *shifted = (gains(shift) for shift in pairings.all_shifts)
    most = np.array([one.max() for one in shifted])
    return np.array([rank_p(gain, most) for gain in np.sort(true)[::-1]])


def count_dimensions(p: np.ndarray) -> int:
    """Return how many dimensions pass, one after the other, until the first that does not.

    Examples
    --------
    >>> count_dimensions(np.array([0.02, 0.05, 0.3, 0.3]))
    2
    """
    return int(np.cumprod(p <= ALPHA).sum())


class _PairedRegression:
    """Reduced-rank ridge regression of one pairing of trials after the other, from sums.

    Both scores and weights follow from sums of products over parts of the trials. Both sides are
    centred on the trials that are paired: what is left of slow drift is 0 on average over the
    session, but not over a part of it.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        pairings: Pairings,
        penalties: Sequence[float],
        max_rank: int,
    ) -> None:
        self.plan, self.parts = pairings
        self.penalties, self.max_rank = penalties, max_rank
        self.x, self.y = x, _center(y[self.plan.targets])
        self.total = float(np.square(self.y, dtype=float).sum())

    def measure_gains(self, shift: int) -> np.ndarray:
        """Return the R2 that each dimension adds on held-out trials, (dimension,).

        The penalty is the one under which all dimensions that add something add most.
        """
        x = _center(self.x[self.plan.find_sources(shift)])
        gram = np.stack([_multiply(x[part], x[part]) for part in self.parts])
        cross = np.stack([_multiply(x[part], self.y[part]) for part in self.parts])
        gains = np.zeros((len(self.penalties), self.max_rank))
        for part, test_gram, test_cross in zip(self.parts, gram, cross, strict=True):
            n_samples = (len(self.y) - len(part)) * self.y.shape[1]
            train_gram = (gram.sum(axis=0) - test_gram) / n_samples
            train_cross = (cross.sum(axis=0) - test_cross) / n_samples
            values, vectors = np.linalg.eigh(train_gram)
            projected = vectors.T @ train_cross
            for index, penalty in enumerate(self.penalties):
                weights = vectors @ (projected / (np.maximum(values, 0) + penalty)[:, np.newaxis])
                _, axes = np.linalg.eigh(weights.T @ train_gram @ weights)
                axes = axes[:, ::-1][:, : self.max_rank]  # of the fit, strongest first
                readout = weights @ axes
                # axes are orthonormal, so dimensions add up
                gains[index] += 2 * np.einsum(
                    "xd,xy,yd->d", readout, test_cross, axes, optimize=True
                )
                gains[index] -= np.einsum("xd,xz,zd->d", readout, test_gram, readout, optimize=True)
        best = np.cumsum(gains, axis=1).max(axis=1).argmax()
        return gains[best] / max(self.total, 1e-12)


def _center(z: np.ndarray) -> np.ndarray:
    """Return activity less its mean over trials, (trial, time, feature)."""
    return z - z.mean(axis=0)


def _multiply(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return sums of products over trials and bins, (feature, feature)."""
    return (x.reshape(-1, x.shape[2]).T @ y.reshape(-1, y.shape[2])).astype(float)
