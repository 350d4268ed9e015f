"""Does it help to fit several sessions together? The same folds, with and without the others."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
from sklearn.base import clone

from spikecast.core.checks import check_in_range, check_one_of, check_same_length
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.recording import Recording
from spikecast.evaluation import Models, make_folds, make_models
from spikecast.evaluation.fit import Job, run
from spikecast.evaluation.score_table import Scores, score
from spikecast.models.sessions import ManySessions
from spikecast.parallel.executors import run_jobs
from spikecast.parallel.threads import limit_threads
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import Problem, Task

WAYS = ("joint", "adapted")

Outcome = tuple[int, int, np.ndarray, float]
"""Session, fold, prediction of its test trials, seconds of fit."""


def cross_validate_sessions(
    models: Models,
    shared: Mapping[str, ManySessions],
    tasks: Task | Sequence[Task],
    recordings: Sequence[Recording],
    folds: int = 5,
    *,
    ways: Sequence[str] = WAYS,
    condition: str | None = None,
    n_train: int | None = None,
    seed: int = 0,
    executor: Executor | None = None,
) -> list[Scores]:
    """Score models fitted on each session alone, on all together, and adapted to a new one.

    A fold's test trials are never learnt from. ``joint``: one fit of the training trials of all
    sessions. ``adapted``: the core is learnt from all trials of the *other* sessions, then read-in
    and readout from this session's training trials, as for a session recorded later.

    Parameters
    ----------
    models : sequence of names, or mapping of name -> model
        Fitted on each session alone; as in :func:`spikecast.cross_validate`.
    shared : mapping of name -> ManySessions
        The table has them as ``"joint NAME"`` and ``"adapted NAME"``.
    tasks : Task, or one per recording
    recordings : sequence of Recording
        At least two, with equally many bins.
    folds : int
    ways : sequence of {"joint", "adapted"}
    condition : str, optional
        Trial column whose values say which trials of two sessions are alike, for the read-ins'
        start; see :meth:`ManySessions.fit`.
    n_train : int, optional
        Learn from so many trials of a fold's training part, drawn at random (from all of them
        where there are fewer): what a short session would have had.
    seed : int
    executor : concurrent.futures.Executor, optional
        Processes to fit in.

    Returns
    -------
    list of Scores
        One per recording.

    Examples
    --------
    >>> from spikecast.data import simulate
    >>> from spikecast.tasks.tasks import AreaToArea
    >>> sizes = {"VISp": 12, "MOs": 8}
    >>> recordings = [
    ...     simulate.decision_task(20, sizes, n_bins=60, stim_onset=0.2, seed=seed).recording
    ...     for seed in (1, 2)]
    >>> many = ManySessions("timescales", {"n_latents": 8, "n_components": 8, "epochs": 1})
    >>> scores = cross_validate_sessions(
    ...     ["mean_rate"], {"timescales": many}, AreaToArea("MOs"), recordings, folds=2)
    >>> scores[0].models
    ['mean_rate', 'joint timescales', 'adapted timescales']
    """
    check_in_range("the number of recordings", len(recordings), 2)
    for way in ways:
        check_one_of("way", way, WAYS)
    every = list(tasks) if isinstance(tasks, Sequence) else [tasks] * len(recordings)
    check_same_length("tasks", len(every), "recordings", len(recordings))
    problems = [task.problem(recording) for task, recording in zip(every, recordings, strict=True)]
    cuts = [
        [
            _few(fold, n_train, make_rng(seed, "few trials", session, index))
            for index, fold in enumerate(make_folds(problem, folds, seed=seed))
        ]
        for session, problem in enumerate(problems)
    ]
    labels = [_labels(problem, condition) for problem in problems]

    outcomes: dict[str, list[Outcome]] = {}
    named = make_models(models)
    for session, (problem, cut) in enumerate(zip(problems, cuts, strict=True)):
        jobs = [
            Job(name, model, index, fold, seed, problem.metadata(model.needs))
            for name, model in named.items()
            for index, fold in enumerate(cut)
        ]
        calls = {
            f"{job.name}, fold {job.index}": (run, (job, problem.x, problem.y)) for job in jobs
        }
        for done in run_jobs(calls, executor):
            result = done.result()
            outcomes.setdefault(result.name, []).append(
                (session, result.index, result.prediction, result.seconds)
            )
    for name, many in shared.items():
        data = (many, problems, cuts, labels, seed)
        functions = {"joint": (_joint, range(folds)), "adapted": (_adapted, range(len(problems)))}
        for way in ways:
            function, numbers = functions[way]
            shared_calls = {str(number): (function, (*data, number)) for number in numbers}
            outcomes[f"{way} {name}"] = [
                outcome for done in run_jobs(shared_calls, executor) for outcome in done.result()
            ]

    scores = []
    for session, (problem, cut) in enumerate(zip(problems, cuts, strict=True)):
        mine = {
            name: sorted((one[1:] for one in found if one[0] == session), key=lambda one: one[0])
            for name, found in outcomes.items()
        }
        scores.append(
            score(
                problem,
                cut,
                {name: [prediction for _, prediction, _ in found] for name, found in mine.items()},
                {name: [seconds for *_, seconds in found] for name, found in mine.items()},
                session=recordings[session].session,
                seed=seed,
            )
        )
    return scores


def _few(fold: Fold, n_train: int | None, rng: np.random.Generator) -> Fold:
    if n_train is None or n_train >= fold.train.size:
        return fold
    return Fold(np.sort(rng.choice(fold.train, n_train, replace=False)), fold.test)


def _labels(problem: Problem, column: str | None) -> np.ndarray | None:
    if column is None:
        return None
    check_one_of("trial column", column, list(problem.trials))
    return problem.trials[column].to_numpy()


def _joint(
    many: ManySessions,
    problems: Sequence[Problem],
    cuts: Sequence[Sequence[Fold]],
    labels: Sequence[np.ndarray | None],
    seed: int,
    index: int,
) -> list[Outcome]:
    """Fit the training trials of one fold of all sessions; seconds are a session's share."""
    mine = clone(many).set_params(seed=derive_seed(seed, "fold", index))
    folds = [cut[index] for cut in cuts]
    started = time.perf_counter()
    _fit(mine, problems, [fold.train for fold in folds], labels)
    seconds = (time.perf_counter() - started) / len(problems)
    return [
        (session, index, mine.predict(problem.x[fold.test], session).astype(np.float32), seconds)
        for session, (problem, fold) in enumerate(zip(problems, folds, strict=True))
    ]


def _adapted(
    many: ManySessions,
    problems: Sequence[Problem],
    cuts: Sequence[Sequence[Fold]],
    labels: Sequence[np.ndarray | None],
    seed: int,
    session: int,
) -> list[Outcome]:
    """Learn the core from the other sessions and adapt it to this one, fold by fold.

    Seconds are those of adapting: the core is learnt once.
    """
    others = [other for other in range(len(problems)) if other != session]
    mine = clone(many).set_params(seed=derive_seed(seed, "core", session))
    _fit(
        mine,
        [problems[other] for other in others],
        [np.arange(len(problems[other].y)) for other in others],
        [labels[other] for other in others],
    )
    problem, label, outcomes = problems[session], labels[session], []
    for index, fold in enumerate(cuts[session]):
        mine.set_params(seed=derive_seed(seed, "fold", index))
        started = time.perf_counter()
        with limit_threads():
            model = mine.adapt(
                problem.x[fold.train],
                problem.y[fold.train],
                None if label is None else label[fold.train],
                **problem.metadata(mine.needs),
            )
        seconds = time.perf_counter() - started
        prediction = model.predict(problem.x[fold.test]).astype(np.float32)
        outcomes.append((session, index, prediction, seconds))
    return outcomes


def _fit(
    many: ManySessions,
    problems: Sequence[Problem],
    trials: Sequence[np.ndarray],
    labels: Sequence[np.ndarray | None],
) -> None:
    chosen = list(zip(problems, trials, labels, strict=True))
    given = [label[rows] for _, rows, label in chosen if label is not None]
    known = [problem.metadata(many.needs) for problem in problems]
    with limit_threads():
        many.fit(
            [problem.x[rows] for problem, rows, _ in chosen],
            [problem.y[rows] for problem, rows, _ in chosen],
            given or None,
            **{name: [of_session[name] for of_session in known] for name in many.needs},
        )
