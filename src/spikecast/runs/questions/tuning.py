"""Which trial variables each latent, or each neuron, follows."""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from spikecast.analysis.comparisons import COMPARISON
from spikecast.analysis.geometry.tuning import changes_slowly, explain_untestable, tuning
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.schema import MOST_DRAWS
from spikecast.core.stored_tables import Table
from spikecast.data.binning import find_inside
from spikecast.data.quality import check_copied_trials
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import (
    AREAS,
    CELL_TYPES,
    MODEL,
    Answer,
    AnswerSchema,
    Facts,
    Question,
    QuestionBlock,
    pick,
)

VARIABLES_COME_IN_RUNS = NoticeKind(
    "variables_come_in_runs",
    "serious",
    "'{variable}' changes slowly over trials, which drift alone follows: permuted trials are too "
    "weak a null; ask again with null_labels: circular_shift",
)


class Tuning(QuestionBlock):
    """Which trial variables each latent, or each neuron, follows."""

    in_name = QuestionBlock.in_name | {"areas"}

    source: Literal["counts", "latents"] = "counts"
    variables: list[str] | None = Field(
        None, description="trial columns, or 'column>number'; default: every trial column"
    )
    model: str | None = Field(None, description=MODEL)
    areas: list[str] | None = Field(None, description=AREAS + " (counts only)")
    cell_types: bool = Field(False, description=CELL_TYPES + " (counts only)")
    window: tuple[float, float] | None = Field(
        None, description="only bins whose centre is in [start, stop), in seconds"
    )
    correction: Literal["bh", "holm"] = Field(
        "bh", description="over all units and variables: false discovery rate, or any error"
    )
    null_labels: Literal["permutation", "circular_shift"] = Field(
        "permutation", description="circular_shift where both wander slowly over the session"
    )
    permutations: int = Field(1000, ge=100, le=MOST_DRAWS)

    @property
    def trial_labels(self) -> list[str]:
        """The variables that are tested."""
        return self.variables or []

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield one question per area, or one for the latents."""
        variables = self._choose_variables(material)
        check_copied_trials(material.recording)
        self._check_window(material)
        if self.source == "latents":
            model = material.find_model(self.model).name
            parts, description = ("tuning", "latents", model), f"what do latents of {model} follow?"
            yield self.make_question(material, parts, description, answer, variables, None)
            return
        on, areas = material.split_cell_types(self.areas, self.cell_types)
        for area in on.check_areas(areas):
            description = f"what do {area or 'all neurons'} follow?"
            name = ("tuning", "counts", area)
            yield self.make_question(on, name, description, answer, variables, area)

    def _check_window(self, material: Material) -> None:
        if self.window is None:
            return
        time, (start, stop) = material.recording.time, self.window
        if not find_inside(time, self.window).any():
            raise InputError(
                f"the window {start:g} to {stop:g} s of tuning holds no bin; bins go from "
                f"{time[0]:g} to {time[-1]:g}"
            )

    def _choose_variables(self, material: Material) -> list[str]:
        """Return the trial columns to test: those named, or all that the recording came with."""
        columns = map(str, material.recording.trials)
        own = [name for name in columns if not COMPARISON.fullmatch(name)]
        variables = own if self.variables is None else list(self.variables)
        material.check_columns(variables)
        table = material.select_columns(variables)
        reasons = {name: explain_untestable(table[name].dropna()) for name in variables}
        refused = [f"'{name}': {reason}" for name, reason in reasons.items() if reason]
        if len(refused) == len(reasons) or (refused and self.variables is not None):
            raise NotEnoughDataError(
                f"tuning cannot be tested ({'; '.join(refused) or 'there are no trial columns'})"
            )
        return variables


class TuningFacts(Facts):
    """What the file of an answer holds."""

    source: Literal["counts", "latents"]
    window: tuple[float, float] | None
    correction: Literal["bh", "holm"]
    permutations: int
    area: str | None
    model: str | None
    n_units: int
    n_trials: int
    null: Literal["permutation", "circular_shift"]
    left_out: dict[str, str]


STORED = AnswerSchema(
    TuningFacts,
    {
        "tests": Table(
            {
                "latent": "whole",
                "variable": "name",
                "kind": "name",
                "n_trials": "whole",
                "effect": "finite",
                "p": "share",
                "p_corrected": "share",
            },
            unique=("latent", "variable"),
        )
    },
)


def answer(material: Material, block: Tuning, variables: Sequence[str], area: str | None) -> Answer:
    """Test which trial variables each neuron, or each latent held out in fold 0, follows."""
    trials, model = material.select_columns(variables), None
    if block.source == "latents":
        fitted = material.find_model(block.model)
        held_out, values = fitted.load_latents()
        trials, model = trials.iloc[held_out], fitted.name
        time = fitted.task.problem(material.recording).time
    else:
        values, time = material.select_area(area).activity, material.recording.time
    result = tuning(
        values,
        trials,
        time=time,
        window=block.window,
        correction=block.correction,
        null=block.null_labels,
        n_permutations=block.permutations,
        seed=material.seed,
    )
    facts = {
        **pick(block, "source", "window", "correction", "permutations"),
        "area": area,
        "model": model,
        "n_units": values.shape[2],
        "n_trials": len(trials),
        "align_to": material.event,
        "null": block.null_labels,
        "left_out": result.left_out,
    }
    tested = [name for name in variables if name not in result.left_out]
    notices = _find_runs(material, tested) if block.null_labels == "permutation" else []
    return Answer(facts, {"tests": result.table}, notices)


def _find_runs(material: Material, variables: Sequence[str]) -> list[Notice]:
    """Return a notice for each variable that changes slowly, as in runs of trials.

    All trials are looked at, in order: what runs in the session runs in any part of it.
    """
    table = material.select_columns(variables)
    return [
        VARIABLES_COME_IN_RUNS(variable=name)
        for name in variables
        if changes_slowly(table[name], material.seed)
    ]
