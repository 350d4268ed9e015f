"""Scores of models that learn from one recording and are scored on another."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.checks import check_kind, check_same_length
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.quality import MIN_ACTIVE
from spikecast.evaluation.cross_validation import Models, make_models, score_models
from spikecast.evaluation.fit import hash_rows
from spikecast.evaluation.folds import Cut
from spikecast.evaluation.ladder import UNORDERED
from spikecast.evaluation.score_table import Scores
from spikecast.parallel.executors import Progress
from spikecast.parallel.progress import open_progress
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold

ORDER_UNKNOWN = NoticeKind(
    "train_and_test_apart",
    "serious",
    "train and test were given apart, so the time between them is not known: slow drift of the "
    "session cannot be told from what the source predicts, and there is no shift test",
)
NEURONS_APART = NoticeKind(
    "neurons_in_one_part_only",
    "minor",
    "{n_sources} source and {n_targets} target neurons take part in train or test only (they fire "
    "too rarely in the other), and are left out",
)
SESSIONS_APART = NoticeKind(
    "train_and_test_sessions",
    "serious",
    "train is session '{train}' and test '{test}': nothing shows that neurons of the same place in "
    "both are the same cells",
)
BEHAVIOR_APART = NoticeKind(
    "behavior_in_one_part_only",
    "serious",
    "the recorded behaviour of train and test differs ({n_train} and {n_test} channels that "
    "change): what movement explains is not in the ladder",
)


def evaluate(
    models: Models | Any,
    train: Problem,
    test: Problem,
    *,
    shifts: int = 40,
    seed: int = 0,
    executor: Executor | None = None,
    progress: bool | Progress = False,
) -> Scores:
    """Fit models to one problem and score them on another of the same neurons.

    Where train and test are trials of one recording, a trial column with ``"train"`` and ``"test"``
    as the `folds` of :func:`spikecast.cross_validate` does more: it knows their order.

    Parameters
    ----------
    models : str, model, or several as for :func:`spikecast.cross_validate`
    train, test : Problem
        Of one task on two recordings of the same neurons, in the same order:
        ``task.problem(recording)``. Neurons that the task leaves out of either are left out.
    shifts : int
        0: what the source tells beyond the highest rung is not measured (``scores.beyond``).
    seed, executor, progress
        As for :func:`spikecast.cross_validate`.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        When the two are of different tasks or bins, or their tables of neurons differ. Days with
        other neurons are for :class:`spikecast.models.ManySessions`.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.decision_task(60, n_bins=80, stim_onset=0.2, seed=3).recording
    >>> task = sc.AreaToArea("MOs")
    >>> train = task.problem(recording.select(trials=range(40)))
    >>> test = task.problem(recording.select(trials=range(40, 60)))
    >>> scores = sc.evaluate("pca_ridge", train, test)
    >>> scores.table["n_test_trials"].unique().tolist(), scores.interval("pca_ridge").low > 0
    ([20], True)
    """
    several = isinstance(models, Sequence | Mapping) and not isinstance(models, str)
    problem, notices = join_problems(train, test)
    whole, n_train = np.arange(len(problem.y)), len(train.y)
    cut = Cut([Fold(whole[:n_train], whole[n_train:])], "trial", 0)
    with open_progress(progress) as report:
        scores = score_models(
            make_models(models if several else [models]),
            problem,
            cut,
            shifts=shifts,
            seed=seed,
            executor=executor,
            progress=report,
        )
    known = [notice for notice in scores.notices if notice.code != UNORDERED.code]
    return replace(scores, notices=(*known, *notices))


def join_problems(train: Problem, test: Problem) -> tuple[Problem, list[Notice]]:
    """Return one problem of the trials of both, of the neurons that both have, with notices."""
    for problem in (train, test):
        check_kind(problem, Problem)
    for what in ("task", "kind", "windows", "bin_size"):
        one, other = getattr(train, what), getattr(test, what)
        if one != other:
            raise InputError(f"train and test differ in {what}: {one} and {other}")
    check_same_length("time of train", len(train.time), "time of test", len(test.time))
    _check_same_neurons(train, test)
    sources = _match(train.source_neurons, test.source_neurons)
    _check_apart(train, test, sources)
    key = train.targets.columns[0]  # "neuron", its number in the recording, or "channel"
    targets = _match(train.targets[key], test.targets[key])
    n_sources = train.x.shape[2] + test.x.shape[2] - 2 * len(sources[0])
    n_targets = train.y.shape[2] + test.y.shape[2] - 2 * len(targets[0])
    notices = [ORDER_UNKNOWN()]
    if train.session != test.session:
        notices.append(SESSIONS_APART(train=train.session, test=test.session))
    if n_sources or n_targets:
        notices.append(NEURONS_APART(n_sources=n_sources, n_targets=n_targets))
    behavior, channels = (
        None,
        [0 if part.behavior is None else part.behavior.shape[2] for part in (train, test)],
    )
    if channels[0] != channels[1]:
        notices.append(BEHAVIOR_APART(n_train=channels[0], n_test=channels[1]))
    elif train.behavior is not None and test.behavior is not None:
        behavior = np.concatenate([train.behavior, test.behavior])
    parts = [
        (part.x[..., source], part.y[..., target])
        for part, source, target in zip((train, test), sources, targets, strict=True)
    ]
    return replace(
        train,
        x=np.concatenate([x for x, _ in parts]),
        y=np.concatenate([y for _, y in parts]),
        trials=pd.concat([train.trials, test.trials], ignore_index=True, join="inner"),
        targets=train.targets.iloc[targets[0]].reset_index(drop=True),
        areas=None if train.areas is None else train.areas[sources[0]],
        source_neurons=None if train.source_neurons is None else train.source_neurons[sources[0]],
        behavior=behavior,
        ordered=False,
        notices=(),
    ), notices


def _check_apart(train: Problem, test: Problem, sources: tuple[np.ndarray, np.ndarray]) -> None:
    """Raise where a trial to score is one to learn from: the same activity, enough of it not 0."""
    x, x_test = train.x[..., sources[0]], test.x[..., sources[1]]
    enough = np.count_nonzero(x_test, axis=(1, 2)) >= MIN_ACTIVE
    shared = int((np.isin(hash_rows(x_test), hash_rows(x)) & enough).sum())
    if shared:
        raise InputError(
            f"{shared} of the {len(x_test)} trials of test are trials of train, too (their source "
            "activity is the same): give trials that were not learnt from"
        )


def _match(
    train: Sequence | np.ndarray | pd.Series | None, test: Sequence | np.ndarray | pd.Series | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places, in each, of the neurons that both have."""
    _, in_train, in_test = np.intersect1d(
        np.asarray(train), np.asarray(test), assume_unique=True, return_indices=True
    )
    order = np.argsort(in_train)
    if not order.size:
        raise NotEnoughDataError("train and test have no neuron in common")
    return in_train[order], in_test[order]


def _check_same_neurons(train: Problem, test: Problem) -> None:
    """Raise where what is known of the neurons shows that they are others."""
    way_out = "; for days with other neurons see sc.models.ManySessions and sc.align"
    if train.recorded is None or test.recorded is None:
        return
    n_train, n_test = len(train.recorded), len(test.recorded)
    if n_train != n_test:
        raise InputError(
            f"train and test are of different neurons, {n_train} and {n_test}{way_out}"
        )
    for name in train.recorded.columns.intersection(test.recorded.columns):
        one, other = (part[name].astype(str).to_numpy() for part in (train.recorded, test.recorded))
        if not np.array_equal(one, other):
            raise InputError(
                f"train and test are of different neurons: their column '{name}' differs{way_out}"
            )
