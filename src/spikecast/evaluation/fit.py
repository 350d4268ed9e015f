"""One model fitted on one fold: the unit of work that is fanned out, stored and resumed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone

from spikecast.core.seeding import derive_seed
from spikecast.models.base import Model
from spikecast.parallel.threads import limit_threads
from spikecast.tasks.splits import Fold


@dataclass(frozen=True)
class Job:
    """Fit `model` on the training trials of `fold` and predict its test trials.

    `metadata` is what the model wants to know besides: ``problem.metadata(model.needs)``;
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

    On one thread, see :func:`spikecast.parallel.threads.limit_threads`.
    """
    model = clone(job.model)
    if "seed" in model.get_params():
        # folds differ in their draws, models of one fold share their validation parts
        model.set_params(seed=derive_seed(job.seed, "fold", job.index))
    with limit_threads():
        started = time.perf_counter()
        model.fit(x[job.fold.train], y[job.fold.train], **job.metadata)
        seconds = time.perf_counter() - started
        x_test = x[job.fold.test]
        prediction = model.predict(x_test).astype(np.float32)
        wanted = job.latents and model.has_latents
        latents = model.transform(x_test).astype(np.float32) if wanted else None
    return Result(job.name, job.index, prediction, latents, seconds, model)
