"""Objects of pynapple: ``{"units": TsGroup, "trials": IntervalSet, "wheel": Tsd, ...}``."""

from collections.abc import Callable
from functools import partial
from typing import Any

from spikecast.data.pynapple_objects import holds_pynapple, read_objects
from spikecast.data.session import RawSession

CONTENT = "objects of pynapple (a TsGroup, or a dict of them)"


def sniff(source: Any) -> bool:
    """Return whether an object is a group of units of pynapple, or a dict that holds one."""
    return holds_pynapple(source)


def open_sessions(source: Any) -> list[Callable[[], RawSession]]:
    """Return one callable, which reads the objects."""
    return [partial(read_objects, source)]
