"""Records of finished jobs, one line each, in a file that is only appended to.

A process that is killed at any moment leaves whole lines, and perhaps the beginning of one more,
which is cut off when the file is read again: jobs without a whole line are run again. A line that
is damaged otherwise is an error that says what to do.
"""

import json
import os
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from spikecast.core.checks import shorten_line
from spikecast.core.errors import DamagedFileError
from spikecast.core.stored import explain_errors, validate


class JsonlStore:
    """A file of JSON lines, each a key and a record; `records` holds them in the file's order.

    `schema` is what a record must be, a type that pydantic knows.
    """

    def __init__(self, path: str | Path, schema: Any = Any) -> None:
        self.path = Path(path)
        with explain_errors(self.path):
            content = self.path.read_bytes() if self.path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))
        lines = enumerate(whole.splitlines(), start=1)
        entries = (_read_line(self.path, number, line, schema) for number, line in lines)
        self.records: dict[str, Any] = dict(entries)

    def append(self, key: str, record: Any) -> None:
        """Write a record to the disk; after an OSError the file is as before."""
        line = (json.dumps([key, record], separators=(",", ":")) + "\n").encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            before = os.fstat(handle).st_size
            try:
                rest = memoryview(line)
                while rest:  # a nearly full disk takes a part
                    rest = rest[os.write(handle, rest) :]
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, before)
                raise
        finally:
            os.close(handle)
        self.records[key] = json.loads(line)[1]  # what a reader of the file would see


def _read_line(path: Path, number: int, line: bytes, schema: Any) -> tuple[str, Any]:
    """Return key and record of a line."""
    try:
        key, record = validate(from_json(line), tuple[str, Any], path)
        if schema is not Any:
            record = validate(record, schema, path)
    except (ValueError, DamagedFileError) as error:
        reason = shorten_line(str(error).removeprefix(f"'{path}' is damaged: "))
        raise DamagedFileError(
            f"'{path}' is damaged in line {number}: {reason}. Remove that line, and resume: what "
            "it recorded is done again"
        ) from None
    return key, record
