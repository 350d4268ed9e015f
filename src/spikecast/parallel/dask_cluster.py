"""Connections to Dask clusters. Imported only where one is used."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Any

from distributed import Client, WorkerPlugin

from spikecast.core.errors import InputError

CONNECT_TIMEOUT = 15  # seconds


class ValueHolder(WorkerPlugin):
    """A plugin that sends a shared value to every worker, those that join later too."""

    def __init__(
        self, key: str, value: Any, hold: Callable[[str, Any], None], drop: Callable[[str], None]
    ) -> None:
        self.key, self.value, self.hold, self.drop = key, value, hold, drop

    def setup(self, worker: Any) -> None:
        """Hold the value on a worker."""
        self.hold(self.key, self.value)

    def teardown(self, worker: Any) -> None:
        """Drop the value when the plugin or the worker is removed."""
        self.drop(self.key)


class VersionCheck(WorkerPlugin):
    """A plugin that refuses workers with another version of the package.

    One that is there already raises an error to the client; one that joins later ends itself, which
    its log says, and the others go on.
    """

    name = "spikecast-version"

    def __init__(self, expected: str) -> None:
        self.expected = expected

    def setup(self, worker: Any) -> None:
        """Raise an InputError where the worker's version is another."""
        own = version("spikecast")
        if own == self.expected:
            return
        if not worker.periodic_callbacks["heartbeat"].is_running():  # it is joining
            worker.loop.call_later(0, worker.close)
        raise InputError(
            f"the worker at {worker.address} has spikecast {own}, this process {self.expected}; "
            "install the same version on both"
        )


@contextmanager
def open_client(engine: str, workers: int) -> Iterator[Client]:
    """Yield a client of ``dask://HOST:PORT``, or of a new cluster on this machine.

    The cluster that was started for it ends with the block. Raises an InputError where no scheduler
    answers, or a worker has another version of the package.
    """
    with _connect(engine, workers) as client:
        check = VersionCheck(version("spikecast"))
        client.register_plugin(check)
        try:
            yield client
        finally:
            with suppress(Exception):  # a scheduler that is gone has no plugin either
                client.unregister_worker_plugin(check.name)


def _connect(engine: str, workers: int) -> Client:
    if engine == "dask-local":
        return Client(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            # any free port: a second cluster on this machine would warn about the default one
            scheduler_kwargs={"dashboard_address": ":0"},
            set_as_default=False,
        )
    address = engine.removeprefix("dask://")
    try:
        return Client(f"tcp://{address}", timeout=CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at '{address}' ({error}); start one with "
            "'dask scheduler' and give its HOST:PORT"
        ) from None
