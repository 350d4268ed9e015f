"""How large each part of a simulated decision task is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np

from spikecast.core.checks import check_in_range, check_kind, check_one_of

LARGEST_EFFECT = 1000.0
"""Standard deviations: rates beyond are infinite."""


@dataclass(frozen=True)
class Effects:
    """How large each part of a neuron's log rate is in a simulated decision task; 0 removes it.

    Parameters
    ----------
    shared, own, drive : float
        Standard deviation of the latents that all areas share, of those that an area owns, and
        of the latter in the areas it drives.
    stimulus, choice, movement : float
        Size of the response at full contrast, of the choice, and at full wheel speed.
    drift : float
        Standard deviation of each neuron's slow drift over trials.
    evidence : float
        How strongly the contrast difference moves the animal's choice; with 0 the choice is
        independent of the stimulus, so that choice information cannot come through responses to
        the stimulus.
    history : float
        How strongly the animal repeats its last choice; choices then come in runs.
    state : float
        Standard deviation of slow states that all areas share; each keeps its value within a
        trial and changes over some 15 trials.
    outcome : float
        Size of the response to reward (or, with the other sign, to the noise of a wrong choice),
        from the time of the feedback on.
    even : float
        How far the animal's biases are set so that left, no-go and right are equally frequent: 1
        makes them so (as nearly as runs of choices allow), 0 leaves it without biases.
    max_rate : float
        The highest rate in Hz. Without one, busy neurons burst at rates that no neuron has where
        several effects are large.
    """

    shared: float = 0.7
    own: float = 0.12
    drive: float = 0.1
    stimulus: float = 0.8
    choice: float = 0.6
    movement: float = 0.3
    drift: float = 0.1
    evidence: float = 3.0
    history: float = 0.0
    state: float = 0.0
    outcome: float = 0.0
    even: float = 0.0
    max_rate: float = np.inf


def complete_effects(effects: Effects | Mapping[str, float] | None) -> Effects:
    """Return the effects, those that are not given by their defaults.

    Examples
    --------
    >>> complete_effects({"choice": 2.0}).choice
    2.0
    """
    if not isinstance(effects, Effects):
        check_kind({} if effects is None else effects, Mapping)
        for name in effects or {}:
            check_one_of("effect", name, [field.name for field in fields(Effects)])
        effects = Effects(**(effects or {}))
    for name, size in asdict(effects).items():
        if name == "max_rate":
            check_in_range(f"effect {name}", size, 0)
        else:
            check_in_range(f"effect {name}", size, -LARGEST_EFFECT, LARGEST_EFFECT)
    return effects
