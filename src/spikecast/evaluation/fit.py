"""One model fitted on one fold: the unit of work that is fanned out, stored and resumed."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from spikecast.core.seeding import derive_seed
from spikecast.models.base import Model
from spikecast.parallel.memory import reuse_memory
from spikecast.tasks.splits import Fold


@dataclass(frozen=True)
class Job:
    """Fit `model` on the training trials of `fold` and predict its test trials.

    `metadata` is what the model wants to know besides: ``problem.metadata(model.wants)``;
    `latents` whether those of the test trials are wanted.
    """

    name: str
    model: Model
    index: int
    fold: Fold
    seed: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    latents: bool = True


@dataclass(frozen=True)
class Result:
    """What came out of a job.

    Attributes
    ----------
    name : str
        Of the model.
    index : int
        Of the fold.
    prediction : array of float32, (test trial, time, target)
    latents : array of float32, (test trial, time, latent), or None
        From the model that never saw these trials.
    seconds : float
        Time of ``fit``, on one thread.
    model : Model
        Fitted.
    """

    name: str
    index: int
    prediction: np.ndarray
    latents: np.ndarray | None
    seconds: float
    model: Model


def run(job: Job, x: np.ndarray, y: np.ndarray) -> Result:
    """Do one job.

    The number of threads changes the order of sums, hence the last digits of a result: every job
    runs on one thread, so that its numbers do not depend on how many run beside it. Small networks
    are also fastest so.
    """
    model = clone(job.model)
    if "seed" in model.get_params():
        # folds differ in their draws, models of one fold share their validation parts
        model.set_params(seed=derive_seed(job.seed, "fold", job.index))
    with one_thread():
        started = time.perf_counter()
        model.fit(x[job.fold.train], y[job.fold.train], **job.metadata)
        seconds = time.perf_counter() - started
        x_test = x[job.fold.test]
        prediction = model.predict(x_test).astype(np.float32)
        wanted = job.latents and model.has_latents
        latents = model.transform(x_test).astype(np.float32) if wanted else None
    return Result(job.name, job.index, prediction, latents, seconds, model)


def run_all(
    jobs: Sequence[Job], x: np.ndarray, y: np.ndarray, executor: Executor | None = None
) -> Iterator[Result]:
    """Do jobs and yield their results as they come: here, or in an executor's processes.

    Parameters
    ----------
    jobs : sequence of Job
    x, y : array, (trial, time, feature)
    executor : concurrent.futures.Executor, optional
        Processes (not threads: a job sets the number of threads of its process).
    """
    if executor is None:
        for job in jobs:
            yield run(job, x, y)
        return
    futures = {executor.submit(run, job, x, y) for job in jobs}
    try:
        for future in as_completed(futures):
            futures.discard(future)  # its result is kept by whoever wants it
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit numpy's and torch's libraries to one thread within the block, where fits are made."""
    reuse_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
