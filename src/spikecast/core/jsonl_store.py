"""Records of finished jobs, one line each, in a file that is only appended to.

A process that is killed at any moment leaves whole lines, and perhaps the beginning of one more,
which is cut off when the file is read again: jobs without a whole line are run again.
"""

import json
import os
from pathlib import Path
from typing import Any


class JsonlStore:
    """A file of JSON lines, each a key and a record; `records` holds them in the file's order."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        content = self.path.read_bytes() if self.path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))
        self.records: dict[str, Any] = dict(map(json.loads, whole.splitlines()))

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
