"""Scores of models, and of predictions that another tool made, on held-out trials."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.checks import (
    MOST_DRAWS,
    check_count,
    check_finite,
    check_kind,
    check_one_of,
    check_same_length,
    check_same_shape,
    check_three_axes,
    check_truth,
    quote,
    to_list,
)
from spikecast.core.errors import InputError, ShapeError
from spikecast.core.notices import NoticeKind
from spikecast.data.binning import check_magnitude, check_prediction_size
from spikecast.data.dataset import Kind, check_in_order
from spikecast.data.quality import find_sorted_column, goes_back
from spikecast.data.recording import Recording
from spikecast.evaluation.beyond import measure_beyond, plan_beyond
from spikecast.evaluation.brought import judge_brought, measure_brought
from spikecast.evaluation.fit import Job, run_job
from spikecast.evaluation.folds import Cut, FoldPair, Folds, check_folds, cut_trials, name_split
from spikecast.evaluation.ladder import add_rungs, check_names, list_rungs, note_context, note_rungs
from spikecast.evaluation.score_table import Predictions, Scores, join_folds, score_folds
from spikecast.models.base import Model, is_counts
from spikecast.models.catalog import MODELS
from spikecast.models.foreign import adapt_model
from spikecast.parallel.executors import Progress, run_jobs
from spikecast.parallel.progress import ignore_progress, open_progress
from spikecast.tasks.behavior import prepare_variables, to_single
from spikecast.tasks.problem import Problem, Task, make_problem
from spikecast.tasks.splits import Fold

Models = Sequence[Any] | Mapping[str, Any]
"""Names of the catalogue and models, or name -> model; see :func:`make_models`."""

NO_FOLDS = NoticeKind(
    "no_folds",
    "serious",
    "no folds were given: nothing shows that the scored trials were held out, and the null is the "
    "mean over them",
)


def cross_validate(
    models: Models,
    task: Task,
    recording: Recording,
    folds: Folds = 5,
    *,
    split: str = "trial",
    strata: str | None = None,
    shifts: int = 40,
    seed: int = 0,
    executor: Executor | None = None,
    progress: bool | Progress = False,
) -> Scores:
    """Score models on held-out trials of one recording.

    The rungs of the ladder (``psth``, ``drift``, ``source_free`` and, where it was recorded,
    ``behavior``) are fitted in the same folds as the models, and are nulls of all others.
    Everything a model learns, it learns from the fold's training trials.

    Parameters
    ----------
    models : sequence of names and models, or mapping of name -> model
        Names of the catalogue (``spikecast models``), or models with settings of your own. Any
        object with ``fit(x, y)`` and ``predict(x)`` on arrays (trial, time, neuron) is a model (see
        :class:`spikecast.models.ForeignModel`).
    task : Task
        What predicts what, for example :class:`spikecast.AreaToArea`.
    recording : Recording
    folds : int, Split, str or array, splitter, or sequence of (train, test)
        Parts that the trials are cut into; each is predicted once, by models that learnt from the
        others. As a :class:`spikecast.splits.Split` also the gap between blocks. Your own folds are
        the name of a trial column, or its values (``"train"`` and ``"test"``, or a value per part;
        trials without one are not used), a splitter of scikit-learn, or pairs of numbers of trials.
        Only trials in a test part are scored, each once.
    split : {"trial", "stratum", "block"}
        Random trials; the same share of every stratum; contiguous blocks. Windows cut from one
        continuous trial are always split in blocks, with a gap of at least one window.
    strata : str, optional
        Trial column that names the strata; what a splitter is given as ``y`` and ``groups``.
    shifts : int
        Of the shift test of what the source tells beyond the highest rung (``scores.beyond``); 0
        measures no such thing.
    seed : int
        Same seed, same numbers, for any number of workers.
    executor : concurrent.futures.Executor, optional
        Processes to fit in; by default here, one after the other.
    progress : bool or callable
        Whether to draw a bar on standard error; or what is called with the name of what is done,
        the number of fits that are done, and that of all.

    Returns
    -------
    Scores
        With the predictions of the trials that are scored.

    Raises
    ------
    UnknownNameError
        For a model, split or trial column that is not known.
    InputError
        When a fold scores trials that it learnt from, or a trial is scored twice.
    NotEnoughDataError
        When there are too few trials or spikes.

    See Also
    --------
    spikecast.evaluate : learn from one recording, score another.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.decision_task(40, n_bins=80, stim_onset=0.2, seed=3).recording
    >>> scores = sc.cross_validate(["mean_rate", "pca_ridge"], sc.AreaToArea("MOs"), recording)
    >>> scores.summary()["model"].tolist()[:2]
    ['pca_ridge', 'behavior']
    >>> scores.beyond.rung, scores.beyond.passes
    ('behavior', True)
    """
    problem = make_problem(task, recording)
    cut = cut_trials(problem, folds, split=split, strata=strata, seed=seed)
    with open_progress(progress) as report:
        return score_models(
            make_models(models),
            problem,
            cut,
            session=recording.session,
            shifts=shifts,
            seed=seed,
            executor=executor,
            progress=report,
        )


def score_models(
    models: Mapping[str, Model],
    problem: Problem,
    cut: Cut,
    *,
    session: str = "",
    shifts: int = 40,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress = ignore_progress,
) -> Scores:
    """Fit models and rungs in folds of a problem, and score them; see :func:`cross_validate`."""
    folds, split, gap = cut
    whole = add_rungs(models, problem, split=split, gap=gap)
    predictions, seconds = fit_folds(whole, problem, folds, seed, executor, progress)
    scores = score_folds(problem, folds, predictions, seconds, session=session, seed=seed)
    scores = replace(scores, predictions=Predictions(predictions, folds, len(problem.y)))
    if shifts:
        job = plan_beyond(problem, folds, split=split, gap=gap, n_shifts=shifts, seed=seed)
        (outcome,) = run_jobs({"beyond": (measure_beyond, (job, problem.x, problem.y))}, executor)
        scores = replace(scores, beyond=outcome.result())
    return scores.add_notices(*note_rungs(problem), *note_context(models))


def score_predictions(
    truth: np.ndarray,
    predicted: np.ndarray | Mapping[str, np.ndarray],
    *,
    folds: Sequence[FoldPair] | None = None,
    trials: pd.DataFrame | None = None,
    behavior: np.ndarray | None = None,
    ordered: bool = True,
    name: str = "predicted",
    session: str = "",
    n_resamples: int = 2000,
    seed: int = 0,
) -> Scores:
    """Score predictions of any tool by the metrics and nulls of :func:`cross_validate`.

    Parameters
    ----------
    truth : array, (trial, time, neuron)
        What was recorded: spike counts, or continuous values.
    predicted : array, (trial, time, neuron), or mapping of name -> array
        Expected count per bin, or value, from one tool or several.
    folds : sequence of (train, test), optional
        Numbers of the trials that each prediction was learnt from, and of those that it is scored
        on. Test parts must not overlap; trials in none are not scored. Without folds all trials are
        scored, against the mean over them.
    trials : DataFrame, optional
        One row per trial. Columns ``contrast_left`` and ``contrast_right`` say which trials share a
        condition.
    behavior : array, (trial, time, channel), optional
        Recorded behaviour, for the rung ``behavior``.
    ordered : bool
        Whether trials are in the order in which they were recorded; else there is no rung
        ``drift``.
    name : str
        What the table calls a single prediction.
    session : str
    n_resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    Scores
        Its ``beyond`` has what the best prediction adds to the highest rung; there is no shift
        test without a source (``spikecast score`` takes a file with one).

    Raises
    ------
    ShapeError
        When a prediction has another shape than the truth.
    InputError
        When a fold scores trials that it learnt from, or a trial is scored twice.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rate = rng.gamma(2.0, 0.5, (40, 10, 3))
    >>> folds = [(np.arange(20), np.arange(20, 40))]
    >>> scores = score_predictions(rng.poisson(rate), rate, folds=folds)
    >>> scores.table["n_test_trials"].unique().tolist(), scores.interval("predicted").low > 0
    ([20], True)
    """
    check_three_axes("truth", truth)
    truth = np.asarray(truth)
    _check_plain(n_resamples, ordered, name, session)
    named = predicted if isinstance(predicted, Mapping) else {name: predicted}
    if not named:
        raise InputError("there is no prediction to score")
    check_names(named)
    for key, values in named.items():
        check_same_shape("truth", truth, key, values)
        check_prediction_size(key, np.asarray(values))
    trials = _check_trials(trials, len(truth))
    every = np.arange(len(truth))
    cut = [Fold(every, every)] if folds is None else check_folds(folds, len(truth))
    targets = pd.DataFrame({"neuron": np.arange(truth.shape[2])})
    kind: Kind = "counts" if is_counts(truth) else "continuous"
    nothing = np.zeros((*truth.shape[:2], 1))  # the rungs read its number of bins
    time = np.arange(truth.shape[1], dtype=float)
    problem = Problem("predictions", "", "", nothing, truth, kind, time, 1.0, trials, targets)
    ordered = ordered and find_sorted_column(trials) is None and not goes_back(trials)
    variables = {} if behavior is None else {"behavior": _read_behavior(behavior, truth)}
    channels = prepare_variables(variables, truth)
    problem = replace(problem, behavior=channels.values, ordered=ordered)
    predictions = {key: [np.asarray(one)[fold.test] for fold in cut] for key, one in named.items()}
    seconds = {key: [float("nan")] * len(cut) for key in named}
    if folds is not None:
        rungs = fit_folds(add_rungs({}, problem, split=name_split(cut)), problem, cut, seed, None)
        predictions, seconds = predictions | rungs[0], seconds | rungs[1]
    scores = score_folds(
        problem, cut, predictions, seconds, session=session, n_resamples=n_resamples, seed=seed
    )
    if folds is not None:
        rung = list_rungs(problem)[-1]
        leader = max(named, key=lambda key: scores.interval(key).value)
        gain = measure_brought(
            truth,
            join_folds(problem, cut, predictions[rung]),
            np.asarray(named[leader]),
            cut,
            n_resamples=n_resamples,
            seed=seed,
        )
        scores = replace(scores, beyond=judge_brought(rung, gain, None, "no_source"))
    scores = replace(scores, predictions=Predictions(predictions, cut, len(truth)))
    rungs_notices = [NO_FOLDS()] if folds is None else note_rungs(problem)
    return scores.add_notices(*channels.notices, *rungs_notices)


def _check_plain(n_resamples: int, ordered: bool, name: str, session: str) -> None:
    """Raise where one of the plain arguments of :func:`score_predictions` is of another type."""
    check_count("n_resamples", n_resamples, 1, MOST_DRAWS)
    check_truth("ordered", ordered)
    check_kind(name, str)
    check_kind(session, str)


def _check_trials(trials: pd.DataFrame | None, n_trials: int) -> pd.DataFrame:
    """Return the table of the trials, one row for each; without columns where none is given."""
    check_kind(trials, pd.DataFrame, type(None))
    check_in_order("trials", trials)
    trials = pd.DataFrame(index=range(n_trials)) if trials is None else trials
    check_same_length("trials", len(trials), "the trial axis of truth", n_trials)
    return trials


def _read_behavior(behavior: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return behaviour (trial, time, channel) once checked; a single channel may lack its axis."""
    check_finite("behavior", behavior)
    values = np.asarray(behavior)
    values = values[..., np.newaxis] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[:2] != truth.shape[:2]:
        raise ShapeError(
            f"behavior has shape {np.shape(behavior)}; it must start with (trial, time) = "
            f"{truth.shape[:2]}"
        )
    check_magnitude("value of behavior", values)
    return to_single(values)


def make_models(models: Models) -> dict[str, Model]:
    """Return name -> model for names, models, or a mapping.

    Examples
    --------
    >>> from spikecast.models.linear import PCARidge
    >>> list(make_models(["mean_rate", PCARidge(n_components=3)]))
    ['mean_rate', 'PCARidge']
    """
    needed = "a list of names and models, or a mapping of name -> model"
    if isinstance(models, str):
        raise InputError(f"models is {quote(models)}; it must be {needed}")
    if isinstance(models, Mapping):
        return {name: adapt_model(model) for name, model in models.items()}
    named: dict[str, Model] = {}
    for model in to_list("models", models, needed):
        name = model if isinstance(model, str) else type(model).__name__
        if name in named:
            raise InputError(f"two models are called '{name}'; give a mapping of name -> model")
        if isinstance(model, str):
            named[name] = MODELS[check_one_of("model", name, list(MODELS))]()
        else:
            named[name] = adapt_model(model)
    return named


def fit_folds(
    models: Mapping[str, Model],
    problem: Problem,
    folds: Sequence[Fold],
    seed: int,
    executor: Executor | None,
    progress: Progress = ignore_progress,
) -> tuple[dict[str, list[np.ndarray]], dict[str, list[float]]]:
    """Fit every model in every fold; return predictions and seconds, by model and fold."""
    predictions = {name: [np.empty(0)] * len(folds) for name in models}
    seconds = {name: [0.0] * len(folds) for name in models}
    calls = {}
    for name, model in models.items():
        for index, fold in enumerate(folds):
            job = Job(name, model, index, fold, seed, problem.metadata(), latents=False)
            calls[f"{name}, fold {index}"] = run_job, (job, problem.x, problem.y)
    for done, outcome in enumerate(run_jobs(calls, executor), start=1):
        result = outcome.result()
        progress(outcome.name, done, len(calls))
        predictions[result.name][result.index] = result.prediction
        seconds[result.name][result.index] = result.fitted.seconds
    return predictions, seconds
