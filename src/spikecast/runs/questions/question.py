"""One question about a recording, its answer, and the block of a config that asks it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.notices import Notice
from spikecast.core.schema import Block
from spikecast.runs.questions.material import Material

AREAS = "each area by itself; default: all neurons together"
CELL_TYPES = "each area's narrow and wide spikes by themselves (needs trough_to_peak)"
CONDITIONS = "trial columns; default: the contrasts"
LABELS = "trial columns, behaviour variables (their mean), or 'column>number'"
MODEL = "whose latents; default: the first that has any"
"""Descriptions of settings that several blocks have."""

IN_NAME = {"labels", "methods", "pairs", "sources"}
"""Settings that the name of a question holds: asking for one more leaves the others answered."""


@dataclass(frozen=True)
class Answer:
    """What is stored of one question: plain facts, tidy tables, notices, matrices."""

    facts: dict[str, Any]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notices: Sequence[Notice] = ()
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes
    ----------
    kind : str
        Name of the module of `runs.questions` that asks it.
    name : str
        Of its files.
    description : str
        For the log and the progress bar.
    settings : dict
        All that decides the answer but the data; it is asked again where they differ.
    answer : callable
        Computes the answer.
    """

    kind: str
    name: str
    description: str
    settings: dict[str, Any]
    answer: Callable[[], Answer]


class QuestionBlock(Block):
    """A block of a config's ``analysis``: one kind of question, and its settings."""

    @property
    def trial_labels(self) -> list[str]:
        """The labels of trials that it names."""
        return []

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield its questions, each checked against the recording."""
        raise NotImplementedError

    def ask(
        self,
        kind: str,
        name: Sequence[str | None],
        description: str,
        seed: int,
        answer: Callable[[], Answer],
    ) -> Question:
        """Return one of its questions; `name` are the parts of its file's name."""
        parts = [part for part in name if part]
        settings = self.model_dump(mode="json", exclude=IN_NAME)
        settings |= {"question": parts, "seed": seed}
        return Question(kind, "-".join(map(_plain, parts)), description, settings, answer)


def _plain(part: str) -> str:
    spelled = part.replace(">", "_above_").replace("<", "_below_")
    return re.sub(r"[^\w.]+", "_", spelled)
