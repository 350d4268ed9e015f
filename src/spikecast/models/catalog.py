"""The catalogue: a plain dict from a model's name to its class."""

from spikecast.models.base import Model
from spikecast.models.ensemble import Auto, Ensemble, Stack
from spikecast.models.single import SINGLE

MODELS: dict[str, type[Model]] = SINGLE | {"ensemble": Ensemble, "stack": Stack, "auto": Auto}
