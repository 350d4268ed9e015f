"""Write files whole or not at all, and lock folders."""

import errno
import json
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2s
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from spikecast.core.checks import quote, shorten_line
from spikecast.core.errors import InputError, RunError

TEMPORARY = re.compile(r"\.spikecast-[0-9a-f]{8}(-([0-9a-f]{6})-(\d{1,10}))?(\.[^.]*)?")
"""Names of files that are not written to their end, with a mark of the machine and the process that
writes them: no name that a person gives to a file."""
LOCK = ".lock"
"""Name of the file that is locked while a process writes into a folder."""
LONGEST_PART = 100
"""Bytes that the name of an area or a label takes in the name of a file, which may hold two."""

MOST_FOLDERS = 200  # of a path
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that is full, a quota that is used up, a file that is larger than it may be."""


@contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Raise a RunError where a file or a folder cannot be made, or written, within the block.

    A full disk stays an OSError: there is something to do about it, and the run goes on.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        raise RunError(
            f"{shorten_line(repr(str(path)))} cannot be written: {error.strerror or error}"
        ) from None


def check_path(path: Path) -> None:
    """Raise an InputError where a path holds bytes that are no text, or too many folders.

    Pages and records name it.

    Examples
    --------
    >>> check_path(Path("runs/a_b"))
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(
            f"the path {shorten_line(ascii(str(path)))} holds bytes that are no text; rename it"
        ) from None
    _check_depth(path)


def _check_depth(path: Path) -> None:
    """Raise an InputError where a path names too many folders: they are made by recursion."""
    n = len(path.parents) - 1  # the last part may be a file; '/' and '.' are always there
    if n > MOST_FOLDERS:
        raise InputError(
            f"the path {shorten_line(path)} names {n} folders within each other; it can name up to "
            f"{MOST_FOLDERS}: name one that is nearer to the top"
        )


def to_path(what: str, given: object) -> Path:
    """Return a path, or raise an InputError for what is none.

    Examples
    --------
    >>> to_path("out", None)
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: out is None; it must be the path of a file or folder
    """
    if not isinstance(given, str | os.PathLike):
        raise InputError(f"{what} is {quote(given)}; it must be the path of a file or folder")
    return Path(given)


def is_special(path: Path) -> bool:
    """Return whether a path is a pipe, a device or a socket, which may be read without end.

    So may the files by which a system tells of itself, though it calls them regular.
    """
    try:
        found = path.stat()
        if found.st_size == 0 and path.resolve().parts[:2] in (("/", "proc"), ("/", "sys")):
            return True
    except (OSError, RuntimeError):  # a link that leads to itself
        return False
    return not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))


@contextmanager
def write_atomically(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary path keeps the suffix, since some writers choose the format by it.
    """
    path = Path(path)
    _check_depth(path)
    writer = f"{_mark_machine()}-{os.getpid()}"
    temporary = path.with_name(f".spikecast-{uuid4().hex[:8]}-{writer}{path.suffix}")
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
    mode = temporary.stat().st_mode
    try:
        yield temporary
        temporary.chmod(mode)  # safetensors makes its files private
        try:
            temporary.replace(path)
        except IsADirectoryError:
            raise RunError(f"'{path}' is a folder; move it away") from None
        except (OSError, ValueError) as error:  # a name that is too long, or holds a null byte
            reason = getattr(error, "strerror", None) or error
            raise RunError(f"{shorten_line(repr(str(path)))} cannot be written: {reason}") from None
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # a full disk does not say whose it is
        raise


def mark_name(plain: str, name: str) -> str:
    """Return `plain` with a mark of `name`: another name that becomes the same has another one.

    Examples
    --------
    >>> mark_name("a_b", "a b") == mark_name("a_b", "a:b")
    False
    """
    mark = blake2s(name.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
    return f"{plain}-{mark}"


def to_file_name(name: str) -> str:
    """Return a name in which every character may stand in a file name.

    Names that are changed, or cut to 100 bytes, carry a mark, so that no two become one.

    Examples
    --------
    >>> to_file_name("MOs"), to_file_name("MOs/layer 5")
    ('MOs', 'MOs_layer_5-6ff9e3')
    """
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    if plain == name and plain.strip(".") and len(plain.encode()) <= LONGEST_PART:
        return plain
    short = plain.encode()[: LONGEST_PART - 10].decode(errors="ignore")
    return mark_name(short.strip(".") or "area", name)


def check_label(what: str, label: str) -> None:
    """Raise an InputError where a name cannot stand in the name of a file as it is.

    Examples
    --------
    >>> check_label("model label", "ridge_5")
    >>> check_label("model label", "my model")
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: model label 'my model' may hold letters, digits, - and _ only
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", label):
        raise InputError(f"{what} {quote(label)} may hold letters, digits, - and _ only")
    if len(label) > LONGEST_PART:
        raise InputError(
            f"{what} {quote(label)} has {len(label)} characters; up to {LONGEST_PART} are allowed, "
            "for it is part of the names of files"
        )


def is_temporary(path: Path) -> bool:
    """Return whether a file, by its name, is one that :func:`write_atomically` did not finish.

    Examples
    --------
    >>> is_temporary(Path(".spikecast-0aadc0e8.csv")), is_temporary(Path("scores.csv"))
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


APPENDED = ("log.txt", ".lock", ".jsonl", ".log")
"""Ends of the names of files that are written where they are; others are replaced as a whole."""


def refuse_links(folder: Path) -> None:
    """Raise where a link in a folder would have its target written, outside of the folder."""
    for place, folders, names in os.walk(folder):
        where = Path(place)
        for name in (*folders, *(one for one in names if one.endswith(APPENDED))):
            if (where / name).is_symlink():
                raise RunError(
                    f"'{where / name}' cannot be written: it is a link out of '{folder}'; put "
                    "what it names in its place"
                )


def remove_temporary(folder: Path) -> None:
    """Remove what killed processes had begun to write; no process may be writing there now."""
    for path in folder.rglob(".spikecast-*"):
        if is_temporary(path) and not path.is_dir():
            path.unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> None:
    """Remove what processes of this machine that are no more had begun to write into a folder.

    Others may be writing there now, on this machine or on another: their files stay.
    """
    for path in folder.glob(".spikecast-*"):
        name = TEMPORARY.fullmatch(path.name)
        if not name or name[2] != _mark_machine() or process_exists(name[3]):
            continue
        with suppress(OSError):  # of somebody else, a folder, or removed meanwhile
            path.unlink()


def prepare_export(given: object, ending: str) -> Path:
    """Return where a file is written that somebody names, once its ending is checked.

    Files that killed processes had begun to write beside it are removed.
    """
    path = to_path("the file to write", given)
    if path.suffix != ending:
        raise InputError(f"'{path}' must end in {ending}")
    remove_abandoned(path.parent)
    return path


def process_exists(number: str) -> bool:
    """Return whether a process of this machine has a number; True where that cannot be told."""
    if os.name != "posix":  # asking would end it
        return True
    try:
        os.kill(int(number), 0)  # sends nothing
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _mark_machine() -> str:
    """Return a mark of this machine, or of the container whose processes have their own numbers."""
    numbers = Path("/proc/self/ns/pid")
    space = os.readlink(numbers) if numbers.is_symlink() else ""
    return blake2s(f"{socket.gethostname()} {space}".encode(), digest_size=3).hexdigest()


@contextmanager
def lock_folder(folder: str | Path) -> Iterator[None]:
    """Keep other processes from writing into a folder during a block; raise if one already does.

    The operating system holds the lock, and releases it when the process ends, however it ends.
    Files that a process had begun to write when it was killed are removed.
    """
    folder = Path(folder)
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    refuse_links(folder)
    lock = FileLock(folder / LOCK)
    with explain_write_errors(folder / LOCK):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise RunError(
                f"another process is writing into '{folder}'; wait for its end or use another "
                "folder"
            ) from None
    try:
        remove_temporary(folder)
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)  # while it is held: a later run makes its own
        lock.release()
