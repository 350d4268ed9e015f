"""What predicts what: tasks, the problems they make of a recording, splits of trials."""

from spikecast.tasks.problem import Problem, Task
from spikecast.tasks.tasks import AreaToArea, Behavior, Forecast, HeldOutNeurons, NeuronsToNeurons

__all__ = [
    "AreaToArea", "Behavior", "Forecast", "HeldOutNeurons", "NeuronsToNeurons", "Problem", "Task",
]  # fmt: skip
