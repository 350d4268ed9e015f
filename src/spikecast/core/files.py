"""Write files whole or not at all, read JSON, and lock folders."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from spikecast.core.errors import DamagedFileError, MissingFileError, RunError

LOCK = ".lock"
"""Name of the file that the process which writes into a folder holds."""


@contextmanager
def write_atomically(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary file keeps the suffix, since some writers go by it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> with write_atomically(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    # mkstemp makes files private; results get the permissions that the user's files have
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)
    try:
        yield Path(name)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically."""
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Any) -> None:
    """Write a JSON file atomically, indented so that a person can read it."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: str | Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    MissingFileError, DamagedFileError
        When there is none, or when it is not JSON.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFileError(path) from None
    except ValueError as error:  # neither JSON nor UTF-8
        raise DamagedFileError(f"'{path}' is damaged: {error}") from None


@contextmanager
def lock_folder(folder: str | Path) -> Iterator[None]:
    """Keep other processes from writing into a folder during a block.

    The system holds the lock, and releases it when the process ends, however it ends.

    Raises
    ------
    RunError
        When another process is writing there.
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
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)  # while it is held: a later run makes its own
        lock.release()
