"""Linear shifts of one population's trials against another's: what slow change alone would give.

Two populations that each drift over a session look related, whichever trials are paired. Whatever
belongs to the single trial is lost when the source of trial i + k is paired with the target of
trial i; what is slow stays.
"""

from typing import NamedTuple

import numpy as np

from spikecast.core.checks import check_count

MIN_SHIFTS = 19  # with fewer, p cannot reach .05


class ShiftPlan(NamedTuple):
    """Which trials are paired with which.

    The target trials are the same for every shift and for the true pairing, so that all are scored
    on the same data; no shift wraps around the session.
    """

    targets: np.ndarray  # rows of the trials that are predicted, (target trial,)
    shifts: np.ndarray  # (shift,), without 0

    def find_sources(self, shift: int) -> np.ndarray:
        """Return the rows of the source that are paired with `targets`."""
        return self.targets + shift


def plan_shifts(n_trials: int, n_shifts: int = 40) -> ShiftPlan | None:
    """Return up to `n_shifts` shifts, spread evenly over a quarter of the session either way.

    None where there are too few trials for a test at the level of .05.

    References
    ----------
    Harris 2021, Nonsense correlations in neuroscience (the linear shift).

    Examples
    --------
    >>> plan = plan_shifts(100, 20)
    >>> plan.targets[[0, -1]].tolist(), plan.shifts[[0, -1]].tolist(), len(plan.shifts)
    ([25, 74], [-25, 25], 20)
    >>> plan_shifts(30) is None
    True
    """
    check_count("n_shifts", n_shifts, 0)
    longest = n_trials // 4
    per_side = min(longest, n_shifts // 2)
    if 2 * per_side < MIN_SHIFTS:
        return None
    steps = np.unique(np.linspace(1, longest, per_side).round().astype(int))
    return ShiftPlan(np.arange(longest, n_trials - longest), np.concatenate([-steps[::-1], steps]))


def rank_p(true: float, shifted: np.ndarray) -> float:
    """Return ``(1 + #{shifted >= true}) / (1 + n)``: how rarely a shifted pairing does as well.

    Examples
    --------
    >>> rank_p(2.0, np.arange(19.0) / 10)
    0.05
    """
    return float((1 + np.sum(np.asarray(shifted) >= true)) / (1 + len(shifted)))
