"""Whether one area's past predicts another beyond that area's own past."""

from dataclasses import astuple
from typing import NotRequired

from pydantic import Field

from spikecast.analysis.interareal.granger import information_flow
from spikecast.core.stored_tables import Column, Table
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.pair_block import Estimate, PairBlock, PairFacts, describe_claim
from spikecast.runs.questions.question import Answer, AnswerSchema, Question, pick


class Granger(PairBlock):
    """Whether one area's past predicts another beyond that area's own past."""

    lags: list[int] = Field(default=[1, 2, 3, 5, 8], min_length=1, description="bins")

    def ask_about(self, material: Material, source: str, target: str) -> Question:
        """Return the question about one pair of areas."""
        name, description = ("flow", source, target), f"does {source} lead {target}?"
        return self.make_question(material, name, description, answer, source, target)


class GrangerFacts(PairFacts):
    """What the file of an answer holds."""

    align_to: str
    asymmetry: Estimate
    plain: Estimate
    leader: str | None
    p_of_lead: NotRequired[float | None]
    n_neurons: int


_LAGS: dict[str, Column] = {
    "source": "name",
    "target": "name",
    "lag": "whole",
    "lag_seconds": "finite",
    "gain": "number",
    "low": "number",
    "high": "number",
}
STORED = AnswerSchema(
    GrangerFacts,
    {
        "lags": Table(_LAGS),
        "past": Table(_LAGS | {"stands": "flag"}, {"p": "share"}),
        "over_time": Table(
            {"time": "finite", "asymmetry": "number", "low": "number", "high": "number"}
        ),
    },
)


def answer(material: Material, block: Granger, source: str, target: str) -> Answer:
    """Predict each of two areas from the other's past."""
    result = information_flow(
        material.recording,
        source,
        target,
        block.lags,
        folds=block.folds,
        n_shifts=block.shifts,
        conditions=block.conditions,
        seed=material.seed,
    )
    facts = {
        "source": source,
        "target": target,
        "align_to": material.event,
        "asymmetry": list(astuple(result.asymmetry)),
        "plain": list(astuple(result.plain_asymmetry)),
        "claim": describe_claim(result.claim),
        **pick(result, "n_neurons", "n_trials", "leader", "p_of_lead"),
    }
    tables = {"lags": result.table, "past": result.past, "over_time": result.over_time}
    return Answer(facts, tables, result.notices)
