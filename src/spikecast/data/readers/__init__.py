"""Readers of files, one module per format, each with an entry in :data:`READERS`.

A reader has three names: ``CONTENT``, what it reads, for messages; ``sniff(path)``, whether a file
or folder looks like its format; and ``open_sessions(path)``, one callable per session that returns
its Recording.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from spikecast.core.errors import FormatError
from spikecast.data.readers import native, phy, predictions, steinmetz, stringer
from spikecast.data.recording import Recording

OpenSession = Callable[[], Recording]

READERS: dict[str, ModuleType] = {
    "spikecast": native,
    "predictions": predictions,
    "phy": phy,
    "steinmetz": steinmetz,
    "stringer": stringer,
}
"""Formats by name; the first that recognises a path reads it."""


def find_reader(path: Path) -> ModuleType:
    """Return the reader of a file or folder, or raise when no format is recognised."""
    for reader in READERS.values():
        if reader.sniff(path):
            return reader
    known = "; ".join(reader.CONTENT for reader in READERS.values())
    raise FormatError(
        f"'{path}' is in no format that spikecast reads: {known}. "
        "Other data: spikecast.Recording.from_arrays(...).save('mine.nc')"
    )
