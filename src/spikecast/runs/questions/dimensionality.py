"""How many dimensions a population has."""

from collections.abc import Iterator

from pydantic import Field

from spikecast.analysis.geometry.dimensionality import dimensionality
from spikecast.core.stored import Finite
from spikecast.core.stored_tables import Table
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import (
    AREAS,
    CELL_TYPES,
    Answer,
    AnswerSchema,
    Facts,
    Question,
    QuestionBlock,
    pick,
)


class Dimensionality(QuestionBlock):
    """How many dimensions a population has."""

    in_name = QuestionBlock.in_name | {"areas"}

    areas: list[str] | None = Field(None, description=AREAS)
    cell_types: bool = Field(False, description=CELL_TYPES)
    components: int = Field(30, ge=2)

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per area."""
        on, areas = material.split_cell_types(self.areas, self.cell_types)
        for area in on.check_areas(areas):
            name = ("dimensions", area or "all")
            description = f"counting the dimensions of {area or 'all neurons'}"
            yield self.make_question(on, name, description, answer, area)


class DimensionalityFacts(Facts):
    """What the file of an answer holds."""

    area: str | None
    bin_size: Finite
    n_neurons: int
    n_reliable: int
    participation_ratio: float
    shared_participation_ratio: float


STORED = AnswerSchema(
    DimensionalityFacts,
    {
        "components": Table(
            {
                "n_components": "whole",
                "in_sample": "finite",
                "cross_validated": "finite",
                "reliable": "number",
                "p": "share",
            }
        )
    },
)


def answer(material: Material, block: Dimensionality, area: str | None) -> Answer:
    """Count the dimensions of an area, or of all neurons."""
    result = dimensionality(
        material.select_area(area), n_components=block.components, seed=material.seed
    )
    facts = {
        "area": area,
        "bin_size": material.recording.bin_size,
        **pick(result, "n_neurons", "n_samples", "n_reliable"),
        **pick(result, "participation_ratio", "shared_participation_ratio"),
    }
    return Answer(facts, {"components": result.table})
