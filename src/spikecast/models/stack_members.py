"""What the name of a network stands for in a stack: groups that err in unlike ways.

Networks of the past and of the future err in other ways than those that see both, and than each
other; few components are best where spikes are few, many where there are many. The weights choose.
Each part of the training trials is held out from one network of a group, so that the weights are
learnt without a second fit; the group's members learn from all trials.
"""

from typing import Any

Settings = dict[str, Any]

SHARED_COMPONENTS = 200
"""Of smoothed activity: the most that networks of a stack ask for."""

_GROUPS: tuple[Settings, ...] = (
    {"n_components": 10, "n_latents": 16},
    {"n_components": 40, "n_latents": 24, "causal": True},
    {"n_components": 40, "n_latents": 24, "future_only": True},
    # two widths of the three that the others have, so that they are known
    {"n_components": SHARED_COMPONENTS, "n_latents": 32, "widths": (1.0, 3.0)},
)


def _train_groups(epochs: tuple[int, ...], **settings: int) -> tuple[Settings, ...]:
    """Return the groups with how they are trained: each for its own number of epochs."""
    return tuple(
        {**group, **settings, "epochs": own} for group, own in zip(_GROUPS, epochs, strict=True)
    )


_TRANSFORMER: tuple[Settings, ...] = ({"n_members": 5},)
IN_A_STACK = {
    "timescales": _train_groups((12, 22, 22, 15), n_members=2, held_out_parts=3),
    "transformer": _TRANSFORMER,
}
IN_AUTO = {
    "timescales": _train_groups((45, 45, 45, 30), n_members=3, held_out_parts=5),
    "transformer": _TRANSFORMER,
}
