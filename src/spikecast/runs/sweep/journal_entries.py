"""What a line of a sweep's journal may hold: the operations that a sweep lets Optuna write."""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict

from spikecast.core.checks import quote
from spikecast.core.stored import Finite, validate
from spikecast.evaluation.search_trials import LARGEST_SCORE
from spikecast.models.spaces import MOST_TRIES
from spikecast.runs.sweep.journal import WORKER

LONGEST_NAME = 255  # bytes of a file's name, which a worker's is

STRICT = ConfigDict(strict=True, extra="allow")  # a later Optuna may write more
ONE_KEY = ConfigDict(strict=True, extra="forbid")


class Operation(IntEnum):
    """What a line does, by Optuna's number for it."""

    CREATE_SEARCH = 0
    SET_SEARCH_FACT = 2
    CREATE_TRIAL = 4
    SET_VALUE = 5
    SET_STATE = 6
    REPORT = 7
    SET_TRIAL_FACT = 8
    NOTE_DRAWN = 9


class State(IntEnum):
    """Where a trial is, by Optuna's number for it."""

    RUNNING = 0
    COMPLETE = 1
    PRUNED = 2
    FAIL = 3


def _check_date(text: str) -> str:
    try:
        datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"a date with its time is expected, not {quote(text)}") from None
    return text


def _check_worker(name: str) -> str:
    fits = name.isprintable() and "/" not in name and len(name.encode()) <= LONGEST_NAME
    if not fits or not WORKER.fullmatch(name):
        raise ValueError(f"the name of a process is expected, not {quote(name)}")
    return name


def _check_score(score: float) -> float:
    if abs(score) > LARGEST_SCORE:
        raise ValueError(f"a score is expected, not {quote(score)}")
    return score


def _check_one_key(facts: Any) -> Any:
    if len(facts) != 1:
        raise ValueError(f"one key is expected, not {len(facts)}")
    return facts


Date = Annotated[str, AfterValidator(_check_date)]
WorkerName = Annotated[str, AfterValidator(_check_worker)]
Number = Annotated[int, Field(ge=0)]
Score = Annotated[Finite, AfterValidator(_check_score)]
Nothing = Annotated[dict[str, Any], Field(max_length=0)]


@with_config(STRICT)
class Line(TypedDict):
    """What each line holds besides its operation."""

    worker_id: str


@with_config(STRICT)
class CreateSearch(Line):
    """A search is opened, by each process anew."""

    study_name: str
    directions: Annotated[list[Literal[2]], Field(min_length=1, max_length=1)]


@with_config(ONE_KEY)
class SearchFacts(TypedDict, total=False):
    """A fact about a search."""

    worker: WorkerName
    stopped: bool
    closed: bool
    refitted: dict[str, Any]


@with_config(STRICT)
class SetSearchFact(Line):
    """A fact about a search is written down."""

    study_id: Number
    user_attr: Annotated[SearchFacts, AfterValidator(_check_one_key)]


@with_config(ONE_KEY)
class Enqueued(TypedDict):
    """The values that a trial is to be made with."""

    fixed_params: dict[str, Any]


@with_config(STRICT)
class CreateTrial(Line):
    """A trial begins; or it waits, with the model's own values."""

    study_id: Number
    datetime_start: Date | None
    datetime_complete: NotRequired[Date]
    state: NotRequired[Literal[4]]
    value: NotRequired[None]
    values: NotRequired[None]
    distributions: NotRequired[Nothing]
    params: NotRequired[Nothing]
    user_attrs: NotRequired[Nothing]
    system_attrs: NotRequired[Enqueued]
    intermediate_values: NotRequired[Nothing]


@with_config(STRICT)
class SetValue(Line):
    """A setting of a trial is drawn."""

    trial_id: Number
    param_name: str
    param_value_internal: Finite
    distribution: str


@with_config(STRICT)
class SetState(Line):
    """A trial that waited begins, or one comes to an end."""

    trial_id: Number
    state: Annotated[int, Field(ge=State.RUNNING, le=State.FAIL)]
    values: Annotated[list[Score], Field(min_length=1, max_length=1)] | None
    datetime_start: NotRequired[Date]
    datetime_complete: NotRequired[Date]


@with_config(STRICT)
class Report(Line):
    """The mean score over the inner folds so far."""

    trial_id: Number
    step: Number
    intermediate_value: Score


@with_config(ONE_KEY)
class TrialFacts(TypedDict, total=False):
    """A fact about a trial."""

    slot: Annotated[int, Field(ge=0, lt=MOST_TRIES)]
    worker: WorkerName
    reason: str
    seconds: Annotated[Finite, Field(ge=0)]


@with_config(STRICT)
class SetTrialFact(Line):
    """A fact about a trial is written down."""

    trial_id: Number
    user_attr: Annotated[TrialFacts, AfterValidator(_check_one_key)]


@with_config(STRICT)
class NoteDrawn(Line):
    """A part of what is drawn for a trial, as text."""

    trial_id: Number
    system_attr: Annotated[dict[str, str], AfterValidator(_check_one_key)]


SCHEMAS: dict[int, Any] = {
    Operation.CREATE_SEARCH: CreateSearch,
    Operation.SET_SEARCH_FACT: SetSearchFact,
    Operation.CREATE_TRIAL: CreateTrial,
    Operation.SET_VALUE: SetValue,
    Operation.SET_STATE: SetState,
    Operation.REPORT: Report,
    Operation.SET_TRIAL_FACT: SetTrialFact,
    Operation.NOTE_DRAWN: NoteDrawn,
}


def check_entry(entry: Mapping[str, Any], path: Path) -> Operation:
    """Return what a line does; raise where it does not hold what that needs."""
    code = entry.get("op_code")
    if type(code) is not int or code not in SCHEMAS:
        known = ", ".join(str(int(one)) for one in Operation)
        raise ValueError(f"at op_code one of {known} is expected, not {quote(code)}")
    validate(entry, SCHEMAS[code], path)
    return Operation(code)
