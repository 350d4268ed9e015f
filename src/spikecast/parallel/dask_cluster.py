"""The little that must know Dask: imported only where a Dask cluster is used."""

from collections.abc import Callable
from typing import Any

from distributed import Client, LocalCluster, WorkerPlugin

from spikecast.core.errors import InputError

CONNECT = 15  # seconds


class Holder(WorkerPlugin):
    """Gives every worker a shared value when it starts or joins."""

    def __init__(
        self, key: str, value: Any, hold: Callable[[str, Any], None], let_go: Callable[[str], None]
    ) -> None:
        self.key, self.value, self.hold, self.let_go = key, value, hold, let_go

    def setup(self, worker: Any) -> None:
        """Called on each worker."""
        self.hold(self.key, self.value)

    def teardown(self, worker: Any) -> None:
        """Called when the plugin or the worker goes."""
        self.let_go(self.key)


def connected(address: str) -> Client:
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
            "'dask scheduler' and name its HOST:PORT"
        ) from None


def local(workers: int) -> Client:
    """Return a client of a cluster on this machine: one process and one thread each."""
    cluster = LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
    )
    return Client(cluster, set_as_default=False)
