"""Recordings: loading, binning, checking and simulating them.

>>> from spikecast.data import load
>>> load("simulated").n_trials
200
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikecast.data import simulate
    from spikecast.data.loaders import load, load_all, open_sessions
    from spikecast.data.recording import Recording

# imported when they are first used: the help of the command line needs none of them
_HOMES = {
    "Recording": "spikecast.data.recording",
    "load": "spikecast.data.loaders",
    "load_all": "spikecast.data.loaders",
    "open_sessions": "spikecast.data.loaders",
}

__all__ = ["Recording", "load", "load_all", "open_sessions", "simulate"]


def __getattr__(name: str) -> Any:
    if name == "simulate":
        return import_module("spikecast.data.simulate")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'spikecast.data' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
