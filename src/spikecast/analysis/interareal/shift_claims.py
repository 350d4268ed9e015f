"""Whether what two areas seem to share is lost when their trials are shifted against each other."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecast.core.checks import check_count
from spikecast.evaluation.clearing import Clearing
from spikecast.tasks.shifts import ShiftPlan, plan_shifts

ALPHA = 0.05
N_SHIFTS = 40
N_PARTS = 5  # of the trials, each held out once

TURNED_OFF = "turned off"
ORDER_UNKNOWN = "order unknown"
UNRECORDED = "behaviour not recorded"
TOO_FEW_TRIALS = "too few trials"
TOO_FEW_ALIKE = "too few trials of a condition"
OBSTACLES = (TURNED_OFF, ORDER_UNKNOWN, UNRECORDED, TOO_FEW_TRIALS, TOO_FEW_ALIKE)
MIN_ALIKE = 3  # trials of a condition, on average


@dataclass(frozen=True)
class Claim:
    """Whether a finding about two areas stands, and what it is above.

    Attributes
    ----------
    above : str
        The null whose predictions were taken out of both areas: ``"source_free"`` (task and slow
        drift), ``"behavior"`` (these and recorded movement), ``"psth"`` (the task alone, where the
        order of trials is not known).
    p : float, optional
        Of the shift test: how rarely a shifted pairing of trials does as well. None where it was
        not tested.
    n_shifts : int
        Shifted pairings that the true one was ranked among.
    untested : str, optional
        Why there is no p: ``"turned off"``, ``"order unknown"``, ``"behaviour not recorded"`` (in
        some trials), ``"too few trials"`` or ``"too few trials of a condition"``.
    """

    above: str
    p: float | None = None
    n_shifts: int = 0
    untested: str | None = None

    @property
    def stands(self) -> bool:
        """Whether the shift test was made and passed, at the level of .05."""
        return self.p is not None and self.p <= ALPHA

    def __str__(self) -> str:
        if self.p is None:
            return f"not tested ({self.untested})"
        return f"p {self.p:.3f} of {self.n_shifts} shifts above {self.above}"


class Pairings(NamedTuple):
    """The pairings of trials that a test compares, all scored on the same target trials."""

    plan: ShiftPlan
    parts: list[np.ndarray]  # of the target trials, numbered from 0; each is held out once

    @property
    def all_shifts(self) -> list[int]:
        """The shifts, that of the true pairing first."""
        return [0, *self.plan.shifts.tolist()]


def plan_pairings(clearing: Clearing, n_shifts: int = N_SHIFTS) -> Pairings | None:
    """Return the pairings of a shift test; None where :func:`find_obstacle` finds one."""
    if find_obstacle(clearing, n_shifts):
        return None
    plan = plan_shifts(len(clearing.facts), n_shifts)
    assert plan is not None
    return Pairings(plan, part_by_condition(clearing.facts.condition[plan.targets]))


def find_obstacle(clearing: Clearing, n_shifts: int) -> str | None:
    """Return why there can be no shift test; None where there can."""
    if not check_count("shifts", n_shifts, 0):
        return TURNED_OFF
    if clearing.facts.place is None:
        return ORDER_UNKNOWN
    if clearing.facts.lacks_behavior.any():
        return UNRECORDED
    if plan_shifts(len(clearing.facts), n_shifts) is None:
        return TOO_FEW_TRIALS
    alone = len(np.unique(clearing.facts.condition)) > len(clearing.facts) / MIN_ALIKE
    return TOO_FEW_ALIKE if alone else None


def make_claim(clearing: Clearing, n_shifts: int, p: float | None) -> Claim:
    """Return the claim with this p, or with the reason why there is none."""
    pairings = plan_pairings(clearing, n_shifts)
    number = len(pairings.plan.shifts) if pairings else 0
    return Claim(clearing.above, p, number, find_obstacle(clearing, n_shifts))


def part_by_condition(condition: np.ndarray, n_parts: int = N_PARTS) -> list[np.ndarray]:
    """Return the rows of each part of the trials: a condition's trials all belong to one part.

    Means of a condition that are taken out of both areas leave errors that the trials of the
    condition share. Were some of them learnt from and others held out, the areas would seem to
    share something, and no shift of the trials would show it. Trials that are all alike are cut in
    blocks.

    Examples
    --------
    >>> [part.tolist() for part in part_by_condition(np.array([0, 1, 0, 2]), 2)]
    [[0, 2], [1, 3]]
    """
    labels, sizes = np.unique(condition, return_counts=True)
    if len(labels) == 1:
        return np.array_split(np.arange(len(condition)), n_parts)
    n_parts = min(n_parts, len(labels))
    members: list[list[int]] = [[] for _ in range(n_parts)]
    filled = np.zeros(n_parts, dtype=int)
    for index in np.argsort(-sizes, kind="stable"):
        smallest = int(filled.argmin())
        members[smallest].append(labels[index])
        filled[smallest] += sizes[index]
    return [np.flatnonzero(np.isin(condition, some)) for some in members]
