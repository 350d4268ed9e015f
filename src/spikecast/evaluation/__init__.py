"""Cross-validation, score tables, intervals and what they say in plain words."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from spikecast.core.checks import check_one_of
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import Job, run
from spikecast.evaluation.score_table import Scores, score
from spikecast.models.base import Model
from spikecast.models.catalog import MODELS
from spikecast.models.foreign import adapt_model
from spikecast.parallel.executors import run_jobs
from spikecast.tasks.splits import Fold, split_trials
from spikecast.tasks.tasks import Problem, Task

Models = Sequence[str] | Mapping[str, Any]


def cross_validate(
    models: Models,
    task: Task,
    recording: Recording,
    folds: int = 5,
    *,
    split: str = "trial",
    strata: str | None = None,
    gap: int = 0,
    seed: int = 0,
    executor: Executor | None = None,
) -> Scores:
    """Score models on held-out trials of one recording.

    The nulls are fitted in the same folds as the models; everything a model learns, it learns from
    the fold's training trials.

    Parameters
    ----------
    models : sequence of names, or mapping of name -> model
        Names of the catalogue (``spikecast models``), or models with settings of your own. Any
        object with ``fit(x, y)`` and ``predict(x)`` is a model (see
        :class:`spikecast.models.ForeignModel`).
    task : Task
        What predicts what.
    recording : Recording
    folds : int
    split : {"trial", "stratum", "block"}
        Random trials; the same share of every stratum; contiguous blocks. Windows cut from one
        continuous trial are always split in blocks, with a gap of at least one window.
    strata : str, optional
        Trial column that names the strata.
    gap : int
        Trials left out on either side of a test block.
    seed : int
        Same seed, same numbers, for any number of workers.
    executor : concurrent.futures.Executor, optional
        Processes to fit in; by default here, one after the other.

    Returns
    -------
    Scores

    Examples
    --------
    >>> import spikecast
    >>> from spikecast.tasks.tasks import AreaToArea
    >>> recording = spikecast.simulate.decision_task(n_trials=60, seed=3).recording
    >>> scores = cross_validate(["mean_rate", "pca_ridge"], AreaToArea("MOs"), recording)
    >>> scores.summary()["model"].tolist()
    ['pca_ridge', 'mean_rate']
    """
    problem = task.problem(recording)
    cut = make_folds(problem, folds, split=split, strata=strata, gap=gap, seed=seed)
    named = make_models(models)
    jobs = {
        f"{name}, fold {index}": Job(name, model, index, fold, seed, problem.metadata(model.needs))
        for name, model in named.items()
        for index, fold in enumerate(cut)
    }
    calls = {what: (run, (job, problem.x, problem.y)) for what, job in jobs.items()}
    predictions: dict[str, list[np.ndarray]] = {name: [np.empty(0)] * len(cut) for name in named}
    seconds = {name: [0.0] * len(cut) for name in named}
    for done in run_jobs(calls, executor):
        result = done.result()
        predictions[result.name][result.index] = result.prediction
        seconds[result.name][result.index] = result.seconds
    return score(problem, cut, predictions, seconds, session=recording.session, seed=seed)


def make_models(models: Models) -> dict[str, Model]:
    """Return name -> model, of names of the catalogue or a mapping of any models."""
    if isinstance(models, Mapping):
        return {name: adapt_model(model) for name, model in models.items()}
    return {name: MODELS[check_one_of("model", name, list(MODELS))]() for name in models}


def make_folds(
    problem: Problem,
    folds: int,
    *,
    split: str = "trial",
    strata: str | None = None,
    gap: int = 0,
    seed: int = 0,
) -> list[Fold]:
    """Return the folds of a problem's trials.

    Parameters
    ----------
    problem : Problem
        Of a task: ``task.problem(recording)``.
    folds, split, strata, gap, seed
        As for :func:`cross_validate`.

    Returns
    -------
    list of Fold
        Trials to train on and to test on.

    Examples
    --------
    >>> import spikecast
    >>> from spikecast.tasks.tasks import AreaToArea
    >>> problem = AreaToArea("MOs").problem(spikecast.load("simulated"))
    >>> [len(fold.test) for fold in make_folds(problem, 4)]
    [50, 50, 50, 50]
    """
    labels = None
    if strata is not None:
        check_one_of("trial column", strata, list(problem.trials))
        labels = problem.trials[strata].to_numpy()
    if problem.windows:
        split, gap = "block", max(gap, 1)
    return split_trials(split, len(problem.y), folds, seed=seed, strata=labels, gap=gap)
