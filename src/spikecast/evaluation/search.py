"""Search for settings of a model on inner folds of the training trials, by Optuna."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.checks import check_count, check_three_axes
from spikecast.core.errors import InputError
from spikecast.evaluation.folds import check_folds
from spikecast.evaluation.search_trials import (
    Objective,
    draw_settings,
    list_ended,
    open_study,
    run_trial,
    silence_optuna,
)
from spikecast.models.base import Model
from spikecast.models.spaces import MOST_TRIES, Space
from spikecast.tasks.splits import Fold

SearchProgress = Callable[[int, int], None]
STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True, repr=False)
class SearchResult:
    """The result of a search: what it tried, and the best of it.

    Attributes
    ----------
    table : DataFrame
        One row per trial of the search: its settings (lists as text), ``score`` (mean over inner
        folds; NaN unless it was scored on all of them), ``state`` ("complete", "pruned",
        "failed"), ``so_far`` (mean over the ``n_folds`` that it was scored on), ``seconds``,
        ``reason`` (why it failed).
    best : dict
        The settings with the best score.
    score : float
        Of the best settings, on the very folds that chose them: optimistic.
    own_score : float
        Of the model's own settings, on the same folds; NaN where they are outside the space.
    importance : dict of setting -> float
        Share of the score's variance over the trials that a setting explains (fANOVA; Hutter et
        al. 2014), largest first; empty where too few trials were finished.
    """

    table: pd.DataFrame
    best: dict[str, Any]
    score: float
    own_score: float
    importance: dict[str, float]

    def __repr__(self) -> str:
        return (
            f"SearchResult: {len(self.table)} settings tried, best {self.best} with "
            f"{self.score:.3f} (the model's own {self.own_score:.3f}), on the folds that chose it"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.to_html()}"

    def to_frame(self) -> pd.DataFrame:
        """Return the table of settings that were tried."""
        return self.table.copy()

    @property
    def swept(self) -> dict[str, int]:
        """Setting -> how many different values it took: 1 means that it was not searched."""
        return {name: int(self.table[name].nunique()) for name in self.best}


def search(
    model: Model,
    space: Space,
    x: np.ndarray,
    y: np.ndarray,
    folds: Sequence[Fold],
    *,
    n_trials: int = 40,
    seed: int = 0,
    metadata: Mapping[str, Any] | None = None,
    progress: SearchProgress = lambda done, total: None,
) -> SearchResult:
    """Find settings that predict the validation part of inner folds best.

    Everything here belongs to one outer training part: pass its trials only, and score the model
    with the settings found on trials that were not passed.

    Parameters
    ----------
    model : Model
        Its other settings stay as they are.
    space : mapping of setting -> Between or OneOf
        For example ``Timescales.search_space``.
    x, y : array, (trial, time, feature)
        Of the outer fold's training trials.
    folds : sequence of Fold
        Over these trials.
    n_trials : int
        Settings tried; the first is the model's own, so that the search is never worse on them.
    seed : int
    metadata : mapping, optional
        What models may want to know besides: ``problem.metadata()``.
    progress : callable, optional
        Called with the number of settings tried and that of all.

    Returns
    -------
    SearchResult

    Raises
    ------
    UnknownNameError
        For a setting that the model does not have.
    InputError
        When no fit succeeded, or `space` is empty.

    Notes
    -----
    The sampler is the tree-structured Parzen estimator (Bergstra et al. 2011). Scores are bits per
    spike for counts, R2 (mean over targets) for continuous targets, against the mean of the inner
    training part. Settings that score below the median of those tried before them, on the folds
    done so far, are not fitted on the other folds.

    Examples
    --------
    >>> from spikecast.models.linear import PCARidge
    >>> from spikecast.models.spaces import OneOf
    >>> from spikecast.tasks.splits import split_by_trial
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(12, 8, 4)); y = x @ rng.normal(size=(4, 2))
    >>> found = search(PCARidge(widths=(0.0,)), {"n_components": OneOf((1, 4))}, x, y,
    ...                split_by_trial(12, 3), n_trials=8)
    >>> found.best
    {'n_components': 4}
    """
    n_trials = check_count("n_trials", n_trials, 1, MOST_TRIES)
    check_three_axes("x", x)
    folds = check_folds(folds, len(x))
    objective = Objective(model, space, x, y, folds, seed, {} if metadata is None else metadata)
    with silence_optuna():
        study = open_study()
        for slot in range(n_trials):
            progress(slot + 1, n_trials)
            run_trial(study, draw_settings(study, objective, slot), objective)
        return read_search(study, objective)


def read_search(study: Any, objective: Objective) -> SearchResult:
    """Return the result of an Optuna study; raise InputError where it completed no trial."""
    trials = list_ended(study)
    done = [trial for trial in trials if trial.state.name == "COMPLETE"]
    if not done:
        first = next((trial.user_attrs["reason"] for trial in trials), "no trial was made")
        raise InputError(
            f"none of {len(trials)} settings of {type(objective.model).__name__} could be fitted; "
            f"the first: {first}"
        )
    best = max(done, key=lambda trial: trial.value)  # of equals the earliest
    # the first trial has the model's own settings, where the space holds them
    own = (
        done[0].value
        if len(objective.own) == len(objective.space) and done[0] is trials[0]
        else np.nan
    )
    names = list(objective.space)
    rows = [
        {
            **{name: trial.params[name] for name in names},
            "score": trial.value if trial.state.name == "COMPLETE" else np.nan,
            "state": STATES[trial.state.name],
            "so_far": list(trial.intermediate_values.values() or [np.nan])[-1],
            "n_folds": len(trial.intermediate_values),
            "seconds": trial.user_attrs.get("seconds", np.nan),
            "reason": trial.user_attrs.get("reason", ""),
        }
        for trial in trials
    ]
    return SearchResult(
        pd.DataFrame(rows), objective.read_settings(best.params), best.value, own,
        _measure_importance(study, done),
    )  # fmt: skip


def _measure_importance(study: Any, done: list[Any]) -> dict[str, float]:
    import optuna

    if len(done) < 4 or len({trial.value for trial in done}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
