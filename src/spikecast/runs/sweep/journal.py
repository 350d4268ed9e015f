"""The file of a sweep's searches, and which of the processes that share it works on what.

Each search is an Optuna study. Optuna's journal is a log that processes, also of several machines
with a common file system, append to. It does not record which processes were killed: here each one
touches a file of its own while it runs, and what a process without a sign of life had begun is free
again.
"""

import os
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from filelock import FileLock

from spikecast.core.files import process_exists
from spikecast.evaluation.search_trials import Objective, draw_settings, list_ended, open_study
from spikecast.runs.layout import SweepLayout
from spikecast.runs.sweep.journal_file import JournalFile

BEAT = 5.0
"""Seconds between two signs of life."""

SILENCE = 60.0
"""Seconds without a sign after which a process of another machine counts as dead."""

WORKER = re.compile(r".+-\d+-[0-9a-f]{8}")
"""Names of these signs: machine, process number and a random part."""

WAIT = 0.005
"""Seconds between two tries for a lock: a line is written in about that."""


@dataclass(frozen=True)
class Worker:
    """One process that takes part in a sweep."""

    folder: Path  # holds a file per process, named after it
    name: str  # machine, process number and a random part

    def is_alive(self, other: str) -> bool:
        """Return whether another process, by its name, is alive."""
        file = self.folder / other
        if not other or not file.exists():
            return False
        host, process, *_ = [*other.rsplit("-", 2), ""]
        if host == socket.gethostname() and os.name == "posix" and not process_exists(process):
            return False
        own = self.folder / self.name
        own.touch()  # times are compared by the file server's clock, not this machine's
        try:
            return file.stat().st_mtime > own.stat().st_mtime - SILENCE
        except FileNotFoundError:
            return False

    def count_alive(self) -> int:
        """Return how many processes take part now."""
        return sum(self.is_alive(file.name) for file in self.folder.iterdir())


@contextmanager
def register_worker(folder: Path) -> Iterator[Worker]:
    """Show to other processes that this one is alive, within the block."""
    worker = Worker(folder, f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    folder.mkdir(exist_ok=True)
    file, finished = folder / worker.name, threading.Event()
    file.touch()

    def beat() -> None:
        while not finished.wait(BEAT):
            file.touch()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield worker
    finally:
        finished.set()
        thread.join()
        file.unlink(missing_ok=True)


def remove_dead_workers(folder: Path) -> None:
    """Remove the signs of life of processes that were killed."""
    with register_worker(folder) as worker:
        for file in folder.iterdir():
            if WORKER.fullmatch(file.name) and file.is_file() and not worker.is_alive(file.name):
                file.unlink(missing_ok=True)


class SweepJournal:
    """The searches of a sweep, in ``study.log``.

    While `claim_lock` is held, no other process takes a search or a trial.
    """

    def __init__(self, folder: Path) -> None:
        from optuna.storages import JournalStorage

        layout = SweepLayout(folder.resolve())
        # not Optuna's own locks: a Ctrl-C while they are taken or released comes out of them as
        # another error, and they remain when a process is killed
        write_lock = FileLock(layout.journal_lock, poll_interval=WAIT)
        self.claim_lock = FileLock(layout.claim_lock, poll_interval=WAIT)
        self._storage = JournalStorage(cast(Any, JournalFile(layout.journal, write_lock)))
        self._studies: dict[str, Any] = {}

    def study(self, search: str) -> Any:
        """Return the Optuna study of a search."""
        if search not in self._studies:
            self._studies[search] = open_study(self._storage, search)
        return self._studies[search]

    def write_fact(self, search: str, key: str, value: Any) -> None:
        """Write down a fact about a search."""
        self.study(search).set_user_attr(key, value)

    def read_fact(self, search: str, key: str) -> Any:
        """Return a fact about a search, or None."""
        return self.study(search).user_attrs.get(key)

    def count_ended(self, search: str) -> int:
        """Return how many trials of a search came to an end."""
        return len(list_ended(self.study(search)))

    def begin_trial(
        self, search: str, objective: Objective, n_trials: int, worker: Worker
    ) -> Any | None:
        """Begin the next trial of a search; return it, or None where none is left to begin."""
        from optuna.trial import TrialState

        study = self.study(search)
        with self.claim_lock:
            slots = set()
            for trial in self._list_running(search):
                owner = trial.user_attrs.get("worker")
                if owner is not None and owner != worker.name and worker.is_alive(owner):
                    slots.add(trial.user_attrs["slot"])
                else:  # begun by a process that was killed, or by this one before it was stopped
                    study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
            # only now: a running one may have ended, and of the abandoned those with a reason count
            slots |= {trial.user_attrs["slot"] for trial in list_ended(study)}
            free = [slot for slot in range(n_trials) if slot not in slots]
            if not free or self.read_fact(search, "stopped"):
                return None
            return draw_settings(study, objective, free[0], worker.name)

    def is_running(self, search: str, worker: Worker) -> bool:
        """Return whether a living process fits a trial of the search."""
        owners = [trial.user_attrs.get("worker", "") for trial in self._list_running(search)]
        return any(worker.is_alive(owner) for owner in owners)

    def _list_running(self, search: str) -> list[Any]:
        """Return the trials that were begun and have not ended."""
        from optuna.trial import TrialState

        return self.study(search).get_trials(deepcopy=False, states=(TrialState.RUNNING,))
