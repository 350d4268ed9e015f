"""A label decoded from whole trials of latents, counts or behaviour: its score and its null."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from spikecast.analysis.decoding.labels import Label
from spikecast.analysis.decoding.null_choice import NullChoice
from spikecast.analysis.decoding.nulls import AUTO, permutation_p
from spikecast.analysis.decoding.problem import (
    DecodedFold,
    Draws,
    Folds,
    Null,
    Values,
    draw_resamples,
    make_label_problem,
)
from spikecast.analysis.decoding.sources import Counts, FoldFeatures, Source
from spikecast.analysis.results import Result, make_settings
from spikecast.core.checks import check_one_of
from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import derive_seed
from spikecast.data.recording import Recording
from spikecast.models.classifiers import BALANCES, CLASSIFIERS, Decoder
from spikecast.models.inner_cv import watch_validation
from spikecast.scoring import metrics
from spikecast.scoring.ratio_scores import Interval, RatioScores, compute_interval
from spikecast.tasks.splits import Fold

OVER_TIME = ("mean", "concatenate", "vote")
CONSTANT_FEATURES = NoticeKind(
    "constant_features",
    "minor",
    "{n_constant} of {n_features} features are constant over a fold's training trials",
)


@dataclass(frozen=True, repr=False)
class Decoding(Result):
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
        ``(1 + #{null >= score}) / (1 + n)``; NaN where there is no null.
    null : array, (draw,)
        Scores of the labels of the null, everything refitted.
    null_used : NullChoice
        Which null that is, and why.
    confusion : DataFrame
        Rows: true class, columns: decoded class, counts of test trials. Empty for numbers.
    per_class : DataFrame
        Precision, recall, F1 and support of each class, train and test side by side. A trial is in
        the training part of several folds, and counted in each. Empty for numbers.
    predictions : DataFrame
        One row per test trial: ``trial, truth, prediction, fold``.
    n_left_out : int
        Trials without a label.
    folds : tuple of DecodedFold
        The trials and labels that each fold's fits were given.
    notices : tuple of Notice
    """

    figure = "confusion"

    label: str
    source: str
    decoder: str
    metric: str
    scores: Mapping[str, float]
    train_scores: Mapping[str, float]
    interval: Interval
    p: float
    null: np.ndarray
    null_used: NullChoice
    confusion: pd.DataFrame
    per_class: pd.DataFrame
    predictions: pd.DataFrame
    n_left_out: int
    folds: tuple[DecodedFold, ...] = ()
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
        tested = f"chance {self.chance:.3f}, p = {self.p:.3g}"
        if not np.isfinite(self.p):
            codes = [notice.code for notice in self.notices if notice.severity != "minor"]
            tested = f"chance not known, no p ({', '.join(codes)})"
        return (
            f"'{self.label}' from {self.source} ({self.decoder}): {self.metric} {self.interval}, "
            f"{tested}; on training trials {self.train_scores[self.metric]:.3f}"
        )


def decode(
    recording: Recording,
    label: Values,
    *,
    source: Source | None = None,
    decoder: str = "lda",
    over_time: str = "mean",
    balance: str = "weights",
    folds: Folds = 5,
    null: Null = AUTO,
    n_permutations: int | Draws = 200,
    seed: int = 0,
) -> Decoding:
    """Decode a label of held-out trials, and compare its score with a null.

    The decoding folds are nested in the source's: in each fold, whatever the source learns (a
    model, principal components, a scale) and whatever the decoder learns (scale, settings,
    weights), they learn from training trials; see
    :class:`spikecast.analysis.decoding.sources.Latents`.

    Parameters
    ----------
    recording : Recording
        For a part of the trial, an area, ... pass ``recording.select(time=..., area=...)``.
    label : str or array, (trial,)
        A trial column, a comparison of one (``"contrast>0"``), a behaviour variable (its mean over
        the trial), or values of your own. Trials where it is NaN are left out and counted.
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
    folds : int or Split
        By default classes are spread evenly over 5 folds.
    null : {"auto", "label_shuffle", "pseudo_session", "circular_shift"}, callable or LabelNull
        See :mod:`spikecast.analysis.decoding.nulls`; the result says which one ``auto`` took, and
        why. Decoders, with their tuning, are refitted on each draw.
    n_permutations : int or Draws
        Draws of the null; as ``Draws`` also how many resamples give the interval.
    seed : int

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
    >>> decoding = decode(recording, "contrast_left>0", n_permutations=20)
    >>> decoding.metric, len(decoding.predictions)
    ('balanced_accuracy', 60)
    """
    check_one_of("decoder", decoder, list(CLASSIFIERS))
    check_one_of("over_time", over_time, OVER_TIME)
    check_one_of("balance", balance, BALANCES)
    draws = make_settings(Draws, n_permutations)
    numbers = CLASSIFIERS[decoder].predicts_numbers
    if over_time == "vote" and numbers:
        raise InputError("bins cannot vote on a number; use over_time='mean'")
    source = Counts(n_components=40) if source is None else source
    problem = make_label_problem(
        recording, label, source, folds, null, draws.n_permutations, seed, continuous=numbers
    )
    features = list(problem.source.fold_features(problem.recording, problem.single_cut, seed))
    notices = (*problem.notices, *_make_feature_notices(features))
    method = _Method(decoder, over_time, balance, derive_seed(seed, "decoder"))

    def decode_all(values: np.ndarray, train: bool) -> _Predictions:
        parts = [method.decode_fold(part, values, train) for part in features]
        return _Predictions(problem.label, values, [part.fold for part in features], parts)

    observed = decode_all(problem.label.values, train=True)
    scores = np.array([decode_all(drawn, train=False).score for drawn in problem.null_labels])
    return Decoding(
        problem.label.name,
        source.name,
        decoder,
        observed.metric,
        observed.score_test(),
        observed.score_train(),
        compute_interval(observed.ratios, draw_resamples(problem.label, draws.n_resamples, seed)),
        permutation_p(observed.score, scores),
        scores,
        problem.null_used,
        observed.count_confusions(),
        observed.score_classes(),
        observed.tabulate(),
        problem.label.n_left_out,
        tuple(
            problem.describe_folds(
                features,
                [part.labels for part in observed.parts],
                [part.validation for part in observed.parts],
            )
        ),
        notices,
    )


class _FoldPredictions(NamedTuple):
    """Predictions of a fold's training trials (empty where not needed) and test trials."""

    train: np.ndarray
    test: np.ndarray
    labels: np.ndarray  # that the decoder's fit received, one per training trial
    validation: np.ndarray  # rows of the training trials that settings were judged on


@dataclass(frozen=True)
class _Method:
    """How the trials of a fold are decoded from their bins."""

    decoder: str
    over_time: str
    balance: str
    seed: int

    def decode_fold(self, part: FoldFeatures, values: np.ndarray, train: bool) -> _FoldPredictions:
        """Fit a decoder on a fold's training trials and predict its test trials (and these)."""
        y, entry = values[part.fold.train], CLASSIFIERS[self.decoder]
        x_train, x_test, n_bins = part.train, part.test, 1
        with watch_validation() as rows:
            if entry.reads_trials:
                fitted, received = _fit_and_record(entry.make(self.seed), x_train, y)
            else:
                n_bins = x_train.shape[1] if self.over_time == "vote" else 1
                x_train, x_test = (self._make_samples(x) for x in (x_train, x_test))
                fitted, received = _fit_and_record(
                    Decoder(self.decoder, self.balance, self.seed),
                    x_train,
                    np.repeat(y, n_bins),
                    trial=np.repeat(np.arange(len(y)), n_bins),
                )
        of_train = fitted.predict(x_train) if train else np.empty(0)
        return _FoldPredictions(
            _count_votes(of_train, n_bins),
            _count_votes(fitted.predict(x_test), n_bins),
            received[::n_bins],
            np.array(sorted(rows), dtype=int),
        )

    def _make_samples(self, x: np.ndarray) -> np.ndarray:
        """Turn features (trial, time, feature) into samples (sample, feature)."""
        if self.over_time == "mean":
            return x.mean(axis=1)
        return x.reshape(-1, x.shape[2]) if self.over_time == "vote" else x.reshape(len(x), -1)


def _fit_and_record(
    decoder: Any, x: np.ndarray, y: np.ndarray, **settings: np.ndarray
) -> tuple[Any, np.ndarray]:
    """Return the fitted decoder and a copy of the labels that it was given."""
    return decoder.fit(x, y, **settings), y.copy()


def _count_votes(predicted: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the code that most bins of each trial were given."""
    if n_bins == 1 or not predicted.size:
        return predicted
    codes = predicted.reshape(-1, n_bins)
    votes = (codes[..., np.newaxis] == np.arange(codes.max() + 1)).sum(axis=1)
    return votes.argmax(axis=1)


class _Predictions:
    """Predictions of all folds and their scores; `values` are the observed labels or a draw's."""

    def __init__(
        self, label: Label, values: np.ndarray, folds: list[Fold], parts: list[_FoldPredictions]
    ) -> None:
        self.label, self.values, self.folds, self.parts = label, values, folds, parts
        self.prediction = np.zeros(values.shape, dtype=values.dtype)
        self.fold = np.zeros(values.size, dtype=int)
        mean = np.zeros(values.size)
        for index, (fold, part) in enumerate(zip(folds, parts, strict=True)):
            self.prediction[fold.test], self.fold[fold.test] = part.test, index
            mean[fold.test] = values[fold.train].mean()
        if label.continuous:
            self.metric = "r2"
            base = (values - mean) ** 2
            gain = base - (values - self.prediction) ** 2
        else:
            self.metric = "balanced_accuracy"
            base = 1.0 / np.bincount(values)[values]  # every class weighs the same
            gain = base * (values == self.prediction)
        self.ratios = RatioScores(gain[:, np.newaxis], base[:, np.newaxis])
        self.score = self.ratios.pooled()

    def score_test(self) -> dict[str, float]:
        return {self.metric: self.score} | self._compute_second_score(self.values, self.prediction)

    def score_train(self) -> dict[str, float]:
        truth, prediction = self._read_training()
        if self.label.continuous:
            score = float(1 - np.mean((truth - prediction) ** 2) / truth.var())
        else:
            score = metrics.score_labels(truth, prediction).balanced_accuracy
        return {self.metric: score} | self._compute_second_score(truth, prediction)

    def _compute_second_score(self, truth: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
        """Return the score that is listed after the headline score."""
        if self.label.continuous:
            return {"pearson": _correlate(truth, prediction)}
        return {"accuracy": float((truth == prediction).mean())}

    def _read_training(self) -> tuple[np.ndarray, np.ndarray]:
        truth = np.concatenate([self.values[fold.train] for fold in self.folds])
        return truth, np.concatenate([part.train for part in self.parts])

    def count_confusions(self) -> pd.DataFrame:
        if self.label.continuous:
            return pd.DataFrame()
        truth, decoded = (pd.Index(self.label.names, name=x) for x in ("truth", "prediction"))
        counts = metrics.score_labels(self.values, self.prediction).confusion
        return pd.DataFrame(counts, truth, decoded)

    def score_classes(self) -> pd.DataFrame:
        if self.label.continuous:
            return pd.DataFrame()
        parts = {"train": self._read_training(), "test": (self.values, self.prediction)}
        columns: dict[str, object] = {"class": self.label.names}
        for part, (truth, prediction) in parts.items():
            scores = metrics.score_labels(truth, prediction)
            for name in ("precision", "recall", "f1", "support"):
                columns[f"{name}_{part}"] = getattr(scores, name)
        return pd.DataFrame(columns)

    def tabulate(self) -> pd.DataFrame:
        truth, prediction = map(self.label.decode_values, (self.values, self.prediction))
        columns = {"trial": self.label.trials, "truth": truth, "prediction": prediction}
        return pd.DataFrame(columns | {"fold": self.fold})


def _correlate(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def _make_feature_notices(features: list[FoldFeatures]) -> list[Notice]:
    """Refuse features none of which varies; return a notice where some do not."""
    constant = [(part.train == part.train[:1, :1]).all(axis=(0, 1)) for part in features]
    worst = max(constant, key=np.sum)
    if worst.all():
        raise InputError(
            f"none of the {worst.size} features varies over the training trials; "
            "there is nothing to decode from"
        )
    if not worst.any():
        return []
    return [CONSTANT_FEATURES(n_constant=int(worst.sum()), n_features=worst.size)]
