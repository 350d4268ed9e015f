"""Connections to Dask clusters. Imported only where one is used."""

from collections.abc import Callable
from typing import Any

from distributed import Client, LocalCluster, WorkerPlugin

from spikecast.core.errors import InputError

CONNECT = 15  # seconds


class ValueHolder(WorkerPlugin):
    """Gives a shared value to every worker, those that join later too."""

    def __init__(
        self, key: str, value: Any, keep: Callable[[str, Any], None], drop: Callable[[str], None]
    ) -> None:
        self.key, self.value, self.keep, self.drop = key, value, keep, drop

    def setup(self, worker: Any) -> None:
        """Keep the value on a worker."""
        self.keep(self.key, self.value)

    def teardown(self, worker: Any) -> None:
        """Drop the value when the plugin or the worker goes."""
        self.drop(self.key)


def connect(address: str) -> Client:
    """Return a client of the scheduler at ``HOST:PORT``.

    Raises
    ------
    InputError
        When none answers there.
    """
    try:
        return Client(f"tcp://{address}", timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at '{address}' ({error}); start one with "
            "'dask scheduler' and give its HOST:PORT"
        ) from None


def start_local(workers: int) -> Client:
    """Return a client of a new cluster on this machine, each worker with one thread."""
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        # any free port: a second cluster on this machine would warn about the default one
        scheduler_kwargs={"dashboard_address": ":0"},
    )
    return Client(cluster, set_as_default=False)
