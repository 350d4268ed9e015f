"""Connections to Dask clusters. Imported only where one is used."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Any

from distributed import Client, LocalCluster, WorkerPlugin, rpc

from spikecast.core.checks import describe_error, quote, shorten_line
from spikecast.core.errors import ClusterLostError, InputError

CONNECT_TIMEOUT = 15  # seconds
ANSWER_TIMEOUT = 30.0  # seconds for an answer of the scheduler and all workers
SHARE_TIMEOUT = 600.0  # seconds until all workers have a recording
ATTEMPTS = 3  # to reach all workers, of which some may be ending
SILENT_AFTER = 30.0  # seconds without a sign of a worker; it gives one every second or so
END_TIMEOUT = 2.0  # seconds at the end, where a scheduler may be gone


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
    with _quiet_logs(), ExitStack() as stack:
        if engine == "dask-local":
            cluster = stack.enter_context(_start_cluster(workers))
            client = Client(cluster, set_as_default=False)
        else:
            client = _connect(engine.removeprefix("dask://"))
        try:
            with same_version(client):
                yield client
        finally:
            with suppress(Exception):  # a scheduler that does not answer is left
                client.close(timeout=END_TIMEOUT)


@contextmanager
def same_version(client: Client, key: str = "") -> Iterator[None]:
    """Refuse workers with another version of the package within the block, also late ones."""
    check = VersionCheck(version("spikecast"))
    with plugged(client, check, f"{VersionCheck.name}{key}", ANSWER_TIMEOUT):
        yield


@contextmanager
def plugged(client: Client, plugin: WorkerPlugin, name: str, seconds: float) -> Iterator[None]:
    """Have a plugin on all workers within the block; `seconds` is how long they may take for it.

    Raises a ClusterLostError where the scheduler or a worker does not answer, and an InputError
    where a worker cannot load the plugin.
    """
    try:
        _register(client, plugin, name, seconds)
    except InputError:
        raise
    except TimeoutError:
        raise ClusterLostError(
            f"the scheduler, or one of its workers, did not answer in {seconds:g} s; end the one "
            "that hangs, or lacks spikecast (its log says so), and give the same command with "
            "--resume"
        ) from None
    except OSError as error:
        raise ClusterLostError(
            f"the scheduler or a worker is gone ({shorten_line(error)}); start what is missing and "
            "give the same command with --resume"
        ) from None
    except Exception as error:
        raise InputError(f"a worker cannot load spikecast: {describe_error(error)}") from None
    try:
        yield
    finally:
        with suppress(Exception):  # a scheduler that is gone has no plugin either
            _call(client, partial(client.unregister_worker_plugin, name), END_TIMEOUT)


def _register(client: Client, plugin: WorkerPlugin, name: str, seconds: float) -> None:
    """Register a plugin; once more where a worker is lost meanwhile, and the scheduler is not."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _call(client, partial(client.register_plugin, plugin, name=name), seconds)
            return
        except TimeoutError:
            raise
        except OSError:
            if attempt == ATTEMPTS:
                raise
            _call(client, client.scheduler.identity, ANSWER_TIMEOUT)


Signs = dict[str, tuple[float, float]]
"""By a worker's address: its last sign on the scheduler's clock, and when it was new on ours."""


def describe_trouble(client: Client, signs: Signs) -> str:
    """Return why jobs may not end, "" where nothing is wrong; `signs` is kept between two calls.

    Raises a TimeoutError where the scheduler does not answer.
    """
    workers = _call(client, client.scheduler.identity, ANSWER_TIMEOUT / 3)["workers"]
    if not workers:
        return "the scheduler has no workers; waiting until one joins"
    if all(worker.get("status") == "paused" for worker in workers.values()):
        return (
            "all workers have paused, as their memory is nearly full; start workers with more "
            "(--memory-limit), or interrupt this command and go on later with --resume"
        )
    now = time.monotonic()
    for address, worker in workers.items():
        if address not in signs or signs[address][0] != worker["last_seen"]:
            signs[address] = worker["last_seen"], now
    silent = [address for address in workers if now - signs[address][1] > SILENT_AFTER]
    if not silent:
        return ""
    return (
        f"no sign of {len(silent)} of {len(workers)} workers ({shorten_line(', '.join(silent))}); "
        "Dask gives their jobs to others after five minutes, at once if you end them"
    )


def _call(client: Client, function: Callable[[], Any], seconds: float) -> Any:
    """Return what a method of the client gives, or raise a TimeoutError."""

    async def call() -> Any:
        return await function()

    return client.sync(call, callback_timeout=seconds)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Keep the messages of Dask and of its event loop, of many lines, from the terminal.

    Its configuration gives some of its loggers, as that of the client, a level of their own.
    """
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed.")]
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado.application", *names)]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _start_cluster(workers: int) -> Iterator[LocalCluster]:
    try:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            # any free port: a second cluster on this machine would warn about the default one
            scheduler_kwargs={"dashboard_address": ":0"},
            silence_logs=logging.CRITICAL + 1,
        )
    except Exception as error:
        raise InputError(
            f"Dask does not start on this machine: {describe_error(error)}; see its configuration "
            "(~/.config/dask, DASK_...), or use the engine 'local'"
        ) from None
    with cluster:
        yield cluster


def _connect(address: str) -> Client:
    """Return a client of the scheduler at ``HOST:PORT``."""
    try:
        asyncio.run(asyncio.wait_for(_check_scheduler(f"tcp://{address}"), CONNECT_TIMEOUT))
        return Client(f"tcp://{address}", timeout=CONNECT_TIMEOUT, set_as_default=False)
    except Exception as error:  # what is no scheduler can answer anything
        reason = describe_error(error) if str(error) else f"not in {CONNECT_TIMEOUT} s"
        raise InputError(
            f"no Dask scheduler answers at {quote(address)} ({reason}); start one with "
            "'dask scheduler' and give its HOST:PORT"
        ) from None


async def _check_scheduler(address: str) -> None:
    """Raise where something else than a scheduler answers: the client would wait without end."""
    async with rpc(address) as scheduler:
        about = await scheduler.identity()
    if about["type"] != "Scheduler":
        raise ValueError(f"it is a Dask {shorten_line(about['type'])}")
