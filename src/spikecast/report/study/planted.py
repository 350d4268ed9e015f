"""What a simulated session was given to find, in words."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spikecast.data.simulate.decision import AREAS, CHOICE_ONSET, DRIVES, STIMULUS_LATENCY
from spikecast.data.simulate.effects import Effects
from spikecast.data.simulate.imaging import Imaging, Mouse


def describe_planted(simulator: str, simulation: Mapping[str, Any]) -> str:
    """Return what a function of :mod:`spikecast.data.simulate` plants with these arguments.

    Examples
    --------
    >>> effects = {"movement": 0, "drift": 0}
    >>> describe_planted("decision_task", {"areas": {"MOs": 5}, "effects": effects})
    'Planted: responses to the stimulus (from 50 ms); the choice (from 120 ms in MOs).'
    >>> said = describe_planted("spontaneous", {"planes": [0, 0, 1]})
    >>> print(said)  # doctest: +NORMALIZE_WHITESPACE
    Planted: 16 latents that planes 0, 1 share (running and arousal are two of them); 16 others that
    plane 2 has; 2 more of each plane's own.
    """
    present = PLANTED[simulator](simulation)
    return f"Planted: {'; '.join(present) or 'nothing'}."


def _list_of_task(simulation: Mapping[str, Any]) -> list[str]:
    areas = simulation.get("areas", AREAS)
    effects = Effects(**simulation.get("effects", {}))
    onsets = simulation.get("choice_onset", CHOICE_ONSET)
    begins = [f"{1000 * onset:.0f} ms in {area}" for area, onset in onsets.items() if area in areas]
    drives = [
        f"{source} to {target} after {1000 * lag:.0f} ms"
        for (source, target), lag in simulation.get("drives", DRIVES).items()
        if source in areas and target in areas
    ]
    parts = {
        f"responses to the stimulus (from {1000 * STIMULUS_LATENCY:.0f} ms)": effects.stimulus,
        f"the choice (from {', '.join(begins)})": effects.choice and begins,
        f"drives between areas ({', '.join(drives)}; no other)": effects.drive and drives,
        "responses to movement": effects.movement,
        "choices that repeat the last one": effects.history,
        "biases by which left, no-go and right are about equally frequent": effects.even,
        "slow states that all areas share": effects.state,
        "a slow drift of each neuron": effects.drift,
    }
    return [words for words, size in parts.items() if size]


def _list_of_imaging(simulation: Mapping[str, Any]) -> list[str]:
    imaging = Imaging(**simulation)
    parts: list[str] = []
    for group in np.unique(imaging.groups):
        planes = np.flatnonzero(imaging.groups == group)
        names = ", ".join(map(str, planes))
        whose = f"planes {names} share" if planes.size > 1 else f"plane {names} has"
        which = f"{imaging.n_latents} others that {whose}"
        if not parts:
            which = (
                f"{imaging.n_latents} latents that {whose} (running and arousal are two of them)"
            )
        parts.append(which)
    return [*parts, f"{imaging.n_own} more of each plane's own"]


def _list_of_mouse(simulation: Mapping[str, Any]) -> list[str]:
    names = ("growth", "tuning", "n_face")
    mouse = Mouse(**{name: simulation[name] for name in names if name in simulation})
    imaging = {name: value for name, value in simulation.items() if name not in names}
    parts = {
        f"running that is {mouse.growth:g} times faster at the end than at the start": (
            mouse.growth != 1
        ),
        "neurons that follow running": mouse.tuning,
        f"{mouse.n_face} components of the face, of which the first follows running": mouse.n_face,
    }
    return [words for words, size in parts.items() if size] + _list_of_imaging(imaging)


PLANTED: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "decision_task": _list_of_task,
    "spontaneous": _list_of_imaging,
    "running_mouse": _list_of_mouse,
}
"""Simulator -> what it plants with its arguments."""
