"""Readers of files, one module per format, each with an entry in :data:`READERS`.

A reader has three names: ``CONTENT``, what it reads, for messages; ``sniff(source)``, whether a
file, a folder or a Python object looks like its format (by its content, at once, and without an
error); and ``open_sessions(source)``, one callable per session that returns its
:class:`~spikecast.data.session.RawSession`, or its Recording where the format is cut into trials.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from spikecast.core.errors import FormatError
from spikecast.data.readers import (
    alf,
    matlab,
    native,
    nwb,
    phy,
    predictions,
    pynapple,
    spikeinterface_objects,
    steinmetz,
    stringer,
    stringer_original,
    suite2p,
    tables,
    trial_spikes,
)
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession

OpenSession = Callable[[], Recording | RawSession]

READERS: dict[str, ModuleType] = {
    "spikecast": native,
    "predictions": predictions,
    "nwb": nwb,
    "phy": phy,
    "suite2p": suite2p,
    "alf": alf,
    "tables": tables,
    "spikeinterface": spikeinterface_objects,
    "stringer_original": stringer_original,
    "matlab": matlab,
    "trial_spikes": trial_spikes,
    "pynapple": pynapple,
    "steinmetz": steinmetz,
    "stringer": stringer,
}
"""Formats by name; the first that recognises a path reads it."""
OF_OBJECTS = (spikeinterface_objects, pynapple)
"""Those that read objects in memory, and no files."""


def find_reader(source: Path | Any) -> ModuleType:
    """Return the reader of a file, a folder or an object; raise when no format is recognised."""
    for reader in READERS.values():
        if reader.sniff(source):
            return reader
    is_path = isinstance(source, Path)
    known = "; ".join(
        reader.CONTENT for reader in READERS.values() if not (is_path and reader in OF_OBJECTS)
    )
    given = f"'{source}'" if is_path else f"an object of {type(source).__name__}"
    raise FormatError(
        f"{given} is in no format that spikecast reads: {known}. "
        "Other data: spikecast.Recording.from_arrays(...).save('mine.nc')"
    )
