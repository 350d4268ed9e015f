"""The written form of an experiment: validated, and readable as its method section.

Every class is one block of the YAML file; unknown keys are refused with the nearest known one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from spikecast.core.checks import check_one_of, quote, suggest_name
from spikecast.core.errors import ConfigError
from spikecast.core.schema import MOST_DRAWS, Block, parse_block, read_block, refuse_empty_list
from spikecast.core.seeding import LARGEST_SEED
from spikecast.data.loaders import load_selection
from spikecast.data.recording import UNLABELED, Recording
from spikecast.data.selection import DataChoice
from spikecast.models.base import Model
from spikecast.models.catalog import searchable_models, space_of
from spikecast.models.spaces import MOST_TRIES, Between, OneOf, Space
from spikecast.runs.model_entries import ModelEntry, build_models, name_models
from spikecast.runs.questions.catalog import Analysis
from spikecast.tasks.problem import WINDOW, Task
from spikecast.tasks.tasks import REST, AreaToArea, Behavior, Forecast, HeldOutNeurons

DEFAULT_MODELS = (
    *("mean_rate", "psth", "pca_ridge", "reduced_rank", "poisson_glm"),
    *("timescales", "stack"),
)
MOVEMENT_MODELS = (*DEFAULT_MODELS, "lagged_ridge", "kalman")
"""The default models of the task ``behavior``: with the baselines that decoders of movement have to
beat."""
ALL = "all"


class DataConfig(DataChoice):
    """Which part of which recording, and how it is cut into trials where it is not yet."""

    time: tuple[float, float] | None = Field(
        None, description="only bins whose centre is in [start, stop), in seconds"
    )

    ordered: bool = Field(
        True, description="no: trials are not in the order in which they were recorded"
    )

    def load_recording(self) -> Recording:
        """Return the recording, cut to `time`."""
        recording = load_selection(self.path, self.session, self)
        if not self.ordered:
            recording = Recording(recording.dataset.assign_attrs(ordered=0))
        return recording if self.time is None else recording.select(time=self.time)


OF_ONE_KIND = {"fraction": "held_out_neurons", "horizon": "forecast", "window": "behavior"}
"""Settings of a task that only one kind of task has."""


class TaskConfig(Block):
    """What predicts what."""

    kind: Literal["area_to_area", "held_out_neurons", "forecast", "behavior", "predictions"] = (
        "area_to_area"
    )
    target: str | list[str] | None = Field(
        None, description="area(s) to predict, or 'all'; the variable(s), for behavior"
    )
    source: str | list[str] = Field(
        REST, description="'rest' (all other areas), or the areas that predict"
    )
    lag: int = Field(0, description="source at bin t - lag predicts target at bin t")
    min_rate: float = Field(0.5, ge=0, description="Hz; slower target neurons are left out")
    min_neurons: int = Field(20, ge=2, description="with target 'all': smaller areas are left out")
    behavior: str | list[str] | None = Field(
        None, description="behaviour to predict from all neurons (task behavior with this target)"
    )
    horizon: int = Field(10, ge=1, description="forecast: bins at the end of each trial")
    window: int = Field(
        WINDOW, ge=2, description="behavior of one long trial: bins of the windows it is cut into"
    )
    fraction: float = Field(0.25, gt=0, lt=1, description="held_out_neurons: part held out")
    by: str = Field("area", description="neuron column that names the groups")
    drop_coincident: bool = Field(
        True, description="leave out source neurons that look like a target neuron recorded twice"
    )

    @model_validator(mode="before")
    @classmethod
    def _read_behavior(cls, content: Any) -> Any:
        """Return the content with `behavior` written as what it is short for."""
        if not isinstance(content, Mapping) or content.get("behavior") is None:
            return content
        others = dict(content)
        names = others.pop("behavior")
        if names == []:
            raise ValueError("behavior is an empty list; name at least one variable")
        if others.get("target") is not None:
            raise ValueError("give either a target (an area), or behavior; not both")
        return others | {"kind": "behavior", "target": names}

    @field_validator("target", "source")
    @classmethod
    def _refuse_empty_list(cls, names: Any, info: ValidationInfo) -> Any:
        needed = info.field_name == "target"  # by most kinds of task
        return refuse_empty_list(names, *[""] * needed)

    @model_validator(mode="after")
    def _check_target(self) -> "TaskConfig":
        whole = ("held_out_neurons", "forecast", "predictions")
        if self.target is None and self.kind not in whole:
            raise ValueError(f"task {self.kind} needs a target")
        if self.kind in ("held_out_neurons", "forecast") and self.source != REST:
            raise ValueError(f"task {self.kind} takes no source: a target predicts itself")
        if self.kind == "forecast" and self.lag:
            raise ValueError("task forecast takes no lag: its horizon says how far it looks ahead")
        return self

    def refuse_unused(self) -> None:
        """Raise a ConfigError for a setting of another kind of task; earlier runs may hold one."""
        for name, kind in OF_ONE_KIND.items():
            if self.kind != kind and getattr(self, name) != type(self).model_fields[name].default:
                raise ConfigError(f"task {self.kind} takes no {name}: it belongs to task {kind}")

    def make_tasks(self, recording: Recording, seed: int) -> list[Task]:
        """Return one task per target; `seed` draws the neurons that are held out."""
        targets = [self.target] if isinstance(self.target, str) else self.target or []
        within: Sequence[str | None] = targets or [None]
        drop = self.drop_coincident
        if self.kind == "behavior":
            return [Behavior(name, self.source, self.lag, self.by, self.window) for name in targets]
        if self.kind == "forecast":
            return [Forecast(self.horizon, name, self.min_rate, self.by) for name in within]
        if self.kind == "held_out_neurons":
            return [
                HeldOutNeurons(self.fraction, name, self.lag, self.min_rate, self.by, seed, drop)
                for name in within
            ]
        if targets == [ALL]:
            targets = self._list_large_areas(recording)
        return [
            AreaToArea(name, self.source, self.lag, self.min_rate, self.by, drop)
            for name in targets
        ]

    @property
    def takes_all(self) -> bool:
        """Whether every area that is large enough is a target."""
        return self.kind == "area_to_area" and self.target in (ALL, [ALL])

    def list_small_areas(self, recording: Recording) -> dict[str, int]:
        """Return area -> neurons of the areas that target 'all' leaves out as too small."""
        sizes = self._count_neurons(recording)
        return {name: size for name, size in sizes.items() if size < self.min_neurons}

    def _list_large_areas(self, recording: Recording) -> list[str]:
        sizes = self._count_neurons(recording)
        large = sorted(name for name, size in sizes.items() if size >= self.min_neurons)
        if not large:
            raise ConfigError(f"no area has {self.min_neurons} neurons; lower task.min_neurons")
        return large

    def _count_neurons(self, recording: Recording) -> dict[str, int]:
        """Return area -> number of neurons, largest first, without neurons that have no area."""
        check_one_of("neuron column", self.by, list(recording.neurons))
        sizes = recording.neurons[self.by].astype(str).value_counts()
        return {str(n): int(size) for n, size in sizes.items() if str(n).lower() not in UNLABELED}


class EvaluationConfig(Block):
    """Which trials are held out, and how uncertainty is measured."""

    folds: int = Field(5, ge=2, description="parts the trials are cut into")
    split: Literal["trial", "stratum", "block"] = Field(
        "trial", description="trial (at random), stratum, or block (contiguous)"
    )
    strata: str | None = Field(None, description="trial column, for split 'stratum'")
    gap: int = Field(0, ge=0, description="trials unused on either side of a test block")
    beside: Literal["block", "trial"] | None = Field(
        None, description="a second split: the same models and scores with it beside the first's"
    )
    shifts: int = Field(
        40, ge=0, description="of the shift test of what the source tells; 0: no such test"
    )
    bootstrap: int = Field(2000, ge=100, le=MOST_DRAWS, description="resamples for intervals")
    conditions: list[str] | None = Field(
        None, description="trial columns that name the condition; default: the stimulus"
    )

    @model_validator(mode="after")
    def _check_beside(self) -> "EvaluationConfig":
        if self.beside == self.split:
            raise ValueError(f"beside is the split '{self.split}' again; name the other one")
        return self


class SearchedSetting(Block):
    """Where a setting is searched: between two ends, or among values."""

    low: int | float | None = None
    high: int | float | None = Field(None, description="whole numbers where both ends are")
    log: bool = False
    values: list[Any] | None = None

    @model_validator(mode="after")
    def _check_range(self) -> "SearchedSetting":
        ends = [end is not None for end in (self.low, self.high)]
        if any(ends) == (self.values is not None) or any(ends) != all(ends):
            raise ValueError("give either low and high, or values")
        return self

    @property
    def range(self) -> Between | OneOf:
        """The range in the form that a search takes."""
        if self.low is None or self.high is None:
            return OneOf(tuple(self.values or ()))
        return Between(self.low, self.high, self.log)


class SearchConfig(Block):
    """What ``spikecast sweep`` searches, and how long."""

    model: str | None = Field(
        None, description="of the list 'models'; default: each of them that has a search space"
    )
    space: dict[str, SearchedSetting | None] = Field(
        {}, description="settings to search otherwise, or as well; null: not to search"
    )
    trials: int = Field(50, ge=1, le=MOST_TRIES, description="settings tried in each study")
    timeout: float | None = Field(None, gt=0, description="seconds for all studies together")
    inner_folds: int = Field(3, ge=2, description="parts of the training trials")

    def make_spaces(self, models: Mapping[str, str]) -> dict[str, Space]:
        """Return label -> search space of the models that a sweep searches.

        `models` are all of the config's: label -> name in the catalogue.
        """
        if self.model is not None:
            if self.model not in models:
                given, near = quote(self.model), suggest_name(self.model, models)
                raise ConfigError(f"search.model {given} is not among the models.{near}")
            return {self.model: self._make_space(models[self.model])}
        searchable = searchable_models()
        chosen = [label for label, name in models.items() if name in searchable]
        if not chosen:
            raise ConfigError(
                f"none of the models ({', '.join(models)}) has a search space: list one that has "
                f"({', '.join(searchable)}), or give one by search.model and search.space"
            )
        if self.space and len(chosen) > 1:
            raise ConfigError(
                f"search.space is of one model, and {len(chosen)} can be searched "
                f"({', '.join(chosen)}): name it, search.model"
            )
        return {label: self._make_space(models[label]) for label in chosen}

    def _make_space(self, name: str) -> Space:
        """Return the space of a model of the catalogue, with the changes that are given."""
        changes = {key: None if value is None else value.range for key, value in self.space.items()}
        return space_of(name, changes)


class Config(Block):
    """One experiment: a prediction task, questions about what activity encodes, or both."""

    data: DataConfig
    task: TaskConfig | None = Field(None, description="none: only the questions are answered")
    models: list[ModelEntry] = Field(
        list(DEFAULT_MODELS), description="names of the catalogue, with settings or without"
    )
    evaluation: EvaluationConfig = EvaluationConfig()
    analysis: Analysis = Analysis()
    search: SearchConfig | None = Field(None, description="for spikecast sweep; run passes it by")
    tuned_on: str | None = Field(
        None, description="hash of the activity on which a sweep chose settings: no test of them"
    )
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="same seed, same numbers")

    @field_validator("models")
    @classmethod
    def _check_models(cls, models: list) -> list:
        build_models(models)
        return models

    @model_validator(mode="before")
    @classmethod
    def _add_baselines(cls, content: Any) -> Any:
        if not isinstance(content, dict) or "models" in content:
            return content
        task = content.get("task")
        kind = task.get("kind") if isinstance(task, dict) else getattr(task, "kind", None)
        named = isinstance(task, dict) and task.get("behavior") is not None
        is_behavior = kind == "behavior" or named
        return {**content, "models": list(MOVEMENT_MODELS)} if is_behavior else content

    @model_validator(mode="after")
    def _check_whole(self) -> "Config":
        if self.task is None and not self.analysis.blocks:
            raise ValueError(
                "there is neither a task (name a target: an area or behavior) nor an analysis"
            )
        if self.brings_predictions and self.models:
            raise ValueError("task predictions scores those of the file; leave 'models' empty: []")
        if self.task is not None and not self.models and not self.brings_predictions:
            raise ValueError("the list 'models' is empty; a task needs one at least")
        if self.search is not None:
            self.make_spaces()
        return self

    def build_models(self, kind: str = "") -> dict[str, Model]:
        """Return name -> model, with the settings given.

        With a `kind` of target (``"counts"``, ``"continuous"``) those of the default models are
        left out that do not predict it.
        """
        models = build_models(self.models)
        defaults = list(DEFAULT_MODELS), list(MOVEMENT_MODELS)
        if not kind or list(models) not in defaults:
            return models
        return {name: model for name, model in models.items() if kind in model.kinds}

    def make_spaces(self) -> dict[str, Space]:
        """Return label -> search space of the models that a sweep searches."""
        return (self.search or SearchConfig()).make_spaces(name_models(self.models))

    @property
    def brings_predictions(self) -> bool:
        """Whether the data are predictions of another tool, to be scored."""
        return self.task is not None and self.task.kind == "predictions"

    @property
    def has_latents(self) -> bool:
        """Whether one of the models has latents to decode from."""
        return any(model.has_latents for model in self.build_models().values())

    def make_tasks(self, recording: Recording) -> list[Task]:
        """Return one task per target; none where the config holds questions only."""
        return [] if self.task is None else self.task.make_tasks(recording, self.seed)


def read_config(path: str | Path) -> Config:
    """Return the config in a YAML file, or raise a ConfigError."""
    return read_block(path, Config)


def parse_config(content: dict[str, Any]) -> Config:
    """Return the config that nested dicts make, or raise a ConfigError."""
    return parse_block(content, Config)
