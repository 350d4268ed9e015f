"""Settings -> the directory of an atlas, job by job, so that a killed one goes on.

=====================================  ===========================================================
``atlas.yaml``                         the settings, defaults included
``manifest.json``                      versions, machine, hashes of the data, when it finished
``jobs.jsonl``                         every finished job, one line each, appended at once
``scores.csv`` (``.parquet``)          every score, tidy; Parquet with the extra ``parquet``
``cells.csv``, ``pooled.csv``          means over draws of neurons, and over sessions
``timings.csv``                        seconds of each job
``log.txt``                            what happened when
``report.html``                        written by :mod:`spikecast.report.atlas.page`
=====================================  ===========================================================
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from spikecast.analysis.conditions import number_conditions
from spikecast.core.errors import RunError
from spikecast.core.files import write_atomically, write_json, write_text
from spikecast.core.jsonl_store import JsonlStore
from spikecast.data import open_sessions
from spikecast.data.recording import Recording
from spikecast.parallel import executors as engines
from spikecast.parallel.executors import Progress
from spikecast.parallel.memory import release_memory
from spikecast.parallel.shared_data import SharedValue, share_value
from spikecast.runs.atlas import records, tables
from spikecast.runs.atlas.plan import Job, Session, jobs, sessions
from spikecast.runs.atlas.settings import Settings
from spikecast.runs.layout import AtlasLayout
from spikecast.runs.run_directory import (
    Identity,
    about_this_run,
    claimed,
    finish,
    logged,
    read_manifest,
)

if TYPE_CHECKING:
    from spikecast.models.base import Model

log = logging.getLogger("spikecast")


@dataclass(frozen=True)
class Done:
    """How an atlas ended.

    Attributes
    ----------
    folder : Path
    n_jobs : int
    failed : dict of job name -> why
    unrecorded : dict of job name -> why
        Done, but the journal could not be written.
    """

    folder: Path
    n_jobs: int
    failed: dict[str, str]
    unrecorded: dict[str, str]


def execute(
    settings: Settings,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    engine: str = "local",
    executor: Executor | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Done:
    """Predict every area from every other, in every session.

    A job that fails leaves its reason in the table, and the others go on.

    Parameters
    ----------
    settings : Settings
    out : str or Path
        The directory.
    resume : bool
        Go on with an interrupted atlas of the same settings and data; failed jobs are done again.
    overwrite : bool
        Replace what is there.
    workers : int, optional
        Processes; does not change any number.
    engine : str
        Who executes; see :func:`spikecast.parallel.executors.open_executor`.
    executor : concurrent.futures.Executor, optional
        Used instead: a Dask client's ``get_executor()``, MPI's, or another that has processes.
    progress : callable, optional

    Returns
    -------
    Done

    Raises
    ------
    RunError
        When `out` holds something else, or another process writes there.
    """
    out = Path(out)
    engines.check_engine(engine)
    progress("reading the data", 0, 0)
    planned = list(sessions(settings))
    written = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)
    fingerprint = {session.name: session.identity for session in planned}
    layout = AtlasLayout(out)

    with (
        claimed(layout.settings, written, fingerprint, resume=resume, overwrite=overwrite),
        logged(layout.log),
    ):
        _prepare(out, written, planned, fingerprint)
        done = _fit(out, settings, planned, workers, engine, executor, progress)
        progress("writing the tables", 0, 0)
        write_tables(out, settings, planned, JsonlStore(AtlasLayout(out).jobs).records)
        if done.unrecorded:
            write_json(AtlasLayout(out).manifest, read_manifest(out) | {"failed": done.failed})
        else:
            finish(out, failed=done.failed)
        log.info("finished; %d of %d jobs failed", len(done.failed), done.n_jobs)
    return done


def read(out: str | Path) -> Settings:
    """Return the settings of an atlas.

    Raises
    ------
    RunError
        When there is none.
    """
    try:
        text = AtlasLayout(Path(out)).settings.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RunError(f"'{out}' is not an atlas: it has no atlas.yaml") from None
    return Settings.model_validate(yaml.safe_load(text))


def write_tables(
    out: Path, settings: Settings, planned: Sequence[Session], found: dict[str, Any]
) -> None:
    """Write the tables of all jobs in the journal."""
    scores = tables.scores(settings, planned, found)
    cells = tables.cells(scores)
    seconds = [
        {"job": name, "seconds": record["seconds"]}
        for name, record in found.items()
        if "seconds" in record
    ]
    frames = {"scores": scores, "cells": cells, "pooled": tables.pooled(cells)}
    for name, frame in (frames | {"timings": pd.DataFrame(seconds)}).items():
        with write_atomically(AtlasLayout(out).table(name)) as temporary:
            frame.to_csv(temporary, index=False)
    if find_spec("pyarrow"):
        with write_atomically(AtlasLayout(out).parquet) as temporary:
            scores.to_parquet(temporary, index=False)


# ------------------------------------------------------------------------------------- stages


def _prepare(
    out: Path, written: str, planned: Sequence[Session], fingerprint: dict[str, Identity]
) -> None:
    if AtlasLayout(out).manifest.exists():
        log.info("resumed")
        return
    write_text(AtlasLayout(out).settings, written)
    about = {
        session.name: {
            "path": session.path,
            "index": session.index,
            "kind": session.kind,
            "n_trials": session.n_trials,
            "bin_size": session.bin_size,
            "areas": session.areas,
            "left_out": session.left_out,
        }
        for session in planned
    }
    data = {"hash": fingerprint, "sessions": about}
    write_json(AtlasLayout(out).manifest, about_this_run() | {"data": data, "failed": {}})
    log.info("started: %d sessions", len(planned))


def _fit(
    out: Path,
    settings: Settings,
    planned: Sequence[Session],
    workers: int | None,
    engine: str,
    executor: Executor | None,
    progress: Progress,
) -> Done:
    models = settings.build_models()
    journal = JsonlStore(AtlasLayout(out).jobs)
    todo = {session.name: jobs(session, models) for session in planned}
    missing = [
        (session, [job for job in todo[session.name] if _lacks(journal, job)])
        for session in planned
    ]
    missing = [(session, some) for session, some in missing if some]
    n_jobs, n_missing = sum(map(len, todo.values())), sum(len(some) for _, some in missing)
    done = Done(out, n_jobs, {}, {})
    progress("fitting", n_jobs - n_missing, n_jobs)
    read = {session.path: open_sessions(session.path) for session, _ in missing}
    with ExitStack() as stack:
        # with what a killed one left there
        stack.callback(shutil.rmtree, AtlasLayout(out).shared, ignore_errors=True)
        pool = executor or stack.enter_context(engines.open_executor(n_missing, workers, engine))
        # here, one session is in memory at a time; processes map files, and none has to wait
        for batch in [[one] for one in missing] if pool is None else [missing]:
            with ExitStack() as held:
                calls: dict[str, engines.Call] = {}
                for session, some in batch:
                    recording = read[session.path][session.index]()
                    folder = AtlasLayout(out).shared
                    handle = held.enter_context(share_value(recording, pool, folder))
                    calls |= _calls(session, recording, some, handle, models, settings)
                    del recording
                if pool is not None:
                    read.clear()  # what the workers map is on the disk
                release_memory()
                for outcome in engines.run_jobs(calls, pool):
                    _keep(outcome, journal, done)
                    n_missing -= 1
                    progress(outcome.name, n_jobs - n_missing, n_jobs)
    return done


def _calls(
    session: Session,
    recording: Recording,
    some: list[Job],
    handle: SharedValue,
    models: dict[str, Model | None],
    settings: Settings,
) -> dict[str, engines.Call]:
    """The calls of a session's jobs."""
    condition = number_conditions(recording.trials, settings.conditions)
    if recording.n_trials == 1:
        condition = condition.repeat(session.n_trials)
    rest = (condition, settings.bootstrap, settings.seed)
    calls: dict[str, engines.Call] = {}
    for job in some:
        model = models[job.model]
        if model is None:
            call: engines.Call = records.ridge, (handle, session, job.draw, *rest)
        else:
            call = records.model, (handle, session, job.draw, job.pair, model, *rest)
        calls[job.name] = (_timed, call)
    return calls


def _keep(outcome: engines.JobOutcome, journal: JsonlStore, done: Done) -> None:
    name, result = outcome.name, outcome.value
    if outcome.failure:
        done.failed[name] = outcome.failure
        log.info("%s failed: %s", name, outcome.failure)
        result = {"failed": outcome.failure}
    else:
        log.info("%s fitted in %.2f s", name, result["seconds"])
    try:
        journal.append(name, result)
    except OSError as error:
        done.unrecorded[name] = str(error)


def _lacks(journal: JsonlStore, job: Job) -> bool:
    return "pairs" not in journal.records.get(job.name, {})


def _timed(function: Callable, arguments: tuple) -> dict[str, Any]:
    started = time.perf_counter()
    return {"pairs": function(*arguments), "seconds": time.perf_counter() - started}
