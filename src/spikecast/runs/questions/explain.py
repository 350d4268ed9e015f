"""What explains an area: the task, drift, movement, each other area, its own neurons."""

from collections.abc import Iterator
from typing import get_args

import pandas as pd
from pydantic import Field

from spikecast.analysis.interareal.explain import explain
from spikecast.analysis.interareal.shift_claims import N_SHIFTS
from spikecast.core.checks import quote
from spikecast.core.stored import Finite
from spikecast.core.stored_tables import Table
from spikecast.evaluation.beyond import Untested
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import (
    CONDITIONS,
    Answer,
    AnswerSchema,
    Facts,
    Question,
    QuestionBlock,
    pick,
)
from spikecast.scoring.metric_table import MetricName


class Explain(QuestionBlock):
    """What explains each of some areas."""

    in_name = QuestionBlock.in_name | {"targets"}

    targets: list[str] = Field(min_length=1, description="areas to explain")
    source: str | list[str] = Field("rest", description="'rest' (all other areas), or areas")
    lag: int = Field(0, description="sources at bin t - lag explain the target at bin t")
    folds: int = Field(5, ge=2)
    conditions: list[str] | None = Field(None, description=CONDITIONS)
    shifts: int = Field(
        N_SHIFTS, ge=0, description="of the source's trials against the target's; with 0 no claim"
    )
    min_rate: float = Field(0.5, ge=0, description="Hz; slower target neurons are left out")

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per area."""
        material.check_areas(self.targets)
        material.check_areas([] if self.source == "rest" else self._sources)
        material.check_columns(self.conditions)
        for target in self.targets:
            name, description = ("explain", target), f"what explains {target}?"
            yield self.make_question(material, name, description, answer, target)

    @property
    def _sources(self) -> list[str]:
        return [self.source] if isinstance(self.source, str) else self.source


class ExplainFacts(Facts):
    """What the file of an answer holds."""

    target: str
    metric: MetricName
    n_trials: int
    folds: int
    shifts: int
    lag: Finite


def _check_parts(table: pd.DataFrame) -> str:
    unknown = set(table["kind"]) - {"total", "rung", "area", "shared", "own"}
    if unknown:
        return f"{quote(min(unknown))} is no kind of part"
    unknown = set(table["untested"].fillna("")) - {"", *get_args(Untested)}
    if unknown:
        return f"{quote(min(unknown))} is no reason not to test"
    return "" if (table["kind"] == "total").any() else "it has no row of the total"


STORED = AnswerSchema(
    ExplainFacts,
    {
        "parts": Table(
            {
                "part": "name",
                "kind": "name",
                "n_neurons": "whole",
                "value": "finite",
                "low": "finite",
                "high": "finite",
                "p": "share",
                "untested": "text",
                "stands": "flag",
            },
            check=_check_parts,
        )
    },
)


def answer(material: Material, block: Explain, target: str) -> Answer:
    """Divide what can be predicted of an area among what predicts it."""
    result = explain(
        material.recording,
        target,
        block.source,
        lag=block.lag,
        folds=block.folds,
        n_shifts=block.shifts,
        conditions=block.conditions,
        min_rate=block.min_rate,
        seed=material.seed,
    )
    facts = {
        "lag": block.lag * material.recording.bin_size,
        "folds": block.folds,
        "shifts": block.shifts,
    } | pick(result, "target", "metric", "n_trials")
    return Answer(facts, {"parts": result.table}, result.notices)
