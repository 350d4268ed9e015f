"""Processes of this machine that run jobs, and repeat a job whose process died."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any

from joblib import wrap_non_picklable_objects

from spikecast.core.errors import WorkerLostError

ATTEMPTS = 3
"""How often a job is tried when its process dies."""
LONGEST_WAIT = 2.0  # seconds for the thread that keeps a process which was ended
_HIDING = threading.Lock()


class RetryingProcessPool(Executor):
    """Processes that run jobs; a job whose process died is tried again in a new one.

    Each slot is a pool of one process. When a process dies (killed, or out of memory), it is known
    which job it was running, and jobs in other slots are not affected.

    A process does not run the user's script again, as it would to find what the script defines:
    a script needs no ``if __name__ == "__main__":``, and its classes and functions are sent along.
    """

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, "spikecast")
        self._slot = threading.local()
        self._pools: set[ProcessPoolExecutor] = set()
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Return the future of a call; it raises when the process died at every attempt."""
        return self._threads.submit(self._run_with_retries, fn, args, kwargs)

    def _run_with_retries(self, fn: Callable, args: tuple, kwargs: dict) -> Any:
        call = wrap_non_picklable_objects(partial(fn, *args, **kwargs), keep_wrapper=False)
        for _ in range(ATTEMPTS):
            pool = getattr(self._slot, "pool", None) or self._start_process()
            try:
                return pool.submit(_call, call).result()
            except BrokenProcessPool:
                self._slot.pool = None
                with self._lock:  # `kill` goes through the pools
                    self._pools.discard(pool)
                pool.shutdown(wait=False)
        raise WorkerLostError(
            f"the process of this job died {ATTEMPTS} times without an error message, most likely "
            "because memory ran out; use fewer workers or a smaller model"
        )

    def _start_process(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise WorkerLostError("the pool was ended before this job began")
            # spawn: a forked torch can hang on locks that another thread held
            pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _set_up_worker)
            self._pools.add(pool)
            with _hide_script(), _hold_interrupt():
                pool.submit(os.getpid)  # the process starts with its first call
        self._slot.pool = pool
        return pool

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes after all jobs (with `cancel_futures`, after those that have begun)."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        with self._lock:
            for pool in self._pools:
                pool.shutdown(wait)

    def kill(self) -> None:
        """End the processes at once; jobs that have begun are lost."""
        with self._lock:
            self._closed = True
            keepers: list[Any] = [pool._executor_manager_thread for pool in self._pools]
            for pool in self._pools:
                for process in list((pool._processes or {}).values()):
                    process.terminate()
        self.shutdown(wait=False, cancel_futures=True)
        for keeper in keepers:  # Python writes into its pipe at exit, also while it is closed
            if keeper is not None:
                keeper.join(LONGEST_WAIT)


@contextmanager
def _hide_script() -> Iterator[None]:
    """Keep the file of the script from a process that is started within the block."""
    script = vars(sys.modules["__main__"])
    with _HIDING:
        names = [name for name in ("__file__", "__spec__") if name in script]
        hidden: dict[str, Any] = {name: script[name] for name in names}
        script |= dict.fromkeys(names)
        try:
            yield
        finally:
            script |= hidden


@contextmanager
def _hold_interrupt() -> Iterator[None]:
    """Let Ctrl-C wait in a process that is started within the block, until it ignores it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _call(call: Callable[[], Any]) -> Any:
    """Return what a call returns, in a form that is sent back whatever the script defines."""
    return wrap_non_picklable_objects(call(), keep_wrapper=False)


def _set_up_worker() -> None:
    """Make this worker ignore Ctrl-C and end when its parent process ends.

    Ctrl-C reaches every process of a terminal, and the parent handles it. A parent that is killed
    cannot end its workers, which would otherwise go on.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """Wait until the parent process has ended, then end this one."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
