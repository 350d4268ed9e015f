"""The studies by name."""

from importlib import import_module
from typing import cast

from spikecast.runs.studies.study import Study

STUDIES = ("livewired", "diggers", "ninja", "stringer-running", "nma-layers")


def find_study(name: str) -> Study:
    """Return the study's module, which is imported only now: some need torch.

    Examples
    --------
    >>> find_study("ninja").__name__
    'spikecast.runs.studies.ninja'
    """
    return cast(Study, import_module(f"{__package__}.{name.replace('-', '_')}"))
