"""The targets of a run: what is predicted, the folds, and what is stored of the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import xarray as xr

from spikecast.core.checksums import name_checksum, write_checksum
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.files import write_atomically, write_json
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.stored import damaged, read_json
from spikecast.core.stored_arrays import write_dataset
from spikecast.data.predictions import read_predictions
from spikecast.data.recording import Recording
from spikecast.evaluation.beyond import Beyond, BeyondJob, Untested, plan_beyond
from spikecast.evaluation.brought import judge_brought, measure_brought
from spikecast.evaluation.folds import make_folds, name_split
from spikecast.evaluation.ladder import add_rungs, check_names
from spikecast.evaluation.score_table import Scores, join_folds, score_folds
from spikecast.models.base import Model
from spikecast.runs.config import Config
from spikecast.runs.contents import EXCERPT_BINS
from spikecast.runs.fit_files import FIT_ARRAYS, OWNER, read_fit_arrays, read_fit_facts
from spikecast.runs.layout import RunLayout, TargetLayout
from spikecast.scoring.scorers import SCORERS
from spikecast.tasks.predictions import make_brought_problem
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import AreaToArea

EXCERPT_TRIALS, EXCERPT_NEURONS = 3, 2000
BESIDE = {"block": "{target} (blocks of trials)", "trial": "{target} (random trials)"}
"""What a target is called where it is scored once more, with a second split."""

SMALL_AREAS = NoticeKind(
    "small_areas",
    "minor",
    "no targets, for they have fewer than {least} neurons (min_neurons): {areas}",
)
SILENT_AREAS = NoticeKind(
    "silent_areas", "minor", "no targets, for fewer than 2 neurons are active enough: {areas}"
)


@dataclass(frozen=True)
class TargetRun:
    """A target that a run fits: its arrays, its folds, the paths of its files."""

    problem: Problem
    folds: list[Fold]
    models: dict[str, Model]  # the config's, and the rungs of the ladder
    beyond: BeyondJob
    layout: TargetLayout
    beside: str = ""  # the target whose second split this is
    brought: Mapping[str, np.ndarray] = field(default_factory=dict)  # predictions of another tool


def make_targets(
    config: Config, recording: Recording, run: RunLayout
) -> tuple[list[TargetRun], list[Notice]]:
    """Return the targets of a config, each with its folds, and which areas 'all' leaves out."""
    if config.brings_predictions:
        return [make_brought_target(recording, config, run)], []
    problems, left_out = _make_problems(config, recording)
    evaluation = config.evaluation
    if evaluation.beside is None:
        return [make_target(one, config, run, evaluation.split) for one in problems], left_out
    if any(problem.windows for problem in problems):
        raise InputError("windows of a long trial are always held out in blocks: leave out beside")
    targets = []
    for problem in problems:
        targets.append(make_target(problem, config, run, evaluation.split))
        name = BESIDE[evaluation.beside].format(target=problem.target)
        again = make_target(replace(problem, target=name), config, run, evaluation.beside)
        targets.append(replace(again, beside=problem.target))
    return targets, left_out


def _make_problems(config: Config, recording: Recording) -> tuple[list[Problem], list[Notice]]:
    """Return the problems of a config; areas of 'all' that cannot be predicted are left out."""
    tasks = config.make_tasks(recording)
    if config.task is None or not config.task.takes_all:
        return [task.problem(recording) for task in tasks], []
    problems, silent = [], {}
    for task in (one for one in tasks if isinstance(one, AreaToArea)):
        try:
            problems.append(task.problem(recording))
        except NotEnoughDataError as error:
            silent[task.target] = error
    if not problems:
        raise next(iter(silent.values()))
    left_out = []
    if small := config.task.list_small_areas(recording):
        named = [f"{name} ({size})" for name, size in small.items()]
        left_out.append(SMALL_AREAS(least=config.task.min_neurons, areas=named))
    if silent:
        left_out.append(SILENT_AREAS(areas=list(silent)))
    return problems, left_out


def make_target(problem: Problem, config: Config, run: RunLayout, split: str) -> TargetRun:
    """Return a target with its folds, as a split cuts the trials."""
    evaluation = config.evaluation
    problem = replace(problem, conditions=evaluation.conditions)
    gap = evaluation.gap if split == "block" or evaluation.beside is None else 0
    models = add_rungs(config.build_models(problem.kind), problem, split=split, gap=gap)
    folds = make_folds(
        problem,
        evaluation.folds,
        split=split,
        strata=evaluation.strata if split == evaluation.split else None,
        gap=gap,
        seed=config.seed,
    )
    beyond = plan_beyond(
        problem,
        folds,
        split=split,
        gap=gap,
        n_shifts=evaluation.shifts,
        n_resamples=evaluation.bootstrap,
        seed=config.seed,
    )
    _check_scored(problem, folds)
    return TargetRun(problem, folds, models, beyond, run.target(problem.target))


def make_brought_target(recording: Recording, config: Config, run: RunLayout) -> TargetRun:
    """Return the target of the config's file of predictions, with the folds that it states."""
    brought = read_predictions(config.data.path)
    check_names(brought.predicted)
    problem = make_brought_problem(brought, recording)
    problem = replace(problem, conditions=config.evaluation.conditions)
    folds = [Fold(*pair) for pair in brought.folds]
    split = name_split(folds)
    beyond = plan_beyond(
        problem,
        folds,
        split=split,
        n_shifts=config.evaluation.shifts if problem.source else 0,
        n_resamples=config.evaluation.bootstrap,
        seed=config.seed,
    )
    rungs, layout = add_rungs({}, problem, split=split), run.target(problem.target)
    _check_scored(problem, folds)
    return TargetRun(problem, folds, rungs, beyond, layout, brought=brought.predicted)


def _check_scored(problem: Problem, folds: list[Fold]) -> None:
    """Raise where nothing can be scored, before anything is fitted or written."""
    SCORERS[problem.kind](problem.y, folds, problem.condition)


def score_target(target: TargetRun, models: list[str], session: str, config: Config) -> Scores:
    """Return the scores of the stored predictions of some models."""
    layout, folds = target.layout, range(len(target.folds))
    predictions, seconds = {}, {}
    for model in [*target.brought, *models]:
        predictions[model] = [_read_prediction(target, model, k) for k in folds]
        seconds[model] = [read_fit_facts(layout, model, k)["fit_seconds"] for k in folds]
    scores = score_folds(
        target.problem,
        target.folds,
        predictions,
        seconds,
        session=session,
        n_resamples=config.evaluation.bootstrap,
        seed=config.seed,
    )
    beyond = read_json(layout.beyond, Beyond) if layout.beyond.exists() else None
    if target.brought:
        beyond = _judge_brought(target, scores, beyond)
    return replace(scores, beyond=beyond)


def _read_prediction(target: TargetRun, model: str, index: int) -> np.ndarray:
    """Return the stored prediction of a fold, (test trial, time, target)."""
    _, n_bins, n_targets = target.problem.y.shape
    sizes = {"time": n_bins, "target": n_targets}
    arrays = read_fit_arrays(target.layout, model, index, FIT_ARRAYS, sizes)
    if not np.array_equal(arrays["test"], target.folds[index].test):
        path = target.layout.arrays(model, index)
        raise damaged(path, "'test' are not the trials that the fold holds out")
    return arrays["prediction"]


def read_held_out(target: TargetRun, model: str) -> np.ndarray:
    """Return a fitted model's predictions, (trial, time, target); 0 in trials never held out."""
    predictions = [_read_prediction(target, model, index) for index in range(len(target.folds))]
    return join_folds(target.problem, target.folds, predictions)


def _judge_brought(target: TargetRun, scores: Scores, of_source: Beyond | None) -> Beyond:
    """Return what the best of the predictions of another tool adds to the highest rung."""
    base = read_held_out(target, target.beyond.rung)
    leader = max(target.brought, key=lambda name: scores.interval(name).value)
    gain = measure_brought(
        target.problem.y,
        base,
        target.brought[leader],
        target.folds,
        n_resamples=scores.n_resamples,
        seed=scores.seed,
    )
    untested: Untested = "off" if target.problem.source else "no_source"
    return judge_brought(target.beyond.rung, gain, of_source, untested)


def save_brought(target: TargetRun) -> None:
    """Store the predictions of another tool as those of a fit are stored, without its record."""
    for name, whole in target.brought.items():
        for index, fold in enumerate(target.folds):
            owner = target.layout.name_fit(name, index)
            prediction = whole[fold.test].astype(np.float32)
            arrays = {OWNER: np.array(owner), "prediction": prediction, "test": fold.test}
            with write_atomically(target.layout.arrays(name, index)) as temporary:
                np.savez_compressed(temporary, **arrays)
            write_json(target.layout.job(name, index), {OWNER: owner, "fit_seconds": np.nan})


def save_problem(target: TargetRun) -> None:
    """Store what the report draws of a target: recorded activity, trial table, folds."""
    problem = target.problem
    in_train, in_test = np.zeros((2, len(target.folds), len(problem.y)), dtype=bool)
    for index, fold in enumerate(target.folds):
        in_train[index, fold.train] = in_test[index, fold.test] = True
    trials = {
        f"trial_{name}": ("trial", problem.trials[name].to_numpy()) for name in problem.trials
    }
    neurons = {
        f"target_{name}": ("target", problem.targets[name].to_numpy().astype(str))
        for name in problem.targets
    }
    dataset = xr.Dataset(
        {"recorded": (("trial", "time", "target"), problem.y)},
        {
            "time": problem.time,
            "in_train": (("fold", "trial"), in_train),
            "in_test": (("fold", "trial"), in_test),
            "condition": ("trial", problem.condition),
            "source_neuron": ("source", problem.source_neurons),
            **trials,
            **neurons,
        },
        {
            "task": problem.task,
            "source": problem.source,
            "target": problem.target,
            "kind": problem.kind,
            "bin_size": problem.bin_size,
            "n_sources": problem.x.shape[2],
            "windows": int(problem.windows),
            "beside": target.beside,
        },
    )
    _save_dataset(dataset, target.layout.problem)


def save_excerpt(recording: Recording, path: Path) -> None:
    """Store a few whole trials, spread over the recording, and every neuron's mean."""
    last = recording.n_trials - 1
    trials = np.unique(np.linspace(0, last, EXCERPT_TRIALS).round().astype(int))
    excerpt = recording.dataset[["activity", *recording.behavior]].isel(trial=trials)
    if recording.n_bins > EXCERPT_BINS:
        excerpt = excerpt.isel(time=slice(0, EXCERPT_BINS))
    if recording.n_neurons > EXCERPT_NEURONS:
        neurons = np.linspace(0, recording.n_neurons - 1, EXCERPT_NEURONS).astype(int)
        excerpt = excerpt.isel(neuron=neurons)
    mean = recording.activity.mean(axis=(0, 1), dtype=np.float64)
    excerpt = excerpt.assign(
        trial_number=("trial", trials),
        mean_activity=("any_neuron", mean),
        mean_activity_area=("any_neuron", recording.area),
    )
    _save_dataset(excerpt, path)


def save_trial_table(recording: Recording, path: Path) -> None:
    """Store the recording's table of trials."""
    with write_atomically(path) as temporary:
        recording.trials.to_csv(temporary, index=False)


def _save_dataset(dataset: xr.Dataset, path: Path) -> None:
    encoding = {
        str(name): {"zlib": True, "complevel": 4}
        for name in dataset.data_vars
        if dataset[name].dtype.kind in "iuf"
    }
    name_checksum(path).unlink(missing_ok=True)
    with write_atomically(path) as temporary:
        write_dataset(temporary, dataset, encoding)
    write_checksum(path)
