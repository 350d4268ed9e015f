"""The list ``models`` of a config: names of the catalogue, with settings or without."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator

from spikecast.core.checks import quote, shorten_line, suggest_name
from spikecast.core.errors import ConfigError, InputError
from spikecast.core.files import check_label
from spikecast.models.base import Model
from spikecast.models.catalog import MODELS
from spikecast.models.setting_checks import check_settings


def check_entry(entry: Any) -> Any:
    """Return an entry of the list ``models``, or raise a ConfigError that says how one is written.

    Examples
    --------
    >>> check_entry({"name": "timescales"})
    Traceback (most recent call last):
    ...
    spikecast.core.errors.ConfigError: a model is its name, or its name with settings \
({pca_ridge: {n_components: 5}}); 'name' has 'timescales' for settings
    """
    how = "a model is its name, or its name with settings ({pca_ridge: {n_components: 5}})"
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, Mapping) or not entry:
        raise ConfigError(f"{how}; {quote(entry)} was given")
    for name, settings in entry.items():
        if not isinstance(name, str):
            raise ConfigError(f"{how}; {quote(name)} is no name")
        if not isinstance(settings, Mapping):
            raise ConfigError(f"{how}; '{shorten_line(name)}' has {quote(settings)} for settings")
    return entry


ModelEntry = Annotated[str | dict[str, dict[str, Any]], BeforeValidator(check_entry)]
"""A name of the catalogue, ``{name: {setting: value}}``, or
``{label: {model: name, setting: value}}``."""


def name_models(entries: Sequence[ModelEntry]) -> dict[str, str]:
    """Return label -> name in the catalogue.

    Examples
    --------
    >>> name_models(["mean_rate", {"small": {"model": "pca_ridge", "n_components": 5}}])
    {'mean_rate': 'mean_rate', 'small': 'pca_ridge'}
    """
    return {label: name for label, name, _ in _split(entries)}


def build_models(entries: Sequence[ModelEntry]) -> dict[str, Model]:
    """Return label -> model.

    Raises
    ------
    ConfigError
        For an unknown model or setting, one of another type or beyond its limits, and for a label
        that is listed twice.

    Examples
    --------
    >>> build_models(["mean_rate", {"small": {"model": "pca_ridge", "n_components": 5}}])
    {'mean_rate': MeanRate(), 'small': PCARidge(n_components=5)}
    """
    models: dict[str, Model] = {}
    for label, name, settings in _split(entries):
        if not isinstance(name, str) or name not in MODELS:
            raise ConfigError(f"unknown model {quote(name)}.{suggest_name(name, MODELS)}")
        known = list(inspect.signature(MODELS[name]).parameters)
        for setting in settings:
            if setting not in known:
                near = suggest_name(setting, known)
                raise ConfigError(f"model '{name}' has no setting {quote(setting)}.{near}")
        if label in models:
            raise ConfigError(f"model {quote(label)} is listed twice")
        try:
            check_label("model label", label)
        except InputError as error:
            raise ConfigError(str(error)) from None
        models[label] = MODELS[name](**settings)
        try:
            check_settings(models[label])
        except InputError as error:
            raise ConfigError(f"model '{label}': {error}") from None
    return models


def make_causal(entries: Sequence[ModelEntry]) -> list[ModelEntry]:
    """Return the models with the setting ``causal: true``; nulls, which have none, as they are.

    Raises a ConfigError for a model that cannot be causal.

    Examples
    --------
    >>> make_causal(["psth", "pca_ridge"])
    ['psth', {'pca_ridge': {'model': 'pca_ridge', 'causal': True}}]
    """
    made: list[ModelEntry] = []
    for label, name, settings in _split(entries):
        model = MODELS.get(name)
        if model is None or model.is_null:
            made.append({label: {"model": name, **settings}} if settings else name)
            continue
        if "causal" not in inspect.signature(model).parameters:
            raise ConfigError(f"model '{name}' cannot be causal; leave it out, or take another")
        made.append({label: {"model": name, **settings, "causal": True}})
    return made


def add_context(entries: Sequence[ModelEntry], context: str) -> list[ModelEntry]:
    """Return the models, and beside each that can look at nearby trials one that does.

    Raises a ConfigError where no model can.

    Examples
    --------
    >>> add_context(["pca_ridge", "stack"], "full")[2:]
    [{'stack_full_context': {'model': 'stack', 'context': 'full'}}]
    """
    added: list[ModelEntry] = []
    for label, name, settings in _split(entries):
        if name in MODELS and "context" in inspect.signature(MODELS[name]).parameters:
            settings = {"model": name, **settings, "context": context}
            added.append({f"{label}_{context}_context": settings})
    if not added:
        able = [
            name
            for name, model in MODELS.items()
            if "context" in inspect.signature(model).parameters
        ]
        raise ConfigError(f"none of the models has a context; add one of {', '.join(able)}")
    return [*entries, *added]


def _split(entries: Sequence[ModelEntry]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the label, the name in the catalogue and the settings of each model."""
    models = []
    for entry in entries:
        for label, content in ({entry: {}} if isinstance(entry, str) else entry).items():
            settings = dict(content or {})
            models.append((label, settings.pop("model", label), settings))
    return models
