"""Connections to Dask clusters. Imported only where one is used."""

from collections.abc import Callable
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


def open_client(engine: str, workers: int) -> Client:
    """Return a client of ``dask://HOST:PORT``, or of a new cluster on this machine.

    Closing the client ends the cluster that was started for it.
    """
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
