"""Where jobs run: in this process, in processes of this machine, or on a Dask cluster.

Everything that runs many jobs takes a standard :class:`concurrent.futures.Executor`, or None for
this process. :func:`open_executor` makes one, :func:`run_jobs` gives jobs to it.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from typing import Any

from joblib import cpu_count

from spikecast.core.checks import check_count, check_kind, check_method
from spikecast.core.errors import ClusterLostError, InputError
from spikecast.core.free_memory import measure_free_memory
from spikecast.parallel.process_pool import RetryingProcessPool
from spikecast.parallel.shared_data import find_dask_client

log = logging.getLogger("spikecast")

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, jobs done, jobs in all)."""

MIN_JOBS = 6
"""Fewer jobs than this run in this process: starting others, which import torch, takes longer."""
WORKER_MEMORY = 400e6
"""Bytes a worker needs for libraries (torch among them) and one fit."""
ENGINES = ("local", "dask-local", "dask://HOST:PORT")
POLL = 1.0  # seconds between two calls of `while_waiting`
LOOK = 5.0  # seconds between two questions to a cluster
SILENT = (
    "the scheduler does not answer any more; end it, start it again, and give the same command "
    "with its address and --resume"
)
LOST = (
    "the cluster is gone, and with it the jobs that had not ended; start it again, and give the "
    "same command with its address and --resume"
)


def choose_n_workers(n_jobs: int) -> int:
    """Return how many processes to start: one per core, if memory and the number of jobs allow."""
    n_fitting = measure_free_memory() // WORKER_MEMORY
    return max(1, int(min(cpu_count(), n_jobs, n_fitting)))


@contextmanager
def open_executor(
    n_jobs: int, workers: int | None = None, engine: str = "local"
) -> Iterator[Executor | None]:
    """Yield an executor for `n_jobs` jobs, or None if they are to run in this process.

    Parameters
    ----------
    n_jobs : int
    workers : int, optional
        Number of processes. By default one per core, as far as memory allows, or none at all
        where the jobs are too few.
    engine : str
        ``"local"``: processes of this machine. ``"dask-local"``: a Dask cluster of this machine.
        ``"dask://HOST:PORT"``: all workers of the scheduler there.

    Yields
    ------
    Executor or None

    Raises
    ------
    InputError
        For an unknown engine, a scheduler that does not answer, or Dask where it is not installed.

    Examples
    --------
    >>> with open_executor(n_jobs=10, workers=1) as executor:
    ...     print(executor)
    None
    """
    n_jobs = check_count("n_jobs", n_jobs, 0)
    check_engine(engine)
    workers = None if workers is None else check_count("workers", workers, 1)
    if engine != "local":
        from spikecast.parallel.dask_cluster import open_client

        with open_client(engine, workers or choose_n_workers(n_jobs)) as client:
            yield client.get_executor(pure=False)
        return
    if workers is None:
        workers = choose_n_workers(n_jobs) if n_jobs >= MIN_JOBS else 1
    workers = min(workers, n_jobs)
    if workers <= 1:
        yield None
        return
    pool = RetryingProcessPool(workers)
    try:
        yield pool
        pool.shutdown()
    except BaseException:  # also one that interrupts the wait for the last job
        pool.kill()
        raise


def check_engine(engine: str) -> None:
    """Raise for an engine that is unknown or whose library is not installed."""
    check_kind(engine, str)
    if engine == "local":
        return
    if engine != "dask-local" and not re.fullmatch(r"dask://.+:\d+", engine):
        raise InputError(f"unknown engine '{engine}'; allowed: {', '.join(ENGINES)}")
    if find_spec("distributed") is None:
        raise InputError(
            f"engine '{engine}' needs Dask; install it with: pip install 'spikecast[cluster]'"
        )


# ----------------------------------------------------------------------------------------- jobs

Call = tuple[Callable, tuple]
"""A function, which can be imported by name, and its arguments."""


@dataclass(frozen=True)
class JobOutcome:
    """What a job returned, or the error it raised."""

    name: str
    value: Any = None
    error: Exception | None = None

    @property
    def failure(self) -> str | None:
        """The error in one line; None if there was none."""
        if self.error is None:
            return None
        message = " ".join(str(self.error).split())
        kind = type(self.error).__name__
        return f"{kind}: {message}" if message else kind

    def result(self) -> Any:
        """Return the value, or raise the job's error."""
        if self.error is not None:
            raise self.error
        return self.value


def run_jobs(
    jobs: Mapping[str, Call],
    executor: Executor | None,
    while_waiting: Callable[[], None] = lambda: None,
) -> Iterator[JobOutcome]:
    """Run jobs, given by name, and yield the outcome of each as it ends.

    A job that raises does not stop the others. Jobs that have not begun are cancelled when the
    iteration is left early. `while_waiting` is called once a second while no job ends.

    Raises
    ------
    ClusterLostError
        When the cluster is gone: that is an interruption, not the failure of a job.

    Examples
    --------
    >>> for job in run_jobs({"a": (pow, (2, 3)), "b": (int, ("x",))}, None):
    ...     print(job.name, job.value, job.failure)
    a 8 None
    b None ValueError: invalid literal for int() with base 10: 'x'
    """
    if executor is None:
        for name, (function, arguments) in jobs.items():
            yield _run_job(name, function, *arguments)
        return
    check_method("executor", executor, "submit", "a concurrent.futures.Executor, or None")
    ended: SimpleQueue[Future] = SimpleQueue()
    names = {
        executor.submit(function, *arguments): name for name, (function, arguments) in jobs.items()
    }
    watch = _ClusterWatch(executor)
    try:
        for future in names:
            future.add_done_callback(ended.put)
        while names:
            try:
                future = ended.get(timeout=POLL)
            except Empty:
                while_waiting()
                watch.look()
                continue
            if future.cancelled():  # not by us
                raise ClusterLostError(LOST)
            outcome = _run_job(names.pop(future), future.result)
            # hold no reference to what is yielded: the models of a long run would fill the memory
            del future
            yield outcome
            del outcome
    finally:
        for future in names:
            future.cancel()


class _ClusterWatch:
    """Says why no job ends on a Dask cluster, and gives up one whose scheduler does not answer."""

    def __init__(self, executor: Executor) -> None:
        self._client = find_dask_client(executor)
        self._signs: dict[str, tuple[float, float]] = {}  # of its workers
        self._said = ""
        self._next = time.monotonic() + LOOK

    def look(self) -> None:
        """Ask the scheduler, every few seconds; raise a ClusterLostError where it is silent."""
        if self._client is None or time.monotonic() < self._next:
            return
        from spikecast.parallel.dask_cluster import describe_trouble

        try:
            trouble = describe_trouble(self._client, self._signs)
        except TimeoutError:
            raise ClusterLostError(SILENT) from None
        except OSError:  # it is gone; Dask looks for it for a while, and then cancels the jobs
            trouble = "the scheduler is gone; waiting for it to come back"
        if trouble and trouble != self._said:
            log.warning(trouble)
        self._said, self._next = trouble, time.monotonic() + LOOK


def _run_job(name: str, function: Callable, *arguments: Any) -> JobOutcome:
    try:
        return JobOutcome(name, function(*arguments))
    except Exception as error:
        return JobOutcome(name, error=error)
