"""Nulls of decoding: labels as they could have been if unrelated to the neurons.

A null draws many sets of labels; whatever is computed from the true labels is computed from each of
them in the same way. Which one is right depends on how the labels came about:

- ``label_shuffle``: trials are exchangeable (a stimulus drawn afresh in every trial). Within strata
  it tests what can be decoded beyond the stratum.
- ``circular_shift``: labels keep their order in time but lose their alignment with the trials.
- ``pseudo_session``: labels that come in runs (blocks, habits, satiety). Slow drift of the
  recording then predicts them without any relation, and so it does for another session's labels:
  the observed score has to beat those (Harris 2021, "Nonsense correlations in neuroscience").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spikecast.core.checks import check_one_of, check_same_length
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.tasks.splits import Fold

DrawLabels = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""Takes labels (trial,), the number of draws and a generator; returns labels (draw, trial)."""

TRIES = 1000  # per pseudo-session


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


def draw_pseudo_sessions(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw sessions whose labels come in runs like the observed ones, (draw, trial).

    A session starts within a run of a random label; the length of each run is drawn from the
    observed lengths, the label that follows from the observed successions (any other label where
    none was observed). Labels of a single run, or such sessions that rarely have every label, are
    refused. Where the task's own rule for its labels is known, pass that as the null instead.

    Examples
    --------
    >>> blocks = np.repeat([0, 1, 0, 1], 5)
    >>> draw_pseudo_sessions(blocks, 1, np.random.default_rng(3))[0]
    array([1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    """
    labels = np.asarray(labels)
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    lengths = np.diff(np.r_[starts, labels.size])
    values, sizes = np.unique(labels, return_counts=True)
    if values.size < 2:
        raise NotEnoughDataError("labels of a single value make no pseudo-session")
    names = labels[starts]
    after = {
        value: names[1:][names[:-1] == value]
        if (names[:-1] == value).any()
        else values[values != value]
        for value in values.tolist()
    }
    least = min(5, int(sizes.min()))

    def draw_session() -> np.ndarray:
        value = rng.choice(names)
        runs: list[np.ndarray] = []
        missing = labels.size
        length = int(rng.integers(1, rng.choice(lengths) + 1))  # it starts somewhere in a run
        while missing > 0:
            runs.append(np.full(min(length, missing), value, dtype=labels.dtype))
            missing -= length
            value, length = rng.choice(after[value.item()]), int(rng.choice(lengths))
        return np.concatenate(runs)

    sessions: list[np.ndarray] = []
    for _ in range(TRIES * n):
        session = draw_session()
        if all((session == value).sum() >= least for value in values):
            sessions.append(session)
            if len(sessions) == n:
                return np.stack(sessions)
    raise NotEnoughDataError(
        f"of {TRIES * n} pseudo-sessions only {len(sessions)} have {least} trials of every label: "
        "the runs are too long for this session; pass the task's own rule as the null"
    )


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
    kind : {"label_shuffle", "circular_shift", "pseudo_session"} or callable
        A callable takes labels (trial,), the number of draws and a generator, and returns labels
        (draw, trial).
    strata : str or sequence of str, optional
        Trial columns within whose values labels are shuffled: what can be decoded beyond them.
        For ``label_shuffle`` only.

    Raises
    ------
    UnknownNameError, InputError
        For an unknown kind, and for strata of a null that does not shuffle.

    Examples
    --------
    >>> LabelNull(strata=["contrast_left", "contrast_right"]).kind
    'label_shuffle'
    """

    kind: str | DrawLabels = "label_shuffle"
    strata: str | Sequence[str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.kind, str):
            check_one_of("null", self.kind, list(NULLS))
        if self.strata is not None and not self.shuffles:
            raise InputError("strata go with the null 'label_shuffle' only")

    @property
    def shuffles(self) -> bool:
        """Whether labels are permuted over trials, so that every draw has as many of each."""
        return self.kind == "label_shuffle"

    def draw(
        self,
        labels: np.ndarray,
        n: int,
        seed: int,
        folds: Sequence[Fold] = (),
        strata: np.ndarray | None = None,
    ) -> np.ndarray:
        """Draw `n` sets of labels, (draw, trial), within `strata` (trial,) where given.

        ``label_shuffle`` permutes within each test fold, so that folds cut with equal shares of
        every class keep them: the observed labels are then one draw among equals, and the test is
        exact.
        """
        rng = make_rng(seed, "null")
        if self.shuffles:
            groups = np.zeros(len(labels), dtype=int)
            for index, fold in enumerate(folds):
                groups[fold.test] = index
            if strata is not None:
                kinds = np.unique(np.asarray(strata), return_inverse=True)[1].ravel()
                groups = groups * (kinds.max() + 1) + kinds
            return shuffle_labels(labels, n, rng, groups)
        draw = NULLS[self.kind] if isinstance(self.kind, str) else self.kind
        drawn = np.asarray(draw(labels, n, rng))
        if drawn.shape != (n, len(labels)):
            raise InputError(
                f"the null returned labels of shape {drawn.shape}; it must be {(n, len(labels))}"
            )
        return drawn


def labels_come_in_runs(labels: np.ndarray, seed: int = 0, n: int = 500) -> bool:
    """Tell whether labels change more rarely in time than shuffled ones (p < 0.01).

    Examples
    --------
    >>> labels_come_in_runs(np.repeat([0, 1, 0, 1], 10)), labels_come_in_runs(np.tile([0, 1], 20))
    (True, False)
    """
    changes = (labels[1:] != labels[:-1]).sum()
    shuffled = shuffle_labels(labels, n, make_rng(seed, "runs"))
    of_shuffled = (shuffled[:, 1:] != shuffled[:, :-1]).sum(axis=1)
    return bool((1 + (of_shuffled <= changes).sum()) / (1 + n) < 0.01)


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
