"""Trials of a search: settings drawn by Optuna, fitted and scored fold by fold, in a study.

A trial's place in its study is its slot: what a killed process began is drawn again, in the same
slot and hence by the same seed. Optuna's own number counts the abandoned ones too.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone

from spikecast.core.checks import check_kind, check_method, check_one_of
from spikecast.core.errors import DivergedError, InputError
from spikecast.core.seeding import derive_seed
from spikecast.evaluation.fit import fit_model
from spikecast.models.base import Model, is_counts
from spikecast.models.spaces import Between, OneOf, Space, check_values, format_value
from spikecast.parallel.threads import limit_threads
from spikecast.scoring import metrics
from spikecast.scoring.ratio_scores import RatioScores
from spikecast.tasks.splits import Fold

N_COMPLETE = 5
"""Trials that must be complete before one is stopped early."""
LARGEST_SCORE = 1e100
"""A score, or its negative, beyond this is that of a fit that diverged: squares of it overflow."""


@dataclass(frozen=True)
class Objective:
    """A model, its search space, and the arrays and inner folds that settings are scored on."""

    model: Model
    space: Space
    x: np.ndarray
    y: np.ndarray
    folds: Sequence[Fold]
    seed: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_method("model", self.model, "get_params", "a model, with settings to search")
        check_kind(self.space, Mapping)
        check_kind(self.metadata, Mapping)
        if not self.space:
            raise InputError("the search space is empty: name a setting and its values")
        own = self.model.get_params()
        for name, values in self.space.items():
            check_one_of("setting", name, list(own))
            check_values(name, values, own[name])

    @cached_property
    def own(self) -> dict[str, Any]:
        """The model's own values of the settings that its space holds, as Optuna holds them."""
        return list_own(self.model, self.space)

    def read_settings(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return what Optuna drew as the model's settings."""
        return {
            name: _list_choices(values)[drawn[name]] if isinstance(values, OneOf) else drawn[name]
            for name, values in self.space.items()
        }

    def score_folds(self, settings: Mapping[str, Any]) -> Iterator[float]:
        """Yield the score of each fold."""
        for index, fold in enumerate(self.folds):
            yield score_fold(
                self.model, settings, self.x, self.y, fold, index, self.seed, self.metadata
            )


def score_fold(
    model: Model,
    settings: Mapping[str, Any],
    x: np.ndarray,
    y: np.ndarray,
    fold: Fold,
    index: int = 0,
    seed: int = 0,
    metadata: Mapping[str, Any] | None = None,
) -> float:
    """Return the score of some settings on the test part of one fold: bits per spike, or R2."""
    made = clone(model).set_params(**settings)
    with limit_threads():
        fitted = fit_model(made, x, y, fold, seed=seed, index=index, metadata=metadata)
        prediction = fitted.model.predict(x[fold.test])
    truth, train = y[fold.test], y[fold.train]
    if is_counts(y):
        known = train.any(axis=(0, 1))  # no model can know the rate of the others
        null = metrics.null_rate(train, truth)
        score = metrics.bits_per_spike(truth[..., known], prediction[..., known], null[..., known])
    else:
        null_error = np.square(truth - train.mean(axis=(0, 1), dtype=float)).sum(axis=1)
        error = np.square(truth - prediction).sum(axis=1, dtype=float)
        score = RatioScores(null_error - error, null_error).aggregate("per_neuron")
    if not abs(score) <= LARGEST_SCORE:
        raise DivergedError(f"the score on inner fold {index} is {score}")
    return score


def list_own(model: Model, space: Space) -> dict[str, Any]:
    """Return a model's own values of the settings that a space holds, as Optuna holds them."""
    own = model.get_params()
    return {
        name: _to_choice(values, own[name])
        for name, values in space.items()
        if values.holds(own[name])
    }


def make_distributions(space: Space) -> dict[str, Any]:
    """Return a space as Optuna's distributions."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    made: dict[str, Any] = {}
    for name, values in space.items():
        if isinstance(values, OneOf):
            made[name] = CategoricalDistribution(list(_list_choices(values)))
        elif values.whole:
            made[name] = IntDistribution(int(values.low), int(values.high), values.log)
        else:
            made[name] = FloatDistribution(values.low, values.high, values.log)
    return made


def _list_choices(values: OneOf) -> dict[Any, Any]:
    """Return what Optuna is given -> the value: a journal cannot hold lists among the choices."""
    return {format_value(value): value for value in values.values}


def _to_choice(values: Between | OneOf, value: Any) -> Any:
    """Return a value of the space as Optuna holds it."""
    if isinstance(values, OneOf):
        return next(format_value(one) for one in values.values if OneOf((one,)).holds(value))
    return value


def open_study(storage: Any = None, name: str | None = None) -> Any:
    """Return an Optuna study: that of `name` in `storage`, if it is there."""
    import optuna  # takes a second

    # Folds are the same for all settings, so that comparing them fold by fold is fair. The median
    # asks little of few folds: a rank test (Wilcoxon) cannot reach significance with three, and
    # Hyperband needs a budget that can be cut finely.
    pruner = optuna.pruners.MedianPruner(n_startup_trials=N_COMPLETE, n_min_trials=N_COMPLETE)
    return optuna.create_study(
        storage=storage, study_name=name, direction="maximize", pruner=pruner,
        load_if_exists=True,
    )  # fmt: skip


def draw_settings(study: Any, objective: Objective, slot: int, worker: str = "") -> Any:
    """Begin a trial with settings drawn by the sampler; the first are the model's own."""
    import optuna
    from optuna.trial import TrialState

    # a sampler of its own per trial: the same history gives the same settings, resumed or not
    seed = derive_seed(objective.seed, "trial", slot)
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    if slot == 0 and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(objective.own)
    trial = study.ask(make_distributions(objective.space))
    trial.set_user_attr("slot", slot)
    trial.set_user_attr("worker", worker)
    return trial


def run_trial(study: Any, trial: Any, objective: Objective) -> None:
    """Fit and score a trial's settings, fold by fold; a fit that fails is a trial that failed."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    started = time.perf_counter()
    fits = objective.score_folds(objective.read_settings(trial.params))
    scores: list[float] = []
    state = TrialState.COMPLETE
    # another process that believed this one dead has ended the trial, and repeats it
    with suppress(UpdateFinishedTrialError):
        while state == TrialState.COMPLETE and len(scores) < len(objective.folds):
            try:
                scores.append(next(fits))
            except Exception as error:  # a night of fits must not end with one extreme setting
                state = TrialState.FAIL
                reason = " ".join(str(error).split())
                trial.set_user_attr("reason", f"{type(error).__name__}: {reason}")
                break
            trial.report(float(np.mean(scores)), len(scores) - 1)
            if len(scores) < len(objective.folds) and trial.should_prune():
                state = TrialState.PRUNED
        value = float(np.mean(scores)) if state == TrialState.COMPLETE else None
        trial.set_user_attr("seconds", time.perf_counter() - started)
        study.tell(trial.number, value, state=state, skip_if_finished=True)


def list_ended(study: Any) -> list[Any]:
    """Return the trials that came to an end, by slot: complete, pruned, or failed for a reason."""
    ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    counted = [t for t in ended if t.state.name != "FAIL" or "reason" in t.user_attrs]
    return sorted(counted, key=lambda trial: trial.user_attrs["slot"])


@contextmanager
def silence_optuna() -> Iterator[None]:
    """Keep Optuna from printing within the block."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
