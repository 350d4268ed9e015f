"""Unpack archives within archives: a zip of tar files, one a session, as figshare gives them."""

import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path

from spikecast.core.checks import describe_error
from spikecast.core.errors import FormatError

SUFFIXES = (".zip", ".tar", ".tgz", ".gz")
DEEPEST = 4  # archives within archives
DAMAGES = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError),
    *(ValueError, RuntimeError),  # odd names; encrypted, or packed in a way that is not known
    OverflowError,  # a time beyond all clocks, a size beyond all files
    IndexError,  # a member without a name
)
"""What the libraries raise of damaged archives."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive, and those within it, into a folder that appears only when all is there.

    Nothing is written outside the folder. The archive is removed at the end.

    Raises
    ------
    FormatError
        When an archive is damaged, or holds names that lead out of the folder.
    """
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _unpack_into(archive, part, 0)
    if folder.is_dir():
        folder.rmdir()  # empty: a filled one is not fetched again
    part.rename(folder)
    archive.unlink()


def _unpack_into(archive: Path, folder: Path, depth: int) -> None:
    """Unpack one archive; those that were in it go into folders of their names, and are removed."""
    before = set(folder.rglob("*"))
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(folder)  # drops .. and roots from names
        else:
            with tarfile.open(archive) as opened_tar:
                opened_tar.extractall(folder, filter="data")
    except DAMAGES as error:
        reason = describe_error(error)
        raise FormatError(f"'{archive}' is damaged or no archive: {reason}") from None
    for path in sorted(set(folder.rglob("*")) - before):
        if path.is_file() and path.suffix in SUFFIXES and depth < DEEPEST:
            inner = path.parent if _has_one_folder(path) else path.with_suffix("")
            inner.mkdir(exist_ok=True)
            _unpack_into(path, inner, depth + 1)
            path.unlink()


def _has_one_folder(archive: Path) -> bool:
    """Return whether all that a tar file holds lies in one folder, as a session does."""
    try:
        with tarfile.open(archive) as opened:
            tops = {Path(name).parts[0] for name in opened.getnames() if Path(name).parts}
            return len(tops) == 1 and all(
                len(Path(member.name).parts) > 1 or member.isdir() for member in opened
            )
    except DAMAGES:
        return False
