"""What a simulated session was given to find, in words."""

from collections.abc import Mapping
from typing import Any

from spikecast.data.simulate.decision import AREAS, CHOICE_ONSET, DRIVES, STIMULUS_LATENCY, Effects


def describe_planted(simulation: Mapping[str, Any]) -> str:
    """Return what :func:`spikecast.data.simulate.decision_task` plants with these arguments.

    Examples
    --------
    >>> describe_planted({"areas": {"MOs": 5}, "effects": {"movement": 0, "drift": 0}})
    'Planted: responses to the stimulus (from 50 ms); the choice (from 120 ms in MOs).'
    """
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
    present = [words for words, size in parts.items() if size]
    return f"Planted: {'; '.join(present) or 'nothing'}."
