"""The source and target neurons of a task: groups by name, and targets that fire often enough."""

from collections.abc import Sequence

import numpy as np

from spikecast.core.checks import check_one_of
from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.recording import Recording

SLOW_TARGETS = NoticeKind(
    "slow_targets",
    "minor",
    "{n} of {n_targets} target neurons fire less than {min_rate:g} Hz and are left out",
)


def read_groups(recording: Recording, by: str) -> np.ndarray:
    """Return the group of each neuron, from the neuron column `by`, as text (neuron,)."""
    neurons = recording.neurons
    return neurons[check_one_of("neuron column", by, list(neurons))].to_numpy().astype(str)


def find_members(group: np.ndarray, names: str | Sequence[str] | None, by: str) -> np.ndarray:
    """Return a mask (neuron,) of the neurons in one group, several, or (with None) all."""
    if names is None:
        return np.ones(group.size, dtype=bool)
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        check_one_of(by, str(name), np.unique(group).tolist())
    return np.isin(group, np.asarray(names, dtype=str))


def drop_slow_targets(
    recording: Recording, is_target: np.ndarray, min_rate: float, target: str
) -> tuple[np.ndarray, tuple[Notice, ...]]:
    """Return the mask of targets that fire at least `min_rate` Hz, and a notice of the others.

    Continuous targets all stay. Raises when fewer than 2 targets are left, or none fires.
    """
    if recording.kind == "continuous":
        check_two_neurons(f"target '{target}'", is_target)
        return is_target, ()
    if not recording.activity[:, :, is_target].any():
        raise NotEnoughDataError(f"no neuron of the target '{target}' fires a single spike")
    active = is_target & (recording.firing_rate >= min_rate)
    check_two_neurons(f"target '{target}'", active, f" of at least {min_rate:g} Hz")
    slow = np.flatnonzero(is_target & ~active).tolist()
    notice = SLOW_TARGETS(
        n=len(slow), n_targets=int(is_target.sum()), min_rate=float(min_rate), neurons=slow
    )
    return active, (notice,) if slow else ()


def check_two_neurons(what: str, mask: np.ndarray, which: str = "") -> None:
    """Raise unless at least 2 neurons are in a mask."""
    if mask.sum() < 2:
        raise NotEnoughDataError(
            f"the {what} has {mask.sum()} neurons{which}; at least 2 are needed"
        )
