"""Values that many jobs read: sent to each worker once, not with every job."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib

_VALUES: dict[str, Any] = {}
"""The shared values that this process holds, by key."""


@dataclass(frozen=True)
class SharedValue:
    """A small handle that travels with jobs instead of the value.

    Attributes
    ----------
    key : str
    path : str or None
        File whose arrays every process of this machine maps into its memory; None where the
        workers hold the value itself.
    """

    key: str
    path: str | None = None

    def get(self) -> Any:
        """Return the value; its arrays cannot be written to where they are mapped."""
        if self.key not in _VALUES:
            if self.path is None:
                raise LookupError("the shared value is gone: its block has ended")
            # our own file, written a moment ago in a folder that no one else can write
            _VALUES[self.key] = joblib.load(self.path, mmap_mode="r")
        return _VALUES[self.key]


@contextmanager
def share_value(
    value: Any, executor: Executor | None, folder: Path | None = None
) -> Iterator[SharedValue]:
    """Let the jobs of a block read `value`, wherever they run; yield the handle to pass to them.

    Parameters
    ----------
    value : object
        Anything that can be pickled; large arrays in it are mapped, not copied.
    executor : concurrent.futures.Executor or None
        None: jobs run in this process and read the same object. A Dask client's executor: each
        worker is sent the value once, those that join later too. Any other: the value is
        written to a file.
    folder : Path, optional
        Where the file is written; all workers must be able to read it. By default a temporary
        folder of this machine.

    Examples
    --------
    >>> with share_value({"x": 3}, None) as handle:
    ...     handle.get()["x"]
    3
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
        from spikecast.parallel.dask_cluster import ValueHolder

        client.register_plugin(ValueHolder(key, value, keep_value, drop_value), name=key)
        try:
            yield SharedValue(key)
        finally:
            with suppress(Exception):  # a scheduler that is gone holds nothing either
                client.unregister_worker_plugin(key)
    else:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix="spikecast-", dir=folder))
        try:
            path = place / "shared.joblib"
            joblib.dump(value, path)
            yield SharedValue(key, str(path))
        finally:
            shutil.rmtree(place, ignore_errors=True)


def find_dask_client(executor: Executor | None) -> Any:
    """Return the Dask client behind an executor, or None for another kind of executor."""
    if type(executor).__module__.split(".")[0] != "distributed":
        return None
    return executor._client  # type: ignore[union-attr]


def keep_value(key: str, value: Any) -> None:
    """Hold a value for the jobs of this process."""
    _VALUES[key] = value


def drop_value(key: str) -> None:
    """Release a value."""
    _VALUES.pop(key, None)
