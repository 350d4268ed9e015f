"""The studies by name."""

from importlib import import_module
from typing import cast

from spikecast.runs.studies.study import Study

STUDIES = {
    "livewired": "livewired",
    "diggers": "diggers",
    "ninja": "ninja",
    "stringer-running": "stringer_running",
    "nma-layers": "nma_layers",
}
"""Name -> module, which is imported when the study is run: some need torch."""


def find_study(name: str) -> Study:
    """Return the study's code.

    Examples
    --------
    >>> find_study("ninja").__name__
    'spikecast.runs.studies.ninja'
    """
    return cast(Study, import_module(f"{__package__}.{STUDIES[name]}"))
