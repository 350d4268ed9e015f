"""The file of a sweep's studies, and who of the processes that share it works on what.

Optuna's journal is a log that processes, also of several machines with a common file system,
append to. It knows nothing of processes that were killed; here each one shows that it lives by
touching a file of its own, and what a dead one had begun is free again.
"""

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from filelock import FileLock

from spikecast.evaluation.search_trials import Objective, ask, decided, new_study

BEAT = 5.0
"""Seconds between two signs of life."""

SILENCE = 60.0
"""Seconds without a sign after which a process of another machine is taken for dead."""

WAIT = 0.005
"""Seconds between two tries for a lock: a line is written in about that."""


class Journal:
    """The studies of a sweep, in ``study.log``.

    Parameters
    ----------
    folder : Path
        The run directory.

    Attributes
    ----------
    claiming : FileLock
        Within its block no other process takes a study or a trial.
    """

    def __init__(self, folder: Path) -> None:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        path = folder.resolve() / "study.log"
        # not Optuna's own locks: a Ctrl-C while they are taken or released comes out of them as
        # another error, and they outlive a process that is killed
        writing = FileLock(path.with_name(".study.lock"), poll_interval=WAIT)
        self.claiming = FileLock(path.with_name(".claim.lock"), poll_interval=WAIT)
        _mend(path, writing)
        self._storage = JournalStorage(JournalFileBackend(str(path), cast(Any, writing)))
        self._studies: dict[str, Any] = {}

    def study(self, name: str) -> Any:
        """Return the Optuna study of that name."""
        if name not in self._studies:
            self._studies[name] = new_study(self._storage, name)
        return self._studies[name]

    def note(self, name: str, key: str, value: Any) -> None:
        """Write a fact about a study."""
        self.study(name).set_user_attr(key, value)

    def noted(self, name: str, key: str) -> Any:
        """Return a fact about a study, or None."""
        return self.study(name).user_attrs.get(key)

    def n_decided(self, name: str) -> int:
        """How many trials of a study came to an end."""
        return len(decided(self.study(name)))

    def take_trial(self, name: str, objective: Objective, n_trials: int, me: "Presence") -> Any:
        """Begin the next trial of a study.

        Returns
        -------
        Optuna trial, or None
            None where all are done or under way.
        """
        from optuna.trial import TrialState

        study = self.study(name)
        with self.claiming:
            slots = {trial.user_attrs["slot"] for trial in decided(study)}
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                worker = trial.user_attrs.get("worker")
                if worker is not None and worker != me.name and me.sees(worker):
                    slots.add(trial.user_attrs["slot"])
                else:  # begun by a process that was killed, or by this one before it was stopped
                    study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
            free = [slot for slot in range(n_trials) if slot not in slots]
            if not free or self.noted(name, "stopped"):
                return None
            return ask(study, objective, free[0], me.name)

    def under_way(self, name: str, me: "Presence") -> bool:
        """Whether a living process is at a trial of the study."""
        from optuna.trial import TrialState

        running = self.study(name).get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return any(me.sees(trial.user_attrs.get("worker", "")) for trial in running)


def _mend(path: Path, lock: FileLock) -> None:
    """Cut off a last line that a killed process did not finish: Optuna would refuse the file."""
    if not path.exists():
        return
    with lock:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)


@dataclass(frozen=True)
class Presence:
    """A process that takes part, as the others see it.

    Attributes
    ----------
    folder : Path
        Where each has its file.
    name : str
        Machine, process and a random part.
    """

    folder: Path
    name: str

    def sees(self, other: str) -> bool:
        """Whether another process is alive."""
        file = self.folder / other
        if not other or not file.exists():
            return False
        host, process, _ = other.rsplit("-", 2)
        if host == _host() and os.name == "posix" and not _runs(int(process)):
            return False
        mine = self.folder / self.name
        mine.touch()  # the file server's clock, not this machine's
        try:
            return file.stat().st_mtime > mine.stat().st_mtime - SILENCE
        except FileNotFoundError:
            return False

    def n_living(self) -> int:
        """How many processes take part now."""
        return sum(self.sees(file.name) for file in self.folder.iterdir())


@contextmanager
def present(folder: Path) -> Iterator[Presence]:
    """Be seen to live within the block."""
    me = Presence(folder, f"{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    folder.mkdir(exist_ok=True)
    file, over = folder / me.name, threading.Event()
    file.touch()

    def beat() -> None:
        while not over.wait(BEAT):
            file.touch()

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield me
    finally:
        over.set()
        heart.join()
        file.unlink(missing_ok=True)


def _host() -> str:
    return socket.gethostname()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks, and sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
