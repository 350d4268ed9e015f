"""Who executes jobs: this process, or several beside each other."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

START_UP = 6
"""Jobs below which starting processes (each imports torch, some seconds) does not pay."""


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def executor(n_jobs: int, workers: int | None = None) -> Iterator[Executor | None]:
    """Yield an executor for `n_jobs` jobs, or None to run them here.

    Parameters
    ----------
    n_jobs : int
    workers : int, optional
        Processes; by default one per core where there are enough jobs to pay for their start.
    """
    if workers is None:
        workers = available_cores() if n_jobs >= START_UP else 1
    workers = min(workers, n_jobs)
    if workers <= 1:
        yield None
        return
    # spawn: a forked torch can hang on locks that another thread held
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _obey_the_parent)
    try:
        yield pool
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


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
