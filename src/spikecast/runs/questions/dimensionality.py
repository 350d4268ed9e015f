"""How many dimensions a population has."""

from collections.abc import Iterator
from functools import partial

from pydantic import Field

from spikecast.analysis.geometry.dimensionality import dimensionality
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import AREAS, CELL_TYPES, Answer, Question, QuestionBlock


class Dimensionality(QuestionBlock):
    """How many dimensions a population has."""

    areas: list[str] | None = Field(None, description=AREAS)
    cell_types: bool = Field(False, description=CELL_TYPES)
    components: int = Field(30, ge=2)

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per area."""
        on, areas = material.split_cell_types(self.areas, self.cell_types)
        for area in on.check_areas(areas):
            yield self.ask(
                "dimensionality",
                ("dimensions", area or "all"),
                f"counting the dimensions of {area or 'all neurons'}",
                on.seed,
                partial(answer, on, self, area),
            )


def answer(material: Material, block: Dimensionality, area: str | None) -> Answer:
    """Count the dimensions of an area, or of all neurons."""
    result = dimensionality(
        material.select_area(area), n_components=block.components, seed=material.seed
    )
    facts = {
        "area": area,
        "n_neurons": result.n_neurons,
        "n_samples": result.n_samples,
        "n_reliable": result.n_reliable,
        "participation_ratio": result.participation_ratio,
        "shared_participation_ratio": result.shared_participation_ratio,
        "bin_size": material.recording.bin_size,
    }
    return Answer(facts, {"components": result.table})
