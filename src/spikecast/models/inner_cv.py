"""Choosing hyper-parameters inside ``fit``: on whole trials cut from the training trials."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from spikecast.core.seeding import make_rng
from spikecast.scoring.metrics import log_likelihood
from spikecast.tasks.splits import Fold

C = TypeVar("C")

_note: ContextVar[Callable[[np.ndarray], object] | None] = ContextVar("note", default=None)


@contextmanager
def watch_validation() -> Iterator[set[int]]:
    """Collect within the block the rows of the training array that choices are judged on.

    Examples
    --------
    >>> with watch_validation() as rows, number_rows(np.array([5, 7])):
    ...     note_validation(np.array([1]))
    >>> rows
    {7}
    """
    rows: set[int] = set()
    token = _note.set(lambda noted: rows.update(noted.tolist()))
    try:
        yield rows
    finally:
        _note.reset(token)


@contextmanager
def number_rows(rows: np.ndarray) -> Iterator[None]:
    """Note rows within the block as those of the outer array, whose `rows` a model is fitted on."""
    outer = _note.get()
    token = _note.set(None if outer is None else lambda noted: outer(rows[noted]))
    try:
        yield
    finally:
        _note.reset(token)


def note_validation(rows: np.ndarray) -> None:
    """Note that settings, or when to stop, are judged on these rows of the training array."""
    if (note := _note.get()) is not None:
        note(rows)


def split_inner_folds(n_trials: int, n_folds: int, seed: int) -> list[Fold]:
    """Cut training trials into `n_folds` random parts, each the validation part once.

    Members of a model take turns with these parts, so that together they learn from every trial.
    A single trial is training and validation part at once.

    Examples
    --------
    >>> [fold.test.size for fold in split_inner_folds(11, 5, seed=0)]
    [3, 2, 2, 2, 2]
    """
    # copies: torch takes no array that must not be written to
    return [Fold(*map(np.copy, fold)) for fold in _cut_at_random(n_trials, n_folds, seed)]


@lru_cache(maxsize=32)
def _cut_at_random(n_trials: int, n_folds: int, seed: int) -> tuple[Fold, ...]:
    if n_trials == 1:
        return (Fold(np.zeros(1, dtype=int), np.zeros(1, dtype=int)),)
    order = make_rng(seed, "inner folds").permutation(n_trials)
    parts = np.array_split(order, min(n_folds, n_trials))
    return tuple(Fold(np.sort(np.setdiff1d(order, part)), np.sort(part)) for part in parts)


def choose_best(
    candidates: Sequence[C],
    predictions: Callable[[Fold], Iterable[np.ndarray | None]],
    y: np.ndarray,
    folds: Sequence[Fold],
    counts: bool,
) -> tuple[C, dict[str, Any]]:
    """Return the candidate that predicts validation trials best, and a record of all mean scores.

    `predictions` takes a fold and returns one prediction (trial, time, target) per candidate,
    learnt from its training trials, for its validation trials; for counts these are log rates. The
    score is the Poisson log-likelihood for counts, else minus the squared error. A candidate with
    None in any fold was not tried there, and is neither chosen nor recorded.
    """
    scores = np.zeros(len(candidates))
    for fold in folds:
        note_validation(fold.test)
        truth = y[fold.test]
        for index, prediction in enumerate(predictions(fold)):
            if prediction is None:
                score = -np.inf
            elif counts:
                score = log_likelihood(truth, np.exp(np.minimum(prediction, 20.0))).sum()
            else:
                score = -np.square(truth - prediction).sum(dtype=float)
            scores[index] += score / truth.size / len(folds)
    chosen = int(scores.argmax())
    tried = np.isfinite(scores)
    record = {
        "candidates": [str(c) for c, was_tried in zip(candidates, tried, strict=True) if was_tried],
        "scores": scores[tried].tolist(),
    }
    return candidates[chosen], record
