"""Nulls of decoding: labels as they could have been if unrelated to the neurons.

A null draws many sets of labels; whatever is computed from the true labels is computed from each of
them in the same way. Which one is right depends on how the labels came about:

- ``auto``: one of the next two, whichever suits the label, within strata of the stimulus where
  that explains the label (:mod:`spikecast.analysis.decoding.null_choice`).
- ``label_shuffle``: trials are exchangeable (a stimulus drawn afresh in every trial).
- ``pseudo_session``: labels that change slowly (blocks, habits, satiety). Slow drift of the
  recording then predicts them without any relation, and so it does for another session's labels:
  the observed score has to beat those (:mod:`spikecast.analysis.decoding.pseudo_sessions`).
- ``circular_shift``: labels keep their order in time but lose their alignment with the trials.

Within strata a null tests what can be decoded beyond the stratum.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spikecast.analysis.decoding.pseudo_sessions import draw_pseudo_sessions
from spikecast.core.checks import check_finite, check_one_of, check_same_length, quote, to_list
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.tasks.splits import Fold

DrawLabels = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""Takes labels (trial,), the number of draws and a generator; returns labels (draw, trial)."""

AUTO = "auto"
WITHIN_STRATA = (AUTO, "label_shuffle", "pseudo_session")


def shuffle_labels(
    labels: np.ndarray, n: int, rng: np.random.Generator, strata: np.ndarray | None = None
) -> np.ndarray:
    """Permute labels over the trials of each stratum, (draw, trial).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drawn = shuffle_labels(np.array([0, 1, 5, 6]), 3, rng, strata=np.array([0, 0, 1, 1]))
    >>> np.sort(drawn, axis=1).tolist() == 3 * [[0, 1, 5, 6]], int(drawn[:, :2].max())
    (True, 1)
    """
    labels = np.asarray(labels)
    drawn = np.tile(labels, (n, 1))
    groups = np.zeros(labels.size, dtype=int) if strata is None else np.asarray(strata)
    check_same_length("strata", groups.size, "labels", labels.size)
    for stratum in np.unique(groups):
        here = np.flatnonzero(groups == stratum)
        drawn[:, here] = rng.permuted(drawn[:, here], axis=1)
    return drawn


def shift_labels(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rotate labels in time by at least a tenth of the session, (draw, trial).

    There are only as many rotations as trials, and near ones resemble each other.
    """
    labels = np.asarray(labels)
    least = max(1, labels.size // 10)
    if labels.size < 2 * least + 1:
        raise NotEnoughDataError(f"{labels.size} trials are too few to shift circularly")
    shifts = rng.integers(least, labels.size - least + 1, n)
    return labels[(np.arange(labels.size) - shifts[:, np.newaxis]) % labels.size]


NULLS: dict[str, DrawLabels] = {
    "label_shuffle": shuffle_labels,
    "circular_shift": shift_labels,
    "pseudo_session": draw_pseudo_sessions,
}


@dataclass(frozen=True)
class LabelNull:
    """The null that decoded labels are held against.

    Parameters
    ----------
    kind : {"auto", "label_shuffle", "pseudo_session", "circular_shift"} or callable
        A callable takes labels (trial,), the number of draws and a generator, and returns labels
        (draw, trial).
    strata : str or sequence of str, optional
        Trial columns within whose values labels are drawn: what can be decoded beyond them. By
        default ``auto`` finds out whether the stimulus explains the label, and the others have
        none; an empty sequence is "none" for ``auto`` too.
    stimulus : sequence of str, optional
        Trial columns that describe the stimulus, for ``auto``; by default the contrasts.

    Raises
    ------
    UnknownNameError, InputError
        For an unknown kind, and for strata of a null that knows none.

    Examples
    --------
    >>> LabelNull(strata=["contrast_left", "contrast_right"]).kind
    'auto'
    """

    kind: str | DrawLabels = AUTO
    strata: str | Sequence[str] | None = None
    stimulus: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.kind, str):
            check_one_of("null", self.kind, [AUTO, *NULLS])
        elif not callable(self.kind):
            raise InputError(
                f"null is {quote(self.kind)}; give {', '.join([AUTO, *NULLS])}, or a function"
            )
        if self.stimulus is not None:
            to_list("stimulus", self.stimulus, "a list of trial columns")
        if self.strata_columns and self.kind not in WITHIN_STRATA:
            raise InputError(f"strata go with the nulls {', '.join(WITHIN_STRATA)} only")

    @property
    def strata_columns(self) -> list[str]:
        """The columns of the strata, none where there are none."""
        none = () if self.strata is None else self.strata
        return to_list("strata", none, "a trial column, or a list of them")


def draw_null(
    kind: str | DrawLabels,
    labels: np.ndarray,
    n: int,
    seed: int,
    folds: Sequence[Fold] = (),
    strata: np.ndarray | None = None,
) -> np.ndarray:
    """Draw `n` sets of labels, (draw, trial), within `strata` (trial,) where given.

    ``label_shuffle`` without strata permutes within each test fold, so that folds cut with equal
    shares of every class keep them: the observed labels are then one draw among equals, and the
    test is exact.
    """
    rng = make_rng(seed, "null")
    if kind == "label_shuffle":
        groups = np.zeros(len(labels), dtype=int) if strata is None else strata
        if strata is None:
            for index, fold in enumerate(folds):
                groups[fold.test] = index
        return shuffle_labels(labels, n, rng, groups)
    if kind == "pseudo_session":
        return draw_pseudo_sessions(labels, n, rng, strata)
    draw = NULLS[kind] if isinstance(kind, str) else kind
    drawn = np.asarray(draw(labels.copy(), n, rng))
    if drawn.shape != (n, len(labels)):
        raise InputError(
            f"the null returned labels of shape {drawn.shape}; it must be {(n, len(labels))}"
        )
    if labels.dtype.kind == "f":
        check_finite("what the null returned", drawn)
    elif not np.isin(drawn, labels).all():
        raise InputError(
            "the null returned labels that no trial has; it must return those that it was given, "
            "in another order"
        )
    return drawn


def permutation_p(observed: float, null: np.ndarray) -> float:
    """Return ``(1 + #{null >= observed}) / (1 + n)``; NaN without draws.

    Examples
    --------
    >>> permutation_p(3.0, np.array([1.0, 2.0, 4.0]))
    0.5
    """
    # equal scores may differ in the last digit
    reached = (np.asarray(null) >= observed - 1e-12).sum()
    return float((1 + reached) / (1 + len(null))) if len(null) else float("nan")
