"""spikecast: honest prediction between populations of neurons, on a laptop.

>>> import spikecast
>>> recording = spikecast.load("simulated")
>>> scores = spikecast.cross_validate(
...     ["mean_rate", "pca_ridge"], spikecast.AreaToArea("MOs"), recording)
>>> scores.models
['mean_rate', 'pca_ridge']
"""

from typing import Any

from spikecast.data import load, load_all, simulate
from spikecast.data.recording import Recording
from spikecast.tasks.tasks import AreaToArea, Behavior, Forecast, HeldOutNeurons

__version__ = "0.1.0"

__all__ = [
    "AreaToArea",
    "Behavior",
    "Forecast",
    "HeldOutNeurons",
    "Recording",
    "cross_validate",
    "load",
    "load_all",
    "simulate",
]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; reading and inspecting data do not need it
    if name == "cross_validate":
        from spikecast.evaluation import cross_validate

        return cross_validate
    raise AttributeError(f"module 'spikecast' has no attribute '{name}'")
