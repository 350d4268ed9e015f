"""What the files of an atlas must hold: its manifest, its journal, its tables."""

from typing import Annotated, Generic, Literal, NotRequired, TypeVar

from annotated_types import MinLen
from pydantic import AfterValidator, with_config
from typing_extensions import TypedDict

from spikecast.core.notices import StoredNotice
from spikecast.core.stored import OPEN, Finite
from spikecast.core.stored_tables import Table
from spikecast.runs.manifest import Identity, Manifest


@with_config(OPEN)
class SessionFacts(TypedDict):
    """What the manifest says of a session."""

    path: str
    kind: Literal["counts", "continuous"]
    areas: dict[str, int]


class PlannedSession(SessionFacts):
    """A session of an atlas that asks what is beyond task and drift, for its page."""

    n_trials: int
    windows: NotRequired[bool]
    ordered: bool
    n_conditions: int
    left_out: dict[str, int]
    coincident: NotRequired[list[tuple[str | int, str | int]]]
    taken: NotRequired[list[str]]


Session = TypeVar("Session", bound=SessionFacts)


@with_config(OPEN)
class AtlasData(TypedDict, Generic[Session]):
    """The sessions of an atlas, and the identity of their data."""

    hash: dict[str, Identity]
    sessions: Annotated[dict[str, Session], MinLen(1)]


class AtlasManifest(Manifest, Generic[Session]):
    """The manifest of an atlas; `failed` is job -> why."""

    data: AtlasData[Session]
    failed: dict[str, str]


def _check_sums(sums: tuple[list[float], list[float]]) -> tuple[list[float], list[float]]:
    if len(sums[0]) != len(sums[1]):
        raise ValueError("both sums must be of as many trials")
    return sums


@with_config(OPEN)
class PairRecord(TypedDict):
    """What the journal holds of a pair."""

    scores: dict[str, tuple[float, float, float]]
    folds: list[float]
    neurons: list[float]
    trials: Annotated[tuple[list[float], list[float]], AfterValidator(_check_sums)]
    notices: list[StoredNotice]
    shifts: NotRequired[list[Finite]]
    untested: NotRequired[str | None]


@with_config(OPEN)
class JobRecord(TypedDict):
    """What the journal holds of a job: its pairs, or why it failed."""

    pairs: NotRequired[dict[str, PairRecord]]
    failed: NotRequired[str]
    seconds: NotRequired[float]
    of: NotRequired[str]
    job: NotRequired[str]


def _check_job(record: JobRecord) -> JobRecord:
    if "pairs" not in record and "failed" not in record:
        raise ValueError("it holds neither pairs nor why there are none")
    return record


StoredJob = Annotated[JobRecord, AfterValidator(_check_job)]
"""A record in the journal, as a schema names it."""

CELLS = Table(
    {
        "session": "text",
        "model": "text",
        "source": "text",
        "target": "text",
        "rung": "text",
        "value": "number",
        "low": "number",
        "high": "number",
        "train_mean": "number",
        "trial_shuffle": "number",
        "n_source": "whole",
        "n_target": "whole",
    },
    {
        "train_mean_low": "number",
        "p": "share",
        "p_corrected": "share",
        "n_shifts": "whole",
        "untested": "text",
        "error": "text",
        "passes": "flag",
    },
    least_rows=0,
    unique=("session", "model", "source", "target"),
)
LISTED_CELLS = Table(
    {
        "model": "text",
        "source": "text",
        "target": "text",
        "value": "number",
        "low": "number",
        "high": "number",
    },
    {"passes": "flag"},
    least_rows=0,
)
"""What the index reads of the cells."""

POOLED = Table(
    {
        "model": "text",
        "source": "text",
        "target": "text",
        "value": "number",
        "low": "number",
        "high": "number",
        "train_mean": "number",
        "trial_shuffle": "number",
    },
    {"passes": "whole", "n_tested": "whole", "n_sessions": "whole"},
    least_rows=0,
    unique=("model", "source", "target"),
)
SCORES = Table({"session": "text", "model": "text", "value": "number"}, least_rows=0)
