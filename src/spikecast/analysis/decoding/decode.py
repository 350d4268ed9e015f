"""What the latents (or counts, or behaviour) say about a trial: one label, one score, one null."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spikecast.analysis.decoding import labels, nulls
from spikecast.analysis.decoding.labels import Label
from spikecast.analysis.decoding.nulls import Null
from spikecast.analysis.decoding.sources import Counts, FoldFeatures, Source
from spikecast.core.checks import check_in_range, check_one_of
from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import derive_seed
from spikecast.data.recording import Recording
from spikecast.models.classifiers import BALANCES, CLASSIFIERS, Decoder
from spikecast.scoring import metrics
from spikecast.scoring.ratio_scores import Interval, RatioScores, interval

OVER_TIME = ("mean", "concatenate", "vote")
CONSTANT_FEATURES = NoticeKind(
    "constant_features",
    "minor",
    "{n_constant} of {n_features} features are constant over a fold's training trials",
)


@dataclass(frozen=True)
class Decoding:
    """How well a label can be decoded from held-out trials.

    Attributes
    ----------
    label, source, decoder : str
    metric : str
        What `score`, its interval and its p are of: ``"balanced_accuracy"`` or ``"r2"``.
    scores : dict
        ``balanced_accuracy`` and ``accuracy``, or ``r2`` and ``pearson``, on test trials.
    train_scores : dict
        The same on training trials, averaged over folds.
    interval : Interval
        95 %, bootstrap over trials within classes; decoders stay as they are.
    p : float
        ``(1 + #{null >= score}) / (1 + n)``.
    null : array, (draw,)
        Scores of the labels of the null, everything refitted.
    confusion : DataFrame
        Rows: true class, columns: decoded class, counts of test trials. Empty for numbers.
    per_class : DataFrame
        Precision, recall, F1 and support of each class, train and test side by side. A trial is in
        the training part of several folds, and counted in each. Empty for numbers.
    predictions : DataFrame
        One row per test trial: ``trial, truth, prediction, fold``.
    n_left_out : int
        Trials without a label.
    notices : tuple of Notice
    """

    label: str
    source: str
    decoder: str
    metric: str
    scores: Mapping[str, float]
    train_scores: Mapping[str, float]
    interval: Interval
    p: float
    null: np.ndarray
    confusion: pd.DataFrame
    per_class: pd.DataFrame
    predictions: pd.DataFrame
    n_left_out: int
    notices: tuple[Notice, ...] = ()

    @property
    def score(self) -> float:
        """The headline score."""
        return self.scores[self.metric]

    @property
    def chance(self) -> float:
        """Mean score under the null."""
        return float(self.null.mean()) if self.null.size else float("nan")

    @property
    def table(self) -> pd.DataFrame:
        """One row: what was decoded from what, its scores, interval, chance and p."""
        row: dict[str, Any] = {
            "label": self.label,
            "source": self.source,
            "decoder": self.decoder,
            **self.scores,
            **{f"train_{name}": value for name, value in self.train_scores.items()},
            "low": self.interval.low,
            "high": self.interval.high,
            "chance": self.chance,
            "p": self.p,
            "n_trials": len(self.predictions),
            "n_left_out": self.n_left_out,
        }
        return pd.DataFrame([row])

    def __str__(self) -> str:
        return (
            f"'{self.label}' from {self.source} ({self.decoder}): {self.metric} {self.interval}, "
            f"chance {self.chance:.3f}, p = {self.p:.3g}; on training trials "
            f"{self.train_scores[self.metric]:.3f}"
        )


def decode(
    recording: Recording,
    label: str | Sequence | np.ndarray,
    *,
    source: Source | None = None,
    decoder: str = "lda",
    over_time: str = "mean",
    balance: str = "weights",
    folds: int = 5,
    split: str | None = None,
    gap: int = 0,
    null: str | Null = "label_shuffle",
    strata: str | Sequence[str] | None = None,
    n_permutations: int = 200,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Decoding:
    """Decode a label of trials, held-out.

    The decoding folds are nested in the source's: in each fold, whatever the source learns (a
    model, principal components, a scale) and whatever the decoder learns (scale, settings,
    weights), they learn from training trials; see
    :class:`spikecast.analysis.decoding.sources.Latents`.

    Parameters
    ----------
    recording : Recording
        For a part of the trial, an area, ... pass ``recording.select(time=..., area=...)``.
    label : str or array, (trial,)
        A trial column, a behaviour variable (its mean over the trial), or values of your own.
        Trials where it is NaN are left out and counted.
    source : Source, optional
        By default ``Counts(n_components=40)``.
    decoder : str
        Of :data:`spikecast.models.classifiers.CLASSIFIERS` (``spikecast models``): ``"ridge"``
        decodes numbers; those that read whole trials do so whatever `over_time` says.
    over_time : {"mean", "concatenate", "vote"}
        Features of a trial are averaged over its bins or laid side by side; or every bin is decoded
        by one decoder for all bins, and the trial goes to the class with most bins.
    balance : {"weights", "subsample", "none"}
        See :class:`spikecast.models.classifiers.Decoder`.
    folds, split, gap
        See :func:`spikecast.cross_validate`. By default classes are spread evenly over folds.
    null : {"label_shuffle", "circular_shift", "pseudo_session"} or callable
        See :mod:`spikecast.analysis.decoding.nulls`. Decoders, with their tuning, are refitted on
        each draw.
    strata : str or sequence of str, optional
        Trial columns within whose values labels are shuffled: what is known beyond them.
    n_permutations, n_resamples, seed : int

    Returns
    -------
    Decoding

    Raises
    ------
    UnknownNameError, NotEnoughDataError
        See :func:`spikecast.analysis.decoding.labels.resolve_label`.
    InputError
        When no feature varies.

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.simulate.decision_task(60, {"VISp": 30}, n_bins=80).recording
    >>> found = decode(recording, recording.trials["contrast_left"] > 0, n_permutations=20)
    >>> found.metric, len(found.predictions)
    ('balanced_accuracy', 60)
    """
    check_one_of("decoder", decoder, list(CLASSIFIERS))
    check_one_of("over_time", over_time, OVER_TIME)
    check_one_of("balance", balance, BALANCES)
    check_in_range("n_permutations", n_permutations, 0)
    source = Counts(n_components=40) if source is None else source
    known = labels.resolve_label(recording, label, folds, continuous=decoder == "ridge")
    if over_time == "vote" and known.continuous:
        raise InputError("bins cannot vote on a number; use over_time='mean'")
    within = labels.number_strata(recording, known, strata)
    _not_its_own_baseline(source, known.name)
    recording, source = recording.select(trials=known.trials), source.select_trials(known.trials)
    (cut,) = labels.cut_folds(
        known, folds, null, groups=source.groups, split=split, gap=gap, seed=seed
    )
    features = list(source.fold_features(recording, cut, seed))
    notices = [*source.notices, *labels.label_notices(known, null, seed), *_constant(features)]
    draws = nulls.draw_labels(null, known.values, n_permutations, seed, cut, within)

    decoded = [
        _predictions(part, known.values, decoder, over_time, balance, seed) for part in features
    ]
    scored = _Scored(known.values, decoded, features, known)
    null_scores = np.empty(n_permutations)
    for index, drawn in enumerate(draws):
        again = [
            _predictions(part, drawn, decoder, over_time, balance, seed, train=False)
            for part in features
        ]
        null_scores[index] = _Scored(drawn, again, features, known).score
    weights = labels.draw_resamples(known, n_resamples, seed)
    return Decoding(
        known.name,
        source.name,
        decoder,
        scored.metric,
        scored.test_scores(),
        scored.train_scores(),
        interval(scored.ratios, weights),
        nulls.p_value(scored.score, null_scores),
        null_scores,
        scored.confusion(),
        scored.per_class(),
        scored.table(),
        known.n_left_out,
        tuple(notices),
    )


def _predictions(
    part: FoldFeatures,
    values: np.ndarray,
    decoder: str,
    over_time: str,
    balance: str,
    seed: int,
    train: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of a fold's training (or none) and test trials."""
    seed = derive_seed(seed, "decoder")
    y = values[part.fold.train]
    if CLASSIFIERS[decoder].reads_trials:
        fitted = CLASSIFIERS[decoder].make(seed).fit(part.train, y)
        return fitted.predict(part.train) if train else np.empty(0), fitted.predict(part.test)
    n_bins = part.train.shape[1] if over_time == "vote" else 1
    x_train, x_test = (_samples(x, over_time) for x in (part.train, part.test))
    made = Decoder(decoder, balance, seed).fit(
        x_train, np.repeat(y, n_bins), np.repeat(np.arange(len(y)), n_bins)
    )
    of_train = made.predict(x_train) if train else np.empty(0)
    return _voted(of_train, n_bins), _voted(made.predict(x_test), n_bins)


def _samples(x: np.ndarray, over_time: str) -> np.ndarray:
    """(trial, time, feature) -> (sample, feature)."""
    if over_time == "mean":
        return x.mean(axis=1)
    return x.reshape(-1, x.shape[2]) if over_time == "vote" else x.reshape(len(x), -1)


def _voted(predicted: np.ndarray, n_bins: int) -> np.ndarray:
    """The code most bins of each trial were given."""
    if n_bins == 1 or not predicted.size:
        return predicted
    codes = predicted.reshape(-1, n_bins)
    votes = (codes[..., np.newaxis] == np.arange(codes.max() + 1)).sum(axis=1)
    return votes.argmax(axis=1)


class _Scored:
    """Predictions of all folds, scored."""

    def __init__(
        self,
        values: np.ndarray,
        decoded: list[tuple[np.ndarray, np.ndarray]],
        features: list[FoldFeatures],
        known: Label,
    ) -> None:
        self.known, self.values = known, values
        self.folds = [part.fold for part in features]
        self.of_train = [train for train, _ in decoded]
        self.prediction = np.zeros(values.shape, dtype=values.dtype)
        self.fold = np.zeros(values.size, dtype=int)
        mean = np.zeros(values.size)
        for index, (fold, (_, test)) in enumerate(zip(self.folds, decoded)):
            self.prediction[fold.test], self.fold[fold.test] = test, index
            mean[fold.test] = values[fold.train].mean()
        if known.continuous:
            self.metric = "r2"
            error = (values - self.prediction) ** 2
            null_error = (values - mean) ** 2
            self.ratios = RatioScores(
                (null_error - error)[:, np.newaxis], null_error[:, np.newaxis]
            )
        else:
            self.metric = "balanced_accuracy"
            share = 1.0 / np.bincount(values)[values]  # every class weighs the same
            self.ratios = RatioScores(
                (share * (values == self.prediction))[:, np.newaxis], share[:, np.newaxis]
            )
        self.score = self.ratios.pooled()

    def test_scores(self) -> dict[str, float]:
        if self.known.continuous:
            return {"r2": self.score, "pearson": _pearson(self.values, self.prediction)}
        return {
            "balanced_accuracy": self.score,
            "accuracy": float((self.values == self.prediction).mean()),
        }

    def train_scores(self) -> dict[str, float]:
        truth, prediction = self._training()
        if self.known.continuous:
            found = 1 - np.mean((truth - prediction) ** 2) / truth.var()
            return {"r2": float(found), "pearson": _pearson(truth, prediction)}
        of_train = metrics.labels(truth, prediction)
        return {"balanced_accuracy": of_train.balanced_accuracy, "accuracy": of_train.accuracy}

    def _training(self) -> tuple[np.ndarray, np.ndarray]:
        truth = np.concatenate([self.values[fold.train] for fold in self.folds])
        return truth, np.concatenate(self.of_train)

    def confusion(self) -> pd.DataFrame:
        if self.known.continuous:
            return pd.DataFrame()
        names = self.known.names
        counts = metrics.labels(self.values, self.prediction).confusion
        return pd.DataFrame(
            counts, pd.Index(names, name="truth"), pd.Index(names, name="prediction")
        )

    def per_class(self) -> pd.DataFrame:
        if self.known.continuous:
            return pd.DataFrame()
        parts = {"train": self._training(), "test": (self.values, self.prediction)}
        columns: dict[str, object] = {"class": self.known.names}
        for part, (truth, prediction) in parts.items():
            scores = metrics.labels(truth, prediction)
            for name in ("precision", "recall", "f1", "support"):
                columns[f"{name}_{part}"] = getattr(scores, name)
        return pd.DataFrame(columns)

    def table(self) -> pd.DataFrame:
        named = (
            (self.values, self.prediction)
            if self.known.continuous
            else (self.known.classes[self.values], self.known.classes[self.prediction])
        )
        return pd.DataFrame(
            {
                "trial": self.known.trials,
                "truth": named[0],
                "prediction": named[1],
                "fold": self.fold,
            }
        )


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def _constant(features: list[FoldFeatures]) -> list[Notice]:
    """Refuse features none of which varies; tell how many do not."""
    still = [(part.train == part.train[:1, :1]).all(axis=(0, 1)) for part in features]
    worst = max(still, key=np.sum)
    if worst.all():
        raise InputError(
            f"none of the {worst.size} features varies over the training trials; "
            "there is nothing to decode from"
        )
    if not worst.any():
        return []
    return [CONSTANT_FEATURES(n_constant=int(worst.sum()), n_features=worst.size)]


def _not_its_own_baseline(source: Source, name: str) -> None:
    if name in (*getattr(source, "columns", ()), *getattr(source, "behavior", ())):
        raise InputError(f"'{name}' cannot be decoded from itself; leave it out of the baseline")
