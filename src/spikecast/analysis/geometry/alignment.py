"""Maps between two sets of latents (canonical correlation, Procrustes), scored held out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.analysis.geometry.activity import read_latents
from spikecast.analysis.results import Result
from spikecast.analysis.slowness import labels_come_in_runs
from spikecast.core.checks import (
    MOST_DRAWS,
    check_count,
    check_in_range,
    check_one_of,
    check_same_length,
)
from spikecast.core.errors import NotEnoughDataError, ShapeError
from spikecast.core.seeding import make_rng
from spikecast.scoring.ratio_scores import (
    Interval,
    RatioScores,
    compute_interval,
    draw_bootstrap_weights,
)
from spikecast.tasks.splits import split_by_trial

METHODS = ("cca", "procrustes")
N_RESAMPLES = 2000
MIN_CONDITIONS = 4
FEWEST_TRIALS = 20  # of which slow change can be told


@dataclass(frozen=True, repr=False)
class Alignment(Result):
    """A map from one latent space to another, with its held-out score.

    Attributes
    ----------
    method : {"cca", "procrustes"}
    table : DataFrame
        One row per dimension: ``dimension, score`` (held out: correlation of the canonical pair,
        or R2 of that dimension of the second space), ``shuffled`` (mean score when trials of the
        second set are permuted: what a time course common to all trials gives).
    score : Interval
        R2 of the second set predicted from the first on held-out trials, all dimensions pooled.
    shuffled : float
        Mean R2 when the trials of the second set are permuted.
    p : float
        Share of the permutations that reach the score.
    mean_a, mean_b, matrix : array
        ``(a - mean_a) @ matrix + mean_b`` lies in the space of b; learnt from all trials.
    slow : bool
        Whether latents of both change slowly over the trials. Two that drift follow each other
        without anything in common: p, of permuted trials, is then too small.
    """

    figure = "alignment"

    method: str
    table: pd.DataFrame
    score: Interval
    shuffled: float
    p: float
    mean_a: np.ndarray
    mean_b: np.ndarray
    matrix: np.ndarray
    slow: bool = False

    def transform(self, a: np.ndarray) -> np.ndarray:
        """Return latents of the first space in the second, (trial, time, latent of b)."""
        if np.shape(a)[-1] != len(self.mean_a):
            raise ShapeError(
                f"a has {np.shape(a)[-1]} latents; the alignment was learnt on {len(self.mean_a)}"
            )
        return (a - self.mean_a) @ self.matrix + self.mean_b

    def __str__(self) -> str:
        return (
            f"{self.method}: R2 {self.score} on held-out trials; trials permuted "
            f"{self.shuffled:.3f} (p = {self.p:.3g}"
            + (
                "; too small, since both change slowly over trials, as drift does)"
                if self.slow
                else ")"
            )
        )


def align(
    a: np.ndarray,
    b: np.ndarray,
    method: str = "procrustes",
    *,
    n_dims: int | None = None,
    folds: int = 5,
    n_permutations: int = 100,
    shrinkage: float = 1e-3,
    seed: int = 0,
) -> Alignment:
    """Map latents of one fold, model or session on those of another.

    ``"procrustes"`` rotates, reflects, scales and shifts, so that only the orientation may differ
    (Schönemann 1966); ``"cca"`` finds pairs of directions that correlate most, whatever their
    scales (Hotelling 1936; for sessions: Gallego et al. 2020), and maps through those pairs.

    Parameters
    ----------
    a, b : array, (trial, time, latent)
        The same trials, or the same conditions of two sessions (condition averages in the place
        of trials), and the same bins; the numbers of latents may differ.
    method : {"cca", "procrustes"}
    n_dims : int, optional
        Canonical pairs to map through; by default as many as the smaller set has latents.
        Procrustes takes all.
    folds : int
        Over trials (or conditions).
    n_permutations : int
        Of the trials of b.
    shrinkage : float
        Of both covariances, relative to their mean variance, for ``"cca"``.
    seed : int

    Returns
    -------
    Alignment

    Raises
    ------
    ShapeError
        When trials or bins do not match.

    Notes
    -----
    Latents of two folds agree easily when both follow the stimulus: compare with ``shuffled``, and
    subtract condition means first to ask about single trials.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=(20, 10, 3))
    >>> rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    >>> alignment = align(a, 2 * a @ rotation + 1, n_permutations=9)
    >>> round(alignment.score.value, 3), alignment.p
    (1.0, 0.1)
    """
    check_one_of("method", method, METHODS)
    a, b = (read_latents(x, name).astype(float) for x, name in ((a, "a"), (b, "b")))
    check_same_length("a", len(a), "b", len(b))
    check_same_length("the time axis of a", a.shape[1], "that of b", b.shape[1])
    most = min(a.shape[2], b.shape[2])
    n_dims = most if n_dims is None else check_count("n_dims", n_dims, 1, most)
    n_permutations = check_count("n_permutations", n_permutations, 0, MOST_DRAWS)
    check_in_range("shrinkage", shrinkage, 0, 1)
    for name, values in (("a", a), ("b", b)):
        if not np.ptp(values, axis=(0, 1)).any():
            raise NotEnoughDataError(f"{name} never changes: there is nothing to align")
    cut = split_by_trial(len(a), folds, seed)
    rng = make_rng(seed, "align")
    orders = [rng.permutation(len(a)) for _ in range(n_permutations)]

    ratios, scores = _score_held_out(a, b, method, n_dims, shrinkage, cut)
    null = [_score_held_out(a, b[order], method, n_dims, shrinkage, cut) for order in orders]
    reached = sum(other.pooled() >= ratios.pooled() for other, _ in null)
    table = pd.DataFrame(
        {
            "dimension": np.arange(len(scores)),
            "score": scores,
            "shuffled": np.mean([other for _, other in null], axis=0) if null else np.nan,
        }
    )
    fitted = _fit_map(_flatten(a), _flatten(b), method, n_dims, shrinkage)
    return Alignment(
        method,
        table,
        compute_interval(ratios, draw_bootstrap_weights(len(a), N_RESAMPLES, seed)),
        float(np.mean([other.pooled() for other, _ in null])) if null else float("nan"),
        (1 + reached) / (1 + n_permutations),
        fitted.mean_a,
        fitted.mean_b,
        fitted.matrix,
        _is_slow(a, seed) and _is_slow(b, seed),
    )


def _is_slow(latents: np.ndarray, seed: int) -> bool:
    """Tell whether a latent, (trial, time, latent), changes slowly over trials; few cannot tell."""
    means = latents.mean(axis=1)
    return len(means) >= FEWEST_TRIALS and any(
        labels_come_in_runs(one, seed) for one in means.T if np.ptp(one)
    )


def average_conditions(
    a: np.ndarray, labels_a: np.ndarray, b: np.ndarray, labels_b: np.ndarray, least: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Average two sets of latents over the conditions that both have.

    That is what to align where no trial is in both.

    Parameters
    ----------
    a, b : array, (trial, time, latent)
        Of different trials: of two folds, or two sessions.
    labels_a, labels_b : array, (trial,)
        The condition of each trial.
    least : int
        Trials that a condition must have in either set.

    Returns
    -------
    (array, array)
        Both (condition, time, latent), conditions in the same order.

    Raises
    ------
    NotEnoughDataError
        When fewer than 4 conditions are left: too few to hold some out.

    Examples
    --------
    >>> labels = np.arange(8) % 4
    >>> first, second = average_conditions(np.ones((8, 5, 3)), labels, np.ones((8, 5, 2)), labels)
    >>> first.shape, second.shape
    ((4, 5, 3), (4, 5, 2))
    """
    check_same_length("a", len(a), "labels_a", len(labels_a))
    check_same_length("b", len(b), "labels_b", len(labels_b))
    shared = [
        label
        for label in np.intersect1d(labels_a, labels_b)
        if min((labels_a == label).sum(), (labels_b == label).sum()) >= least
    ]
    if len(shared) < MIN_CONDITIONS:
        raise NotEnoughDataError(
            f"{len(shared)} conditions have {least} trials or more in both sets; "
            f"{MIN_CONDITIONS} are needed to align averages and hold some out"
        )
    return (
        np.stack([a[labels_a == label].mean(axis=0) for label in shared]),
        np.stack([b[labels_b == label].mean(axis=0) for label in shared]),
    )


@dataclass(frozen=True)
class _Map:
    """A map from a to b, as :class:`Alignment` keeps it."""

    mean_a: np.ndarray
    mean_b: np.ndarray
    matrix: np.ndarray
    pairs: tuple[np.ndarray, np.ndarray] | None = None  # canonical directions in either space


def _flatten(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1])


def _fit_map(a: np.ndarray, b: np.ndarray, method: str, n_dims: int, shrinkage: float) -> _Map:
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    a, b = a - mean_a, b - mean_b
    cross = a.T @ b / len(a)
    if method == "procrustes":
        u, strength, v = np.linalg.svd(cross, full_matrices=False)
        scale = strength.sum() / max(np.square(a).sum() / len(a), 1e-30)
        return _Map(mean_a, mean_b, scale * (u @ v))
    white_a, _ = _find_roots(a, shrinkage)
    white_b, color_b = _find_roots(b, shrinkage)
    u, correlation, v = np.linalg.svd(white_a @ cross @ white_b, full_matrices=False)
    u, correlation, v = u[:, :n_dims], correlation[:n_dims], v[:n_dims]
    # a's canonical variates predict b's, each by its correlation; then back into b's own axes
    matrix = white_a @ (u * correlation) @ v @ color_b
    return _Map(mean_a, mean_b, matrix, (white_a @ u, white_b @ v.T))


def _find_roots(x: np.ndarray, shrinkage: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the inverse square root and the square root of the covariance of centred x."""
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    values = np.maximum(values, 0) + shrinkage * max(values.mean(), 1e-30)
    return (vectors / np.sqrt(values)) @ vectors.T, (vectors * np.sqrt(values)) @ vectors.T


def _score_held_out(
    a: np.ndarray, b: np.ndarray, method: str, n_dims: int, shrinkage: float, cut: list
) -> tuple[RatioScores, np.ndarray]:
    """Return explained and total variance per trial and latent of b; a score per dimension."""
    explained, total = np.zeros((len(b), b.shape[2])), np.zeros((len(b), b.shape[2]))
    variates = np.zeros((2, *a.shape[:2], n_dims))
    for fold in cut:
        fitted = _fit_map(
            _flatten(a[fold.train]), _flatten(b[fold.train]), method, n_dims, shrinkage
        )
        centered_a, centered_b = a[fold.test] - fitted.mean_a, b[fold.test] - fitted.mean_b
        error = np.square(centered_b - centered_a @ fitted.matrix).sum(axis=1)
        total[fold.test] = np.square(centered_b).sum(axis=1)
        explained[fold.test] = total[fold.test] - error
        if fitted.pairs is not None:
            variates[0][fold.test] = centered_a @ fitted.pairs[0]
            variates[1][fold.test] = centered_b @ fitted.pairs[1]
    ratios = RatioScores(explained, total)
    if method == "procrustes":
        return ratios, ratios.per_target()
    # the sign and order of a pair may differ between folds, never within one
    correlations = [
        _correlate(*(part[fold.test].reshape(-1, n_dims) for part in variates)) for fold in cut
    ]
    return ratios, np.mean(correlations, axis=0)


def _correlate(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    u, v = u - u.mean(axis=0), v - v.mean(axis=0)
    scale = np.sqrt(np.square(u).sum(axis=0) * np.square(v).sum(axis=0))
    return (u * v).sum(axis=0) / np.maximum(scale, 1e-30)
