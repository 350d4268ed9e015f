"""Run directories: what they say of themselves, and who may write into them.

`runs.layout` says where each file lies. A job is done when its ``.json`` is there, for it is
written last.
"""

import logging
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml

from spikecast.core.errors import RunError
from spikecast.core.files import LOCK, lock_folder, read_json, write_atomically, write_json
from spikecast.data.identity import changed_parts
from spikecast.data.quality import check_recording
from spikecast.data.recording import Recording
from spikecast.parallel.executors import count_cores
from spikecast.runs.layout import AtlasLayout, Layout, RunLayout, TargetLayout
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import Problem

log = logging.getLogger("spikecast")

EXCERPT_TRIALS = 3
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
_RUN, _ATLAS = RunLayout(Path()), AtlasLayout(Path())
BEFORE_MANIFEST = {
    path.name for path in (_RUN.log, _RUN.config, _ATLAS.settings, _RUN.excerpt, _RUN.targets)
}
"""What a run may have written before its manifest says that it is one."""


@dataclass(frozen=True)
class TargetRun:
    """One target of a run: its problem, folds and place in the run directory."""

    problem: Problem
    folds: list[Fold]
    condition: np.ndarray
    layout: TargetLayout


Identity = dict[str, str]
"""See :func:`spikecast.data.identity.identify`."""


def check_data_unchanged(out: Path, old: Any, new: Identity | dict[str, Identity]) -> None:
    """Refuse to go on with a run whose data are not what they were.

    Parameters
    ----------
    out : Path
        The run directory.
    old, new : dict of part -> hash, or dict of session -> dict of part -> hash
        The identity of the data in the manifest, and of the data now.

    Raises
    ------
    RunError
        When they differ; the message names what changed.
    """
    if not isinstance(old, dict) or _has_sessions(old) != _has_sessions(new):
        raise RunError(
            f"'{out}' was made by an earlier version of spikecast, which did not record what its "
            "data were; start another run"
        )
    changed = changed_parts(_flat(old), _flat(new))
    if changed:
        named = " and the ".join(changed[:3]) + (
            f" (and {len(changed) - 3} more parts of the data)" if changed[3:] else ""
        )
        have = "have" if changed[1:] else "has"
        raise RunError(f"the {named} {have} changed since '{out}' was begun; start another run")


def _has_sessions(identity: dict[str, Any]) -> bool:
    return any(isinstance(value, dict) for value in identity.values())


def _flat(identity: dict[str, Any]) -> Identity:
    """Return the parts of an identity, those of several sessions with the session's name."""
    flat: Identity = {}
    for name, value in identity.items():
        if isinstance(value, dict):
            flat |= {f"{part} of session '{name}'": of_part for part, of_part in value.items()}
        else:
            flat[name] = value
    return flat


def read_activity_hash(manifest: dict[str, Any]) -> str:
    """Return the hash of the activity; runs of earlier versions have one hash for all."""
    identity = manifest["data"]["hash"]
    return identity["activity"] if isinstance(identity, dict) else identity


def read_manifest(out: Path) -> dict[str, Any]:
    """Return the manifest of a run directory.

    Raises
    ------
    RunError
        When there is none.
    """
    path = Layout(out).manifest
    if not path.exists():
        raise RunError(f"'{out}' is not a run directory: it has no {path.name}")
    return read_json(path)


@contextmanager
def claimed(
    config: Path, written: str, fingerprint: Any, *, resume: bool, overwrite: bool
) -> Iterator[None]:
    """Keep a run directory to ourselves during a block; arguments and errors as in :func:`claim`.

    Raises
    ------
    RunError
        Also when another process writes there.
    """
    asked = (config, written, fingerprint)
    # before a folder is made for the lock, and again when nobody else can change it
    _may_write(*asked, resume=resume, overwrite=overwrite)
    with lock_folder(config.parent):
        claim(*asked, resume=resume, overwrite=overwrite)
        yield


def claim(config: Path, written: str, fingerprint: Any, *, resume: bool, overwrite: bool) -> None:
    """Make sure that a run directory is ours to write; empty it where it is replaced.

    Parameters
    ----------
    config : Path
        The file in the directory that holds its settings.
    written : str
        The text of that file.
    fingerprint : dict
        Identity of the data, or of each session's.
    resume, overwrite : bool

    Raises
    ------
    RunError
        When it holds something else, or a run that is not to be touched, or when there is nothing
        to go on with.
    """
    _may_write(config, written, fingerprint, resume=resume, overwrite=overwrite)
    out = config.parent
    if overwrite or _begun(out) <= BEFORE_MANIFEST:
        empty(out)


def _may_write(
    config: Path, written: str, fingerprint: Any, *, resume: bool, overwrite: bool
) -> None:
    out = config.parent
    if _begun(out) <= BEFORE_MANIFEST:  # nothing, or interrupted while it was being set up
        if resume:
            raise RunError(f"there is no run in '{out}' to resume")
        return
    manifest = read_manifest(out)  # refuses a folder that is not a run
    if overwrite:
        return
    if not resume:
        state = "a finished" if manifest.get("finished") else "an unfinished"
        raise RunError(
            f"'{out}' holds {state} run; use --resume to go on with it, --overwrite to replace "
            "it, or another --out"
        )
    if not config.exists() or _asked(config.read_text(encoding="utf-8")) != _asked(written):
        raise RunError(f"'{out}' was made with another config; see {config}")
    check_data_unchanged(out, manifest["data"]["hash"], fingerprint)


def _asked(written: str) -> Any:
    """What a config says but for where the data lie: their hash tells whether they are the same."""
    try:
        asked = yaml.safe_load(written)
    except yaml.YAMLError:  # edited by hand: not what is asked, whatever that is
        return None
    if isinstance(asked, dict):
        data = asked.pop("data", None)
        if isinstance(data, dict):  # an atlas has only paths there
            asked["data"] = {name: value for name, value in data.items() if name != "path"}
    return asked


def _begun(out: Path) -> set[str]:
    """Names of what lies there."""
    if not out.exists():
        return set()
    if not out.is_dir():
        raise RunError(f"'{out}' is a file; --out must name a folder")
    return {path.name for path in out.iterdir()} - {LOCK}


def empty(out: Path) -> None:
    """Remove all but the lock, which may be held."""
    if not out.exists():
        return
    for path in out.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def manifest(
    recording: Recording, fingerprint: Identity, parts: list[TargetRun], seed: int
) -> dict[str, Any]:
    """What a run directory says of how, when and of what it was made."""
    return about_this_run() | {
        "seed": seed,
        "data": {
            "hash": fingerprint,
            "session": recording.session,
            "areas": recording.areas,
            "n_trials": recording.n_trials,
            "n_bins": recording.n_bins,
            "n_neurons": recording.n_neurons,
            "bin_size": recording.bin_size,
            "kind": recording.kind,
            "behavior": recording.behavior,
            "attributes": {key: str(value) for key, value in recording.dataset.attrs.items()},
            "notices": [notice.to_json() for notice in check_recording(recording)],
        },
        "targets": [part.problem.target for part in parts],
        "folders": [part.layout.folder.name for part in parts],
    }


def finish(out: Path, **more: Any) -> None:
    """Note in the manifest that all is there, and what else is to be said."""
    write_json(Layout(out).manifest, read_manifest(out) | {"finished": now()} | more)


def about_this_run() -> dict[str, Any]:
    """When and by which command a run began, with which versions, on what machine."""
    torch = sys.modules.get("torch")  # 100 MB that a run without networks does without
    return {
        "started": now(),
        "finished": None,
        "command": " ".join(["spikecast", *sys.argv[1:]]),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": count_cores(),
            "cuda": bool(torch and torch.cuda.is_available()),
        },
    }


def now() -> str:
    """The time, as manifests write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Write the log of a block to `path`, with how it ended where that was not well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    except KeyboardInterrupt:
        log.info("interrupted")
        raise
    except Exception:
        log.exception("failed")
        raise
    finally:
        log.removeHandler(handler)
        handler.close()


def excerpt(recording: Recording) -> xr.Dataset:
    """A few whole trials, spread over the recording, and every neuron's mean."""
    chosen = np.unique(np.linspace(0, recording.n_trials - 1, EXCERPT_TRIALS).round().astype(int))
    part = recording.dataset[["activity", *recording.behavior]].isel(trial=chosen)
    if recording.n_bins > 1000:
        part = part.isel(time=slice(0, 1000))
    if recording.n_neurons > 2000:
        part = part.isel(neuron=np.linspace(0, recording.n_neurons - 1, 2000).astype(int))
    mean = recording.activity.mean(axis=(0, 1), dtype=np.float64)
    return part.assign(
        trial_number=("trial", chosen),
        mean_activity=("any_neuron", mean),
        mean_activity_area=("any_neuron", recording.area),
    )


def recorded(part: TargetRun) -> xr.Dataset:
    """What the report needs to draw a target: recorded activity, trial table, folds."""
    problem = part.problem
    fold_of = np.full(len(problem.y), -1)
    for index, fold in enumerate(part.folds):
        fold_of[fold.test] = index
    columns = {
        f"trial_{name}": ("trial", problem.trials[name].to_numpy()) for name in problem.trials
    }
    targets = {
        f"target_{name}": ("target", problem.targets[name].to_numpy().astype(str))
        for name in problem.targets
    }
    return xr.Dataset(
        {"recorded": (("trial", "time", "target"), problem.y)},
        {
            "time": problem.time,
            "fold": ("trial", fold_of),
            "condition": ("trial", part.condition),
            **columns,
            **targets,
        },
        {
            "task": problem.task,
            "source": problem.source,
            "target": problem.target,
            "kind": problem.kind,
            "bin_size": problem.bin_size,
            "n_sources": problem.x.shape[2],
            "windows": int(problem.windows),
        },
    )


def save_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write a dataset, compressed, under its final name only when it is complete."""
    with write_atomically(path) as temporary:
        encoding = {
            str(name): {"zlib": True, "complevel": 4}
            for name in dataset.data_vars
            if dataset[name].dtype.kind in "iuf"
        }
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)
