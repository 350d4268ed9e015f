"""What a study's code gives: its data made ready, and the two columns that we compute."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from spikecast.core.notices import Notice
from spikecast.data.recording import Recording
from spikecast.runs.provenance import Claim
from spikecast.runs.studies.step_cache import Arrays, StepCache


@dataclass(frozen=True)
class Measure:
    """One number in a cell of a study's table, as :mod:`spikecast.report.study.text` writes it."""

    name: str  # what was measured, where a cell holds several: a model, a set of trials
    value: float | str | None  # None where there is none: no onset, a picture
    unit: str  # a key of UNITS there
    low: float | None = None  # of the 95 % interval
    high: float | None = None  # None where it has no end
    n: int | None = None  # of how many units `value` is a share
    chance: float | None = None
    p: float | None = None
    n_permutations: int | None = None  # behind `p`

    @property
    def number(self) -> float:
        """The value as a number; NaN where it is none."""
        return self.value if isinstance(self.value, int | float) else float("nan")

    @property
    def limits(self) -> dict[str, float | None]:
        """Interval and chance, as sentences about a decoder take them."""
        return {"low": self.low, "high": self.high, "chance": self.chance}

    def to_json(self) -> dict[str, Any]:
        """Return name, value, unit and what else is there; infinities and NaN are left out."""
        present = {
            key: value
            for key, value in vars(self).items()
            if value is not None and (isinstance(value, str) or np.isfinite(value))
        }
        return {"name": self.name, "value": None, "unit": self.unit} | present


@dataclass(frozen=True)
class Column:
    """One column of a study's table, and what belongs to it.

    Examples
    --------
    >>> column = Column()
    >>> column.add("test", Measure("test trials", 0.9, "accuracy", n=10))
    >>> column.claim("test", metric="accuracy", target="choice")
    >>> column.number("test"), column.claims["test"].value
    (0.9, 0.9)
    """

    # by the keys of the preset's rows; the first of a list is the one that is compared
    measures: dict[str, list[Measure]] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)  # how each number came about
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    arrays: dict[str, Arrays] = field(default_factory=dict)  # what each of the figures draws
    conclusions: list[Notice] = field(default_factory=list)  # what was the protocol's doing
    # by the keys of rows: what this run shows of a difference, and why a cell is empty here
    because: dict[str, list[Notice]] = field(default_factory=dict)
    lacks: dict[str, Notice] = field(default_factory=dict)
    # staircase -> step -> its number
    steps: dict[str, dict[str, Measure]] = field(default_factory=dict)

    def add(self, key: str, *measures: Measure | None) -> None:
        """Fill a cell; measures that could not be made are None, and left out."""
        if present := [measure for measure in measures if measure is not None]:
            self.measures[key] = present

    def claim(self, key: str, **facts: Any) -> None:
        """Record how a number came about; value and null are the cell's where none are given."""
        if "value" not in facts and key in self.measures:
            facts["value"] = self.number(key)
        if any(measure.chance is not None for measure in self.measures.get(key, ())):
            facts.setdefault("null", "labels drawn anew")
        self.claims[key] = Claim(name=key, **facts)

    def number(self, key: str) -> float:
        """Return the number of a cell that is compared."""
        return self.measures[key][0].number


@dataclass(frozen=True)
class Prepared:
    """A recording with the columns that the study needs."""

    recording: Recording
    names: Mapping[str, Any]  # what ``$name`` stands for in the sound configs
    notices: tuple[Notice, ...] = ()  # what these data lack, and what is done instead


@dataclass(frozen=True)
class StudyInputs:
    """What both columns are computed from."""

    recording: Recording
    names: Mapping[str, Any]  # see Prepared
    settings: dict[str, Any]  # numbers of the protocol as described
    seed: int
    steps: StepCache  # computes what takes long; a resumed study finds it done
    called: Mapping[str, str] = field(default_factory=dict)  # of models, see the preset


class Study(Protocol):
    """What the module of a study defines."""

    def prepare(self, recording: Recording, settings: dict[str, Any]) -> Prepared:
        """Return the recording made ready; refuse one that the study cannot be done on."""

    def describe(self, inputs: StudyInputs) -> Column:
        """Return the numbers of the protocol as described, flaws included."""

    def conclude(self, inputs: StudyInputs, sound: Path, described: Column) -> Column:
        """Return the same numbers by the sound protocol, whose runs are folders in `sound`."""
