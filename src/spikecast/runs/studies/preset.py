"""The written form of a study: its questions, protocol, reported numbers, flaws, sound protocol."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Self

from annotated_types import Ge, MinLen
from pydantic import Field, TypeAdapter, field_validator, model_validator, with_config
from typing_extensions import TypedDict

from spikecast.core.checks import check_one_of, quote
from spikecast.core.schema import Block, parse_block, read_block
from spikecast.core.stored import OPEN, Finite
from spikecast.data.simulate.effects import Effects
from spikecast.data.simulate.imaging import Imaging, Mouse
from spikecast.runs.audit_rules import RULES

Stands = Annotated[
    Literal["slide", "notebook", "ours"],
    Field(
        description="where a statement stands: on a slide, in the notebook of the deck's authors, "
        "or nowhere (it is our inference)"
    ),
]
FileName = Annotated[str, Field(pattern=r"^\w[\w .-]*$", max_length=100)]
"""A part of the name of a file or folder."""


class Reported(Block):
    """A line of what the deck reports."""

    text: str
    stands: Stands


class Row(Block):
    """One number of the three-column table."""

    key: str = Field(description="what the study's code calls it")
    quantity: str
    reported: list[Reported] = Field(min_length=1)
    mechanism: str = Field(description="what can make the columns differ, in one sentence")
    unlike_units: str = Field("", description="why the two columns have unlike units")
    no_described: str = Field("", description="why nothing is computed as described")
    no_sound: str = Field("", description="why nothing is computed soundly")


class Flaw(Block):
    """What is wrong with the protocol as described, and the audit's rule that finds it."""

    rule: str
    what: str
    stands: Stands

    @field_validator("rule")
    @classmethod
    def _rule_is_known(cls, name: str) -> str:
        return check_one_of("rule", name, [rule.name for rule in RULES])


class ReportedTable(Block):
    """A table of the deck."""

    stands: Stands
    rows: list[Annotated[dict[str, float | str | None], MinLen(1)]] = Field(min_length=1)
    also: dict[FileName, str] = Field(
        {}, description="tables of the study with the same columns, and what each is called"
    )
    opened: bool = Field(False, description="whether the page shows it unfolded")


StepKind = Literal["start", "protocol", "decoder", "model", "data"]


class StairStep(Block):
    """One step of a staircase: the single thing that changes."""

    key: str = Field(description="what the study's code calls it")
    kind: StepKind
    change: str


class Staircase(Block):
    """The way from a number as described to the sound one, one change at a time."""

    key: FileName
    row: str = Field(description="key of the row that it takes apart")
    title: str
    caption: str
    steps: list[StairStep] = Field(min_length=2)

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        kinds, keys = [step.kind for step in self.steps], {step.key for step in self.steps}
        if kinds[0] != "start" or "start" in kinds[1:]:
            raise ValueError("the first step of a staircase, and no other, is of kind 'start'")
        if len(keys) < len(kinds):
            raise ValueError("two steps of a staircase have the same key")
        return self


class StudyFigure(Block):
    """A figure of the protocol as described, or of what the sound one adds to its runs."""

    name: FileName
    draw: str = Field(description="which function of spikecast.report.study.figures draws it")
    title: str
    caption: str
    folder: Literal["described", "concluded"] = "described"


@with_config(OPEN)
class Planted(TypedDict):
    """What a simulated task is told of what is planted."""

    areas: NotRequired[dict[str, Annotated[int, Ge(1)]]]
    effects: NotRequired[Effects]
    choice_onset: NotRequired[dict[str, Finite]]
    drives: NotRequired[dict[tuple[str, str], Finite]]


def _check_imaging(simulation: dict[str, Any], *parts: type) -> None:
    """Raise a ValueError where what simulated imaging is told is not what its parts take."""
    known = {one.name for part in parts for one in fields(part)}
    if unknown := set(simulation) - known:
        raise ValueError(f"unknown argument {quote(min(unknown))}")
    for part in parts:
        TypeAdapter(part).validate_python(simulation)
    planes = simulation.get("planes", 1)
    if isinstance(planes, int) and not 1 <= planes <= MOST_PLANES:
        raise ValueError(f"planes is {planes}; it must be between 1 and {MOST_PLANES}")


MOST_PLANES = 1000
SIMULATORS: dict[str, Callable[[dict[str, Any]], object]] = {
    "decision_task": TypeAdapter(Planted).validate_python,
    "spontaneous": lambda simulation: _check_imaging(simulation, Imaging),
    "running_mouse": lambda simulation: _check_imaging(simulation, Imaging, Mouse),
}
"""Simulator -> what checks the arguments that it is given."""


class Source(Block):
    """What the study was done on, and what stands in for it where that is not here."""

    needs: str
    dataset: str = Field(description="name of the known data set")
    session: int | None = None
    shape: str = Field(description="what the deck's own recording looks like")
    n_trials: int
    n_bins: int
    n_neurons: int
    simulator: Literal["decision_task", "spontaneous", "running_mouse"]
    simulation: dict[str, Any] = Field(description="arguments of the simulator: the same shapes")
    absent: str = Field("", description="why a simulated recording stands in, told with its origin")

    @model_validator(mode="after")
    def _check_simulation(self) -> Self:
        SIMULATORS[self.simulator](self.simulation)
        return self


class Preset(Block):
    """A study."""

    name: str
    title: str
    about: str = Field(description="one line for the list")
    questions: list[str]
    answer: str = Field(
        "", description="what answers the first: a sound run, by its verdict, or a conclusion"
    )
    data: Source
    protocol: list[str] = Field(description="the protocol as described")
    unstated: list[str] = Field([], description="what the deck leaves open, and what is done here")
    settings: dict[str, Any] = Field(description="numbers of the protocol as described")
    flaws: list[Flaw]
    rows: list[Row]
    staircases: list[Staircase] = Field([], description="the difference taken apart")
    tables: dict[FileName, ReportedTable] = Field({}, description="reported tables")
    called: dict[str, str] = Field(
        {}, description="what this study calls models, where it is not by their titles"
    )
    beside: dict[str, list[str]] = Field(
        {}, description="sound run -> rows whose networks stand in the figure of its scores"
    )
    figures: list[StudyFigure] = Field([], description="of the study; its runs have their own")
    sound_protocol: list[str] = Field(description="the sound protocol")
    sound: dict[FileName, dict[str, Any]] = Field(
        description="configs by name; $names are filled in"
    )
    lesson: list[str] = Field(description="what to do instead")
    quick: dict[str, Any] = Field({}, description="what a quick run changes")


@cache
def read_preset(name: str) -> Preset:
    """Return the preset of a study, from the package's YAML file."""
    return read_block(Path(__file__).with_name(f"{name}.yaml"), Preset)


def make_quick(preset: Preset) -> Preset:
    """Return the preset with its block `quick` applied: smaller, for minutes instead of hours."""
    content = preset.model_dump()
    return parse_block(merge(content, content.pop("quick")), Preset)


def fill_rows(preset: Preset, names: Mapping[str, Any]) -> Preset:
    """Return the preset with ``{name}`` filled in where it says what was measured and drawn."""
    rows = [
        row.model_copy(update={"quantity": row.quantity.format(**names)}) for row in preset.rows
    ]
    stairs = [
        one.model_copy(update={"title": one.title.format(**names)}) for one in preset.staircases
    ]
    figures = [
        one.model_copy(
            update={"title": one.title.format(**names), "caption": one.caption.format(**names)}
        )
        for one in preset.figures
    ]
    return preset.model_copy(update={"rows": rows, "staircases": stairs, "figures": figures})


def merge(content: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return nested dicts with some entries replaced.

    Examples
    --------
    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    result = dict(content)
    for key, value in change.items():
        former = result.get(key)
        nested = isinstance(former, dict) and isinstance(value, dict)
        result[key] = merge(former, value) if nested else value  # type: ignore[arg-type]
    return result


def fill_names(content: Any, names: Mapping[str, Any]) -> Any:
    """Return nested settings with a value in the place of each ``"$name"``.

    Entries that become None are left out.

    Examples
    --------
    >>> fill_names({"labels": ["$label"], "flow": "$flow"}, {"label": "choice", "flow": None})
    {'labels': ['choice']}
    """
    if isinstance(content, str) and content.startswith("$"):
        return names[content[1:]]
    if isinstance(content, list):
        return [fill_names(part, names) for part in content]
    if isinstance(content, dict):
        parts = {key: fill_names(value, names) for key, value in content.items()}
        return {key: part for key, part in parts.items() if part is not None}
    return content
