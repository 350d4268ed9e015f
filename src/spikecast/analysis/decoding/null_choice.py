"""Which null a label is held against, and why: decided once per question, from the label alone.

``auto`` asks two things of the label. Does the stimulus explain it? Then it is drawn within strata
of equal stimulus, so that a response to the stimulus is not taken for knowledge of the label. Does
it change slowly over the session? Then it is drawn as pseudo-sessions, otherwise shuffled. Of a
label whose runs are too long for pseudo-sessions nothing can be said: it has no null, no p, and no
claim is made.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from spikecast.analysis.conditions import STIMULUS, number_conditions
from spikecast.analysis.decoding.labels import Label, differs_within, number_strata
from spikecast.analysis.decoding.nulls import (
    AUTO,
    NULLS,
    DrawLabels,
    LabelNull,
    draw_null,
    shuffle_labels,
)
from spikecast.analysis.decoding.pseudo_sessions import check_runs
from spikecast.analysis.slowness import (
    N_SHUFFLES,
    SLOW_P,
    compute_slowness_p,
    find_classes,
    make_series,
)
from spikecast.core.checks import check_method
from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import is_ordered

EXPLAINS_P = 0.01  # p up to which the stimulus counts as explaining a label
LEAST_FREE = 20  # trials in strata where the label differs
LEAST_SHARE = 0.1  # of the label's variance that is left within strata
NONE, OWN = "none", "own"
LABELS_COME_IN_RUNS = NoticeKind(
    "labels_come_in_runs",
    "serious",
    "'{label}' changes slowly over trials (runs, or a bias that drifts), which slow drift of the "
    "neurons alone can predict: shuffled labels are too weak a null; use the null auto",
)
RUNS_TOO_LONG = NoticeKind(
    "runs_too_long",
    "serious",
    "'{label}' comes in runs too long for this session: what is decoded of it cannot be told from "
    "slow drift, so there is no p and nothing is claimed; where the task's own rule for its labels "
    "is known, pass that as the null",
)
FOLLOWS_STIMULUS = NoticeKind(
    "follows_stimulus",
    "serious",
    "'{label}' goes along with the stimulus, so it may be the stimulus that is decoded, and an "
    "onset that of the stimulus; name {columns} as strata to ask what is known beyond",
)


@dataclass(frozen=True)
class NullChoice:
    """Which null was used, and why.

    Attributes
    ----------
    kind : {"label_shuffle", "pseudo_session", "circular_shift", "own", "none"}
        ``own`` is a function that was passed.
    reason : {"asked", "no_runs", "runs", "runs_too_long", "order_unknown"}
        ``order_unknown``: trials are not in the order in which they were recorded.
    runs_p : float or None
        p of the test for slow change, where it was made.
    strata : tuple of str
        Trial columns within whose values labels were drawn.
    strata_reason : str
        ``asked``; of ``auto`` also ``stimulus_explains``, and where there are no strata
        ``no_stimulus``, ``stimulus_itself`` (the label is a part of it), ``not_explained``,
        ``too_small`` (the label hardly differs within them).
    strata_p : float or None
        p of the stimulus explaining the label, where that was tested.
    """

    kind: str = "label_shuffle"
    reason: str = "asked"
    runs_p: float | None = None
    strata: tuple[str, ...] = ()
    strata_reason: str = "asked"
    strata_p: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as an answer on disk keeps them."""
        return asdict(self) | {"strata": list(self.strata)}


class ChosenNull(NamedTuple):
    """A null with what it needs to draw labels."""

    choice: NullChoice
    source: str | DrawLabels
    strata: np.ndarray | None  # (trial with a label,)
    notices: tuple[Notice, ...]

    @property
    def keeps_folds_even(self) -> bool:
        """Whether every draw has as many trials of each class in each fold as the observed one."""
        return self.choice.kind == "label_shuffle" and self.strata is None

    def draw(self, labels: np.ndarray, n: int, seed: int, folds: list[Fold]) -> np.ndarray:
        """Draw `n` sets of labels, (draw, trial): none where there is no null."""
        if self.choice.kind == NONE or n == 0:
            return np.empty((0, labels.size), dtype=labels.dtype)
        return draw_null(self.source, labels, n, seed, folds, self.strata)


def choose_null(recording: Recording, label: Label, null: LabelNull, seed: int) -> ChosenNull:
    """Return the null that a label is held against; `recording` has all trials.

    Raises
    ------
    NotEnoughDataError
        For strata that were asked for, and within all of which the label is the same.
    """
    columns, strata_reason, strata_p = _choose_strata(recording, label, null, seed)
    strata = number_strata(recording, label, columns)
    kind, reason, runs_p = _choose_kind(is_ordered(recording), label, null, strata, seed)
    source = null.kind if kind == OWN else kind
    choice = NullChoice(kind, reason, runs_p, tuple(columns), strata_reason, strata_p)
    notices = []
    if kind == NONE:
        notices.append(RUNS_TOO_LONG(label=label.name))
    if kind == "label_shuffle" and runs_p is not None and runs_p <= SLOW_P:
        notices.append(LABELS_COME_IN_RUNS(label=label.name))
    if strata is None:
        notices += _make_stimulus_notices(recording, label, null, seed)
    return ChosenNull(choice, source, strata, tuple(notices))


def _choose_kind(
    ordered: bool, label: Label, null: LabelNull, strata: np.ndarray | None, seed: int
) -> tuple[str, str, float | None]:
    """Return the kind of the null, why, and p of slow change where it was tested."""
    if not isinstance(null.kind, str):
        named = ", ".join((AUTO, *NULLS))
        check_method("null", null.kind, "__call__", f"a function that draws labels, or {named}")
        return OWN, "asked", None
    if not ordered and null.kind == AUTO:
        return "label_shuffle", "order_unknown", None
    p = None
    if ordered and null.kind in (AUTO, "label_shuffle"):
        p = _test_slowness(label.values, strata, seed)
    kind, reason = null.kind, "asked"
    if null.kind == AUTO:
        assert p is not None
        kind, reason = ("pseudo_session", "runs") if p <= SLOW_P else ("label_shuffle", "no_runs")
    if kind == "pseudo_session":
        try:
            check_runs(label.values)
        except NotEnoughDataError:
            return NONE, "runs_too_long", p
    return kind, reason, p


def _test_slowness(labels: np.ndarray, strata: np.ndarray | None, seed: int) -> float:
    groups = np.zeros(labels.size, dtype=int) if strata is None else strata
    shuffled = shuffle_labels(labels, N_SHUFFLES, make_rng(seed, "runs"), groups)
    return compute_slowness_p(labels, groups, shuffled)


def _choose_strata(
    recording: Recording, label: Label, null: LabelNull, seed: int
) -> tuple[list[str], str, float | None]:
    """Return the columns of the strata, why these, and p of the stimulus explaining the label."""
    if null.kind != AUTO or null.strata is not None:
        return null.strata_columns, "asked", None
    columns, stimulus = _read_stimulus(recording, label, null)
    if np.unique(stimulus).size < 2:
        return [], "no_stimulus", None
    if not differs_within(label.values, stimulus):
        return [], "stimulus_itself", None
    p = compute_explained_p(label.values, stimulus, seed)
    if p > EXPLAINS_P:
        return [], "not_explained", p
    if _is_too_small(label.values, stimulus):
        return [], "too_small", p
    return columns, "stimulus_explains", p


def _read_stimulus(
    recording: Recording, label: Label, null: LabelNull
) -> tuple[list[str], np.ndarray]:
    """Return the columns of the stimulus, and its number in each trial with a label."""
    columns = null.stimulus
    if columns is None:
        columns = [name for name in STIMULUS if name in recording.trials]
    return list(columns), number_conditions(recording.trials, columns)[label.trials]


def compute_explained_p(labels: np.ndarray, strata: np.ndarray, seed: int) -> float:
    """Return p of a label differing between strata, by shuffles.

    Examples
    --------
    >>> sides = np.tile([0, 1], 20)
    >>> compute_explained_p(sides, sides, 0), compute_explained_p(sides, np.repeat([0, 1], 20), 0)
    (0.001, 1.0)
    """
    shuffled = shuffle_labels(labels, 999, make_rng(seed, "explained"))
    everything = np.vstack([labels, shuffled])
    explained = np.zeros(len(everything))
    for series in make_series(everything, find_classes(labels)):
        explained += 1 - _measure_left(series, strata)
    return float((explained >= explained[0] - 1e-9).mean())


def _measure_left(series: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return the share of the variance of (draw, trial) that is left within strata, (draw,)."""
    member = (strata[:, np.newaxis] == np.unique(strata)).astype(float)
    centered = series - series.mean(axis=1, keepdims=True)
    between = ((centered @ member) ** 2 / member.sum(axis=0)).sum(axis=1)
    return 1 - between / np.maximum((centered**2).sum(axis=1), 1e-12)


def _is_too_small(labels: np.ndarray, strata: np.ndarray) -> bool:
    """Tell whether a label hardly differs within strata, so that drawing it anew changes little."""
    free = sum(
        int((strata == stratum).sum())
        for stratum in np.unique(strata)
        if np.unique(labels[strata == stratum]).size > 1
    )
    shares = [
        _measure_left(series, strata)[0]
        for series in make_series(labels[np.newaxis], find_classes(labels))
    ]
    return free < LEAST_FREE or float(np.mean(shares)) < LEAST_SHARE


def _make_stimulus_notices(
    recording: Recording, label: Label, null: LabelNull, seed: int
) -> list[Notice]:
    """Return a notice where a label depends on the stimulus without being fixed by it.

    What predicts such a label may be the response to the stimulus.
    """
    columns, stimulus = _read_stimulus(recording, label, null)
    if np.unique(stimulus).size < 2 or not differs_within(label.values, stimulus):
        return []
    if compute_explained_p(label.values, stimulus, seed) > EXPLAINS_P:
        return []
    return [FOLLOWS_STIMULUS(label=label.name, columns=columns)]
