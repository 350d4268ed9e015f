"""Fit the models of a run, fold by fold, and store each fit as soon as it is done."""

import json
import logging
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikecast.core.errors import UnsavedModelError
from spikecast.core.files import write_atomically, write_json
from spikecast.core.notices import NoticeKind
from spikecast.core.precision import to_half
from spikecast.evaluation.beyond import Beyond, BeyondJob, measure_beyond
from spikecast.evaluation.fit import Job, JobResult, run_job
from spikecast.models import storage
from spikecast.models.networks.checkpoint import keep_checkpoints
from spikecast.parallel.executors import Call, Progress, open_executor, run_jobs
from spikecast.parallel.memory import release_memory
from spikecast.parallel.shared_data import SharedValue, share_value
from spikecast.runs.fit_files import OWNER
from spikecast.runs.targets import TargetRun

log = logging.getLogger("spikecast")

Failures = dict[str, dict[str, str]]
"""Target -> model -> why it could not be fitted."""

MODEL_NOT_FITTED = NoticeKind("model_not_fitted", "serious", "{model} could not be fitted: {why}")


@dataclass(frozen=True)
class TargetJob:
    """A fit of a model, and the target it belongs to."""

    target: TargetRun
    job: Job

    @property
    def model(self) -> str:
        """The name of its model."""
        return self.job.name

    @property
    def part(self) -> str:
        """Which of the model's fits it is."""
        return f"fold {self.job.index}"

    @property
    def is_done(self) -> bool:
        """Whether its files are there."""
        return self.target.layout.job(self.job.name, self.job.index).exists()

    @property
    def checkpoints(self) -> Path:
        """Folder of the state of its fit."""
        return self.target.layout.checkpoints(self.job.name, self.job.index)

    def make_call(self, shared: SharedValue, *, local: bool) -> Call:
        """Return the call that runs it; only in this machine can it leave checkpoints."""
        return _run, (self.job, shared, self.checkpoints if local else None)

    def store(self, result: JobResult) -> float:
        """Write its files; return its seconds."""
        _save(result, self.job, self.target)
        return result.fitted.seconds


@dataclass(frozen=True)
class TargetBeyond:
    """The measurement of what a source tells beyond the ladder, and the target it belongs to."""

    target: TargetRun
    model = "beyond the ladder"
    part = "all folds"

    @property
    def is_done(self) -> bool:
        """Whether its file is there."""
        return self.target.layout.beyond.exists()

    def make_call(self, shared: SharedValue, *, local: bool) -> Call:
        """Return the call that runs it."""
        return _measure, (self.target.beyond, shared)

    def store(self, result: tuple[Beyond, float]) -> float:
        """Write its files; return its seconds."""
        beyond, seconds = result
        arrays: dict[str, Any] = {}
        for index, record in enumerate(beyond.records):
            arrays |= record.to_arrays(f"{index}_")
        with write_atomically(self.target.layout.beyond_fits) as temporary:
            np.savez_compressed(temporary, **arrays)
        write_json(self.target.layout.beyond, beyond.to_json())
        return seconds


def fit_models(
    targets: Sequence[TargetRun],
    seed: int,
    *,
    workers: int | None = None,
    engine: str = "local",
    shared: Path,
    progress: Progress,
) -> Failures:
    """Fit what is not fitted yet, store it, and return what could not be fitted.

    Processes share arrays in the folder `shared`, which is removed: also what a killed one left.
    """
    jobs: list[TargetJob | TargetBeyond] = [
        TargetBeyond(target) for target in targets if target.beyond.n_shifts
    ]
    jobs += [
        TargetJob(target, Job(name, model, index, fold, seed, target.problem.metadata()))
        for target in targets
        for name, model in target.models.items()
        for index, fold in enumerate(target.folds)
    ]
    missing = {
        f"{job.target.problem.target}: {job.model}, {job.part}": job
        for job in jobs
        if not job.is_done
    }
    failures: Failures = {target.problem.target: {} for target in targets}
    done = len(jobs) - len(missing)
    progress("fitting", done, len(jobs))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, shared, ignore_errors=True)
        pool = stack.enter_context(open_executor(len(missing), workers, engine))
        # once for all jobs of a target: it is a file of the size of the recording
        problems = {job.target.layout: job.target.problem for job in missing.values()}
        handles = {
            layout: stack.enter_context(share_value((problem.x, problem.y), pool, shared))
            for layout, problem in problems.items()
        }
        release_memory()  # what reading took and freed: the processes need it
        # on another machine there is no run directory to leave a checkpoint in
        local = engine == "local"
        calls = {
            name: job.make_call(handles[job.target.layout], local=local)
            for name, job in missing.items()
        }
        for outcome in run_jobs(calls, pool):
            job = missing[outcome.name]
            if outcome.failure:
                log.info("%s failed: %s", outcome.name, outcome.failure)
                reasons = failures[job.target.problem.target]
                reasons.setdefault(job.model, f"{job.part}: {outcome.failure}")
            else:
                log.info("%s fitted in %.2f s", outcome.name, job.store(outcome.value))
            done += 1
            progress(outcome.name, done, len(jobs))
    return failures


def fit_and_store(job: Job, target: TargetRun) -> float:
    """Fit one job in this process and store it; return its seconds."""
    with share_value((target.problem.x, target.problem.y), None) as shared:
        result = _run(job, shared, TargetJob(target, job).checkpoints)
    _save(result, job, target)
    return result.fitted.seconds


def _run(job: Job, shared: SharedValue, checkpoints: Path | None) -> JobResult:
    """Return the result of one job; in any process."""
    release_memory()  # jobs leave pieces free that the next one's large arrays do not fit into
    x, y = shared.get()
    with keep_checkpoints(checkpoints) if checkpoints else nullcontext():
        return run_job(job, x, y)


def _measure(job: BeyondJob, shared: SharedValue) -> tuple[Beyond, float]:
    """Return what a source tells beyond the ladder, and the seconds that took; in any process."""
    release_memory()
    started = time.perf_counter()
    return measure_beyond(job, *shared.get()), time.perf_counter() - started


def _save(result: JobResult, job: Job, target: TargetRun) -> None:
    """Write a job's files, its description last."""
    layout, which = target.layout, (job.name, job.index)
    owner = layout.name_fit(*which)
    description = {
        OWNER: owner,
        "fit_seconds": result.fitted.seconds,
        **result.fitted.model.describe_fit(),
    }
    try:
        description["weights_checksum"] = storage.save(result.fitted.model, layout.weights(*which))
    except UnsavedModelError as error:  # a package's own model: its predictions are kept
        description["weights_not_saved"] = str(error)
    arrays: dict[str, Any] = {
        OWNER: np.array(owner),
        "prediction": result.prediction,
        "test": job.fold.test,
    }
    arrays |= result.fitted.record.to_arrays()
    if result.latents is not None:
        arrays["latents"] = to_half(result.latents)
    with write_atomically(layout.arrays(*which)) as temporary:
        np.savez_compressed(temporary, **arrays)
    write_json(layout.job(*which), json.loads(json.dumps(description, default=str)))
