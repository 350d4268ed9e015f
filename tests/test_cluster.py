"""A real Dask scheduler and two workers as processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import as_completed

import numpy as np
import pytest

pytest.importorskip("distributed", reason="dask is not installed")

from spikecast.engine import executor, outcomes
from spikecast.sharing import Shared, shared

HERE = os.path.dirname(__file__)


class Cluster:
    """A scheduler and its workers."""

    def __init__(self, folder) -> None:  # type: ignore[no-untyped-def]
        self.folder = folder
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

    def add_worker(self) -> subprocess.Popen:
        return self._start(
            "worker",
            self.address,
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--local-directory",
            str(self.folder),
        )

    def _start(self, *words: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([HERE, *sys.path])},
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.end()


def total(handle: Shared, n: int) -> tuple[float, int]:
    time.sleep(0.05)
    return float(handle.get()["x"].sum()) + n, os.getpid()


def test_a_worker_is_killed_and_another_joins(cluster):
    with (
        executor(40, engine=f"dask://{cluster.address}") as pool,
        shared({"x": np.arange(10.0)}, pool) as handle,
    ):
        calls = {str(n): (total, (handle, n)) for n in range(40)}
        found = {}
        for name, result in outcomes(calls, pool):
            found[name] = result
            if len(found) == 5:
                cluster.workers[0].send_signal(signal.SIGKILL)
                cluster.add_worker()
    assert {name: value for name, (value, _) in found.items()} == {
        str(n): 45.0 + n for n in range(40)
    }


def test_dask_local():
    with executor(4, 2, "dask-local") as pool, shared({"x": np.ones(2)}, pool) as handle:
        futures = [pool.submit(total, handle, n) for n in range(4)]
        assert sorted(future.result()[0] for future in as_completed(futures)) == [2, 3, 4, 5]
