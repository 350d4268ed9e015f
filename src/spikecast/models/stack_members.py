"""What the name of a network stands for in a stack: groups that err in unlike ways.

Networks of the past and of the future err in other ways than those that see both, and than each
other; few components are best where spikes are few, many where there are many. The weights choose.
They are learnt without a second fit. In a stack, five members of a group take turns in being
stopped on another fifth of the training trials, so that each trial is predicted by a member that
did not learn from it. In ``auto``, which may take longer, there are more groups, of larger
networks, and each has two members that learn from all trials for many epochs, beside five
networks that go without a part each. Where there are hardly any spikes, ``auto`` is a stack.
"""

from typing import Any

import numpy as np

Settings = dict[str, Any]
Groups = dict[str, tuple[Settings, ...]]
"""Of each network that is not just one, by its name."""

SHARED_COMPONENTS = 200
"""Of smoothed activity: the most that networks of a stack ask for."""
FEW_SPIKES = 1500
"""Of all targets in the training trials: what learns from all trials learns them by heart."""
_KNOWN_WIDTHS = (1.0, 3.0)
"""Two of the three that all networks have: with many components these two are enough."""

_FEW = {"n_components": 10, "n_latents": 16}
_MANY = {"n_components": SHARED_COMPONENTS, "n_latents": 32, "widths": _KNOWN_WIDTHS}
_PAST, _FUTURE = {"n_latents": 24, "causal": True}, {"n_latents": 24, "future_only": True}
_STOPPED = {"n_members": 5}
_ON_ALL_TRIALS = {"n_members": 2, "held_out_parts": 5}

IN_A_STACK: Groups = {
    "timescales": (
        {**_FEW, **_STOPPED, "epochs": 12},
        {"n_components": 40, **_PAST, **_STOPPED, "epochs": 12},
        {"n_components": 40, **_FUTURE, **_STOPPED, "epochs": 12},
        {**_MANY, **_STOPPED, "epochs": 8},
    ),
    "transformer": (_STOPPED,),
}
IN_AUTO: Groups = {
    "timescales": (
        {**_FEW, **_ON_ALL_TRIALS, "epochs": 45},
        {**_MANY, **_PAST, **_ON_ALL_TRIALS, "epochs": 40},
        {**_MANY, **_FUTURE, **_ON_ALL_TRIALS, "epochs": 40},
        {**_MANY, **_ON_ALL_TRIALS, "epochs": 40},
        {"n_components": 40, "n_latents": 48, **_ON_ALL_TRIALS, "epochs": 60},
    ),
    "transformer": (_STOPPED,),
}


def are_few(y: np.ndarray, counts: bool) -> bool:
    """Return whether targets (trial, time, target) have hardly any spikes."""
    return counts and bool(y.sum() < FEW_SPIKES)
