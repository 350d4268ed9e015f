"""Values that many jobs read: sent to each worker once, not with every job."""

import uuid
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib

_VALUES: dict[str, Any] = {}
"""The shared values in this process, by key."""


@dataclass(frozen=True)
class SharedValue:
    """A handle that is sent with jobs instead of the value.

    `path` is the file whose arrays each process maps into its memory; None where the workers hold
    the value itself.
    """

    key: str
    path: str | None = None

    def get(self) -> Any:
        """Return the value; its arrays are read-only where they are mapped."""
        if self.key not in _VALUES:
            if self.path is None:
                raise LookupError("the shared value is gone: its block has ended")
            # a pickle, but of this program, in a folder that nobody else can write
            _VALUES[self.key] = joblib.load(self.path, mmap_mode="r")
        return _VALUES[self.key]


@contextmanager
def share_value(
    value: Any, executor: Executor | None, folder: Path | None = None
) -> Iterator[SharedValue]:
    """Make `value` readable for the jobs of a block; yield the handle to pass to them.

    Without an executor they read the same object. Dask workers are each sent the value once. For
    any other executor it is written to a file, in `folder` or a temporary one, and mapped.
    """
    key = uuid.uuid4().hex
    client = find_dask_client(executor)
    if executor is None:
        _VALUES[key] = value
        try:
            yield SharedValue(key)
        finally:
            del _VALUES[key]
    elif client is not None:
        from spikecast.parallel.dask_cluster import (
            SHARE_TIMEOUT,
            ValueHolder,
            plugged,
            same_version,
        )

        holder = ValueHolder(key, value, hold_value, drop_value)
        # an executor that the user made has not been checked
        with same_version(client, f"-{key}"), plugged(client, holder, key, SHARE_TIMEOUT):
            yield SharedValue(key)
    else:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory("", "spikecast-", folder, ignore_cleanup_errors=True) as place:
            path = f"{place}/shared.joblib"
            joblib.dump(value, path)
            yield SharedValue(key, path)


def find_dask_client(executor: Executor | None) -> Any:
    """Return the Dask client behind an executor, or None for another kind of executor."""
    if type(executor).__module__.split(".")[0] != "distributed":
        return None
    return executor._client  # type: ignore[union-attr]


def hold_value(key: str, value: Any) -> None:
    """Store a value for the jobs of this process."""
    _VALUES[key] = value


def drop_value(key: str) -> None:
    """Remove a value from this process."""
    _VALUES.pop(key, None)
