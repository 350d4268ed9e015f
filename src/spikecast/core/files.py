"""Write files whole or not at all, and lock folders."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from spikecast.core.errors import RunError

TEMPORARY = re.compile(r"\..+-[0-9a-f]{8}(\.\w+)?")
"""Names of files that are not written to their end."""
LOCK = ".lock"
"""Name of the file that is locked while a process writes into a folder."""


@contextmanager
def write_atomically(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary path keeps the suffix, since some writers choose the format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{uuid4().hex[:8]}{path.suffix}")
    temporary.touch()
    mode = temporary.stat().st_mode
    try:
        yield temporary
        temporary.chmod(mode)  # safetensors makes its files private
        try:
            temporary.replace(path)
        except IsADirectoryError:
            raise RunError(f"'{path}' is a folder; move it away") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def is_temporary(path: Path) -> bool:
    """Return whether a file, by its name, is one that :func:`write_atomically` did not finish.

    Examples
    --------
    >>> is_temporary(Path(".scores-0aadc0e8.csv")), is_temporary(Path("scores.csv"))
    (True, False)
    """
    return TEMPORARY.fullmatch(path.name) is not None


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically."""
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Any) -> None:
    """Write a JSON file atomically, indented so that a person can read it."""
    write_text(path, json.dumps(content, indent=2) + "\n")


@contextmanager
def lock_folder(folder: str | Path) -> Iterator[None]:
    """Keep other processes from writing into a folder during a block; raise if one already does.

    The operating system holds the lock, and releases it when the process ends, however it ends.
    Files that a process had begun to write when it was killed are removed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise RunError(
            f"another process is writing into '{folder}'; wait for its end or use another folder"
        ) from None
    try:
        for path in folder.rglob(".*"):
            if is_temporary(path):  # what a killed process had begun to write
                path.unlink(missing_ok=True)
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)  # while it is held: a later run makes its own
        lock.release()
