"""The settings of an atlas; the file ``atlas.yaml`` of its directory."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from spikecast.core.errors import ConfigError
from spikecast.core.schema import MOST_DRAWS, Block
from spikecast.core.seeding import LARGEST_SEED
from spikecast.data.selection import Selection
from spikecast.models.base import Model
from spikecast.runs.model_entries import build_models

RIDGE = "ridge"
"""The linear model whose pairs share their sums of products, see
:mod:`spikecast.analysis.interareal.pairwise`."""
INSTANCE = "instance"
"""Setting of a model that was given as an object in Python: what it prints as."""


class AtlasSettings(Block):
    """One atlas."""

    data: list[str] = Field(min_length=1, description="files, folders or names of data sets")
    selection: Selection = Field(
        Selection(), description="how data that are not cut into trials yet are cut"
    )
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
    repeats: int | None = Field(
        None, ge=1, le=1000, description="draws; default 5 where matched, else 1"
    )
    min_neurons: int = Field(10, ge=2, description="areas with fewer active ones are left out")
    min_rate: float = Field(0.5, ge=0, description="Hz; slower neurons are left out, both sides")
    by: str = Field("area", description="neuron column that names the groups")
    drop_coincident: bool = Field(
        True, description="leave out source neurons that look like a target neuron recorded twice"
    )
    folds: int = Field(5, ge=3, description="parts the trials are cut into")
    split: Literal["trial", "block"] = Field(
        "trial", description="trial (at random), or block (contiguous)"
    )
    gap: int = Field(0, ge=0, description="trials unused on either side of a test block")
    conditions: list[str] | None = Field(
        None, description="trial columns that name the condition; default: the stimulus"
    )
    ordered: bool = Field(
        True, description="no: trials are not in the order in which they were recorded"
    )
    shifts: int | None = Field(
        None,
        ge=0,
        description="of sources' trials against targets', in the test of each pair; 0: no test, "
        "and nothing is claimed; default: 40, more where a session has more pairs",
    )
    above: Literal["source_free", "train_mean"] = Field(
        "source_free",
        description="what is shown first: the score above task and drift (and behaviour, where it "
        "was recorded), or above the training mean",
    )
    bootstrap: int = Field(1000, ge=100, le=MOST_DRAWS, description="resamples for intervals")
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="same seed, same numbers")

    @field_validator("models")
    @classmethod
    def _models_are_known(cls, models: list) -> list:
        _build_models(models)
        return models

    @field_validator("sessions", "targets")
    @classmethod
    def _something_is_named(cls, names: Any) -> Any:
        if not names:
            raise ValueError("the list is empty; name some, or 'all'")
        return names

    @model_validator(mode="after")
    def _repeats_need_a_draw(self) -> "AtlasSettings":
        if self.repeats and self.repeats > 1 and not self.matched:
            raise ValueError("repeats are draws of neurons: they need 'matched'")
        return self

    @property
    def draws(self) -> int:
        """How often neurons are drawn."""
        return self.repeats or (5 if self.matched else 1)

    @property
    def labels(self) -> list[str]:
        """Names of the models, the ridge first."""
        labels = [label for entry in self.models
                  for label in ([entry] if isinstance(entry, str) else entry)]  # fmt: skip
        return sorted(labels, key=lambda label: label != RIDGE)

    def build_models(self) -> dict[str, Model | None]:
        """Return name -> model, the ridge first; it is None, for it is done for all pairs at once.

        A model that was given as an object in Python is a ConfigError.
        """
        models: dict[str, Model | None] = {RIDGE: None} if RIDGE in self.models else {}
        models |= _build_models(self.models)
        if missing := [label for label in self.labels if label not in models]:
            raise ConfigError(f"model '{missing[0]}' was given as an object: give it again")
        return models


def _build_models(entries: list) -> dict[str, Model]:
    """Return the models of the catalogue that are named."""
    named = [
        entry
        for entry in entries
        if entry != RIDGE
        and not (isinstance(entry, dict) and any(INSTANCE in one for one in entry.values()))
    ]
    return build_models(named)
