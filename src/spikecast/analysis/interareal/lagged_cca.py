"""When in the trial do two areas covary, and which of them first: joint peri-event correlation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.analysis.interareal.canonical import correlate_sums, find_whitening
from spikecast.analysis.interareal.lagged_cca_shifts import CorrelationTest, rank_correlation
from spikecast.analysis.interareal.populations import (
    MIN_RATE,
    average_lags,
    project_components,
    select_two_populations,
)
from spikecast.analysis.interareal.shift_claims import (
    ALPHA,
    N_SHIFTS,
    Claim,
    make_claim,
    plan_pairings,
)
from spikecast.analysis.results import Result
from spikecast.core.checks import check_count, check_in_range, check_kind
from spikecast.core.notices import Notice
from spikecast.data.recording import Recording
from spikecast.evaluation.clearing import Clearing, clear_recording
from spikecast.scoring.fold_intervals import compute_refit_limits
from spikecast.scoring.ratio_scores import Interval, draw_bootstrap_weights
from spikecast.tasks.behavior import leave_out_unrecorded
from spikecast.tasks.splits import Fold, split_by_trial

N_RESAMPLES = 1000


@dataclass(frozen=True)
class CanonicalModel:
    """What canonical correlation is made of, and how it is regularised.

    Parameters
    ----------
    n_components : int
        Principal components of each area.
    shrinkage : float
        0 to 1: how far each bin's covariance is drawn towards a multiple of the identity.
    min_rate : float
        Neurons that fire less often (Hz, for counts) are left out.
    """

    n_components: int = 5
    shrinkage: float = 0.3
    min_rate: float = MIN_RATE

    def __post_init__(self) -> None:
        check_count("n_components", self.n_components, 1)
        check_in_range("shrinkage", self.shrinkage, 0, 1)


@dataclass(frozen=True, repr=False)
class JointCorrelation(Result):
    """How two areas covary at every pair of times.

    Attributes
    ----------
    source, target : str
    time : array, (time,)
        Seconds.
    matrix : array, (source time, target time)
        Held-out correlation of the first canonical pair.
    table : DataFrame
        One row per bin but the first: ``time, together`` (correlation at the same time), ``lead``
        (source earlier minus source later, averaged over lags), ``low, high``, ``p`` (of the
        correlation around that bin in the shift test, corrected for the number of bins; NaN where
        not tested).
    lead : Interval
        Mean of the lead over bins.
    claim : Claim
        Whether the areas covary at all, beyond what the task, the session's drift and recorded
        movement explain. Without it there is no leader.
    p_of_lead : float, optional
        Of the mean lead in the shift test.
    notices : tuple of Notice
    """

    figure = "covariation"

    source: str
    target: str
    time: np.ndarray
    matrix: np.ndarray
    table: pd.DataFrame
    lead: Interval
    claim: Claim
    p_of_lead: float | None
    notices: tuple[Notice, ...] = ()

    @property
    def covarying(self) -> np.ndarray:
        """Times (s) around which the areas covary; none where the claim does not stand."""
        rows = self.table[(self.table["p"] <= ALPHA) & self.claim.stands]
        return rows["time"].to_numpy()

    @property
    def leader(self) -> str | None:
        """The area ahead on average: interval on one side of 0 and shift test passed, or None."""
        if not self.claim.stands or self.p_of_lead is None or self.p_of_lead > ALPHA:
            return None
        if self.lead.low > 0:
            return self.source
        return self.target if self.lead.high < 0 else None

    def __str__(self) -> str:
        lead = f"{self.leader} is ahead" if self.leader else "none is ahead of the other"
        return (
            f"{self.source} and {self.target}: {self.claim}; "
            f"{len(self.covarying)} of {len(self.table)} bins covary, {lead} (lead {self.lead})"
        )


def joint_correlation(
    recording: Recording,
    source: str,
    target: str,
    max_lag: int = 5,
    *,
    window: int = 3,
    model: CanonicalModel = CanonicalModel(),
    folds: int = 5,
    n_shifts: int = N_SHIFTS,
    conditions: Sequence[str] | None = None,
    seed: int = 0,
) -> JointCorrelation:
    """Correlate two areas' populations at every pair of times, on held-out trials.

    For each bin of the source and each bin of the target, canonical correlation across trials
    (regularised, learnt on training trials) gives one direction in each area; what is reported is
    the correlation of held-out trials along them: joint peri-event canonical correlation
    (Steinmetz et al. 2019). What the task, the session's slow drift and recorded movement explain
    of each area is taken out first, learnt on training trials. Whether anything is left that the
    areas share is tested by pairing the trials of one with later or earlier trials of the other
    (the linear shift of Harris 2021): what is slow stays, what belongs to the single trial goes. An
    input shared at the same time gives a matrix symmetric about its diagonal even when it changes
    over the trial; a lead does not.

    Parameters
    ----------
    recording : Recording
    source, target : str
        Areas.
    max_lag : int
        Bins on either side of the diagonal that the lead averages over.
    window : int
        Bins, the present one and those before it, averaged in both areas alike: less noise, and
        coarser lags, but no bin sees its future.
    model : CanonicalModel
    folds : int
        Over trials.
    n_shifts : int
        Shifted pairings of trials that the true one is compared with; with 0 nothing is claimed.
    conditions : sequence of str, optional
        Trial columns that make the condition; by default both contrasts.
    seed : int

    Returns
    -------
    JointCorrelation

    Notes
    -----
    The interval of the lead is pointwise, over trials, widened for the models having been learnt
    from them (:func:`compute_refit_limits`). Noise that grows over
    the trial in one area but not in the other bends the matrix without any lead.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.simulate.decision_task(
    ...     n_trials=20, areas={"VISp": 8, "MOs": 8}, n_bins=20, stim_onset=0.1).recording
    >>> joint_correlation(recording, "VISp", "MOs").matrix.shape
    (20, 20)
    """
    check_kind(recording, Recording)
    check_kind(model, CanonicalModel)
    recording, missing = leave_out_unrecorded(recording)
    two = select_two_populations(recording, source, target, model.min_rate)
    max_lag = check_count("max_lag", max_lag, 1, recording.n_bins - 1)
    window = check_count("window", window, 1, recording.n_bins)
    x, y = (recording.activity[:, :, some] for some in (two.source, two.target))
    clearing = clear_recording(recording, conditions)
    u, v = _project_held_out(x, y, split_by_trial(len(x), folds, seed), window, model, clearing)
    matrix, lead, resampled = _measure_leads(u, v, max_lag, seed)
    low, high = compute_refit_limits(lead, resampled, folds)
    average, averages = lead[1:].mean(), resampled[:, 1:].mean(axis=1)
    limits = compute_refit_limits(average, averages, folds)

    pairings = plan_pairings(clearing, n_shifts)
    test = CorrelationTest(None, np.full(recording.n_bins, np.nan), None)
    if pairings is not None:
        test = rank_correlation(
            *_clear_everywhere([x, y], window, model.n_components, clearing),
            pairings,
            max_lag,
            window,
            model.shrinkage,
        )
    table = pd.DataFrame(
        {
            "time": recording.time,
            "together": np.diagonal(matrix),
            "lead": lead,
            "low": low,
            "high": high,
            "p": test.p_of_bins,
        }
    ).iloc[1:]  # no pair of bins has the first bin in its middle
    return JointCorrelation(
        source,
        target,
        recording.time,
        matrix,
        table,
        Interval(*map(float, (average, *limits))),
        make_claim(clearing, n_shifts, test.p),
        test.p_of_lead,
        (*clearing.notices, *missing, *two.notices),
    )


def _clear_everywhere(
    pair: Sequence[np.ndarray], window: int, n_components: int, clearing: Clearing
) -> tuple[np.ndarray, np.ndarray]:
    """Return components of both areas without what is expected of them in the whole session."""
    z = [project_components(one, np.arange(len(one)), n_components) for one in pair]
    expected = clearing.expect_everywhere(z)
    a, b = (
        average_lags(one - known, 0, window - 1) for one, known in zip(z, expected, strict=True)
    )
    return a, b


def _project_held_out(
    x: np.ndarray,
    y: np.ndarray,
    cut: Sequence[Fold],
    window: int,
    model: CanonicalModel,
    clearing: Clearing,
) -> tuple[np.ndarray, np.ndarray]:
    """Return held-out trials projected on both directions of every pair of bins.

    Both are (trial, source time, target time).
    """
    n_trials, n_bins = x.shape[:2]
    u = np.zeros((n_trials, n_bins, n_bins), dtype=np.float32)
    v = np.zeros_like(u)
    for fold in cut:
        sides = []
        components = [project_components(one, fold.train, model.n_components) for one in (x, y)]
        for one, known in zip(components, clearing.expect(components, fold), strict=True):
            z = average_lags(one - known, 0, window - 1)
            covariance = np.einsum("rti,rtj->tij", z[fold.train], z[fold.train], optimize=True)
            white = find_whitening(covariance / len(fold.train), model.shrinkage)
            sides.append(np.einsum("rti,tij->rtj", z, white))
        a, b = sides
        cross = np.einsum("rsi,rtj->stij", a[fold.train], b[fold.train], optimize=True)
        left, _, right = np.linalg.svd(cross)
        u[fold.test] = np.einsum("rsi,sti->rst", a[fold.test], left[..., 0], optimize=True)
        v[fold.test] = np.einsum("rtj,stj->rst", b[fold.test], right[..., 0, :], optimize=True)
    return u, v


def _measure_leads(
    u: np.ndarray, v: np.ndarray, max_lag: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the matrix of correlations, the lead at each bin, and leads of resampled trials."""
    n_trials, n_bins = u.shape[:2]
    sums = [part.reshape(n_trials, -1) for part in (u * v, u * u, v * v)]
    matrix = correlate_sums(*(part.sum(axis=0) for part in sums)).reshape(n_bins, n_bins)
    weights = draw_bootstrap_weights(n_trials, N_RESAMPLES, seed).astype(np.float32)
    leads = []
    for start in range(0, N_RESAMPLES, 100):  # in blocks: resample x time x time is large
        block = weights[start : start + 100]
        matrices = correlate_sums(*(block @ part for part in sums)).reshape(-1, n_bins, n_bins)
        leads.append(_average_lead(matrices, max_lag))
    return matrix, _average_lead(matrix[np.newaxis], max_lag)[0], np.concatenate(leads)


def _average_lead(matrices: np.ndarray, max_lag: int) -> np.ndarray:
    """Return source earlier minus source later around each bin, (matrix, time)."""
    n_bins = matrices.shape[-1]
    earlier_less_later = matrices - matrices.transpose(0, 2, 1)  # [s, t]: antisymmetric
    total, n_pairs = np.zeros(matrices.shape[:2]), np.zeros(n_bins)
    for lag in range(1, max_lag + 1):
        centers = np.arange(lag, n_bins) - lag // 2
        total[:, centers] += np.diagonal(earlier_less_later, offset=lag, axis1=1, axis2=2)
        n_pairs[centers] += 1
    return total / np.maximum(n_pairs, 1)
