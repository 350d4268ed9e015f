"""One question about a recording, its answer, and the block of a config that asks it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import ValidationInfo, field_validator, with_config
from typing_extensions import TypedDict

from spikecast.core.notices import Notice, StoredNotice
from spikecast.core.schema import Block, refuse_empty_list
from spikecast.core.stored import OPEN
from spikecast.core.stored_arrays import Array
from spikecast.core.stored_tables import Table
from spikecast.runs.questions.material import Material

AREAS = "each area by itself; default: all neurons together"
CELL_TYPES = "each area's narrow and wide spikes by themselves (needs trough_to_peak)"
CONDITIONS = "trial columns; default: the contrasts; [] for none"
LABELS = "trial columns, behaviour variables (their mean), or 'column>number'"
MODEL = "whose latents; default: the best that has any"
"""Descriptions of settings that several blocks have."""
MEAN_NONE = ("conditions", "strata")
"""Settings in which an empty list is not left out: all trials are alike."""


@dataclass(frozen=True)
class Answer:
    """What is stored of one question: plain facts, tidy tables, notices, matrices."""

    facts: dict[str, Any]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notices: Sequence[Notice] = ()
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


@with_config(OPEN)
class Facts(TypedDict):
    """What the file of an answer of any kind holds."""

    kind: str
    notices: list[StoredNotice]
    tables: list[str]
    question: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class AnswerSchema:
    """What the files of an answer must hold: its facts, tables and matrices.

    Tables that are not `optional` must be there. `within` is table -> a column, and the table that
    has each of its values in the same column.
    """

    facts: Any
    tables: Mapping[str, Table] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    within: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """One question, and the function that computes its answer."""

    kind: str  # name of the module that answers it
    name: str  # of its files
    description: str  # for the log and the progress bar
    settings: dict[str, Any]  # with the data, all that decides the answer
    answer: Callable[[], Answer]


class QuestionBlock(Block):
    """A block of a config's ``analysis``: one kind of question, and its settings."""

    in_name: ClassVar[frozenset[str]] = frozenset({"labels", "methods", "pairs", "sources"})
    """Settings that the name of a question holds: with one more of them, old answers stay.

    A block that asks about each area by itself adds ``"areas"``.
    """

    @field_validator("*")
    @classmethod
    def _refuse_empty_list(cls, names: Any, info: ValidationInfo) -> Any:
        return names if info.field_name in MEAN_NONE else refuse_empty_list(names)

    @property
    def trial_labels(self) -> list[str]:
        """The labels of trials that it names: its setting `labels`, where it has that."""
        return list(getattr(self, "labels", ()))

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield its questions, each checked against the recording."""
        raise NotImplementedError

    def make_question(
        self,
        material: Material,
        name: Sequence[str | None],
        description: str,
        answer: Callable[..., Answer],
        *arguments: Any,
    ) -> Question:
        """Return a question of the kind that the module of `answer` is named after.

        The module of its part of the page has the same name. `name` are the parts of its files'
        name; `answer` is called with the material, this block and the arguments.
        """
        parts = [part for part in name if part]
        settings = self.model_dump(mode="json", exclude=set(self.in_name))
        if material.conditions:
            settings["run_conditions"] = list(material.conditions)
        return Question(
            answer.__module__.rpartition(".")[2],
            "-".join(map(_make_file_name, parts)),
            description,
            settings | {"question": parts, "seed": material.seed},
            partial(answer, material, self, *arguments),
        )


def pick(holder: object, *names: str) -> dict[str, Any]:
    """Return some attributes of a result or a block, by name."""
    return {name: getattr(holder, name) for name in names}


def _make_file_name(part: str) -> str:
    return re.sub(r"[^\w.]+", "_", part.replace(">", "_above_").replace("<", "_below_"))
