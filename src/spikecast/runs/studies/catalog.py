"""The studies by name."""

from spikecast.runs.studies import diggers, livewired, ninja, nma_layers, stringer_running
from spikecast.runs.studies.study import Study

STUDIES: dict[str, Study] = {
    "livewired": livewired,
    "diggers": diggers,
    "ninja": ninja,
    "stringer-running": stringer_running,
    "nma-layers": nma_layers,
}
