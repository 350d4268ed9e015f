"""Models: what predicts one array of activity from another.

>>> import spikecast as sc
>>> sc.models.PoissonGLM(n_inner=3)
PoissonGLM(n_inner=3)
>>> sc.models.MODELS["poisson_glm"] is sc.models.PoissonGLM  # by name, as the command line has them
True
"""

from typing import TYPE_CHECKING, Any

from spikecast.models.base import Model
from spikecast.models.ensemble import Auto, Ensemble, Stack
from spikecast.models.foreign import ForeignModel
from spikecast.models.single import *  # noqa: F403
from spikecast.models.single import SINGLE
from spikecast.models.spaces import Between, OneOf

if TYPE_CHECKING:
    from spikecast.models.catalog import MODELS
    from spikecast.models.classifiers import CLASSIFIERS
    from spikecast.models.rnn_classifier import RNNClassifier
    from spikecast.models.sessions import ManySessions
    from spikecast.models.storage import load, save

# what takes long to import (torch), or reads what other packages bring along
_ON_DEMAND = {
    "CLASSIFIERS": "classifiers",
    "MODELS": "catalog",
    "ManySessions": "sessions",
    "RNNClassifier": "rnn_classifier",
    "load": "storage",
    "save": "storage",
}

__all__ = [
    "CLASSIFIERS",
    "MODELS",
    "Auto",
    "Between",
    "Ensemble",
    "ForeignModel",
    "ManySessions",
    "Model",
    "OneOf",
    "RNNClassifier",
    "Stack",
    "load",
    "save",
]
__all__ += sorted(model.__name__ for model in SINGLE.values())  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        from importlib import import_module

        return getattr(import_module(f"spikecast.models.{_ON_DEMAND[name]}"), name)
    raise AttributeError(f"module 'spikecast.models' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
