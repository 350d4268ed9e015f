"""When in the trial do two areas covary, and which of them first: joint peri-event correlation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.analysis.conditions import number_conditions
from spikecast.analysis.interareal.populations import (
    MIN_RATE,
    average_lags,
    check_two_areas,
    estimate_condition_means,
    project_components,
    select_neurons,
)
from spikecast.analysis.results import Result
from spikecast.core.checks import check_in_range
from spikecast.data.recording import Recording
from spikecast.scoring.fold_intervals import compute_refit_limits
from spikecast.scoring.ratio_scores import draw_bootstrap_weights
from spikecast.tasks.splits import split_by_trial

N_RESAMPLES = 1000


@dataclass(frozen=True)
class CanonicalModel:
    """How canonical correlation is regularised.

    Parameters
    ----------
    n_components : int
        Principal components of each area.
    shrinkage : float
        0 to 1: how far each bin's covariance is drawn towards a multiple of the identity.
    """

    n_components: int = 5
    shrinkage: float = 0.3

    def __post_init__(self) -> None:
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
        (source earlier minus source later, averaged over lags), ``low, high``.
    """

    source: str
    target: str
    time: np.ndarray
    matrix: np.ndarray
    table: pd.DataFrame

    def __str__(self) -> str:
        first = self.table[self.table["low"] > 0]["time"]
        second = self.table[self.table["high"] < 0]["time"]
        parts = [
            f"{name} ahead in {len(times)} of {len(self.table)} bins"
            for name, times in ((self.source, first), (self.target, second))
        ]
        return f"{self.source} and {self.target} (pointwise 95 %): {', '.join(parts)}"


def joint_correlation(
    recording: Recording,
    source: str,
    target: str,
    max_lag: int = 5,
    *,
    window: int = 3,
    model: CanonicalModel = CanonicalModel(),
    folds: int = 5,
    min_rate: float = MIN_RATE,
    conditions: Sequence[str] | None = None,
    seed: int = 0,
) -> JointCorrelation:
    """Correlate two areas' populations at every pair of times, on held-out trials.

    For each bin of the source and each bin of the target, canonical correlation across trials
    (regularised, learnt on training trials) gives one direction in each area; what is reported is
    the correlation of held-out trials along them: joint peri-event canonical correlation
    (Steinmetz et al. 2019). Each condition's mean response is removed, learnt on training trials,
    so that trials covary beyond the stimulus. An input shared at the same time gives a matrix
    symmetric about its diagonal even when it changes over the trial; a lead does not.

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
    min_rate : float
        Neurons that fire less often (Hz, for counts) are left out.
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
    check_two_areas(source, target)
    check_in_range("max_lag", max_lag, 1, recording.n_bins - 1)
    check_in_range("window", window, 1, recording.n_bins)
    x, y = (
        recording.activity[:, :, select_neurons(recording, area, min_rate)]
        for area in (source, target)
    )
    condition = number_conditions(recording.trials, conditions)
    n_trials, n_bins = x.shape[:2]
    # projections of held-out trials on both directions of every pair of bins
    u = np.zeros((n_trials, n_bins, n_bins), dtype=np.float32)
    v = np.zeros_like(u)
    for fold in split_by_trial(n_trials, folds, seed):
        sides = []
        for activity in (x, y):
            z = project_components(activity, fold.train, model.n_components)
            z = average_lags(z, 0, window - 1)
            z = z - estimate_condition_means(z, condition, fold.train)
            sides.append((z, _find_whitening(z[fold.train], model.shrinkage)))
        (a, white_a), (b, white_b) = sides
        a, b = np.einsum("rti,tij->rtj", a, white_a), np.einsum("rti,tij->rtj", b, white_b)
        cross = np.einsum("rsi,rtj->stij", a[fold.train], b[fold.train], optimize=True)
        left, _, right = np.linalg.svd(cross)
        u[fold.test] = np.einsum("rsi,sti->rst", a[fold.test], left[..., 0], optimize=True)
        v[fold.test] = np.einsum("rtj,stj->rst", b[fold.test], right[..., 0, :], optimize=True)
    sums = [part.reshape(n_trials, -1) for part in (u * v, u * u, v * v)]
    matrix = _correlate(*(part.sum(axis=0) for part in sums)).reshape(n_bins, n_bins)

    weights = draw_bootstrap_weights(n_trials, N_RESAMPLES, seed).astype(np.float32)
    leads = []
    for start in range(0, N_RESAMPLES, 100):  # in blocks: resample x time x time is large
        block = weights[start : start + 100]
        matrices = _correlate(*(block @ part for part in sums)).reshape(-1, n_bins, n_bins)
        leads.append(_average_lead(matrices, max_lag))
    lead = _average_lead(matrix[np.newaxis], max_lag)[0]
    low, high = compute_refit_limits(lead, np.concatenate(leads), folds)
    table = pd.DataFrame(
        {
            "time": recording.time,
            "together": np.diagonal(matrix),
            "lead": lead,
            "low": low,
            "high": high,
        }
    ).iloc[1:]  # no pair of bins has the first bin in its middle
    return JointCorrelation(source, target, recording.time, matrix, table)


def _find_whitening(z: np.ndarray, shrinkage: float) -> np.ndarray:
    """Return the inverse square root of each bin's covariance, (time, component, component)."""
    covariance = np.einsum("rti,rtj->tij", z, z, optimize=True) / len(z)
    size = covariance.shape[1]
    scale = np.trace(covariance, axis1=1, axis2=2)[:, np.newaxis, np.newaxis] / size
    target = np.maximum(scale, 1e-12) * np.eye(size)
    values, vectors = np.linalg.eigh((1 - shrinkage) * covariance + shrinkage * target)
    values = np.maximum(values, 1e-12)
    return np.einsum("tij,tj,tkj->tik", vectors, values**-0.5, vectors)


def _correlate(uv: np.ndarray, uu: np.ndarray, vv: np.ndarray) -> np.ndarray:
    return uv / np.sqrt(np.maximum(uu * vv, 1e-12))


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
