"""The studies by name."""

from spikecast.studies.diggers import DIGGERS
from spikecast.studies.livewired import LIVEWIRED
from spikecast.studies.ninja import NINJA
from spikecast.studies.nma_layers import NMA_LAYERS
from spikecast.studies.stringer_running import STRINGER_RUNNING
from spikecast.studies.study import Study

STUDIES: dict[str, Study] = {
    "livewired": LIVEWIRED,
    "diggers": DIGGERS,
    "ninja": NINJA,
    "stringer-running": STRINGER_RUNNING,
    "nma-layers": NMA_LAYERS,
}
