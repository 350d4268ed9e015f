"""What a sweep is made of: one search per model and outer fold, and one over all trials."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.base import clone

from spikecast.core.errors import ConfigError
from spikecast.core.seeding import derive_seed
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import Job
from spikecast.evaluation.folds import make_folds
from spikecast.evaluation.ladder import add_rungs, list_rungs
from spikecast.evaluation.search_trials import Objective
from spikecast.models.base import Model
from spikecast.models.catalog import MODELS, is_null
from spikecast.models.spaces import Space
from spikecast.runs.config import Config, SearchConfig
from spikecast.runs.layout import RunLayout
from spikecast.runs.model_entries import name_models
from spikecast.runs.targets import TargetRun, make_target
from spikecast.tasks.splits import Fold

TUNED = "_tuned"
"""Suffix of a model with the settings that its search chose."""


@dataclass(frozen=True)
class FoldSearch:
    """One search: a model's settings are tried on some trials, cut into inner folds."""

    label: str  # of the model, in the config
    model: Model  # with the config's settings
    space: Space
    fold: int | None  # the outer fold whose training trials it looks at; None: all trials
    trials: np.ndarray  # the numbers of these
    inner_folds: Sequence[Fold]  # over these
    seed: int

    @property
    def name(self) -> str:
        """The name of its Optuna study."""
        return f"{self.label}/{'all' if self.fold is None else f'fold-{self.fold}'}"

    @property
    def title(self) -> str:
        """Its name for a progress bar."""
        return f"{self.label}, {'all trials' if self.fold is None else f'fold {self.fold}'}"

    def objective(self, target: TargetRun) -> Objective:
        """Return what fits and scores one of its trials."""
        problem = target.problem
        return Objective(
            self.model,
            self.space,
            problem.x[self.trials],
            problem.y[self.trials],
            self.inner_folds,
            self.seed,
            problem.metadata(),
        )


@dataclass(frozen=True)
class Plan:
    """Everything a process needs to know to take part in a sweep."""

    config: Config  # with its block `search` filled in
    target: TargetRun  # the one target: its problem, outer folds, and place in the run directory
    searches: tuple[FoldSearch, ...]  # in the order in which they are begun
    folder: Path
    session: str

    @cached_property
    def settings(self) -> SearchConfig:
        """The block `search` of the config."""
        return self.config.search or SearchConfig()

    @property
    def labels(self) -> list[str]:
        """The models that are tuned."""
        return list(dict.fromkeys(search.label for search in self.searches))

    @property
    def nulls(self) -> dict[str, Model]:
        """The nulls that are fitted beside the models: the mean and the rungs of the ladder."""
        return add_rungs({"mean_rate": MODELS["mean_rate"]()}, self.target.problem)

    @property
    def rung(self) -> str:
        """The highest rung."""
        return list_rungs(self.target.problem)[-1]

    @property
    def n_trials(self) -> int:
        """Trials of all searches together."""
        return self.settings.trials * len(self.searches)

    def refits(self, search: FoldSearch, settings: dict) -> list[Job]:
        """Return the fits on an outer fold that are scored: tuned, as configured, and the nulls."""
        if search.fold is None:
            return []
        tuned = clone(search.model).set_params(**settings)
        models = {search.label + TUNED: tuned, search.label: search.model} | self.nulls
        fold = self.target.folds[search.fold]
        seed, problem = self.config.seed, self.target.problem
        return [
            Job(name, model, search.fold, fold, seed, problem.metadata())
            for name, model in models.items()
        ]


def plan_sweep(config: Config, out: Path) -> tuple[Plan, Recording]:
    """Return the searches of a sweep, and the recording; every mistake of a config is found here.

    Nothing is written to the run directory `out`. ConfigError says when there is not exactly one
    target, or a model cannot predict it.
    """
    config = config.model_copy(update={"search": config.search or SearchConfig()})
    spaces, models, names = config.make_spaces(), config.build_models(), name_models(config.models)
    if taken := [label for label in spaces if label + TUNED in names or is_null(label)]:
        raise ConfigError(f"the sweep needs the names of '{taken[0]}' and '{taken[0]}{TUNED}'")
    if config.task is None:
        raise ConfigError("a sweep needs a task: what predicts what")
    recording = config.data.load_recording()
    tasks = config.make_tasks(recording)
    if len(tasks) != 1:
        targets = ", ".join(str(getattr(task, "target", task.name)) for task in tasks)
        raise ConfigError(
            f"a sweep tunes for one target, and the config has {len(tasks)} ({targets}): name one "
            "in task.target, and sweep each by itself"
        )
    target = make_target(
        tasks[0].problem(recording), config, RunLayout(out), config.evaluation.split
    )
    for label in spaces:
        if target.problem.kind not in models[label].kinds:
            raise ConfigError(f"model '{label}' cannot predict {target.problem.kind} targets")
    searches = tuple(
        _plan_search(label, models[label], space, fold, target, config)
        for label, space in spaces.items()
        for fold in [*range(len(target.folds)), None]
    )
    return Plan(config, target, searches, out, recording.session), recording


def _plan_search(
    label: str, model: Model, space: Space, fold: int | None, target: TargetRun, config: Config
) -> FoldSearch:
    problem, evaluation = target.problem, config.evaluation
    trials = np.arange(len(problem.y)) if fold is None else target.folds[fold].train
    seed = derive_seed(config.seed, "sweep", label, "all" if fold is None else fold)
    within = replace(
        problem, x=problem.x[trials], y=problem.y[trials], trials=problem.trials.iloc[trials]
    )
    inner_folds = make_folds(
        within,
        (config.search or SearchConfig()).inner_folds,
        split=evaluation.split,
        strata=evaluation.strata,
        gap=evaluation.gap,
        seed=seed,
    )
    return FoldSearch(label, model, space, fold, trials, inner_folds, seed)
