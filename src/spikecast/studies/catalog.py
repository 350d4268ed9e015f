"""The studies by name."""

from spikecast.studies.livewired import LIVEWIRED
from spikecast.studies.ninja import NINJA
from spikecast.studies.study import Study

STUDIES: dict[str, Study] = {"livewired": LIVEWIRED, "ninja": NINJA}
