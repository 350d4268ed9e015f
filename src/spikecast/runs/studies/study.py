"""What a study's code gives: its data made ready, its protocol as described, its sound numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from spikecast.data.recording import Recording
from spikecast.runs.provenance import Claim
from spikecast.runs.studies.step_cache import Parts


class Value(NamedTuple):
    """A number as it is printed, and the number."""

    text: str
    number: float = float("nan")


@dataclass(frozen=True)
class Prepared:
    """A recording with the columns the study needs.

    Attributes
    ----------
    recording : Recording
    names : dict
        What ``$name`` stands for in the sound configs.
    notes : tuple of str
        What these data lack, and what is done instead.
    """

    recording: Recording
    names: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Described:
    """What the protocol as described gives.

    Attributes
    ----------
    values : dict of key -> Value
        By the keys of the preset's rows.
    claims : dict of key -> Claim
        How each came about; the audit reads them.
    tables : dict of DataFrame
    arrays : dict of figure -> dict of array
        What each of the preset's figures draws.
    """

    values: dict[str, Value]
    claims: dict[str, Claim]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Concluded:
    """What the sound runs give.

    Attributes
    ----------
    values : dict of key -> Value
        By the keys of the preset's rows.
    sentences : list of str
        How much of a number was the protocol.
    claims : list of Claim
        How numbers came about that are in no run; the audit reads them.
    tables : dict of DataFrame
    arrays : dict of figure -> dict of array
        What the preset's figures of the sound protocol draw.
    """

    values: dict[str, Value]
    sentences: list[str]
    claims: list[Claim] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """The code of a study.

    Attributes
    ----------
    prepare : callable
        (recording, settings) -> Prepared
    describe : callable
        (prepared, settings, seed, parts) -> Described: their protocol, flaws included. What takes
        long is computed as a part, which a resumed study finds done.
    conclude : callable
        (folder with the sound runs by name, described, prepared, parts) -> Concluded: what the
        sound runs say.
    """

    prepare: Callable[[Recording, dict[str, Any]], Prepared]
    describe: Callable[[Prepared, dict[str, Any], int, Parts], Described]
    conclude: Callable[[Path, Described, Prepared, Parts], Concluded]
