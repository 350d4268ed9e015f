"""A checksum beside a file that spikecast wrote: damage is seen before a library opens the file.

It is what ``b2sum`` prints, so that ``b2sum -c FILE.b2sum`` checks it too.
"""

import hashlib
from pathlib import Path

from spikecast.core.files import write_text
from spikecast.core.stored import damaged, explain_errors, read_text

SUFFIX = ".b2sum"


def name_checksum(path: Path) -> Path:
    """Return where the checksum of a file stands.

    Examples
    --------
    >>> name_checksum(Path("run/problem.nc")).name
    'problem.nc.b2sum'
    """
    return path.with_name(path.name + SUFFIX)


def write_checksum(path: Path) -> None:
    """Write the checksum of a file that is finished; remove an old one before the file changes."""
    write_text(name_checksum(path), f"{_compute(path)}  {path.name}\n")


def has_checksum(path: Path) -> bool:
    """Return whether a file and its checksum are there: it was written to its end."""
    return path.exists() and name_checksum(path).exists()


def check_checksum(path: Path) -> None:
    """Raise a DamagedFileError where a file is not what its checksum says.

    Raises
    ------
    MissingFileError, DamagedFileError
    """
    expected = read_text(name_checksum(path)).split(" ")[0]
    if _compute(path) != expected:
        raise damaged(path, f"its content is not what {name_checksum(path).name} says")


def _compute(path: Path) -> str:
    with explain_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.blake2b).hexdigest()
