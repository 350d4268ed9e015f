"""Folds over trials: which trials train a model, and which test it.

Every fold is a pair of disjoint index arrays. Trials are the unit; the windows that a task cuts
a continuous recording into are held out in contiguous blocks with a gap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from spikecast.core.checks import check_count, check_one_of, check_same_length, quote
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.core.seeding import derive_seed


class Fold(NamedTuple):
    """Indices of the trials that a model learns from, and of those it is scored on."""

    train: np.ndarray
    test: np.ndarray


def split_by_trial(n_trials: int, folds: int, seed: int = 0) -> list[Fold]:
    """Return folds of random parts of the trials; each part is the test part once.

    Examples
    --------
    >>> [fold.test.size for fold in split_by_trial(10, 5)]
    [2, 2, 2, 2, 2]
    """
    folds = _check_enough(n_trials, folds)
    cutter = KFold(folds, shuffle=True, random_state=derive_seed(seed, "split"))
    return [Fold(*pair) for pair in cutter.split(np.zeros(n_trials))]


def split_by_stratum(strata: np.ndarray, folds: int, seed: int = 0) -> list[Fold]:
    """Return folds like :func:`split_by_trial`, with the same share of every stratum in each.

    Parameters
    ----------
    strata : array, (trial,)
        A label per trial, for example the condition.
    folds, seed : int
    """
    strata = np.asarray(strata)
    if strata.ndim != 1:
        raise ShapeError(f"strata has shape {strata.shape}; it must hold one label per trial")
    folds = _check_enough(strata.size, folds)
    labels, numbers, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    if sizes.min() < folds:
        raise NotEnoughDataError(
            f"stratum '{labels[sizes.argmin()]}' has {sizes.min()} trials, fewer than the "
            f"{folds} folds; use fewer folds or coarser strata"
        )
    cutter = StratifiedKFold(folds, shuffle=True, random_state=derive_seed(seed, "split"))
    return [Fold(*pair) for pair in cutter.split(np.zeros(strata.size), numbers)]


def split_by_block(n_trials: int, folds: int, gap: int = 0) -> list[Fold]:
    """Return folds of contiguous blocks, with `gap` unused trials on either side of the test block.

    Slow drift and autocorrelation cannot leak across the gap.

    Examples
    --------
    >>> split_by_block(10, 5, gap=1)[1]
    Fold(train=array([0, 5, 6, 7, 8, 9]), test=array([2, 3]))
    """
    folds, gap = _check_enough(n_trials, folds), check_count("gap", gap, 0)
    trials = np.arange(n_trials)
    reach = min(gap, n_trials)
    blocks = []
    for test in np.array_split(trials, folds):
        train = trials[(trials < test[0] - reach) | (trials > test[-1] + reach)]
        if train.size < 2:
            raise NotEnoughDataError(f"a gap of {gap} trials leaves nothing to train on")
        blocks.append(Fold(train, test))
    return blocks


MOST_REPEATS, MOST_TRIALS = 1000, 10**9
SPLITS = ("trial", "stratum", "block")


@dataclass(frozen=True)
class Split:
    """How trials are cut into folds: for this package, and as ``cv`` for scikit-learn.

    Parameters
    ----------
    n_folds : int
    by : {"trial", "stratum", "block"}, optional
        Random trials; random trials, of every class (or condition) the same share in each fold; or
        contiguous blocks. By default whatever fits the analysis.
    gap : int
        Trials on either side of a test block that are not learnt from.
    n_repeats : int, optional
        How many times trials are cut anew. By default whatever fits the analysis.
    seed : int, optional
        Of the folds; by default that of the analysis, and 0 for scikit-learn.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from spikecast.models import PCARidge
    >>> counts = np.random.default_rng(0).poisson(1.0, (20, 10, 6))
    >>> cross_val_score(PCARidge(), counts, counts, cv=Split(4, by="block", gap=1)).shape
    (4,)
    """

    n_folds: int = 5
    by: str | None = None
    gap: int = 0
    n_repeats: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.by is not None:
            check_one_of("split", self.by, SPLITS)

    def split(
        self, X: np.ndarray, y: np.ndarray | None = None, groups: np.ndarray | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the trials to train on and to test on, fold by fold, as scikit-learn's splitters.

        Parameters
        ----------
        X : array, (trial, ...)
            Only its length is read.
        y : array, (trial,), optional
            The strata of ``by="stratum"`` where no `groups` are given.
        groups : array, (trial,), optional
            The strata of ``by="stratum"``.

        Yields
        ------
        train, test : array of int
        """
        strata = y if groups is None and y is not None and np.ndim(y) == 1 else groups
        for repeat in range(check_count("n_repeats", self.n_repeats or 1, 1, MOST_REPEATS)):
            seed = derive_seed(self.seed or 0, "cut", repeat) if repeat else self.seed or 0
            yield from split_trials(
                self.by or "trial", len(X), self.n_folds, seed=seed, strata=strata, gap=self.gap
            )

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of folds, of all repeats."""
        return self.n_folds * (self.n_repeats or 1)


def split_trials(
    kind: str,
    n_trials: int,
    folds: int,
    *,
    seed: int = 0,
    strata: np.ndarray | None = None,
    gap: int = 0,
    unit: str = "trials",
) -> list[Fold]:
    """Return folds by the name of the split: ``"trial"``, ``"stratum"`` or ``"block"``.

    `unit` is what errors call the trials.
    """
    check_one_of("split", kind, SPLITS)
    folds = _check_enough(n_trials, folds, unit)
    if check_count("gap", gap, 0) and kind != "block":
        raise InputError(
            f"a gap of {quote(gap)} trials is left beside a test block, and the split is '{kind}'; "
            "take the split 'block', or no gap"
        )
    if kind == "trial":
        return split_by_trial(n_trials, folds, seed)
    if kind == "block":
        return split_by_block(n_trials, folds, gap)
    if strata is None:
        raise InputError("the split 'stratum' needs strata: name a trial column")
    check_same_length("strata", len(strata), "the trial axis", n_trials)
    return split_by_stratum(strata, folds, seed)


def _check_enough(n_trials: int, folds: int, unit: str = "trials") -> int:
    """Return the number of folds, or raise where there are too few trials for them."""
    folds = check_count("folds", folds, 2)
    check_count(f"the number of {unit}", n_trials, 0, MOST_TRIALS)
    if n_trials < 2 * folds:
        raise NotEnoughDataError(
            f"{n_trials} {unit} are too few for {folds} folds; at least {2 * folds} are needed"
        )
    return folds
