"""Whether one area's past predicts another beyond that area's own past."""

from collections.abc import Iterator
from dataclasses import astuple
from functools import partial

from pydantic import Field

from spikecast.analysis.interareal.granger import information_flow
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.pair_block import PairBlock
from spikecast.runs.questions.question import Answer, Question


class Granger(PairBlock):
    """Whether one area's past predicts another beyond that area's own past."""

    lags: list[int] = Field(default=[1, 2, 3, 5, 8], min_length=1, description="bins")
    shuffles: int = Field(20, ge=0, description="of trials within condition")

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per pair of areas."""
        on, pairs = self.split_pairs(material)
        for pair in pairs:
            yield self.ask(
                "granger",
                ("flow", *pair),
                f"does {pair[0]} lead {pair[1]}?",
                on.seed,
                partial(answer, on, self, *pair),
            )


def answer(material: Material, block: Granger, source: str, target: str) -> Answer:
    """Predict each of two areas from the other's past."""
    result = information_flow(
        material.recording,
        source,
        target,
        block.lags,
        folds=block.folds,
        n_permutations=block.shuffles,
        conditions=block.conditions,
        seed=material.seed,
    )
    facts = {
        "source": source,
        "target": target,
        "n_neurons": result.n_neurons,
        "n_trials": result.n_trials,
        "align_to": material.event,
        "asymmetry": list(astuple(result.asymmetry)),
        "plain": list(astuple(result.plain_asymmetry)),
        "leader": result.leader,
    }
    tables = {"lags": result.table, "past": result.past, "over_time": result.over_time}
    return Answer(facts, tables, result.notices)
