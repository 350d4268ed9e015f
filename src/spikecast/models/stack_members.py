"""What the name of a network stands for in a stack: groups that err in unlike ways.

Networks of the past and of the future err in other ways than those that see both, and than each
other; few components are best where spikes are few, many where there are many. The weights choose.
They are learnt without a second fit. In a stack, five members of a group take turns in being
stopped on another fifth of the training trials, so that each trial is predicted by a member that
did not learn from it. In ``auto``, which may take longer, members learn from all trials for more
epochs, beside networks that go without a part each, unless there are hardly any spikes.
"""

from typing import Any

import numpy as np

Settings = dict[str, Any]
Groups = dict[str, tuple[Settings, ...]]
"""Of each network that is more than one, by its name."""

SHARED_COMPONENTS = 200
"""Of smoothed activity: the most that networks of a stack ask for."""
FEW_SPIKES = 1500
"""Of all targets in the training trials: what is not stopped early learns them by heart."""

_GROUPS: tuple[Settings, ...] = (
    {"n_components": 10, "n_latents": 16},
    {"n_components": 40, "n_latents": 24, "causal": True},
    {"n_components": 40, "n_latents": 24, "future_only": True},
    # two widths of the three that the others have, so that they are known
    {"n_components": SHARED_COMPONENTS, "n_latents": 32, "widths": (1.0, 3.0)},
)


def _set_training(epochs: tuple[int, ...], **settings: int) -> tuple[Settings, ...]:
    """Return the groups with how they are trained: each for its own number of epochs."""
    return tuple(
        {**group, **settings, "epochs": own} for group, own in zip(_GROUPS, epochs, strict=True)
    )


_TRANSFORMER: tuple[Settings, ...] = ({"n_members": 5},)
IN_A_STACK: Groups = {
    "timescales": _set_training((12, 12, 12, 8), n_members=5),
    "transformer": _TRANSFORMER,
}
_IN_AUTO: Groups = {
    "timescales": _set_training((45, 45, 45, 30), n_members=3, held_out_parts=5),
    "transformer": _TRANSFORMER,
}


def pick_groups(y: np.ndarray, counts: bool) -> Groups:
    """Return the groups of ``auto`` for targets (trial, time, target): a stack's for few spikes."""
    return IN_A_STACK if counts and y.sum() < FEW_SPIKES else _IN_AUTO
