"""Temporal generalization: decoders trained at one time and tested at every other."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.analysis.decoding import hat_matrix
from spikecast.analysis.decoding.bins import ClassTarget
from spikecast.analysis.decoding.clusters import LEVELS, ClusterLevels, cluster_test
from spikecast.analysis.decoding.null_choice import NullChoice
from spikecast.analysis.decoding.nulls import AUTO
from spikecast.analysis.decoding.over_time import LARGEST_PENALTY
from spikecast.analysis.decoding.problem import DecodedFold, Folds, Null, Values, make_label_problem
from spikecast.analysis.decoding.sources import Counts, FoldFeatures, Source
from spikecast.analysis.results import Result
from spikecast.core.checks import MOST_DRAWS, check_count, check_in_range, check_kind, check_truth
from spikecast.core.errors import InputError
from spikecast.core.notices import Notice
from spikecast.data.recording import Recording


@dataclass(frozen=True, repr=False)
class Generalization(Result):
    """Balanced accuracy of decoders trained at one time and tested at another.

    Attributes
    ----------
    label, source : str
    time : array, (time,)
        Bin centres in seconds.
    score : array, (train time, test time)
    chance, p_cluster : array, (train time, test time)
        Mean of the null; p of the cluster a pair of times is in, corrected over the whole matrix.
        NaN where there is no null.
    significant : array of bool, (train time, test time)
    acausal : bool
        Whether features use later bins.
    n_left_out : int
        Trials without a label.
    null_used : NullChoice
        Which null, and why.
    folds : tuple of DecodedFold
        The trials and labels that each fold's fits were given.
    notices : tuple of Notice
    """

    figure = "matrix"

    label: str
    source: str
    time: np.ndarray
    score: np.ndarray
    chance: np.ndarray
    p_cluster: np.ndarray
    significant: np.ndarray
    acausal: bool
    n_left_out: int
    null_used: NullChoice
    folds: tuple[DecodedFold, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row per pair of times."""
        train, test = np.meshgrid(self.time, self.time, indexing="ij")
        columns = {"train_time": train, "test_time": test, "score": self.score}
        columns |= {"chance": self.chance, "p_cluster": self.p_cluster}
        columns |= {"significant": self.significant}
        return pd.DataFrame({name: values.ravel() for name, values in columns.items()})

    @property
    def best(self) -> float:
        """The best score of a decoder at the time it was trained at."""
        return float(np.diag(self.score).max())

    @property
    def best_time(self) -> float:
        """That time, in seconds."""
        return float(self.time[np.diag(self.score).argmax()])

    @property
    def reach(self) -> tuple[float, float] | None:
        """First and last time at which that decoder is significant; None where it never is."""
        times = self.time[self.significant[np.diag(self.score).argmax()]]
        return (float(times.min()), float(times.max())) if times.size else None

    def __str__(self) -> str:
        reach = "{:.3f} to {:.3f} s".format(*self.reach) if self.reach else "no time"
        return (
            f"'{self.label}' from {self.source}: best {self.best:.2f} at "
            f"{self.best_time:.3f} s; that decoder also works from {reach}"
        )


def temporal_generalization(
    recording: Recording,
    label: Values,
    *,
    source: Source | None = None,
    penalty: float = 1.0,
    folds: Folds = 5,
    null: Null = AUTO,
    n_permutations: int = 100,
    levels: ClusterLevels = LEVELS,
    allow_acausal: bool = False,
    seed: int = 0,
) -> Generalization:
    """Train a linear discriminant in each bin and test it in all (King & Dehaene 2014).

    A square of high scores is a code that stays, a diagonal one that moves on. Trials are held out
    at all times: a decoder is never tested on a trial it was trained on.

    Parameters
    ----------
    recording, label, folds, null, seed
        As in :func:`spikecast.analysis.decoding.over_time.decode_over_time`.
    source : Source, optional
        By default ``Counts()``.
    penalty : float
        See :class:`spikecast.analysis.decoding.over_time.LinearDecoder`.
    n_permutations : int
        Draws of the null. Time and memory grow with ``n_permutations * n_bins ** 2``.
    levels : ClusterLevels
    allow_acausal : bool
        Accept features that use later bins; the result carries the flag.

    Returns
    -------
    Generalization

    Raises
    ------
    InputError
        For acausal features, and where trials are cut more than once.
    NotEnoughDataError
        See :func:`spikecast.analysis.decoding.labels.resolve_label`.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.simulate.decision_task(
    ...     60, {"VISp": 20}, n_bins=12, stim_onset=0.05).recording
    >>> label = recording.trials["contrast_right"] > 0
    >>> temporal_generalization(recording, label, n_permutations=20).score.shape
    (12, 12)
    """
    check_kind(levels, ClusterLevels)
    fewest = round(1 / levels.alpha) - 1
    n_permutations = check_count("n_permutations", n_permutations, fewest, MOST_DRAWS)
    check_in_range("penalty", penalty, 0, LARGEST_PENALTY)
    check_truth("allow_acausal", allow_acausal)
    source = Counts() if source is None else source
    check_kind(source, Source)
    if not source.causal and not allow_acausal:
        raise InputError(f"{source.name} are acausal; insist with allow_acausal=True")
    problem = make_label_problem(recording, label, source, folds, null, n_permutations, seed)
    target = ClassTarget(problem.all_labels, problem.label.classes.size)
    features = list(problem.source.fold_features(problem.recording, problem.single_cut, seed))
    n_bins = features[0].train.shape[1]
    scores = np.zeros((len(problem.all_labels), n_bins, n_bins))
    for part in features:
        for t in range(n_bins):
            scores[:, t] += _score_all_bins(part, t, target, penalty)
    scores /= target.denominator.sum(axis=0)[:, np.newaxis, np.newaxis]
    test = cluster_test(scores, levels)
    return Generalization(
        problem.label.name,
        source.name,
        problem.source.time(problem.recording),
        scores[0],
        test.chance,
        test.p,
        test.significant,
        not source.causal,
        problem.label.n_left_out,
        problem.null_used,
        tuple(problem.describe_folds(features)),
        problem.notices,
    )


def _score_all_bins(part: FoldFeatures, t: int, target: ClassTarget, penalty: float) -> np.ndarray:
    """Return the summed gains of the decoder of bin `t` in each bin, (1 + permutation, time)."""
    train, (n_test, n_bins, n_features) = part.train[:, t], part.test.shape
    held_out = hat_matrix.predict_nested(
        train,
        part.test.reshape(-1, n_features),  # (test trial and time, feature)
        target.columns,
        part.fold,
        penalty * hat_matrix.penalty_unit(train),
    )
    predicted = target.predict(held_out).reshape(n_test, n_bins, -1)
    correct = predicted == target.codes[part.fold.test][:, np.newaxis]
    return np.einsum("itb,ib->bt", correct, target.denominator[part.fold.test])
