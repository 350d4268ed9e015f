"""Make the directory of an atlas, job by job, so that a killed one goes on."""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from spikecast.analysis.conditions import number_conditions
from spikecast.core.errors import RunError
from spikecast.core.files import write_atomically, write_json, write_text
from spikecast.core.jsonl_store import JsonlStore
from spikecast.core.schema import read_block, to_yaml
from spikecast.data.recording import Recording
from spikecast.models.base import Model
from spikecast.parallel.executors import (
    Call,
    JobOutcome,
    Progress,
    check_engine,
    open_executor,
    run_jobs,
)
from spikecast.parallel.memory import release_memory
from spikecast.parallel.shared_data import SharedValue, share_value
from spikecast.runs.atlas import claims, pooling, records, tables
from spikecast.runs.atlas.contents import StoredJob
from spikecast.runs.atlas.journal import check_journal
from spikecast.runs.atlas.plan import (
    PairJob,
    SessionPlan,
    Sources,
    make_sources,
    name_data,
    plan_jobs,
    plan_sessions,
)
from spikecast.runs.atlas.settings import AtlasSettings
from spikecast.runs.layout import AtlasLayout
from spikecast.runs.manifest import describe_process, finish_manifest, update_manifest
from spikecast.runs.run_directory import open_run_directory
from spikecast.tasks.behavior import leave_out_unrecorded

log = logging.getLogger("spikecast")


@dataclass(frozen=True)
class AtlasOutcome:
    """How an atlas ended."""

    folder: Path
    n_jobs: int
    failed: dict[str, str] = field(default_factory=dict)  # job -> why
    unrecorded: dict[str, str] = field(default_factory=dict)  # fitted, but not written down: why


def run_atlas(
    settings: AtlasSettings,
    out: str | Path,
    *,
    sources: Sources | None = None,
    models: Mapping[str, Model | None] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    engine: str = "local",
    executor: Executor | None = None,
    progress: Progress = lambda what, done, total: None,
) -> AtlasOutcome:
    """Predict every area from every other, in every session, and return how that ended.

    A job that fails leaves its reason in the table, and the others go on.

    Parameters
    ----------
    sources : mapping, optional
        What opens the data that the settings name; by default they are files and data sets.
    models : mapping of name -> Model, optional
        Instead of those that the settings name; None is the ridge of all pairs at once.
    resume : bool
        Go on with an interrupted atlas of the same settings and data; failed jobs are done again.
    engine, workers
        See :func:`spikecast.parallel.executors.open_executor`; they change no number.
    executor : concurrent.futures.Executor, optional
        Used instead: a Dask client's ``get_executor()``, MPI's, or another that has processes.

    Raises
    ------
    RunError
        When `out` holds something else, or another process writes there.
    """
    check_engine(engine)
    progress("reading the data", 0, 0)
    if sources is None:
        sources = make_sources(name_data(settings.data), settings.selection)
    models = settings.build_models() if models is None else models
    sessions = list(plan_sessions(settings, sources))
    layout, written = AtlasLayout(Path(out)), to_yaml(settings)
    atlas = _Atlas(layout, settings, sources, models, sessions)
    identity = {session.name: session.identity for session in sessions}
    with open_run_directory(layout.settings, written, identity, resume=resume, overwrite=overwrite):
        if layout.manifest.exists():
            log.info("resumed")
        else:
            write_text(layout.settings, written)
            data = {"hash": identity, "sessions": atlas.describe_sessions()}
            write_json(layout.manifest, describe_process() | {"data": data, "failed": {}})
            log.info("started: %d sessions", len(sessions))
        outcome = atlas.run(workers, engine, executor, progress)
        if outcome.unrecorded and not JsonlStore(layout.jobs, StoredJob).records:
            why = next(iter(outcome.unrecorded.values()))
            raise RunError(f"no job of the atlas could be recorded, the first because: {why}")
        progress("writing the tables", 0, 0)
        atlas.write_tables()
        if outcome.unrecorded:
            update_manifest(layout.folder, failed=outcome.failed)
        else:
            finish_manifest(layout.folder, failed=outcome.failed)
        log.info("finished; %d of %d jobs failed", len(outcome.failed), outcome.n_jobs)
    return outcome


def read_settings(out: str | Path) -> AtlasSettings:
    """Return the settings of an atlas; RunError where there is none."""
    path = AtlasLayout(Path(out)).settings
    if not path.exists():
        raise RunError(f"'{out}' is not an atlas: it has no {path.name}")
    return read_block(path, AtlasSettings)


@dataclass(frozen=True)
class _Atlas:
    """What is computed, from what, and where it goes."""

    layout: AtlasLayout
    settings: AtlasSettings
    sources: Sources
    models: Mapping[str, Model | None]
    sessions: list[SessionPlan]

    @property
    def jobs(self) -> list[tuple[SessionPlan, PairJob]]:
        """Every job with its session, in the order of the tables."""
        return [(session, job) for session in self.sessions
                for job in plan_jobs(session, self.models)]  # fmt: skip

    def describe_sessions(self) -> dict[str, dict[str, Any]]:
        """Return what the manifest says of each session."""
        facts = (
            *("path", "index", "kind", "n_trials", "windows", "bin_size", "areas", "left_out"),
            *("coincident", "ordered", "rung", "taken", "n_conditions"),
        )
        return {
            session.name: {name: getattr(session, name) for name in facts}
            for session in self.sessions
        }

    def write_tables(self) -> None:
        """Write the tables of all jobs in the journal."""
        stored = JsonlStore(self.layout.jobs, StoredJob).records
        asked = [(session, job) for session, job in self.jobs if job.model in self.models]
        scores = tables.tabulate_scores(asked, stored)
        cells = tables.average_draws(scores)
        cells = claims.test_cells(cells, self.sessions, stored)
        seconds = [
            {"job": name, "seconds": record["seconds"]}
            for name, record in sorted(stored.items())
            if "seconds" in record
        ]
        frames = {
            "scores": scores,
            "cells": cells,
            "pooled": pooling.pool_sessions(cells, stored, self.settings),
            "timings": pd.DataFrame(seconds),
        }
        for name, frame in frames.items():
            with write_atomically(self.layout.table(name)) as temporary:
                frame.to_csv(temporary, index=False)
        if find_spec("pyarrow"):
            with write_atomically(self.layout.parquet) as temporary:
                scores.to_parquet(temporary, index=False)

    def run(
        self, workers: int | None, engine: str, executor: Executor | None, progress: Progress
    ) -> AtlasOutcome:
        """Do the jobs that the journal lacks."""
        journal, jobs = JsonlStore(self.layout.jobs, StoredJob), self.jobs
        missing: dict[str, list[PairJob]] = {}
        marks = {session.name: _mark(session, self.settings) for session in self.sessions}
        whose = {job.name: marks[session.name] for session, job in jobs}
        check_journal(self.layout.jobs, journal.records, jobs, marks)
        for session, job in jobs:
            if "pairs" not in journal.records.get(job.name, {}):
                missing.setdefault(session.name, []).append(job)
        plans = [session for session in self.sessions if session.name in missing]
        n_missing = sum(map(len, missing.values()))
        outcome = AtlasOutcome(self.layout.folder, len(jobs))
        progress("fitting", len(jobs) - n_missing, len(jobs))
        loaders = {path: self.sources[path]() for path in {plan.path for plan in plans}}
        with ExitStack() as stack:
            # with what a killed process left there
            stack.callback(shutil.rmtree, self.layout.shared, ignore_errors=True)
            pool = executor or stack.enter_context(open_executor(n_missing, workers, engine))
            # here, one session is in memory at a time; processes map files, and none has to wait
            for batch in [[plan] for plan in plans] if pool is None else [plans]:
                with ExitStack() as shares:
                    calls: dict[str, Call] = {}
                    for plan in batch:
                        recording, _ = leave_out_unrecorded(loaders[plan.path][plan.index]())
                        handle = shares.enter_context(
                            share_value(recording, pool, self.layout.shared)
                        )
                        calls |= self._make_calls(plan, missing[plan.name], recording, handle)
                        del recording
                    if pool is not None:
                        loaders.clear()  # what the workers map is on the disk
                    release_memory()
                    for result in run_jobs(calls, pool):
                        _record_outcome(result, journal, outcome, whose[result.name])
                        n_missing -= 1
                        progress(result.name, len(jobs) - n_missing, len(jobs))
        return outcome

    def _make_calls(
        self, session: SessionPlan, jobs: list[PairJob], recording: Recording, handle: SharedValue
    ) -> dict[str, Call]:
        """Return the calls of some jobs of a session."""
        condition = number_conditions(recording.trials, self.settings.conditions)
        if recording.n_trials == 1:
            condition = condition.repeat(session.n_trials)
        scoring = records.Scoring(condition, self.settings.bootstrap, self.settings.seed)
        calls: dict[str, Call] = {}
        for job in jobs:
            model = self.models.get(job.model)
            score = records.score_by_ridge if model is None else records.score_by_model
            pair = () if model is None else (job.pair, model)
            arguments = (handle, session, job.draw, *pair, scoring)
            calls[job.name] = (_time_call, (score, arguments))
        return calls


def _mark(session: SessionPlan, settings: AtlasSettings) -> str:
    """Return a mark of a session's data and of how they are asked; the journal has it."""
    asked = settings.model_dump(mode="json", exclude={"data", "sessions", "targets", "models"})
    text = json.dumps([session.identity, asked], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _record_outcome(
    result: JobOutcome, journal: JsonlStore, outcome: AtlasOutcome, mark: str
) -> None:
    """Write down how a job ended."""
    name, record = result.name, result.value
    if result.failure:
        outcome.failed[name] = result.failure
        log.info("%s failed: %s", name, result.failure)
        record = {"failed": result.failure}
    else:
        log.info("%s fitted in %.2f s", name, record["seconds"])
    try:
        journal.append(name, record | {"of": mark, "job": name})
    except OSError as error:
        outcome.unrecorded[name] = str(error)


def _time_call(function: Callable, arguments: tuple) -> dict[str, Any]:
    """Return the records of a call, and its seconds."""
    started = time.perf_counter()
    return {"pairs": function(*arguments), "seconds": time.perf_counter() - started}
