"""From predictions to a score table: every score with its null, aggregation and split beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape

import numpy as np
import pandas as pd

from spikecast.core.checks import check_one_of
from spikecast.core.drawing import Drawable
from spikecast.core.notices import Notice
from spikecast.evaluation.beyond import Beyond
from spikecast.models.catalog import is_null
from spikecast.scoring import metrics
from spikecast.scoring.metric_table import HEADLINE, METRICS, score_ratios, score_values
from spikecast.scoring.ratio_scores import (
    Interval,
    RatioScores,
    compute_interval,
    draw_bootstrap_weights,
)
from spikecast.scoring.scorers import RUNGS, SCORERS
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold


@dataclass(frozen=True, eq=False)
class Predictions(Mapping[str, np.ndarray]):
    """Predictions of the trials that each fold scored, by model; joined when they are read.

    Attributes
    ----------
    by_fold : mapping of model -> sequence of array, (test trial, time, target)
    folds : sequence of Fold
    n_trials : int
    """

    by_fold: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict)
    folds: Sequence[Fold] = ()
    n_trials: int = 0

    def __getitem__(self, model: str) -> np.ndarray:
        """Return a model's predictions, (trial, time, target); NaN on trials not scored."""
        parts = self.by_fold[model]
        whole = np.full((self.n_trials, *parts[0].shape[1:]), np.nan, dtype=np.float32)
        for fold, part in zip(self.folds, parts, strict=True):
            whole[fold.test] = part
        return whole

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_fold)

    def __len__(self) -> int:
        return len(self.by_fold)

    def __repr__(self) -> str:
        return f"Predictions({', '.join(self)})"


@dataclass(frozen=True, repr=False)
class Scores(Drawable):
    """Scores of several models on one problem; a notebook shows them as their summary.

    Attributes
    ----------
    table : DataFrame
        Tidy, columns ``session, task, source, target, model, fold, metric, null, aggregate, value,
        n_test_trials, n_neurons, fit_seconds``; ``fold`` is a number or ``"all"`` (every trial
        scored once, by the model that did not see it).
    neurons : DataFrame
        One row per model and target: its own score against the training mean.
    ratios : dict
        (model, metric, null) -> :class:`RatioScores` over all trials.
    kind : {"counts", "continuous"}
    beyond : Beyond, optional
        What a regression adds on top of the highest rung of the ladder, with its shift test.
    n_resamples, seed : int
        Of the bootstrap.
    notices : tuple of Notice
    predictions : Predictions
        Model -> its predictions, (trial, time, target); NaN on trials that were not scored. Empty
        for scores that were read from a run, which keeps its predictions in files.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.decision_task(40, n_bins=80, stim_onset=0.2, seed=3).recording
    >>> task = sc.AreaToArea("MOs")
    >>> scores = sc.cross_validate(["mean_rate", "pca_ridge"], task, recording, shifts=0)
    >>> scores  # doctest: +ELLIPSIS
    Scores: 1 model, 5 nulls, bits_per_spike: best pca_ridge 0.3...
    >>> list(scores.summary())[:4]
    ['model', 'bits_per_spike', 'low', 'high']
    >>> scores.predictions["pca_ridge"].shape == task.problem(recording).y.shape
    True
    """

    figure = "scores"

    table: pd.DataFrame
    neurons: pd.DataFrame
    ratios: dict[tuple[str, str, str], RatioScores]
    kind: str
    n_resamples: int = 2000
    seed: int = 0
    notices: tuple[Notice, ...] = ()
    beyond: Beyond | None = None
    predictions: Predictions = field(default_factory=Predictions)

    @property
    def metric(self) -> str:
        """The headline metric: bits per spike for counts, R2 for continuous targets."""
        return HEADLINE[self.kind].name

    @property
    def aggregate(self) -> str:
        """How the headline metric is aggregated over targets."""
        return HEADLINE[self.kind].aggregate

    @property
    def models(self) -> list[str]:
        """Names of the models."""
        return [str(name) for name in self.table["model"].unique()]

    def interval(
        self,
        model: str,
        *,
        minus: str | None = None,
        null: str = "train_mean",
        aggregate: str | None = None,
    ) -> Interval:
        """Return the headline score of a model with its 95 % bootstrap interval over trials.

        Parameters
        ----------
        model : str
        minus : str, optional
            Another model: the interval is of the paired difference.
        null : str
        aggregate : str, optional

        Examples
        --------
        >>> import spikecast as sc
        >>> recording = sc.simulate.decision_task(40, n_bins=80, seed=3).recording
        >>> scores = sc.cross_validate(["pca_ridge"], sc.AreaToArea("MOs"), recording, shifts=0)
        >>> scores.interval("pca_ridge").low > 0
        True
        """
        check_one_of("model", model, self.models)
        if minus is not None:
            check_one_of("model", minus, self.models)
        check_one_of("null", null, sorted({one for *_, one in self.ratios}))
        ratios = self.ratios[model, self.metric, null]
        other = None if minus is None else self.ratios[minus, self.metric, null]
        return compute_interval(ratios, self._weights, aggregate or self.aggregate, other)

    @cached_property
    def _weights(self) -> np.ndarray:
        """The resamples, the same for every score."""
        n_trials = len(next(iter(self.ratios.values())).numerator)
        return draw_bootstrap_weights(n_trials, self.n_resamples, self.seed)

    def __str__(self) -> str:
        best = max(self.models, key=lambda name: self.interval(name).value)
        score = self.interval(best)
        n_nulls = sum(map(is_null, self.models))
        n_models = len(self.models) - n_nulls
        word = "model" if n_models == 1 else "models"
        return f"{n_models} {word}, {n_nulls} nulls, {self.metric}: best {best} {score}"

    def __repr__(self) -> str:
        return f"Scores: {self}"

    def _repr_html_(self) -> str:
        return self.to_html()

    def to_html(self) -> str:
        """Return the scores in a sentence, what to know about them, and their summary, as HTML."""
        claim = f"<p>Beyond the highest null: {escape(str(self.beyond))}</p>" if self.beyond else ""
        notices = "".join(f"<li>{escape(str(notice))}</li>" for notice in self.notices)
        listed = f"<ul>{notices}</ul>" if notices else ""
        table = self.summary().to_html(index=False, float_format="{:.3f}".format)
        return f"<p>{escape(repr(self))}</p>{claim}{listed}{table}"

    def to_frame(self) -> pd.DataFrame:
        """Return the table of all scores, tidy, with the unit of each."""
        frame = self.table.copy()
        unit = [METRICS[name].unit for name in frame["metric"]]
        frame.insert(list(frame).index("value") + 1, "unit", unit)
        frame.attrs["units"] = {"fit_seconds": "s"}
        return frame

    def add_notices(self, *notices: Notice) -> "Scores":
        """Return the same scores with more to know about them."""
        return replace(self, notices=(*self.notices, *notices))

    def summary(self) -> pd.DataFrame:
        """Return a row per model, best first: its headline score, with its 95 % interval.

        The score is above the mean of the training trials; the last three columns are the score
        above the highest rung of the ladder (``..._vs_behavior``), where there is one.
        :meth:`compare_nulls` has the other nulls, :meth:`to_frame` all metrics and folds.
        """
        rungs = [name for name in RUNGS if name in self.models]
        return self._tabulate(["train_mean", *rungs[-1:]])

    def compare_nulls(self) -> pd.DataFrame:
        """Return a row per model, best first: its headline score and interval above each null."""
        nulls = [
            null
            for model, metric, null in self.ratios
            if model == self.models[0] and metric == self.metric
        ]
        return self._tabulate(nulls)

    def _tabulate(self, nulls: Sequence[str]) -> pd.DataFrame:
        rows = []
        for model in self.models:
            row: dict[str, object] = {"model": model}
            for null in nulls:
                score = self.interval(model, null=null)
                suffix = "" if null == "train_mean" else f"_vs_{null}"
                row |= {
                    f"{self.metric}{suffix}": score.value,
                    f"low{suffix}": score.low,
                    f"high{suffix}": score.high,
                }
            rows.append(row)
        return pd.DataFrame(rows).sort_values(self.metric, ascending=False, ignore_index=True)


def score_folds(
    problem: Problem,
    folds: Sequence[Fold],
    predictions: Mapping[str, Sequence[np.ndarray]],
    seconds: Mapping[str, Sequence[float]],
    *,
    session: str = "",
    n_resamples: int = 2000,
    seed: int = 0,
) -> Scores:
    """Score predictions of held-out trials.

    `predictions` and `seconds` are model -> one array (test trial, time, target), or the seconds of
    its fit, per fold. Models that are rungs of the ladder are nulls of all others as well.
    """
    scorer = SCORERS[problem.kind](problem.y, folds, problem.condition)
    rows: list[dict[str, object]] = []
    ratios: dict[tuple[str, str, str], RatioScores] = {}
    for rung in RUNGS:
        if rung in predictions:
            scorer.add_rung(rung, join_folds(problem, folds, predictions[rung]))
    for model, per_fold in predictions.items():
        whole = join_folds(problem, folds, per_fold)
        of_model = score_ratios(scorer, whole)
        for index in [*range(len(folds)), None]:
            trials = scorer.scored if index is None else folds[index].test
            common = {
                "session": session,
                "task": problem.task,
                "source": problem.source,
                "target": problem.target,
                "model": model,
                "fold": "all" if index is None else index,
            }
            sizes = {
                "n_test_trials": len(trials),
                "n_neurons": scorer.n_targets(trials),
                "fit_seconds": sum(seconds[model]) if index is None else seconds[model][index],
            }
            scores = _make_ratio_rows(of_model, trials) + score_values(scorer, whole, trials)
            rows += [{**common, **row, **sizes} for row in scores]
        if scorer.scored.size < len(problem.y):
            of_model = {key: ratio.select_trials(scorer.scored) for key, ratio in of_model.items()}
        ratios |= {(model, metric, null): ratio for (metric, null), ratio in of_model.items()}
    return Scores(
        pd.DataFrame(rows),
        _tabulate_neurons(problem, ratios, session),
        ratios,
        problem.kind,
        n_resamples,
        seed,
        tuple(scorer.notices),
    )


def join_folds(
    problem: Problem, folds: Sequence[Fold], per_fold: Sequence[np.ndarray]
) -> np.ndarray:
    """Return predictions of all trials; those in no fold keep a 0 that is not scored."""
    whole = np.zeros(problem.y.shape, dtype=np.float32)
    for fold, prediction in zip(folds, per_fold, strict=True):
        whole[fold.test] = prediction
    return whole


def _make_ratio_rows(
    ratios: Mapping[tuple[str, str], RatioScores], trials: np.ndarray
) -> list[dict[str, object]]:
    """Return a row per metric, null and aggregation, over some trials."""
    return [
        {"metric": metric, "null": null, "aggregate": how, "value": part.aggregate(how)}
        for (metric, null), ratio in ratios.items()
        for part in [ratio.select_trials(trials)]
        for how in metrics.AGGREGATES
    ]


def _tabulate_neurons(
    problem: Problem, ratios: Mapping[tuple[str, str, str], RatioScores], session: str
) -> pd.DataFrame:
    """Return each target's own headline score above the training mean."""
    headline = HEADLINE[problem.kind].name
    tables = [
        problem.targets.assign(
            model=model,
            value=ratio.per_target(),
            **{"null": null, "metric": metric, "session": session, "target": problem.target},
        )
        for (model, metric, null), ratio in ratios.items()
        if (metric, null) == (headline, "train_mean")
    ]
    return pd.concat(tables, ignore_index=True)
