"""Folds of a problem's trials: cut by a rule, named by a trial column, or given by hand."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from spikecast.core.checks import check_kind, check_one_of, check_same_length, quote, shorten_line
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.binning import to_vector
from spikecast.data.dataset import check_in_order, resolve_indices
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold, Split, split_trials

FoldPair = Fold | tuple[np.ndarray, np.ndarray]

TRAIN, TEST = "train", "test"
NO_FOLD = ("", "nan", "none", "None", "<NA>")
"""Values of a trial column that say that the trial is in no fold."""


class Splitter(Protocol):
    """A splitter of scikit-learn, or of :mod:`spikecast.splits`."""

    def split(
        self, X: np.ndarray, y: np.ndarray | None = None, groups: np.ndarray | None = None
    ) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows to train on and to test on."""
        ...


Folds = int | str | pd.Series | np.ndarray | Split | Splitter | Sequence[FoldPair]
"""A number, the name of a trial column or its values, a rule, a splitter, pairs (train, test)."""


class Cut(NamedTuple):
    """Folds, and how inner folds have to be cut to be like them."""

    folds: list[Fold]
    split: str  # "trial", "stratum" or "block"
    gap: int


def make_folds(
    problem: Problem,
    folds: Folds,
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
    folds, split, strata, seed
        As for :func:`spikecast.cross_validate`.
    gap : int
        Trials left out on either side of a test block.

    Returns
    -------
    list of Fold
        Trials to train on and to test on.

    Examples
    --------
    >>> import spikecast as sc
    >>> problem = sc.AreaToArea("MOs").problem(sc.load("simulated"))
    >>> [len(fold.test) for fold in make_folds(problem, 4)]
    [50, 50, 50, 50]
    """
    return cut_trials(problem, folds, split=split, strata=strata, gap=gap, seed=seed).folds


def cut_trials(
    problem: Problem,
    folds: Folds,
    *,
    split: str = "trial",
    strata: str | None = None,
    gap: int = 0,
    seed: int = 0,
) -> Cut:
    """Return the folds of a problem's trials, and how its inner folds are to be cut."""
    check_kind(problem, Problem)
    labels = None
    if strata is not None:
        check_one_of("trial column", strata, list(problem.trials))
        labels = problem.trials[strata].to_numpy()
    n_trials = len(problem.y)
    if isinstance(folds, Split):
        rule = folds
        if rule.n_repeats is not None and rule.n_repeats != 1:
            raise InputError("trials are cut into folds once here: n_repeats must be 1")
        folds, split, gap = rule.n_folds, rule.by or split, rule.gap
        seed = seed if rule.seed is None else rule.seed
    if isinstance(folds, int | np.integer):
        if problem.windows:
            split, gap = "block", max(gap, 1)
        cut = split_trials(
            split,
            n_trials,
            int(folds),
            seed=seed,
            strata=labels,
            gap=gap,
            unit="windows" if problem.windows else "trials",
        )
        return Cut(cut, split, gap)
    if isinstance(folds, str):
        check_one_of("trial column", folds, list(problem.trials))
        given = read_folds(problem.trials[folds])
    elif isinstance(folds, pd.Series | np.ndarray):
        check_in_order("folds", folds)
        values = to_vector("folds", folds)
        check_same_length("folds", values.size, "the trial axis", n_trials)
        given = read_folds(pd.Series(values, name="folds"))
    else:
        pairs: Any = folds
        try:
            if hasattr(folds, "split"):
                pairs = folds.split(np.zeros((n_trials, 1)), labels, labels)
            given = [Fold(train, test) for train, test in islice(pairs, n_trials + 1)]
        except (TypeError, ValueError) as error:
            raise InputError(
                "folds must be a number of parts, a trial column, pairs (train, test) of trial "
                f"numbers, or a splitter: {shorten_line(error)}"
            ) from None
    given = check_folds(given, n_trials)
    return Cut(given, name_split(given), 0)


def read_folds(column: pd.Series) -> list[Fold]:
    """Return the folds that a trial column names.

    Values ``"train"`` and ``"test"`` are one fold. Otherwise trials of each value are the test part
    once, those of all other values the training part. Trials without a value, and beside
    ``"train"`` and ``"test"`` those of any other value (``"valid"``, ...), are in no fold.

    Examples
    --------
    >>> import pandas as pd
    >>> read_folds(pd.Series(["train", "train", "test", ""]))
    [Fold(train=array([0, 1]), test=array([2]))]
    >>> [fold.test.tolist() for fold in read_folds(pd.Series([0, 1, 0, np.nan]))]
    [[0, 2], [1]]
    """
    names = column.astype(str).to_numpy(dtype=str)
    used = column.notna().to_numpy() & ~np.isin(names, NO_FOLD)
    words = np.char.lower(np.char.strip(names))
    if TEST in words:
        return [Fold(np.flatnonzero(words == TRAIN), np.flatnonzero(words == TEST))]
    if TRAIN in words:
        raise InputError(
            f"the trial column '{column.name}' has '{TRAIN}' but no '{TEST}': name the trials to "
            f"score '{TEST}'"
        )
    parts = np.unique(names[used])
    if parts.size < 2:
        raise NotEnoughDataError(
            f"the trial column '{column.name}' names {parts.size} part of the trials; name at "
            "least two (0, 1, ...), or 'train' and 'test'"
        )
    return [
        Fold(np.flatnonzero(used & (names != part)), np.flatnonzero(names == part))
        for part in parts
    ]


def check_folds(folds: Sequence[FoldPair], n_trials: int) -> list[Fold]:
    """Return folds as numbers of trials, none of them scored twice or learnt from in its fold."""
    pairs = isinstance(folds, Sequence) and not isinstance(folds, str | bytes)
    if not pairs or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in folds):
        raise InputError(f"folds is {quote(folds)}; give a list of pairs (train, test)")
    if not len(folds):
        raise InputError("there are no folds; give at least one pair (train, test)")
    if len(folds) > n_trials:
        raise InputError(f"there are more folds than trials ({n_trials}); score each trial once")
    every = np.arange(n_trials)
    cut = [
        Fold(*(every[resolve_indices("trials", part, n_trials)] for part in pair)) for pair in folds
    ]
    for index, fold in enumerate(cut):
        shared = np.intersect1d(fold.train, fold.test).size
        if shared:
            raise InputError(f"fold {index}: {shared} of its test trials were learnt from")
        repeated = fold.train.size - np.unique(fold.train).size
        if repeated:
            raise InputError(f"fold {index}: {repeated} trials to learn from are given twice")
        if fold.train.size < 2 or not fold.test.size:
            raise NotEnoughDataError(
                f"fold {index} has {fold.train.size} trials to learn from and {fold.test.size} to "
                "score; at least 2 and 1 are needed"
            )
    tested = np.concatenate([fold.test for fold in cut])
    twice = tested.size - np.unique(tested).size
    if twice:
        raise InputError(f"{twice} trials are in more than one test part; score each only once")
    return cut


def name_split(folds: Sequence[Fold]) -> str:
    """Return ``"trial"`` where trials of different parts follow each other, else ``"block"``.

    What is learnt from and not scored is a part as well.

    Examples
    --------
    >>> name_split([Fold(np.arange(3, 6), np.arange(3)), Fold(np.arange(3), np.arange(3, 6))])
    'block'
    """
    rows = np.unique(np.concatenate([part for fold in folds for part in fold]))
    part = np.full(rows[-1] + 1, -1)
    for index, fold in enumerate(folds):
        part[fold.test] = index
    changes = int((np.diff(part[rows]) != 0).sum())
    return "trial" if changes > 2 * len(folds) else "block"
