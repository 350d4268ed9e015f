"""What the files of a study must hold, for its page, the index, and what resumes it."""

from typing import Annotated, Any, Literal, NotRequired

from annotated_types import Ge, MinLen
from pydantic import AfterValidator, with_config
from typing_extensions import TypedDict

from spikecast.core.notices import StoredNotice
from spikecast.core.stored import OPEN, Finite
from spikecast.runs.manifest import Identity
from spikecast.runs.studies.preset import FileName, Stands, StepKind

UnitName = Literal[
    "bits_per_spike", "r2", "mse", "rmse", "poisson_nll", "cost", "accuracy", "balanced_accuracy",
    "psth_r2", "frequency", "duration", "share", "variance", "correlation", "sd", "onset", "count",
    "at_least", "name", "leader", "picture", "refused",
]  # fmt: skip
"""Units of measures; :data:`spikecast.report.study.units.UNITS` says how each is written."""
IN_WORDS = ("name", "leader", "picture", "refused")
"""Units whose values are texts."""
Origin = Literal["deck", "reduced", "real", "simulated"]


@with_config(OPEN)
class Begun(TypedDict):
    """What ``begun.json`` holds: what an unfinished study was begun with."""

    study: str
    quick: bool
    seed: int
    data: Identity
    preset: dict[str, Any]
    # studies of before have neither
    version: NotRequired[str]
    command: NotRequired[str]


@with_config(OPEN)
class MeasureFacts(TypedDict):
    """A number in a cell, as :class:`spikecast.runs.studies.study.Measure` writes it."""

    name: str
    value: Finite | str | None
    unit: UnitName
    low: NotRequired[Finite]
    high: NotRequired[Finite]
    n: NotRequired[Annotated[int, Ge(0)]]
    chance: NotRequired[Finite]
    p: NotRequired[Finite]
    n_permutations: NotRequired[Annotated[int, Ge(1)]]


def _check_measure(measure: MeasureFacts) -> MeasureFacts:
    unit, value = measure["unit"], measure["value"]
    if isinstance(value, str) and unit not in IN_WORDS:
        raise ValueError(f"a value of the unit {unit} is a number, not a text")
    if isinstance(value, str) and "n" in measure:
        raise ValueError("a text is no share of n")
    if "p" in measure and "n_permutations" not in measure:
        raise ValueError("the key 'n_permutations' is missing beside p")
    return measure


Cell = list[Annotated[MeasureFacts, AfterValidator(_check_measure)]]


class ReportedLine(TypedDict):
    """A line of what the deck reports."""

    text: str
    stands: Stands


@with_config(OPEN)
class RowFacts(TypedDict):
    """A row of the three columns."""

    key: str
    quantity: str
    reported: list[ReportedLine]
    described: Cell
    no_described: str
    flaws: list[str]
    sound: Cell
    no_sound: str
    because: list[StoredNotice]
    mechanism: str
    unlike_units: str


@with_config(OPEN)
class StepMeasure(TypedDict):
    """The number of a step of a staircase."""

    value: Finite
    unit: UnitName
    low: NotRequired[Finite]
    high: NotRequired[Finite]


@with_config(OPEN)
class StepFacts(TypedDict):
    """A step of a staircase."""

    kind: StepKind
    change: str
    measure: StepMeasure
    difference: Finite


@with_config(OPEN)
class StaircaseFacts(TypedDict):
    """A staircase."""

    key: FileName
    row: str
    title: str
    caption: str
    steps: Annotated[list[StepFacts], MinLen(2)]
    sums: dict[StepKind, Finite]


def _check_sums(staircase: StaircaseFacts) -> StaircaseFacts:
    kinds = {step["kind"] for step in staircase["steps"]}
    if absent := [kind for kind in staircase["sums"] if kind not in kinds]:
        raise ValueError(f"no step is of the kind {absent[0]}, of which there is a sum")
    return staircase


@with_config(OPEN)
class ListedStudy(TypedDict):
    """What the index reads of ``study.json``."""

    study: str
    quick: bool
    origin: Origin
    session: str
    conclusions: list[StoredNotice]
    # studies of before have none
    staircases: NotRequired[list[Annotated[StaircaseFacts, AfterValidator(_check_sums)]]]


class StudyFacts(ListedStudy):
    """What ``study.json`` holds."""

    seed: int
    command: str
    n_trials: int
    n_bins: int
    n_neurons: int
    notices: list[StoredNotice]
    runs: list[FileName]
    columns: list[RowFacts]
