"""The source and target neurons of a task: groups by name, and which of them are left out."""

from collections.abc import Sequence

import numpy as np

from spikecast.core.checks import check_in_range, check_kind, check_one_of, quote, to_list
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.coincidence import find_coincident_pairs
from spikecast.data.recording import Recording

SLOW_TARGETS = NoticeKind(
    "slow_targets",
    "minor",
    "{n} of {n_targets} target neurons fire less than {min_rate:g} Hz and are left out",
)

COINCIDENT_SOURCES = NoticeKind(
    "coincident_sources",
    "serious",
    "{n} of {n_sources} source neurons are left out: they look like target neurons recorded twice, "
    "by their spikes in the same bins (source {neurons}; target {partners})",
)


def read_groups(recording: Recording, by: str) -> np.ndarray:
    """Return the group of each neuron, from the neuron column `by`, as text (neuron,)."""
    check_kind(recording, Recording)
    neurons = recording.neurons
    return neurons[check_one_of("neuron column", by, list(neurons))].to_numpy().astype(str)


def find_members(group: np.ndarray, names: str | Sequence[str] | None, by: str) -> np.ndarray:
    """Return a mask (neuron,) of the neurons in one group, several, or (with None) all."""
    if names is None:
        return np.ones(group.size, dtype=bool)
    names = to_list(by, names)
    for name in names:
        check_one_of(by, str(name), np.unique(group).tolist())
    return np.isin(group, np.asarray(names, dtype=str))


def explain_other_target(recording: Recording, name: str, group: np.ndarray) -> None:
    """Raise where a target that is no group is a list, behaviour, or a column of the trials."""
    if not isinstance(name, str):
        raise InputError(
            f"the target is {quote(name)}; it must be the name of one area: predict several one "
            "after the other"
        )
    if name in group:
        return
    if name in recording.behavior:
        raise UnknownNameError(
            f"'{name}' is behaviour, not an area: the task 'behavior' predicts it"
        )
    if name in recording.trials:
        raise UnknownNameError(f"'{name}' is a column of the trials, not an area: decode it")


def drop_slow_targets(
    recording: Recording, is_target: np.ndarray, min_rate: float, target: str
) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """Return the mask of targets that fire at least `min_rate` Hz, and a notice of the others.

    Continuous targets all stay. Raises when fewer than 2 targets are left, or none fires (or,
    where activity is continuous, ever changes).
    """
    if recording.kind == "continuous":
        if not np.ptp(recording.activity[:, :, is_target], axis=(0, 1)).any():
            raise NotEnoughDataError(f"no neuron of the target '{target}' ever changes")
        check_two_neurons(f"target '{target}'", is_target)
        return is_target, ()
    if not recording.activity[:, :, is_target].any():
        raise NotEnoughDataError(f"no neuron of the target '{target}' fires a single spike")
    check_in_range("min_rate (Hz)", min_rate, 0)
    active = is_target & (recording.firing_rate >= min_rate)
    check_two_neurons(f"target '{target}'", active, f" of at least {min_rate:g} Hz")
    slow = np.flatnonzero(is_target & ~active).tolist()
    notice = SLOW_TARGETS(
        n=len(slow), n_targets=int(is_target.sum()), min_rate=float(min_rate), neurons=slow
    )
    return active, (notice,) if slow else ()


def drop_coincident_sources(
    recording: Recording, is_source: np.ndarray, is_target: np.ndarray
) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """Return the mask of sources that are no target neuron recorded twice, and a notice of others.

    See :func:`spikecast.data.coincidence.find_coincident_pairs`.
    """
    pairs = find_coincident_pairs(recording, np.flatnonzero(is_source), np.flatnonzero(is_target))
    if pairs.empty:
        return is_source, ()
    dropped = np.unique(pairs["first"].to_numpy(dtype=int))
    kept = is_source.copy()
    kept[dropped] = False
    notice = COINCIDENT_SOURCES(
        n=len(dropped),
        n_sources=int(is_source.sum()),
        neurons=dropped.tolist(),
        partners=np.unique(pairs["second"].to_numpy(dtype=int)).tolist(),
    )
    return kept, (notice,)


def check_two_neurons(what: str, mask: np.ndarray, which: str = "") -> None:
    """Raise unless at least 2 neurons are in a mask."""
    if mask.sum() < 2:
        raise NotEnoughDataError(
            f"the {what} has {mask.sum()} neurons{which}; at least 2 are needed"
        )


def check_held_out(whole: str, n: int, fraction: float, n_held_out: int) -> None:
    """Raise unless 2 neurons at least are held out, and 2 are left to predict them."""
    if 2 <= n_held_out <= n - 2:
        return
    enough = f"take a fraction from {2 / n:.2g} to {1 - 2 / n:.2g}" if n else ""
    fix = enough if n >= 4 else "take an area, or a recording, of at least 4 neurons"
    raise NotEnoughDataError(
        f"{whole} has {n} neuron{'s' * (n != 1)}: a fraction of {fraction:g} holds out "
        f"{n_held_out} and leaves {n - n_held_out}; at least 2 of each are needed: {fix}"
    )
