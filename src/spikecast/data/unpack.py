"""Unpack archives within archives: a zip of tar files, one a session, as figshare gives them."""

import lzma
import re
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from spikecast.core.checks import describe_error, quote
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
LONG_NUMBER = re.compile(rb"\d{100}")
LONGEST_NOTE = 1_000_000  # bytes of what a tar file says of one member


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive, and those within it, into a folder that appears only when all is there.

    Nothing is written outside the folder, and nothing is left of an archive that is refused. The
    archive is removed at the end.

    Raises
    ------
    FormatError
        When an archive is damaged, holds links, devices or names that lead out of the folder, or
        more than there is room for.
    """
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        _unpack_into(archive, part, 0)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
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
                _check_room(sum(one.file_size for one in opened.infolist()), folder)
                opened.extractall(folder)  # drops .. and roots from names
        else:
            with _open_tar(archive) as opened_tar:
                _check_members(opened_tar, folder)
                opened_tar.extractall(folder, filter="data")
        for path in sorted(set(folder.rglob("*")) - before):
            if path.is_file() and path.suffix in SUFFIXES and depth < DEEPEST:
                inner = path.parent if _has_one_folder(path) else path.with_suffix("")
                inner.mkdir(exist_ok=True)
                _unpack_into(path, inner, depth + 1)
                path.unlink()
    except FormatError:
        raise
    except DAMAGES as error:
        reason = describe_error(error)
        raise FormatError(f"'{archive}' is damaged or no archive: {reason}") from None


class _Member(tarfile.TarInfo):
    """A member of a tar file whose notes are looked at first: Python's search of them is slow."""

    def _proc_pax(self, tar: tarfile.TarFile) -> Any:
        start = tar.fileobj.tell() if tar.fileobj else 0
        if tar.fileobj and 0 <= self.size <= LONGEST_NOTE:
            notes = tar.fileobj.read(self.size)
            tar.fileobj.seek(start)
            if not LONG_NUMBER.search(notes):
                return super()._proc_pax(tar)  # type: ignore[misc]
        raise tarfile.ReadError("what it says of a member is no text of a usual length")


def _open_tar(archive: Path) -> tarfile.TarFile:
    return tarfile.open(archive, tarinfo=_Member)


def _check_members(archive: tarfile.TarFile, folder: Path) -> None:
    """Raise for what is no file or folder: a link can have others written elsewhere."""
    members = archive.getmembers()
    for member in members:
        if not (member.isreg() or member.isdir()):
            raise FormatError(
                f"'{archive.name!s}' holds {quote(member.name)}, a link or a device; data are files"
            )
    _check_room(sum(member.size for member in members), folder)


def _check_room(n_bytes: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise FormatError(
            f"an archive takes {n_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB of the disk are free"
        )


def _has_one_folder(archive: Path) -> bool:
    """Return whether all that a tar file holds lies in one folder, as a session does."""
    try:
        with _open_tar(archive) as opened:
            tops = {Path(name).parts[0] for name in opened.getnames() if Path(name).parts}
            return len(tops) == 1 and all(
                len(Path(member.name).parts) > 1 or member.isdir() for member in opened
            )
    except DAMAGES:
        return False
