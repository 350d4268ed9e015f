"""Search for settings of a model on inner folds of the training trials, by Optuna."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone

from spikecast import metrics
from spikecast.checks import in_range, one_of
from spikecast.errors import InputError, SpikecastError
from spikecast.evaluation.jobs import one_thread
from spikecast.models.base import Model, is_counts
from spikecast.seeding import derived_seed
from spikecast.splits import Fold

Say = Callable[[int, int], None]


class Between(NamedTuple):
    """A setting from a range; whole numbers where both ends are."""

    low: float
    high: float
    log: bool = False


class OneOf(NamedTuple):
    """A setting from a list."""

    values: Sequence[Any]


Space = Mapping[str, Between | OneOf]


@dataclass(frozen=True)
class Search:
    """What a search tried and found.

    Attributes
    ----------
    table : DataFrame
        One row per trial of the search: the settings, ``score`` (mean over inner folds; NaN where
        a fit failed).
    best : dict
        The settings with the best score.
    importance : dict of setting -> float
        Share of the score's variance over the trials that a setting explains (fANOVA; Hutter et
        al. 2014), largest first; empty where too few trials were finished.
    """

    table: pd.DataFrame
    best: dict[str, Any]
    importance: dict[str, float]

    @property
    def swept(self) -> dict[str, int]:
        """How many different values each setting took: 1 means that it was not searched."""
        names = [name for name in self.table if name != "score"]
        return {str(name): int(self.table[name].nunique()) for name in names}


def search(
    model: Model,
    space: Space,
    x: np.ndarray,
    y: np.ndarray,
    folds: Sequence[Fold],
    *,
    n_trials: int = 40,
    seed: int = 0,
    say: Say = lambda done, total: None,
) -> Search:
    """Find settings that predict the validation part of inner folds best.

    Everything here belongs to one outer training part: pass its trials only, and score the model
    with the settings found on trials that were not passed.

    Parameters
    ----------
    model : Model
        Its other settings stay as they are.
    space : mapping of setting -> Between or OneOf
    x, y : array, (trial, time, feature)
        Of the outer fold's training trials.
    folds : sequence of Fold
        Over these trials.
    n_trials : int
        Settings tried; the first is the model's own, so that the search is never worse on them.
    seed : int
    say : callable, optional
        Told (settings tried, in all).

    Returns
    -------
    Search

    Raises
    ------
    UnknownNameError
        For a setting that the model does not have.
    InputError
        When no fit succeeded, or `space` is empty.

    Notes
    -----
    The sampler is the tree-structured Parzen estimator (Bergstra et al. 2011). Scores are bits per
    spike for counts, R2 for continuous targets, against the mean of the inner training part.

    Examples
    --------
    >>> from spikecast.models.linear import PCARidge
    >>> from spikecast.splits import by_trial
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(12, 8, 4)); y = x @ rng.normal(size=(4, 2))
    >>> found = search(PCARidge(widths=(0.0,)), {"n_components": OneOf((1, 4))}, x, y,
    ...                by_trial(12, 3), n_trials=8)
    >>> found.best
    {'n_components': 4}
    """
    import optuna  # imports a data base toolkit, which takes a second

    if not space:
        raise InputError("the search space is empty: name a setting and its values")
    in_range("n_trials", n_trials, 1)
    own = model.get_params()
    for name in space:
        one_of("setting", name, list(own))
    tried = 0

    def objective(trial: Any) -> float:
        nonlocal tried
        tried += 1
        say(tried, n_trials)
        settings = {name: _drawn(trial, name, values) for name, values in space.items()}
        return inner_score(model, settings, x, y, folds, seed)

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        sampler = optuna.samplers.TPESampler(seed=derived_seed(seed, "search"))
        study = optuna.create_study(direction="maximize", sampler=sampler)
        if all(_inside(own[name], values) for name, values in space.items()):
            study.enqueue_trial({name: own[name] for name in space})
        study.optimize(objective, n_trials=n_trials, catch=(SpikecastError,))
        done = [trial for trial in study.trials if trial.value is not None]
        if not done:
            raise InputError(f"none of {n_trials} settings could be fitted")
        importance = {}
        varied = len(done) >= 4 and len({trial.value for trial in done}) > 1
        if varied:
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
            importance = dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
    finally:
        optuna.logging.set_verbosity(before)
    rows = [
        {**trial.params, "score": np.nan if trial.value is None else trial.value}
        for trial in study.trials
    ]
    return Search(pd.DataFrame(rows), dict(study.best_params), importance)


def inner_score(
    model: Model,
    settings: Mapping[str, Any],
    x: np.ndarray,
    y: np.ndarray,
    folds: Sequence[Fold],
    seed: int = 0,
) -> float:
    """Mean score of a model with some settings over folds: bits per spike, or R2."""
    scores = []
    for index, fold in enumerate(folds):
        made = clone(model).set_params(**settings)
        if "seed" in made.get_params():
            made.set_params(seed=derived_seed(seed, "fold", index))
        with one_thread():
            made.fit(x[fold.train], y[fold.train])
            prediction = made.predict(x[fold.test])
        truth = y[fold.test]
        if is_counts(y):
            null = metrics.null_rate(y[fold.train], truth)
            scores.append(metrics.bits_per_spike(truth, prediction, null))
        else:
            mean = y[fold.train].mean(axis=(0, 1), dtype=float)
            error = ((truth - prediction) ** 2).sum(dtype=float)
            scores.append(1 - error / ((truth - mean) ** 2).sum(dtype=float))
    return float(np.mean(scores))


def _drawn(trial: Any, name: str, values: Between | OneOf) -> Any:
    if isinstance(values, OneOf):
        return trial.suggest_categorical(name, list(values.values))
    whole = isinstance(values.low, int) and isinstance(values.high, int)
    suggest = trial.suggest_int if whole else trial.suggest_float
    return suggest(name, values.low, values.high, log=values.log)


def _inside(value: Any, values: Between | OneOf) -> bool:
    if isinstance(values, OneOf):
        return value in values.values
    return isinstance(value, int | float) and values.low <= value <= values.high
