"""A Dask scheduler and two workers as processes of their own, for tests that kill one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = os.path.dirname(__file__)


class Cluster:
    """A scheduler and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.processes: list[subprocess.Popen] = []
        scheduler_file = folder / "scheduler.json"
        self._start(
            "scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(scheduler_file)
        )
        for _ in range(300):
            if scheduler_file.exists():
                break
            time.sleep(0.1)
        time.sleep(0.2)
        self.address = json.loads(scheduler_file.read_text())["address"].removeprefix("tcp://")
        self.workers = [self.add_worker(), self.add_worker()]

    @property
    def scheduler(self) -> subprocess.Popen:
        """The process of the scheduler."""
        return self.processes[0]

    def add_worker(self, *options: str, path: Sequence[str] = ()) -> subprocess.Popen:
        """Start a worker, which looks for modules in the folders of `path` first."""
        return self._start(
            "worker",
            self.address,
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--local-directory",
            str(self.folder),
            *options,
            path=path,
        )

    def _start(self, *words: str, path: Sequence[str] = ()) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([*path, HERE, *sys.path])},
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()
