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

from spikecast.answers.questions import Analysis, Block
from spikecast.checks import did_you_mean
from spikecast.errors import ConfigError, UnknownNameError
from spikecast.models.base import Model
from spikecast.models.catalog import MODELS
from spikecast.recording import UNLABELED, Recording
from spikecast.tasks import REST, AreaToArea, Behavior, Forecast, HeldOutNeurons, Task

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
    source: str | list[str] = Field(REST, description="'rest', or the areas that predict")
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
    """Who is held out, and how uncertainty is measured."""

    folds: int = Field(5, ge=2)
    split: Literal["trial", "stratum", "block"] = "trial"
    strata: str | None = Field(None, description="trial column, for split 'stratum'")
    gap: int = Field(0, ge=0, description="trials unused on either side of a test block")
    bootstrap: int = Field(2000, ge=100, description="resamples for intervals")
    conditions: list[str] | None = Field(
        None, description="trial columns that name the condition; default: the stimulus"
    )


class Config(Block):
    """One experiment: a prediction task, questions about what activity encodes, or both."""

    data: DataConfig
    task: TaskConfig | None = Field(None, description="none: only the questions are answered")
    models: list[str | dict[str, dict[str, Any]]] = Field(list(DEFAULT_MODELS))
    evaluation: EvaluationConfig = EvaluationConfig()
    analysis: Analysis = Analysis()
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _something_is_asked(self) -> "Config":
        if self.task is None and self.analysis.empty:
            raise ValueError("there is neither a task (what predicts what) nor an analysis")
        if self.task is not None and not self.models:
            raise ValueError("the list 'models' is empty; a task needs one at least")
        return self

    @field_validator("models")
    @classmethod
    def _models_are_known(cls, models: list) -> list:
        build_models(models)
        return models

    def build_models(self) -> dict[str, Model]:
        """Return name -> model, with the settings given."""
        return build_models(self.models)

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
                raise ConfigError(f"unknown model '{name}'.{did_you_mean(name, MODELS)}")
            known = list(inspect.signature(MODELS[name]).parameters)
            for setting in settings:
                if setting not in known:
                    raise ConfigError(
                        f"model '{name}' has no setting '{setting}'.{did_you_mean(setting, known)}"
                    )
            if not re.fullmatch(r"[A-Za-z0-9_-]+", label):
                raise ConfigError(f"model label '{label}' may hold letters, digits, - and _ only")
            if label in models:
                raise ConfigError(f"model '{label}' is listed twice")
            models[label] = MODELS[name](**settings)
    return models


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
            if not part.isdigit():  # a number is a place in a list of blocks
                block = _block_of(block.model_fields[part].annotation)
        return f"unknown config key '{where}'.{did_you_mean(location[-1], block.model_fields)}"
    if first["type"] == "missing":
        return f"the config lacks the key '{where}'"
    what = first["msg"].removeprefix("Value error, ")
    return f"config key '{where}': {what}" if location else f"in the config {what}"


def _block_of(annotation: Any) -> Any:
    """The block in ``Block``, ``Block | None`` or ``list[Block]``."""
    return next((part for part in get_args(annotation) if part is not NoneType), annotation)


def _listed(target: str | list[str] | None) -> list:
    if target is None:
        return []
    return [target] if isinstance(target, str) else list(target)


def _large_groups(recording: Recording, task: TaskConfig) -> list[str]:
    """Areas with enough neurons, by name."""
    if task.by not in recording.neurons:
        raise UnknownNameError(
            f"unknown neuron column '{task.by}'.{did_you_mean(task.by, recording.neurons)}"
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
