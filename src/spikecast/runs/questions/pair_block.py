"""What questions about two areas have in common."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, with_config
from typing_extensions import TypedDict

from spikecast.analysis.geometry.cell_types import split_areas
from spikecast.analysis.interareal.populations import check_two_areas, select_neurons
from spikecast.analysis.interareal.shift_claims import N_SHIFTS, Claim
from spikecast.core.stored import OPEN
from spikecast.runs.questions.material import Material, name_cell_types
from spikecast.runs.questions.question import CELL_TYPES, CONDITIONS, Facts, Question, QuestionBlock


class PairBlock(QuestionBlock):
    """Which two areas are compared, and how."""

    pairs: list[tuple[str, str]] = Field(min_length=1)
    folds: int = Field(5, ge=2)
    conditions: list[str] | None = Field(None, description=CONDITIONS)
    shifts: int = Field(
        N_SHIFTS, ge=0, description="of one area's trials against the other's; with 0 no claim"
    )
    cell_types: bool = Field(False, description=CELL_TYPES + ": every pair of them")

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per pair of areas, or per pair of their cell types."""
        material.check_columns(self.conditions)
        pairs = list(self.pairs)
        if self.cell_types:
            areas = list(dict.fromkeys(area for pair in pairs for area in pair))
            material = replace(material, recording=split_areas(material.recording, areas))
            types = [
                pair
                for a, b in pairs
                for pair in product(name_cell_types([a]), name_cell_types([b]))
            ]  # an area with itself: its narrow spikes with its wide ones
            pairs = [pair for pair in dict.fromkeys(types) if pair[0] != pair[1]]
        for pair in pairs:
            check_two_areas(*pair)
            for area in pair:
                select_neurons(material.recording, area)
        for pair in pairs:
            yield self.ask_about(material, *pair)

    def ask_about(self, material: Material, source: str, target: str) -> Question:
        """Return the question about one pair of areas."""
        raise NotImplementedError


@with_config(OPEN)
class ClaimFacts(TypedDict):
    """The facts of a claim."""

    above: Literal["psth", "source_free", "behavior"]
    p: float | None
    n_shifts: int
    untested: Literal[
        "turned off",
        "order unknown",
        "behaviour not recorded",
        "too few trials",
        "too few trials of a condition",
        None,
    ]
    stands: bool


def _check_claim(claim: ClaimFacts) -> ClaimFacts:
    if claim["p"] is None and claim["untested"] is None:
        raise ValueError("it must say p, or why it was not tested")
    return claim


class PairFacts(Facts):
    """What the file of an answer about two areas holds."""

    source: str
    target: str
    n_trials: int
    claim: Annotated[ClaimFacts, AfterValidator(_check_claim)]


Estimate = tuple[float, float, float]  # with its interval


def describe_claim(claim: Claim) -> dict[str, Any]:
    """Return the facts of a claim: what it is above, p, number of shifts, whether it stands."""
    return asdict(claim) | {"stands": claim.stands}
