"""What the files of a finished sweep must hold, for its page and the index."""

from typing import Annotated, Any, Literal, NotRequired

import pandas as pd
from annotated_types import MinLen
from pydantic import AfterValidator, with_config
from typing_extensions import TypedDict

from spikecast.core.checks import quote
from spikecast.core.notices import StoredNotice
from spikecast.core.stored import OPEN, Finite
from spikecast.core.stored_tables import Table
from spikecast.scoring.metric_table import MetricName


class Limits(TypedDict):
    """A score with its interval."""

    value: Finite
    low: Finite
    high: Finite


@with_config(OPEN)
class SpaceFacts(TypedDict):
    """Where a setting was searched: between two numbers, or among values."""

    low: NotRequired[Finite]
    high: NotRequired[Finite]
    log: NotRequired[bool]
    values: NotRequired[list[Any]]


def _check_space(space: SpaceFacts) -> SpaceFacts:
    if not ({"low", "high", "log"} <= set(space) or "values" in space):
        raise ValueError("low, high and log are expected, or values")
    return space


@with_config(OPEN)
class FoldFacts(TypedDict):
    """What the search of an outer fold chose, and the scores on that fold."""

    fold: int
    best: dict[str, Any]
    selected: Finite
    nested: Finite
    default: Finite


@with_config(OPEN)
class ModelFacts(TypedDict):
    """What was found of a model."""

    label: str
    space: Annotated[dict[str, Annotated[SpaceFacts, AfterValidator(_check_space)]], MinLen(1)]
    own: dict[str, Any]
    best: dict[str, Any]
    importance: dict[str, float]
    selected: Finite
    promised: Finite | None  # nothing where the space does not hold the defaults
    nested: Limits
    default: Limits
    gain: Limits
    beyond_rung: bool
    folds: Annotated[list[FoldFacts], MinLen(1)]
    notices: list[StoredNotice]
    outcome: Literal[
        "not_predicted", "defaults_chosen", "negligible", "gain", "loss", "no_difference"
    ]


def _check_settings(model: ModelFacts) -> ModelFacts:
    for name in model["space"]:
        for settings in (model["own"], model["best"], *(fold["best"] for fold in model["folds"])):
            if name not in settings:
                raise ValueError(f"a value of the setting {name!r} is missing")
    return model


@with_config(OPEN)
class SweepFacts(TypedDict):
    """What ``sweep.json`` holds."""

    target: str
    source: str
    metric: MetricName
    trials: int
    models: list[Annotated[ModelFacts, AfterValidator(_check_settings)]]
    rungs: list[str]
    notices: list[StoredNotice]


def _check_trials(table: pd.DataFrame) -> str:
    for label, part in table.groupby("model"):
        if not (part.query("fold == 'all'")["state"] == "complete").any():
            return f"no try of {quote(label)} on all trials is complete"
        complete = part[part["state"] == "complete"]
        if complete["score"].isna().any():
            return f"a complete try of {quote(label)} has no score"
    return ""


TRIALS = Table(
    {
        "model": "text",
        "fold": "text",
        "trial": "whole",
        "score": "number",
        "state": "text",
        "seconds": "number",
    },
    unique=("model", "fold", "trial"),
    check=_check_trials,
)
