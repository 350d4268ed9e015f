"""What an atlas is made of; the file ``atlas.yaml`` of its directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from spikecast.core.errors import ConfigError
from spikecast.core.schema import Block

if TYPE_CHECKING:
    from spikecast.models.base import Model

RIDGE = "ridge"
"""The linear model whose pairs share their sums of products; see analysis/pairwise.py."""


class Settings(Block):
    """One atlas."""

    data: list[str] = Field(min_length=1, description="files, folders or names of data sets")
    sessions: Literal["all"] | list[int] = Field("all", description="numbers, in each of the data")
    sources: Literal["each", "rest"] = Field(
        "each", description="each area by itself, or all other areas together"
    )
    targets: Literal["all"] | list[str] = Field("all", description="areas to predict")
    models: list[str | dict[str, dict[str, Any]]] = Field(
        [RIDGE],
        min_length=1,
        description="ridge (all pairs at once, seconds) and names of the catalogue",
    )
    within: bool = Field(True, description="also predict one half of an area from the other")
    matched: int | None = Field(
        None, ge=2, description="draw so many neurons of every source and target"
    )
    repeats: int | None = Field(None, ge=1, description="draws; default 5 where matched, else 1")
    min_neurons: int = Field(10, ge=2, description="areas with fewer active ones are left out")
    min_rate: float = Field(0.5, ge=0, description="Hz; slower neurons are left out, both sides")
    by: str = Field("area", description="neuron column that names the groups")
    folds: int = Field(5, ge=3, description="parts the trials are cut into")
    split: Literal["trial", "block"] = Field(
        "trial", description="trial (at random), or block (contiguous)"
    )
    gap: int = Field(0, ge=0, description="trials unused on either side of a test block")
    conditions: list[str] | None = Field(
        None, description="trial columns that name the condition; default: the stimulus"
    )
    bootstrap: int = Field(1000, ge=100, description="resamples for intervals")
    seed: int = Field(0, ge=0, description="same seed, same numbers")

    @field_validator("models")
    @classmethod
    def _models_are_known(cls, models: list) -> list:
        _built(models)
        return models

    @field_validator("sessions", "targets")
    @classmethod
    def _something_is_named(cls, names: Any) -> Any:
        if not names:
            raise ValueError("the list is empty; name some, or 'all'")
        return names

    @model_validator(mode="after")
    def _repeats_need_a_draw(self) -> Settings:
        if self.repeats and self.repeats > 1 and not self.matched:
            raise ValueError("repeats are draws of neurons: they need 'matched'")
        return self

    @property
    def draws(self) -> int:
        """How often neurons are drawn."""
        return self.repeats or (5 if self.matched else 1)

    def build_models(self) -> dict[str, Model | None]:
        """Return name -> model; None for the ridge of all pairs at once."""
        models: dict[str, Model | None] = {RIDGE: None} if RIDGE in self.models else {}
        return models | _built(self.models)


def parse(content: dict[str, Any]) -> Settings:
    """Validate settings given as a dict.

    Raises
    ------
    ConfigError
        For an unknown key or a value outside its range.
    """
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        from spikecast.runs.config import explained

        raise ConfigError(explained(error, Settings)) from None


def _built(entries: list) -> dict[str, Model]:
    others = [entry for entry in entries if entry != RIDGE]
    if not others:
        return {}
    # the catalogue brings torch, 100 MB that the ridge does without
    from spikecast.runs.config import build_models

    return build_models(others)
