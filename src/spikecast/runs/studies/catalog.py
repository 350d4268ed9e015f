"""The studies by name."""

from spikecast.runs.studies.diggers import DIGGERS
from spikecast.runs.studies.livewired import LIVEWIRED
from spikecast.runs.studies.ninja import NINJA
from spikecast.runs.studies.nma_layers import NMA_LAYERS
from spikecast.runs.studies.stringer_running import STRINGER_RUNNING
from spikecast.runs.studies.study import Study

STUDIES: dict[str, Study] = {
    "livewired": LIVEWIRED,
    "diggers": DIGGERS,
    "ninja": NINJA,
    "stringer-running": STRINGER_RUNNING,
    "nma-layers": NMA_LAYERS,
}
