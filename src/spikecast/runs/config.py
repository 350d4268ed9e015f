"""The written form of an experiment: validated, and readable as its method section.

Every class is one block of the YAML file; unknown keys are refused with the nearest known one.
"""

import inspect
import re
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from spikecast.core.checks import suggest_name
from spikecast.core.errors import ConfigError, UnknownNameError
from spikecast.core.schema import Block
from spikecast.data.recording import UNLABELED, Recording
from spikecast.models.base import Model
from spikecast.models.catalog import MODELS, searchable_models, space_of
from spikecast.models.spaces import Between, OneOf, Space
from spikecast.runs.questions.catalog import Analysis
from spikecast.tasks.tasks import REST, AreaToArea, Behavior, Forecast, HeldOutNeurons, Task

DEFAULT_MODELS = ("mean_rate", "psth", "pca_ridge", "reduced_rank", "poisson_glm", "timescales")
ALL = "all"


class DataConfig(Block):
    """Which recording."""

    path: str = Field(description="file, folder, or name of a known data set")
    session: int | None = Field(None, ge=0, description="which session, where there are several")
    time: tuple[float, float] | None = Field(
        None, description="only bins whose centre is in [start, stop), in seconds"
    )


class TaskConfig(Block):
    """What predicts what."""

    kind: Literal["area_to_area", "held_out_neurons", "forecast", "behavior"] = "area_to_area"
    target: str | list[str] | None = Field(
        None, description="area(s) to predict, or 'all'; the variable(s), for behavior"
    )
    source: str | list[str] = Field(
        REST, description="'rest' (all other areas), or the areas that predict"
    )
    lag: int = Field(0, description="source at bin t - lag predicts target at bin t")
    min_rate: float = Field(0.5, ge=0, description="Hz; slower target neurons are left out")
    min_neurons: int = Field(20, ge=2, description="with target 'all': smaller areas are left out")
    horizon: int = Field(10, ge=1, description="forecast: bins at the end of each trial")
    fraction: float = Field(0.25, gt=0, lt=1, description="held_out_neurons: part held out")
    by: str = Field("area", description="neuron column that names the groups")

    @model_validator(mode="after")
    def _target_is_named(self) -> "TaskConfig":
        if self.target is None and self.kind not in ("held_out_neurons", "forecast"):
            raise ValueError(f"task {self.kind} needs a target")
        return self


class EvaluationConfig(Block):
    """Which trials are held out, and how uncertainty is measured."""

    folds: int = Field(5, ge=2, description="parts the trials are cut into")
    split: Literal["trial", "stratum", "block"] = Field(
        "trial", description="trial (at random), stratum, or block (contiguous)"
    )
    strata: str | None = Field(None, description="trial column, for split 'stratum'")
    gap: int = Field(0, ge=0, description="trials unused on either side of a test block")
    bootstrap: int = Field(2000, ge=100, description="resamples for intervals")
    conditions: list[str] | None = Field(
        None, description="trial columns that name the condition; default: the stimulus"
    )


class SearchedSetting(Block):
    """Where a setting is searched: between two ends, or among values."""

    low: int | float | None = None
    high: int | float | None = Field(None, description="whole numbers where both ends are")
    log: bool = False
    values: list[Any] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "SearchedSetting":
        ends = [end is not None for end in (self.low, self.high)]
        if any(ends) == (self.values is not None) or any(ends) != all(ends):
            raise ValueError("give either low and high, or values")
        return self

    @property
    def range(self) -> Between | OneOf:
        """As the search takes it."""
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
    trials: int = Field(50, ge=1, description="settings tried in each study")
    timeout: float | None = Field(None, gt=0, description="seconds for all studies together")
    inner_folds: int = Field(3, ge=2, description="parts of the training trials")

    def space_of(self, name: str) -> Space:
        """Return what is searched of a model of the catalogue, with the changes asked for."""
        changes = {key: None if asked is None else asked.range for key, asked in self.space.items()}
        return space_of(name, changes)


class Config(Block):
    """One experiment: a prediction task, questions about what activity encodes, or both."""

    data: DataConfig
    task: TaskConfig | None = Field(None, description="none: only the questions are answered")
    models: list[str | dict[str, dict[str, Any]]] = Field(
        list(DEFAULT_MODELS), description="names of the catalogue, with settings or without"
    )
    evaluation: EvaluationConfig = EvaluationConfig()
    analysis: Analysis = Analysis()
    search: SearchConfig | None = Field(None, description="for spikecast sweep; run passes it by")
    tuned_on: str | None = Field(
        None, description="hash of the activity on which a sweep chose settings: no test of them"
    )
    seed: int = Field(0, ge=0, description="same seed, same numbers")

    @model_validator(mode="after")
    def _something_is_asked(self) -> "Config":
        if self.task is None and not self.analysis.blocks:
            raise ValueError("there is neither a task (what predicts what) nor an analysis")
        if self.task is not None and not self.models:
            raise ValueError("the list 'models' is empty; a task needs one at least")
        return self

    @field_validator("models")
    @classmethod
    def _models_are_known(cls, models: list) -> list:
        build_models(models)
        return models

    @model_validator(mode="after")
    def _search_is_possible(self) -> "Config":
        if self.search is not None:
            self.searched()
        return self

    def build_models(self) -> dict[str, Model]:
        """Return name -> model, with the settings given."""
        return build_models(self.models)

    def searched(self) -> dict[str, Space]:
        """Return label -> search space of the models that a sweep is about."""
        search, names = self.search or SearchConfig(), model_names(self.models)
        if search.model is not None:
            if search.model not in names:
                near = suggest_name(search.model, names)
                raise ConfigError(f"search.model '{search.model}' is not among the models.{near}")
            return {search.model: search.space_of(names[search.model])}
        searchable = searchable_models()
        tunable = [label for label, name in names.items() if name in searchable]
        if not tunable:
            raise ConfigError(
                f"none of the models ({', '.join(names)}) has a search space: list one that has "
                f"({', '.join(searchable)}), or give one by search.model and search.space"
            )
        if search.space and len(tunable) > 1:
            raise ConfigError(
                f"search.space is of one model, and {len(tunable)} can be searched "
                f"({', '.join(tunable)}): name it, search.model"
            )
        return {label: search.space_of(names[label]) for label in tunable}

    @property
    def has_latents(self) -> bool:
        """Whether one of the models has latents to decode from."""
        return any(model.has_latents for model in self.build_models().values())

    def tasks(self, recording: Recording) -> list[Task]:
        """Return one task per target."""
        task = self.task
        if task is None:
            return []
        if task.kind == "behavior":
            return [Behavior(name, task.source, task.lag, task.by) for name in _listed(task.target)]
        within = _listed(task.target) or [None]
        if task.kind == "forecast":
            return [Forecast(task.horizon, name, task.min_rate, task.by) for name in within]
        if task.kind == "held_out_neurons":
            return [
                HeldOutNeurons(task.fraction, name, task.lag, task.min_rate, task.by, self.seed)
                for name in within
            ]
        targets = _listed(task.target)
        if targets == [ALL]:
            targets = _large_groups(recording, task)
        return [AreaToArea(name, task.source, task.lag, task.min_rate, task.by) for name in targets]


def build_models(entries: list[str | dict[str, dict[str, Any]]]) -> dict[str, Model]:
    """Turn a config's model entries into models.

    An entry is a name of the catalogue, ``{name: {setting: value}}``, or
    ``{label: {model: name, setting: value}}``.

    Examples
    --------
    >>> build_models(["mean_rate", {"small": {"model": "pca_ridge", "n_components": 5}}])
    {'mean_rate': MeanRate(), 'small': PCARidge(n_components=5)}
    """
    models: dict[str, Model] = {}
    for entry in entries:
        if isinstance(entry, str):
            entry = {entry: {}}
        for label, settings in entry.items():
            settings = dict(settings or {})
            name = settings.pop("model", label)
            if name not in MODELS:
                raise ConfigError(f"unknown model '{name}'.{suggest_name(name, MODELS)}")
            known = list(inspect.signature(MODELS[name]).parameters)
            for setting in settings:
                if setting not in known:
                    raise ConfigError(
                        f"model '{name}' has no setting '{setting}'.{suggest_name(setting, known)}"
                    )
            if not re.fullmatch(r"[A-Za-z0-9_-]+", label):
                raise ConfigError(f"model label '{label}' may hold letters, digits, - and _ only")
            if label in models:
                raise ConfigError(f"model '{label}' is listed twice")
            models[label] = MODELS[name](**settings)
    return models


def model_names(entries: list[str | dict[str, dict[str, Any]]]) -> dict[str, str]:
    """Return label -> name in the catalogue, of a config's model entries.

    Examples
    --------
    >>> model_names(["mean_rate", {"small": {"model": "pca_ridge", "n_components": 5}}])
    {'mean_rate': 'mean_rate', 'small': 'pca_ridge'}
    """
    names = {}
    for entry in entries:
        for label, settings in ({entry: {}} if isinstance(entry, str) else entry).items():
            names[label] = (settings or {}).get("model", label)
    return names


def read(path: str | Path) -> Config:
    """Read a config from a YAML file.

    Raises
    ------
    ConfigError
        For a missing file, bad YAML, an unknown key or a value outside its range.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no file '{path}'") from None
    except (yaml.YAMLError, UnicodeDecodeError, IsADirectoryError) as error:
        raise ConfigError(f"'{path}' is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"'{path}' must hold keys and values, with data: and task: at least")
    return parse(content)


def parse(content: dict[str, Any]) -> Config:
    """Validate a config given as nested dicts; see :func:`read` for the errors."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise ConfigError(explained(error, Config)) from None


def write(config: Config) -> str:
    """Return the YAML text of a config, defaults included."""
    content = config.model_dump(mode="json")
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def flat(content: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings as one level, by dotted keys.

    Examples
    --------
    >>> flat({"seed": 0, "data": {"session": 5}})
    {'seed': 0, 'data.session': 5}
    """
    found = {}
    for key, value in content.items():
        inner = flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
        found.update(inner)
    return found


def explained(error: ValidationError, whole: type[Block]) -> str:
    """Return the first problem of a config of class `whole` as one line, with the nearest key."""
    errors = error.errors()
    # a misspelt key is also a missing one: name the key that is there
    first = next((found for found in errors if found["type"] == "extra_forbidden"), errors[0])
    location = [str(part) for part in first["loc"]]
    where = ".".join(location) or "the config"
    if first["type"] == "extra_forbidden":
        block: Any = whole
        for part in location[:-1]:
            if part in block.model_fields:  # else a place in a list of blocks, or a name of one
                block = _block_of(block.model_fields[part].annotation)
        return f"unknown config key '{where}'.{suggest_name(location[-1], block.model_fields)}"
    if first["type"] == "missing":
        return f"the config lacks the key '{where}'"
    what = first["msg"].removeprefix("Value error, ")
    return f"config key '{where}': {what}" if location else f"in the config {what}"


def _block_of(annotation: Any) -> Any:
    """The block in ``Block``, ``Block | None``, ``list[Block]`` or ``dict[str, Block]``."""
    parts = [part for part in get_args(annotation) if part not in (NoneType, str)]
    return _block_of(parts[0]) if parts else annotation


def _listed(target: str | list[str] | None) -> list:
    if target is None:
        return []
    return [target] if isinstance(target, str) else list(target)


def _large_groups(recording: Recording, task: TaskConfig) -> list[str]:
    """Areas with enough neurons, by name."""
    if task.by not in recording.neurons:
        raise UnknownNameError(
            f"unknown neuron column '{task.by}'.{suggest_name(task.by, recording.neurons)}"
        )
    sizes = recording.neurons[task.by].astype(str).value_counts()
    large = sorted(
        str(name)
        for name, size in sizes.items()
        if size >= task.min_neurons and str(name).lower() not in UNLABELED
    )
    if not large:
        raise ConfigError(f"no area has {task.min_neurons} neurons; lower task.min_neurons")
    return large
