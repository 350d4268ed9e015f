"""What a study's code gives: its data made ready, and the two columns that we compute."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.notices import Notice
from spikecast.data.recording import Recording
from spikecast.runs.provenance import Claim
from spikecast.runs.studies.step_cache import Arrays, StepCache


@dataclass(frozen=True)
class Measure:
    """One number in a cell of a study's table.

    Attributes
    ----------
    name : str
        What was measured, where a cell holds several: a model, a set of trials.
    value : float, str or None
        None where there is none to be given: no onset was found, a picture has no score.
    unit : str
        A key of :data:`spikecast.report.study.text.UNITS`.
    low, high : float, optional
        95 % interval; `high` is left out where it has no end.
    n : int, optional
        Of how many units `value` is a share.
    chance, p : float, optional
    n_permutations : int, optional
        Behind `p`.
    """

    name: str
    value: float | str | None
    unit: str
    low: float | None = None
    high: float | None = None
    n: int | None = None
    chance: float | None = None
    p: float | None = None
    n_permutations: int | None = None

    @property
    def number(self) -> float:
        """The value as a number; NaN where it is none."""
        return self.value if isinstance(self.value, int | float) else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Return what is known, as plain values; infinities and NaN are not known."""
        known = {key: value for key, value in vars(self).items() if _is_known(value)}
        return {"name": self.name, "value": None, "unit": self.unit} | known


def _is_known(value: Any) -> bool:
    return value is not None and (isinstance(value, str) or bool(np.isfinite(value)))


@dataclass(frozen=True)
class Column:
    """One column of a study's table, and what belongs to it.

    Attributes
    ----------
    measures : dict of key -> list of Measure
        By the keys of the preset's rows; the first of a list is the one that is compared.
    claims : dict of key -> Claim
        How each number came about; the audit reads them.
    tables : dict of DataFrame
    arrays : dict of figure -> dict of array
        What each of the preset's figures draws.
    conclusions : list of Notice
        How much of a number was the protocol.

    Examples
    --------
    >>> column = Column()
    >>> column.add("test", Measure("test trials", 0.9, "accuracy", n=10))
    >>> column.claim("test", metric="accuracy", target="choice")
    >>> column.number("test"), column.claims["test"].value
    (0.9, 0.9)
    """

    measures: dict[str, list[Measure]] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    arrays: dict[str, Arrays] = field(default_factory=dict)
    conclusions: list[Notice] = field(default_factory=list)

    def add(self, key: str, *measures: Measure | None) -> None:
        """Fill a cell; measures that could not be made are None, and left out."""
        if known := [measure for measure in measures if measure is not None]:
            self.measures[key] = known

    def claim(self, key: str, **facts: Any) -> None:
        """Say how a number came about; its value is that of the cell where none is given."""
        if "value" not in facts and key in self.measures:
            facts["value"] = self.number(key)
        self.claims[key] = Claim(name=key, **facts)

    def number(self, key: str) -> float:
        """Return the number of a cell that is compared."""
        return self.measures[key][0].number


@dataclass(frozen=True)
class Prepared:
    """A recording with the columns that the study needs.

    Attributes
    ----------
    recording : Recording
    names : dict
        What ``$name`` stands for in the sound configs.
    notices : tuple of Notice
        What these data lack, and what is done instead.
    """

    recording: Recording
    names: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class StudyInputs:
    """What both columns are computed from.

    Attributes
    ----------
    recording : Recording
    names : dict
        See :class:`Prepared`.
    settings : dict
        Numbers of the protocol as described.
    seed : int
    steps : StepCache
        Computes what takes long; a resumed study finds it done.
    """

    recording: Recording
    names: Mapping[str, Any]
    settings: dict[str, Any]
    seed: int
    steps: StepCache


@dataclass(frozen=True)
class Study:
    """The code of a study.

    Attributes
    ----------
    prepare : callable
        (recording, settings) -> Prepared
    describe : callable
        (inputs) -> Column: the protocol as described, flaws included.
    conclude : callable
        (inputs, folder with the sound runs by name, column as described) -> Column: the same
        numbers by the sound protocol.
    """

    prepare: Callable[[Recording, dict[str, Any]], Prepared]
    describe: Callable[[StudyInputs], Column]
    conclude: Callable[[StudyInputs, Path, Column], Column]
