"""When in the trial two areas covary, and which of them first."""

from dataclasses import astuple
from typing import NotRequired

import numpy as np
from pydantic import Field

from spikecast.analysis.interareal.lagged_cca import joint_correlation
from spikecast.core.checks import check_in_range
from spikecast.core.stored import Finite
from spikecast.core.stored_arrays import Array
from spikecast.core.stored_tables import Table
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.pair_block import Estimate, PairBlock, PairFacts, describe_claim
from spikecast.runs.questions.question import Answer, AnswerSchema, Question, pick


class LaggedCCA(PairBlock):
    """When in the trial two areas covary, and which of them first."""

    max_lag: int = Field(5, ge=1, description="bins on either side that a lead averages over")
    window: int = Field(3, ge=1, description="bins, the last being the present one")

    def ask_about(self, material: Material, source: str, target: str) -> Question:
        """Return the question about one pair of areas."""
        check_in_range("joint.max_lag (bins)", self.max_lag, 1, material.recording.n_bins - 1)
        check_in_range("joint.window (bins)", self.window, 1, material.recording.n_bins)
        name, description = ("joint", source, target), f"when do {source} and {target} covary?"
        return self.make_question(material, name, description, answer, source, target)


class LaggedCCAFacts(PairFacts):
    """What the file of an answer holds."""

    window: Finite
    lag: Finite
    align_to: str
    covarying: list[Finite]
    lead: Estimate
    leader: str | None
    p_of_lead: NotRequired[float | None]


STORED = AnswerSchema(
    LaggedCCAFacts,
    {
        "course": Table(
            {
                "time": "finite",
                "together": "number",
                "lead": "number",
                "low": "number",
                "high": "number",
            }
        )
    },
    {
        "time": Array("f", ("time",), finite=True, least=2),
        "matrix": Array("f", ("time", "time"), finite=True),
    },
)


def answer(material: Material, block: LaggedCCA, source: str, target: str) -> Answer:
    """Correlate two areas at every pair of times."""
    result = joint_correlation(
        material.recording,
        source,
        target,
        block.max_lag,
        window=block.window,
        folds=block.folds,
        n_shifts=block.shifts,
        conditions=block.conditions,
        seed=material.seed,
    )
    facts = {
        "source": source,
        "target": target,
        "n_trials": material.recording.n_trials,
        "window": block.window * material.recording.bin_size,
        "lag": block.max_lag * material.recording.bin_size,
        "align_to": material.event,
        "claim": describe_claim(result.claim),
        "covarying": result.covarying.tolist(),
        "lead": list(astuple(result.lead)),
        **pick(result, "leader", "p_of_lead"),
    }
    arrays = {"time": result.time, "matrix": result.matrix.astype(np.float32)}
    return Answer(facts, {"course": result.table}, result.notices, arrays)
