"""What explains an area: the task, drift, movement, each other area, its own neurons."""

from collections.abc import Iterator

from pydantic import Field

from spikecast.analysis.interareal.explain import explain
from spikecast.analysis.interareal.shift_claims import N_SHIFTS
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import CONDITIONS, Answer, Question, QuestionBlock, pick


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
