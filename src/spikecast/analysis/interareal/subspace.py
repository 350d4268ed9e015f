"""The communication subspace: how many dimensions of one area predict another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import subspace_angles

from spikecast.analysis.interareal.populations import MIN_RATE, select_two_populations
from spikecast.analysis.interareal.shift_claims import N_SHIFTS, Claim, make_claim, plan_pairings
from spikecast.analysis.interareal.subspace_shifts import count_dimensions, rank_dimensions
from spikecast.analysis.results import Result
from spikecast.core.checks import (
    check_count,
    check_finite,
    check_kind,
    check_same_length,
    to_numeric,
)
from spikecast.core.errors import NotEnoughDataError, ShapeError
from spikecast.core.notices import Notice
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.evaluation.clearing import Clearing, clear_recording
from spikecast.models.inner_cv import choose_best, split_inner_folds
from spikecast.models.linear import find_fitted_axes, fit_ridge_path
from spikecast.models.preprocess import find_principal_axes, signed_sqrt
from spikecast.tasks.behavior import leave_out_unrecorded
from spikecast.tasks.problem import cut_long_trial
from spikecast.tasks.splits import Fold, split_by_block, split_by_trial

ROUNDING = 1e-6  # of the largest value
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # relative to the variance of a neuron


@dataclass(frozen=True, repr=False)
class CommunicationSubspace(Result):
    """The dimensions of one area that predict another.

    Attributes
    ----------
    source, target : str
    table : DataFrame
        One row per prediction and rank: ``to`` (the target area, or ``"<source> (rest)"``:
        neurons of the source area kept aside), ``rank, r2`` (held out), ``standard_error`` (over
        folds), ``p`` (in the shift test, of so many dimensions; NaN where not tested).
    rank : int
        Smallest rank within one standard error of the best, to the target, and no more than the
        dimensions that pass the shift test; 0 where nothing is predicted.
    rank_within : int
        The same to the neurons of the source area kept aside.
    claim : Claim
        Whether any dimension is shared, beyond what the task, the session's drift and recorded
        movement explain.
    source_axes : array, (source neuron, rank)
        Orthonormal: the directions of source activity that predict the target.
    target_axes : array, (target neuron, rank)
        Orthonormal: the directions of the target that are predicted.
    private_axes : array, (source neuron, dimension)
        Orthonormal: the source's dominant dimensions, as many as `rank_within`, less what lies in
        the communication subspace.
    angles : array
        Principal angles in degrees, largest first, between the communication subspace and the
        source's dominant dimensions of the same number: near 90 where what dominates is not what
        is passed on.
    shared_variance : float
        Share of the source's variance that lies in the communication subspace.
    source_neurons, target_neurons : array of int
        Which neurons of the recording the axes belong to.
    notices : tuple of Notice
    """

    figure = "subspace"

    source: str
    target: str
    table: pd.DataFrame
    rank: int
    rank_within: int
    claim: Claim
    source_axes: np.ndarray
    target_axes: np.ndarray
    private_axes: np.ndarray
    angles: np.ndarray
    shared_variance: float
    source_neurons: np.ndarray
    target_neurons: np.ndarray
    notices: tuple[Notice, ...] = ()

    @property
    def n_private(self) -> int:
        """Dimensions the source shares within itself but does not pass on."""
        return max(self.rank_within - self.rank, 0)

    def __str__(self) -> str:
        r2 = self.table[self.table["to"] == self.target]["r2"].max()
        angle = f", {self.angles[0]:.0f} degrees off what dominates it" if self.rank else ""
        return (
            f"{self.source} -> {self.target}: rank {self.rank} (R2 {r2:.3f} held out; {self.claim}"
            "), within "
            f"{self.source}: rank {self.rank_within}; the subspace holds "
            f"{100 * self.shared_variance:.0f} % of the variance of {self.source}{angle}"
        )


def communication_subspace(
    recording: Recording,
    source: str,
    target: str,
    *,
    bins: int = 5,
    max_rank: int = 10,
    folds: int = 10,
    min_rate: float = MIN_RATE,
    n_shifts: int = N_SHIFTS,
    conditions: Sequence[str] | None = None,
    seed: int = 0,
) -> CommunicationSubspace:
    """Find how many dimensions of one area predict another, and which (Semedo et al. 2019).

    Half of the source area predicts the target area, and the other half of the source area, by
    reduced-rank ridge regression of what the task, the session's slow drift and recorded movement
    leave of each (they are learnt on training trials); both targets have equally many neurons. If
    the rank to the target is lower than the rank within, the areas communicate through a subspace.
    A dimension counts if it predicts more than any does where the trials of the source are paired
    with later or earlier trials of the target (the linear shift of Harris 2021).

    Parameters
    ----------
    recording : Recording
        One long trial is cut into windows of 100 bins, with contiguous blocks of them as folds.
    source, target : str
        Areas.
    bins : int
        Bins summed before anything else; Semedo et al. use 100 ms.
    max_rank : int
    folds : int
        Over trials.
    min_rate : float
        Neurons that fire less often (Hz) are left out.
    n_shifts : int
        Shifted pairings of trials that the true one is compared with; with 0 nothing is claimed.
    conditions : sequence of str, optional
        Trial columns that make the condition; by default both contrasts.
    seed : int

    Returns
    -------
    CommunicationSubspace

    Notes
    -----
    Simultaneous bins: it says nothing of direction, and a third area that drives both counts as
    communication. A low R2 hides dimensions: the rank is what the trials at hand can show.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.simulate.decision_task(
    ...     n_trials=30, areas={"VISp": 12, "MOs": 6}, n_bins=20, stim_onset=0.1,
    ...     effects={"shared": 1.0}, median_rate=20).recording
    >>> found = communication_subspace(recording, "VISp", "MOs", folds=3)
    >>> found.source_axes.shape == (6, found.rank)
    True
    """
    check_kind(recording, Recording)
    windows = recording.n_trials == 1
    recording, missing = leave_out_unrecorded(cut_long_trial(recording))
    bins = check_count("bins", bins, 1, recording.n_bins)
    max_rank = check_count("max_rank", max_rank, 1)
    groups, notices = split_neurons(recording, source, target, min_rate, seed)
    half, n_matched = len(groups[0]), len(groups[2])
    areas = [_sum_bins(recording, groups[which], bins) for which in (0, 2, 1)]
    clearing = clear_recording(recording, conditions, bins)
    limit = min(max_rank, half, n_matched)
    cut = _split(recording.n_trials, folds, seed, windows)
    scores = _score_folds(areas, cut, clearing, limit, seed)
    z, *cleared = _clear_areas((source, target, source), areas, clearing)
    pairings = plan_pairings(clearing, n_shifts)

    ranks, tables = [], []
    for name, r2, residual in zip((target, f"{source} (rest)"), scores, cleared, strict=True):
        p = rank_dimensions(z, residual, pairings, PENALTIES, limit) if pairings else None
        tables.append(_tabulate_ranks(name, r2, p))
        rank = choose_rank(tables[-1]["r2"].to_numpy(), tables[-1]["standard_error"].to_numpy())
        ranks.append(rank if p is None else min(rank, count_dimensions(p)))
    rank, rank_within = ranks
    p_of_first = float(tables[0]["p"][1]) if pairings else None

    weights, _, axes = _fit_regression(z, cleared[0], seed)
    readin, _ = np.linalg.qr(weights @ axes[:rank].T)
    flat = z.reshape(-1, half).astype(np.float32)
    _, dominant, _ = find_principal_axes(flat, max(rank, rank_within, 1))  # on noise both are 0
    private = dominant[:rank_within].T - readin @ (readin.T @ dominant[:rank_within].T)
    left, strength, _ = np.linalg.svd(private, full_matrices=False)
    return CommunicationSubspace(
        source,
        target,
        pd.concat(tables, ignore_index=True),
        rank,
        rank_within,
        make_claim(clearing, n_shifts, p_of_first),
        readin,
        axes[:rank].T,
        left[:, strength > 0.5][:, : max(rank_within - rank, 0)],
        principal_angles(readin, dominant[:rank].T),
        float(np.square(flat @ readin).sum() / max(np.square(flat).sum(), 1e-12)),
        groups[0],
        groups[2],
        (*clearing.notices, *missing, *notices),
    )


def _clear_areas(
    names: Sequence[str], areas: Sequence[np.ndarray], clearing: Clearing
) -> list[np.ndarray]:
    """Return areas without what is taken out of them, scaled; raise where nothing is left."""
    residuals = []
    for name, area, known in zip(names, areas, clearing.expect_everywhere(areas), strict=True):
        residual = area - known
        if np.ptp(residual, axis=(0, 1)).max() <= ROUNDING * np.abs(area).max():
            raise NotEnoughDataError(
                f"the activity of area '{name}' does not change beyond the average trial, drift "
                "and behaviour"
            )
        residuals.append(_divide_by_scale(residual))
    return residuals


def _split(n_trials: int, folds: int, seed: int, windows: bool) -> list[Fold]:
    """Return folds of random trials, or of blocks of windows: slow change must not leak over."""
    if windows:
        return split_by_block(n_trials, folds, gap=1)
    return split_by_trial(n_trials, folds, seed)


def split_neurons(
    recording: Recording, source: str, target: str, min_rate: float = MIN_RATE, seed: int = 0
) -> tuple[list[np.ndarray], tuple[Notice, ...]]:
    """Choose neurons of half the source, and equally many of its other half and of the target.

    With notices of neurons that are left out as recorded twice. Fewer than 4 neurons in the
    source, or 2 in the target, are refused.
    """
    candidates = select_two_populations(recording, source, target, min_rate)
    shuffled = make_rng(seed, "subspace").permutation(candidates.source)
    half = len(shuffled) // 2
    n_matched = min(len(shuffled) - half, len(candidates.target))
    if min(half, n_matched) < 2:
        raise NotEnoughDataError(
            f"area '{source}' has {len(shuffled)} neurons; at least 4 are needed to split it in two"
        )
    rng = make_rng(seed, "subspace", "target")
    chosen = rng.choice(candidates.target, n_matched, replace=False)
    groups = (shuffled[:half], shuffled[half:][:n_matched], chosen)
    return [np.sort(group) for group in groups], candidates.notices


def _tabulate_ranks(name: str, r2: np.ndarray, p: np.ndarray | None) -> pd.DataFrame:
    """Return a row per rank, from R2 (fold, rank) and the p of each dimension from the first on."""
    n_folds, n_ranks = r2.shape
    tested = np.full(n_ranks - 1, np.nan) if p is None else p
    return pd.DataFrame(
        {
            "to": name,
            "rank": range(n_ranks),
            "r2": r2.mean(axis=0),
            "standard_error": r2.std(axis=0, ddof=1) / np.sqrt(n_folds),
            "p": [np.nan, *tested],
        }
    )


def choose_rank(curve: np.ndarray, error: np.ndarray) -> int:
    """Return the smallest rank whose score is within one standard error of the best.

    Examples
    --------
    >>> choose_rank(np.array([0, 0.30, 0.39, 0.40]), np.array([0, 0.02, 0.02, 0.02]))
    2
    """
    best_rank = int(np.argmax(curve))
    return int(np.flatnonzero(curve >= curve[best_rank] - error[best_rank])[0])


def principal_angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angles between two subspaces in degrees, largest first.

    Parameters
    ----------
    a, b : array, (neuron, dimension)
        Columns that span the subspaces; without columns there is no angle.

    Examples
    --------
    >>> principal_angles(np.eye(3)[:, :1], np.eye(3)[:, 1:2]).round()
    array([90.])
    """
    a, b = (_check_columns(name, one) for name, one in (("a", a), ("b", b)))
    check_same_length("the first subspace", len(a), "the second subspace", len(b))
    if 0 in a.shape or 0 in b.shape:
        return np.zeros(0)
    return np.degrees(subspace_angles(a, b))


def _check_columns(name: str, columns: np.ndarray) -> np.ndarray:
    columns = to_numeric(name, columns)
    if columns.ndim != 2:
        raise ShapeError(f"{name} has shape {columns.shape}; it must be neurons x dimensions")
    check_finite(name, columns)
    return columns


def _sum_bins(recording: Recording, neurons: np.ndarray, bins: int) -> np.ndarray:
    """Return sums over `bins` bins, their square root for counts, (trial, time, neuron)."""
    activity = recording.activity[:, :, neurons].astype(np.float32)
    n_sums = activity.shape[1] // bins
    sums = activity[:, : n_sums * bins].reshape(len(activity), n_sums, bins, -1).sum(axis=2)
    return signed_sqrt(sums) if recording.kind == "counts" else sums


def _divide_by_scale(z: np.ndarray, train: slice | np.ndarray = slice(None)) -> np.ndarray:
    """Return activity in units of the mean standard deviation of its neurons."""
    scale = z[train].std(axis=(0, 1)).mean()
    return z / (scale if scale > 0 else 1.0)


def _score_folds(
    areas: Sequence[np.ndarray], cut: Sequence[Fold], clearing: Clearing, max_rank: int, seed: int
) -> np.ndarray:
    """Return how well the first area predicts each other one, (other, fold, rank from 0).

    R2 of what the null leaves of them.
    """
    scores = np.zeros((len(areas) - 1, len(cut), max_rank + 1))
    for number, fold in enumerate(cut):
        z, *left = (
            _divide_by_scale(one - known, fold.train)
            for one, known in zip(areas, clearing.expect(areas, fold), strict=True)
        )
        for which, residual in enumerate(left):
            scores[which, number] = _score_ranks(z, residual, fold, max_rank, seed)
    return scores


def _fit_regression(
    z: np.ndarray, y: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ridge weights (source, target), intercept, and axes of the fit (axis, target)."""
    penalty, _ = choose_best(
        PENALTIES,
        lambda fold: [
            z[fold.test] @ weights + intercept
            for weights, intercept in fit_ridge_path(z[fold.train], y[fold.train], PENALTIES)
        ],
        y,
        split_inner_folds(len(z), 4, derive_seed(seed, "subspace")),
        counts=False,
    )
    ((weights, intercept),) = fit_ridge_path(z, y, [penalty])
    return weights, intercept, find_fitted_axes(z, weights)


def _score_ranks(z: np.ndarray, y: np.ndarray, fold: Fold, max_rank: int, seed: int) -> np.ndarray:
    """Return R2 on the test trials for ranks 0 to `max_rank`, all neurons pooled."""
    weights, intercept, axes = _fit_regression(z[fold.train], y[fold.train], seed)
    truth = y[fold.test]
    total = np.square(truth).sum(dtype=float)
    scores = [0.0]
    for rank in range(1, max_rank + 1):
        predicted = z[fold.test] @ (weights @ axes[:rank].T) @ axes[:rank] + intercept
        scores.append(1 - float(np.square(truth - predicted).sum(dtype=float)) / max(total, 1e-12))
    return np.array(scores)
