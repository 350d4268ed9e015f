"""A real Dask scheduler and two workers as processes of their own."""

import os
import signal
import time

import numpy as np
import pytest

pytest.importorskip("distributed", reason="dask is not installed")

from spikecast.parallel.executors import open_executor, run_jobs
from spikecast.parallel.shared_data import SharedValue, share_value


def total(handle: SharedValue, n: int) -> tuple[float, int]:
    time.sleep(0.05)
    return float(handle.get()["x"].sum()) + n, os.getpid()


def test_a_worker_is_killed_and_another_joins(cluster):
    with (
        open_executor(40, engine=f"dask://{cluster.address}") as pool,
        share_value({"x": np.arange(10.0)}, pool) as handle,
    ):
        calls = {str(n): (total, (handle, n)) for n in range(40)}
        results = {}
        for job in run_jobs(calls, pool):
            results[job.name] = job.result()
            if len(results) == 5:
                cluster.workers[0].send_signal(signal.SIGKILL)
                cluster.add_worker()
    assert {name: value for name, (value, _) in results.items()} == {
        str(n): 45.0 + n for n in range(40)
    }


def test_dask_local():
    with open_executor(4, 2, "dask-local") as pool, share_value({"x": np.ones(2)}, pool) as handle:
        jobs = run_jobs({str(n): (total, (handle, n)) for n in range(4)}, pool)
        assert sorted(job.value[0] for job in jobs) == [2, 3, 4, 5]
