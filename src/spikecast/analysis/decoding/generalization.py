"""Does the code change? A decoder trained at one time, tested at every other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.analysis.decoding import hat_matrix as hat
from spikecast.analysis.decoding import labels, nulls
from spikecast.analysis.decoding.bins import Classes
from spikecast.analysis.decoding.clusters import cluster_test
from spikecast.analysis.decoding.nulls import Null
from spikecast.analysis.decoding.sources import Counts, FoldFeatures, Source
from spikecast.core.checks import check_in_range
from spikecast.core.errors import InputError
from spikecast.core.notices import Notice
from spikecast.data.recording import Recording


@dataclass(frozen=True)
class Generalization:
    """Balanced accuracy of decoders trained at one time and tested at another.

    Attributes
    ----------
    label, source : str
    time : array, (time,)
        Bin centres in seconds.
    score : array, (train time, test time)
    chance, p_cluster : array, (train time, test time)
        Mean of the null; p of the cluster a pair of times is in, corrected over the whole matrix.
    significant : array of bool, (train time, test time)
    acausal : bool
    n_left_out : int
        Trials without a label.
    notices : tuple of Notice
    """

    label: str
    source: str
    time: np.ndarray
    score: np.ndarray
    chance: np.ndarray
    p_cluster: np.ndarray
    significant: np.ndarray
    acausal: bool
    n_left_out: int
    notices: tuple[Notice, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row per pair of times."""
        train, test = np.meshgrid(self.time, self.time, indexing="ij")
        columns = {"train_time": train, "test_time": test, "score": self.score}
        columns |= {"chance": self.chance, "p_cluster": self.p_cluster}
        columns |= {"significant": self.significant}
        return pd.DataFrame({name: values.ravel() for name, values in columns.items()})

    def __str__(self) -> str:
        diagonal = np.diag(self.score)
        best = int(diagonal.argmax())
        kept = self.time[self.significant[best]]
        reach = f"{kept.min():.3f} to {kept.max():.3f} s" if kept.size else "no time"
        return (
            f"'{self.label}' from {self.source}: best {diagonal[best]:.2f} at "
            f"{self.time[best]:.3f} s; that decoder also works from {reach}"
        )


def temporal_generalization(
    recording: Recording,
    label: str | Sequence | np.ndarray,
    *,
    source: Source | None = None,
    penalty: float = 1.0,
    folds: int = 5,
    null: str | Null = "label_shuffle",
    strata: str | Sequence[str] | None = None,
    n_permutations: int = 100,
    alpha: float = 0.05,
    join: float = 0.001,
    allow_acausal: bool = False,
    seed: int = 0,
) -> Generalization:
    """Train a linear discriminant in each bin and test it in all (King & Dehaene 2014).

    A square of high scores is a code that stays, a diagonal one that moves on. Trials are held out
    at all times: a decoder is never tested on a trial it was trained on.

    Parameters
    ----------
    recording, label, source, penalty, folds, null, strata, alpha, join, allow_acausal, seed
        As in :func:`spikecast.analysis.decoding.over_time.decode_over_time`.
    n_permutations : int
        Time and memory grow with ``n_permutations * n_bins ** 2``.

    Returns
    -------
    Generalization

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.simulate.decision_task(
    ...     60, {"VISp": 20}, n_bins=12, stim_onset=0.05).recording
    >>> label = recording.trials["contrast_right"] > 0
    >>> temporal_generalization(recording, label, n_permutations=20).score.shape
    (12, 12)
    """
    check_in_range("n_permutations", n_permutations, round(1 / alpha) - 1)
    source = Counts() if source is None else source
    if not source.causal and not allow_acausal:
        raise InputError(f"{source.name} are acausal; insist with allow_acausal=True")
    known = labels.resolve_label(recording, label, folds, continuous=False)
    within = labels.number_strata(recording, known, strata)
    recording, source = recording.select(trials=known.trials), source.select_trials(known.trials)
    (cut,) = labels.cut_folds(known, folds, null, groups=source.groups, seed=seed)
    drawn = nulls.draw_labels(null, known.values, n_permutations, seed, cut, within)
    target = Classes(np.vstack([known.values, drawn]), known.classes.size)
    features = list(source.fold_features(recording, cut, seed))
    n_bins = features[0].train.shape[1]
    scores = np.zeros((1 + n_permutations, n_bins, n_bins))
    for part in features:
        for t in range(n_bins):
            scores[:, t] += _tested_everywhere(part, t, target, penalty)
    scores /= target.denominator.sum(axis=0)[:, np.newaxis, np.newaxis]
    test = cluster_test(scores, alpha, join)
    return Generalization(
        known.name,
        source.name,
        source.time(recording),
        scores[0],
        scores[1:].mean(axis=0),
        test.p,
        test.significant,
        not source.causal,
        known.n_left_out,
        (*source.notices, *labels.label_notices(known, null, seed)),
    )


def _tested_everywhere(part: FoldFeatures, t: int, target: Classes, penalty: float) -> np.ndarray:
    """Summed gains of the decoder of bin `t` in each bin, (1 + permutation, test time)."""
    train, (n_test, n_bins, n_features) = part.train[:, t], part.test.shape
    x_test = part.test.reshape(-1, n_features)  # (test trial and time, feature)
    fold = part.fold
    (held_out,) = hat.nested(
        [(train, x_test)], target.columns, [fold], [penalty * hat.scale(train)]
    )
    sizes = target.is_class[fold.train].sum(axis=0).astype(float)
    fitted = held_out.fitted.reshape(-1, *target.columns.shape[1:])
    predicted = hat.classify(fitted, held_out.quadratic, sizes)
    correct = predicted.reshape(n_test, n_bins, -1) == target.codes[fold.test][:, np.newaxis]
    return np.einsum("itb,ib->bt", correct, target.denominator[fold.test])
