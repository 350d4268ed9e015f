"""Who executes jobs: this process, processes beside each other, or a Dask cluster.

Whatever fans out takes a standard :class:`concurrent.futures.Executor`; this file makes them.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import (
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

from spikecast.core.errors import InputError, WorkerLostError
from spikecast.parallel.memory import measure_free_memory

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, jobs done, jobs in all)."""

START_UP = 6
"""Jobs below which starting processes (each imports torch, some seconds) does not pay."""
ATTEMPTS = 3
"""How often a job is tried whose process dies."""
PER_WORKER = 400e6
"""Bytes a worker needs: libraries (torch among them) and room for a fit."""
ENGINES = ("local", "dask-local", "dask://HOST:PORT")


def count_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_n_workers(n_jobs: int, bytes_per_job: float = 0) -> int:
    """Return how many processes to start: one per core, if memory and the number of jobs allow."""
    room = measure_free_memory() // (PER_WORKER + bytes_per_job)
    return max(1, int(min(count_cores(), n_jobs, room)))


@contextmanager
def open_executor(
    n_jobs: int, workers: int | None = None, engine: str = "local", bytes_per_job: float = 0
) -> Iterator[Executor | None]:
    """Yield an executor for `n_jobs` jobs, or None to run them here.

    Parameters
    ----------
    n_jobs : int
    workers : int, optional
        Processes; by default one per core where there are enough jobs to pay for their start and
        memory for all.
    engine : str
        ``"local"``: processes of this machine. ``"dask-local"``: a Dask cluster of this machine.
        ``"dask://HOST:PORT"``: the workers of the scheduler there, however many they are.
    bytes_per_job : float
        Memory a job needs beside its libraries.

    Raises
    ------
    InputError
        For another engine, one that does not answer, or Dask where it is not installed.
    """
    if engine != "local":
        with _dask(engine, workers or choose_n_workers(n_jobs, bytes_per_job)) as pool:
            yield pool
        return
    if workers is None:
        workers = choose_n_workers(n_jobs, bytes_per_job) if n_jobs >= START_UP else 1
    workers = min(workers, n_jobs)
    if workers <= 1:
        yield None
        return
    pool = RetryingProcessPool(workers)
    try:
        yield pool
    except BaseException:
        pool.kill()
        raise
    pool.shutdown()


def check_engine(engine: str) -> None:
    """Refuse an engine that is not known, or whose library is not there, before a run begins.

    Raises
    ------
    InputError
    """
    if engine == "local":
        return
    if engine != "dask-local" and not engine.startswith("dask://"):
        raise InputError(f"unknown engine '{engine}'; allowed: {', '.join(ENGINES)}")
    if find_spec("distributed") is None:
        raise InputError(
            f"engine '{engine}' needs Dask; install it with: pip install 'spikecast[cluster]'"
        )


@contextmanager
def _dask(engine: str, workers: int) -> Iterator[Executor]:
    check_engine(engine)
    from spikecast.parallel import dask_cluster as cluster

    remote = engine.removeprefix("dask://")
    client = cluster.local(workers) if engine == "dask-local" else cluster.connected(remote)
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close()
        if client.cluster is not None:
            client.cluster.close()


# ------------------------------------------------------------------------------------ processes


class RetryingProcessPool(Executor):
    """Processes that outlast their accidents.

    Each slot is a pool of one process, so that a process that dies (killed, or out of memory) is
    known to have died of its own job: the job is tried again in a new one, the others notice
    nothing.

    Parameters
    ----------
    workers : int

    Examples
    --------
    >>> with RetryingProcessPool(1) as pool:
    ...     pool.submit(pow, 2, 5).result()
    32
    """

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, "spikecast")
        self._slot = threading.local()
        self._pools: set[ProcessPoolExecutor] = set()
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Do ``fn(*args, **kwargs)`` in one of the processes.

        The future raises :class:`WorkerLostError` when the job's process died every time.
        """
        return self._threads.submit(self._insist, fn, args, kwargs)

    def _insist(self, fn: Callable, args: tuple, kwargs: dict) -> Any:
        for _ in range(ATTEMPTS):
            pool = getattr(self._slot, "pool", None) or self._opened()
            try:
                return pool.submit(fn, *args, **kwargs).result()
            except BrokenProcessPool:
                self._slot.pool = None
                self._pools.discard(pool)
                pool.shutdown(wait=False)
        raise WorkerLostError(
            f"the process that did it ended {ATTEMPTS} times without a word, most likely for want "
            "of memory; use fewer --workers or a smaller model"
        )

    def _opened(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise WorkerLostError("the run was ended")
            # spawn: a forked torch can hang on locks that another thread held
            pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _obey_the_parent)
            self._pools.add(pool)
        self._slot.pool = pool
        return pool

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End when all jobs are done (or, with `cancel_futures`, those that have begun)."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        with self._lock:
            for pool in self._pools:
                pool.shutdown(wait)

    def kill(self) -> None:
        """End at once; jobs that have begun are lost."""
        with self._lock:
            self._closed = True
            for pool in self._pools:
                for process in list((pool._processes or {}).values()):
                    process.terminate()
        self.shutdown(wait=False, cancel_futures=True)


def _obey_the_parent() -> None:
    """Leave Ctrl-C, which reaches every process of the terminal, to the parent; end when it ends.

    A parent that is killed cannot end its workers: they would go on with jobs nobody waits for.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# ------------------------------------------------------------------------------------- outcomes


@dataclass(frozen=True)
class Failed:
    """What a job left that raised, in one line."""

    why: str


Call = tuple[Callable, tuple]
"""A function, which can be imported by name, and its arguments."""


def run_jobs(calls: Mapping[str, Call], pool: Executor | None) -> Iterator[tuple[str, Any]]:
    """Do jobs and yield ``(name, result)`` as they come; one that raises yields :class:`Failed`.

    Parameters
    ----------
    calls : mapping of name -> (function, arguments)
    pool : concurrent.futures.Executor or None
        None: here, one after the other.

    Examples
    --------
    >>> dict(run_jobs({"a": (pow, (2, 3)), "b": (int, ("x",))}, None))["a"]
    8
    """
    if pool is None:
        for name, (function, arguments) in calls.items():
            yield name, _attempt(partial(function, *arguments))
        return
    futures = {pool.submit(function, *given): name for name, (function, given) in calls.items()}
    try:
        for future in as_completed(futures):
            # let go of what was yielded: the fitted models of a long run fill the memory
            name = futures.pop(future)
            outcome = _attempt(future.result)
            del future
            yield name, outcome
    finally:
        for future in futures:
            future.cancel()


def _attempt(result: Callable[[], Any]) -> Any:
    try:
        return result()
    except Exception as error:
        said = " ".join(str(error).split())
        return Failed(f"{type(error).__name__}: {said}" if said else type(error).__name__)
