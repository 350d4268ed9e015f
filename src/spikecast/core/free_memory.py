"""Measure the memory that is free, and refuse files that would take more than they may."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

from spikecast.core.errors import FormatError

LARGE = 1e9
"""Bytes of arrays that any file may have, however small it is."""
MOST_TIMES = 500
"""Larger arrays may be so many times as large as their file: counts that are nearly all 0 compress
to a hundredth."""

MOST_TEXT = 5e8
"""Bytes of an array of text, in which each takes the room of the longest."""
LONG_TEXT = 1000
"""Characters; arrays of shorter texts are large only where they are many."""
LONGEST_TEXT = 100_000
"""Characters."""


def measure_free_memory() -> float:
    """Return the bytes that are free for new processes; infinity where the system does not say."""
    free = float("inf")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":") for line in meminfo.read_text().splitlines())
        free = 1024.0 * int(lines["MemAvailable"].split()[0])
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and limit.read_text().strip() != "max":
        free = min(free, float(limit.read_text()) - float(used.read_text()))
    return free


def check_fits(n_bytes: float, path: Path | None = None) -> None:
    """Raise a FormatError where arrays that a file announces take more memory than they may.

    A small file can announce any size: what is compressed, or was never written, takes no room.
    With `path` they may not be hundreds of times as large as the file, either.

    Examples
    --------
    >>> check_fits(1e9)
    >>> try:
    ...     check_fits(1e15)
    ... except FormatError as error:
    ...     print(str(error).partition(",")[0])
    its arrays take 1000000.0 GB
    """
    free = measure_free_memory()
    if n_bytes > free:
        raise FormatError(
            f"its arrays take {n_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free"
        )
    if path is not None:
        check_ratio(n_bytes, path)


def check_ratio(n_bytes: float, path: str | Path) -> None:
    """Raise a FormatError where arrays are hundreds of times as large as their file."""
    size = Path(path).stat().st_size
    if n_bytes > max(LARGE, MOST_TIMES * size):
        raise FormatError(
            f"its arrays take {n_bytes / 1e9:.1f} GB, and the file {size / 1e6:.1f} MB: hardly any "
            "data compress so well; if these do, write them without compression"
        )


def measure_texts(texts: Iterable[object]) -> tuple[int, int]:
    """Return the length of the longest of some values that are text, and how many are.

    Examples
    --------
    >>> measure_texts(["left", "right", None])
    (5, 2)
    """
    lengths = [len(one) for one in texts if isinstance(one, str | bytes)]
    return max(lengths, default=0), len(lengths)


def check_texts(what: str, longest: int, n_texts: int) -> None:
    """Raise a FormatError where one long text would make an array of all of them large."""
    if longest > LONGEST_TEXT or (longest > LONG_TEXT and 4 * longest * n_texts > MOST_TEXT):
        raise FormatError(
            f"{what} holds a text of {longest} characters, and each of its {n_texts} texts would "
            "take as much memory; shorten that one"
        )


def check_size(path: Path) -> None:
    """Raise a FormatError where a file that is read as a whole is larger than the free memory."""
    try:
        size = path.stat().st_size
    except OSError:  # whoever opens it says why
        return
    if size > LARGE and size > (free := measure_free_memory()):
        raise FormatError(f"it has {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free")


def check_archive(archive: zipfile.ZipFile, path: Path) -> None:
    """Raise a FormatError where the members of a zip archive take more memory than they may."""
    check_fits(sum(member.file_size for member in archive.infolist()), path)
