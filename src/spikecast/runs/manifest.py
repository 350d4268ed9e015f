"""The manifest of a run directory: versions, machine, seed, data, when the run began and ended."""

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

from annotated_types import Gt
from joblib import cpu_count
from pydantic import AfterValidator, with_config
from typing_extensions import TypedDict

from spikecast.core.checks import shorten_line
from spikecast.core.errors import RunError
from spikecast.core.files import write_json
from spikecast.core.notices import StoredNotice
from spikecast.core.stored import OPEN, Finite, read_json, validate
from spikecast.data.cuts.taken import ATTRIBUTE as TAKEN
from spikecast.data.cuts.taken import read_taken
from spikecast.data.doctor import examine
from spikecast.data.identity import changed_parts
from spikecast.data.recording import Recording
from spikecast.runs.layout import Layout, StudyLayout

FORMAT = 2
"""Raised when the files of a run directory change so that older ones cannot be read."""

PACKAGES = (
    "spikecast",
    "numpy",
    "scipy",
    "pandas",
    "xarray",
    "scikit-learn",
    "torch",
    "matplotlib",
)
FACTS = ("session", "areas", "n_trials", "n_bins", "n_neurons", "bin_size", "kind", "behavior")
"""Attributes of the recording that a manifest holds."""

MOST_NAMED = 3  # changed parts of the data that a message names

MADE_BEFORE = (
    "'{folder}' was made by an earlier version of spikecast, or a later one, whose files this one "
    "does not read; start another run"
)
Identity = dict[str, str]
"""See :func:`spikecast.data.identity.identify`."""


def _check_moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a date and time with its time zone is expected")
    return text


Moment = Annotated[str, AfterValidator(_check_moment)]


@with_config(OPEN)
class Manifest(TypedDict):
    """What the manifest of a directory of any kind holds, beside its data."""

    started: Moment
    finished: Moment | None
    command: str
    versions: dict[str, str]


@with_config(OPEN)
class DataIdentity(TypedDict):
    """The identity of the data, or of each session's; one hash for all in earlier versions."""

    hash: Identity | dict[str, Identity] | str


class AnyManifest(Manifest):
    """A manifest of a directory of any kind."""

    data: DataIdentity


@with_config(OPEN)
class Attributes(TypedDict):
    """The attributes of a recording."""

    align_to: str


@with_config(OPEN)
class ActivityIdentity(TypedDict):
    """The identity of a recording."""

    activity: str


@with_config(OPEN)
class RecordingFacts(TypedDict):
    """What a manifest says of a run's recording."""

    session: str
    areas: dict[str, int]
    n_trials: int
    n_bins: int
    n_neurons: int
    bin_size: Annotated[Finite, Gt(0)]
    kind: Literal["counts", "continuous"]
    behavior: list[str]
    attributes: Attributes
    hash: ActivityIdentity
    taken: NotRequired[list[StoredNotice]]
    notices: NotRequired[list[StoredNotice]]


class RunManifest(Manifest):
    """The manifest of a run, or of a sweep."""

    data: RecordingFacts
    targets: list[str]
    left_out: NotRequired[list[StoredNotice]]
    failed: NotRequired[dict[str, dict[str, str]] | None]


def read_manifest(folder: Path, schema: Any = AnyManifest) -> dict[str, Any]:
    """Return the manifest of a directory; raise a RunError where it cannot be read."""
    path = Layout(folder).manifest
    if not path.exists():
        raise RunError(f"'{folder}' is not a run directory: it has no {path.name}")
    manifest = read_json(path, dict[str, Any])
    if manifest.get("format") != FORMAT:
        raise RunError(MADE_BEFORE.format(folder=folder))
    return validate(manifest, schema, path)


def describe_process() -> dict[str, Any]:
    """Return when and by which command a run began, with which versions, on what machine."""
    torch = sys.modules.get("torch")  # 100 MB that a run without networks does without
    return {
        "format": FORMAT,
        "started": _now(),
        "finished": None,
        "command": spell_command(),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": cpu_count(),
            "cuda": bool(torch and torch.cuda.is_available()),
        },
    }


def spell_command() -> str:
    """Return the command that this process was started with."""
    return " ".join(["spikecast", *sys.argv[1:]])


def describe_run(
    recording: Recording, identity: Identity, targets: list[str], seed: int
) -> dict[str, Any]:
    """Return the manifest of a run that begins."""
    data = _describe_recording(recording) | {"hash": identity}
    return describe_process() | {"seed": seed, "data": data, "targets": targets}


def _describe_recording(recording: Recording) -> dict[str, Any]:
    return {
        **{name: getattr(recording, name) for name in FACTS},
        "attributes": {
            key: str(value) for key, value in recording.dataset.attrs.items() if key != TAKEN
        },
        "taken": [notice.to_json() for notice in read_taken(recording.dataset)],
        "notices": [notice.to_json() for notice in examine(recording)],
    }


def update_manifest(folder: Path, **facts: Any) -> None:
    """Change some facts of the manifest."""
    read_manifest(folder)
    path = Layout(folder).manifest
    write_json(path, read_json(path) | facts)


def finish_manifest(folder: Path, **facts: Any) -> None:
    """Note that the run is finished, with further facts."""
    update_manifest(folder, finished=_now(), **facts)


def check_data_unchanged(folder: Path, old: Any, new: Identity | dict[str, Identity]) -> None:
    """Raise a RunError that names what changed where the data of a run are not what they were.

    `old` is the identity in the manifest, `new` that of the data now: part -> hash, or session ->
    part -> hash.
    """
    if not isinstance(old, dict):  # one hash for all
        raise RunError(MADE_BEFORE.format(folder=folder))
    changed = changed_parts(_flatten_identity(old), _flatten_identity(new))
    if changed:
        named, more = " and the ".join(changed[:MOST_NAMED]), len(changed) - MOST_NAMED
        if more > 0:
            named += f" (and {more} more parts of the data)"
        have = "have" if changed[1:] else "has"
        raise RunError(f"the {named} {have} changed since '{folder}' was begun; start another run")


def check_study_finished(study: StudyLayout) -> None:
    """Raise a RunError where a study was begun and is not finished."""
    if study.begun.exists():
        by = read_json(study.begun, dict[str, Any]).get("command")
        how = f" (it was begun by: {shorten_line(by)})" if by else ""
        raise RunError(f"the study in '{study.folder}' is not finished; resume it{how}")


def check_same_version(folder: Path, before: str | None) -> None:
    """Raise a RunError where what is resumed was begun with another version of spikecast.

    Its numbers would be of two versions. `before` is the version in its file, None where it has
    none.
    """
    now = version("spikecast")
    if before == now:
        return
    made = "an earlier version of spikecast" if before is None else f"spikecast {before}"
    raise RunError(
        f"'{folder}' was begun with {made}, and this is spikecast {now}: numbers of both would be "
        "mixed; resume it with the version that began it, overwrite it, or name another folder"
    )


def read_activity_hash(manifest: dict[str, Any]) -> str:
    """Return the hash of the activity that a run was made from."""
    return manifest["data"]["hash"]["activity"]


def _flatten_identity(identity: dict[str, Any]) -> Identity:
    """Return the parts of an identity, those of several sessions with the session's name."""
    flat: Identity = {}
    for name, value in identity.items():
        if isinstance(value, dict):
            flat |= {f"{part} of session '{name}'": of_part for part, of_part in value.items()}
        else:
            flat[name] = value
    return flat


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
