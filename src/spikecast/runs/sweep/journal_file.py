"""The lines of a sweep's journal, each with a checksum of all that stands before it.

Optuna replays whatever a line holds, and cannot tell a damaged one. Here each line says what it and
the lines above it must be: one that was changed, removed, repeated or moved is refused.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from spikecast.core.errors import DamagedFileError
from spikecast.core.files import explain_write_errors
from spikecast.core.stored import explain_errors

KEY = "sum"
"""The key of a line's checksum."""


@dataclass
class JournalFile:
    """A file of entries, as :class:`optuna.storages.JournalStorage` reads and appends them.

    Processes append to it one at a time, while they hold `lock`. A last line that a killed process
    did not finish is cut off when the next one appends.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> journal = JournalFile(folder / "study.log", FileLock(folder / "lock"))
    >>> journal.append_logs([{"op_code": 0}, {"op_code": 4}])
    >>> list(journal.read_logs(1))
    [{'op_code': 4}]
    """

    path: Path
    lock: FileLock
    # of each line read so far: where it ends, and its checksum
    _ends: list[tuple[int, str]] = field(default_factory=lambda: [(0, "")])

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the entries from a line on, counted from 0; see Optuna's base class.

        Raises
        ------
        DamagedFileError
        """
        number = min(log_number_from, len(self._ends) - 1)
        offset, before = self._ends[number]
        for line in self._read_from(offset):
            number += 1
            entry, before = self._check_line(line, number, before)
            offset += len(line)
            if number == len(self._ends):
                self._ends.append((offset, before))
            if number > log_number_from:
                yield entry

    def append_logs(self, logs: Sequence[dict[str, Any]]) -> None:
        """Write entries to the disk, each as a line; see Optuna's base class."""
        with self.lock:
            for _ in self.read_logs(len(self._ends) - 1):  # what others wrote since
                pass
            end, before = self._ends[-1]
            lines = []
            for entry in logs:
                before = compute_sum(before, entry)
                lines.append(json.dumps(entry | {KEY: before}, separators=(",", ":")) + "\n")
            with explain_write_errors(self.path), self.path.open("ab") as file:
                file.truncate(end)
                file.write("".join(lines).encode())
                file.flush()
                os.fsync(file.fileno())

    def _read_from(self, offset: int) -> list[bytes]:
        """Return the whole lines after a place."""
        if not self.path.exists():
            return []
        with explain_errors(self.path), self.path.open("rb") as file:
            file.seek(offset)
            content = file.read()
        return content[: content.rfind(b"\n") + 1].splitlines(keepends=True)

    def _check_line(self, line: bytes, number: int, before: str) -> tuple[dict[str, Any], str]:
        """Return the entry of a line, and its checksum."""
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if isinstance(entry, dict) and (own := entry.pop(KEY, None)) == compute_sum(before, entry):
            return entry, str(own)
        raise explain_damage(self.path, number, "its checksum is another")


def explain_damage(path: Path, number: int, reason: str) -> DamagedFileError:
    """Return the error of a line, counted from 1, with what to do."""
    return DamagedFileError(
        f"'{path}' is damaged in line {number}, or was begun by an earlier version: {reason}. Keep "
        f"the lines above it (head -n {number - 1}), and resume: what came after is done again. "
        "Or overwrite the sweep"
    )


def compute_sum(before: str, entry: dict[str, Any]) -> str:
    """Return the checksum of an entry that follows on a line with the checksum `before`."""
    content = before + json.dumps(entry, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
