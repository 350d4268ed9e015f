"""Does it help to fit several sessions together? The same folds, with and without the others."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from spikecast.core.checks import (
    check_count,
    check_in_range,
    check_kind,
    check_one_of,
    check_same_length,
)
from spikecast.core.errors import InputError
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.identity import identify
from spikecast.data.recording import Recording
from spikecast.evaluation.cross_validation import Models, fit_folds, make_models
from spikecast.evaluation.fit import Timed, adapt_session, fit_sessions
from spikecast.evaluation.folds import make_folds
from spikecast.evaluation.ladder import add_rungs
from spikecast.evaluation.score_table import Scores, score_folds
from spikecast.models.sessions import ManySessions
from spikecast.parallel.executors import run_jobs
from spikecast.tasks.problem import Problem, Task, make_problem
from spikecast.tasks.splits import Fold

FoldResult = tuple[int, int, np.ndarray, float]
"""Session, fold, prediction of its test trials, seconds of fit."""


@dataclass(frozen=True)
class _Sessions:
    """The problem of each session, its folds, and a label per trial that sessions share, if any."""

    problems: Sequence[Problem]
    cuts: Sequence[Sequence[Fold]]
    labels: Sequence[np.ndarray | None]
    seed: int


def cross_validate_sessions(
    models: Models,
    shared: Mapping[str, ManySessions],
    tasks: Task | Sequence[Task],
    recordings: Sequence[Recording],
    folds: int = 5,
    *,
    ways: Sequence[str] = ("joint", "adapted"),
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
    >>> scores[0].models[-2:]
    ['joint timescales', 'adapted timescales']
    """
    check_kind(shared, Mapping)
    check_kind(recordings, Sequence)
    for many in shared.values():
        check_kind(many, ManySessions)
    _check_recordings(recordings)
    for way in ways:
        check_one_of("way", way, list(WAYS))
    if n_train is not None:
        n_train = check_count("n_train", n_train, 1)
    each = list(tasks) if isinstance(tasks, Sequence) else [tasks] * len(recordings)
    check_same_length("tasks", len(each), "recordings", len(recordings))
    problems = [
        make_problem(task, recording) for task, recording in zip(each, recordings, strict=True)
    ]
    cuts = [
        [
            _limit_training(fold, n_train, make_rng(seed, "few trials", session, index))
            for index, fold in enumerate(make_folds(problem, folds, seed=seed))
        ]
        for session, problem in enumerate(problems)
    ]
    labels = [_find_labels(problem, condition) for problem in problems]
    sessions = _Sessions(problems, cuts, labels, seed)
    together = {
        f"{way} {name}": _fit_together(many, sessions, way, executor)
        for name, many in shared.items()
        for way in ways
    }
    scores = []
    for session, (problem, cut) in enumerate(zip(problems, cuts, strict=True)):
        whole = add_rungs(make_models(models), problem)
        predictions, seconds = fit_folds(whole, problem, cut, seed, executor)
        for name, results in together.items():
            here = sorted((one for one in results if one[0] == session), key=lambda one: one[1])
            predictions[name] = [prediction for _, _, prediction, _ in here]
            seconds[name] = [duration for *_, duration in here]
        name = recordings[session].session
        scores.append(score_folds(problem, cut, predictions, seconds, session=name, seed=seed))
    return scores


def _check_recordings(recordings: Sequence[Recording]) -> None:
    """Raise unless there are several recordings, alike in bins, and none of them given twice."""
    check_in_range("the number of recordings", len(recordings), 2)
    for recording in recordings:
        check_kind(recording, Recording)
    sizes = {f"{recording.bin_size:g}" for recording in recordings}
    if len(sizes) > 1:
        raise InputError(
            f"the recordings have bins of {' and '.join(sorted(sizes))} s; bin them alike: what "
            "they share is learnt bin by bin"
        )
    hashes = [identify(recording)["activity"] for recording in recordings]
    if twice := [number for number, one in enumerate(hashes) if one in hashes[:number]]:
        first = hashes.index(hashes[twice[0]])
        raise InputError(
            f"recordings {first} and {twice[0]} hold the same activity: trials that are scored "
            "would be learnt from; give each session once"
        )


def _limit_training(fold: Fold, n_train: int | None, rng: np.random.Generator) -> Fold:
    if n_train is None or n_train >= fold.train.size:
        return fold
    return Fold(np.sort(rng.choice(fold.train, n_train, replace=False)), fold.test)


def _find_labels(problem: Problem, column: str | None) -> np.ndarray | None:
    if column is None:
        return None
    check_one_of("trial column", column, list(problem.trials))
    return problem.trials[column].to_numpy()


def _fit_together(
    many: ManySessions, sessions: _Sessions, way: str, executor: Executor | None
) -> list[FoldResult]:
    """Fit sessions together in one way; return the results of all sessions and folds."""
    fit = WAYS[way]
    n_jobs = len(sessions.cuts[0]) if fit is _fit_joint else len(sessions.problems)
    calls = {str(number): (fit, (many, sessions, number)) for number in range(n_jobs)}
    return [part for done in run_jobs(calls, executor) for part in done.result()]


def _fit_joint(many: ManySessions, sessions: _Sessions, index: int) -> list[FoldResult]:
    """Fit one fold of all sessions together; seconds are a session's share."""
    folds = [cut[index] for cut in sessions.cuts]
    rows = {session: fold.train for session, fold in enumerate(folds)}
    fitted = _fit_rows(many, sessions, rows, derive_seed(sessions.seed, "fold", index))
    seconds = fitted.seconds / len(folds)
    return [
        (session, index, fitted.model.predict(problem.x[fold.test], session).astype(np.float32),
         seconds)
        for session, (problem, fold) in enumerate(zip(sessions.problems, folds, strict=True))
    ]  # fmt: skip


def _fit_adapted(many: ManySessions, sessions: _Sessions, session: int) -> list[FoldResult]:
    """Learn the core from the other sessions and adapt it to this one, fold by fold.

    Seconds are those of adapting: the core is learnt once.
    """
    rows = {
        other: np.arange(len(problem.y))
        for other, problem in enumerate(sessions.problems)
        if other != session
    }
    core = _fit_rows(many, sessions, rows, derive_seed(sessions.seed, "core", session)).model
    problem, label = sessions.problems[session], sessions.labels[session]
    results = []
    for index, fold in enumerate(sessions.cuts[session]):
        fitted = adapt_session(
            core,
            problem.x[fold.train],
            problem.y[fold.train],
            None if label is None else label[fold.train],
            seed=derive_seed(sessions.seed, "fold", index),
            metadata=problem.metadata(core.needs),
        )
        prediction = fitted.model.predict(problem.x[fold.test]).astype(np.float32)
        results.append((session, index, prediction, fitted.seconds))
    return results


def _fit_rows(
    many: ManySessions, sessions: _Sessions, rows: Mapping[int, np.ndarray], seed: int
) -> Timed[ManySessions]:
    """Fit some trials of some sessions together; `rows` is session -> trials."""
    problems = {session: sessions.problems[session] for session in rows}
    labels = [(sessions.labels[session], trials) for session, trials in rows.items()]
    conditions = [label[trials] for label, trials in labels if label is not None]
    known = [problem.metadata(many.needs) for problem in problems.values()]
    return fit_sessions(
        many,
        [problem.x[rows[session]] for session, problem in problems.items()],
        [problem.y[rows[session]] for session, problem in problems.items()],
        conditions or None,
        seed=seed,
        metadata={name: [of_session[name] for of_session in known] for name in many.needs},
    )


WAYS: dict[str, Callable[[ManySessions, _Sessions, int], list[FoldResult]]] = {
    "joint": _fit_joint,
    "adapted": _fit_adapted,
}
"""How sessions are fitted together."""
