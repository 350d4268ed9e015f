"""Where jobs run, and how each ends."""

import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from spikecast.core.errors import InputError
from spikecast.parallel import executors
from spikecast.parallel.executors import open_executor, run_jobs


def test_one_job_needs_no_other_process():
    with open_executor(1) as pool:
        assert pool is None


def raises() -> None:
    raise ValueError("bad value,\n  none")


def test_a_job_that_raises_does_not_stop_the_others():
    failed, done = run_jobs({"raises": (raises, ()), "a": (pow, (2, 3))}, None)
    assert (done.name, done.result(), done.failure) == ("a", 8, None)
    assert failed.failure == "ValueError: bad value, none"
    with pytest.raises(ValueError, match="bad value"):
        failed.result()


def test_while_nothing_ends_the_caller_can_report(monkeypatch):
    monkeypatch.setattr(executors, "POLL", 0.02)
    calls = []
    with ThreadPoolExecutor(1) as pool:
        jobs = list(run_jobs({"a": (time.sleep, (0.2,))}, pool, lambda: calls.append(1)))
    assert [job.failure for job in jobs] == [None]
    assert calls


def test_jobs_that_have_not_begun_are_cancelled_when_the_caller_stops():
    begun = []
    with ThreadPoolExecutor(1) as pool:
        slow = {"first": (time.sleep, (0.05,))} | {
            str(n): (lambda n: (begun.append(n), time.sleep(0.05)), (n,)) for n in range(1, 20)
        }
        jobs = run_jobs(slow, pool)
        next(jobs)
        jobs.close()
    assert len(begun) < 10


def test_there_are_no_more_workers_than_memory_allows(monkeypatch):
    monkeypatch.setattr(executors, "cpu_count", lambda: 8)
    monkeypatch.setattr(executors, "measure_free_memory", lambda: 3 * executors.WORKER_MEMORY)
    assert executors.choose_n_workers(100) == 3
    assert executors.choose_n_workers(2) == 2


def test_an_order_to_end_ends_the_processes_also_while_the_last_job_is_waited_for(monkeypatch):
    killed = []

    def interrupt(pool):
        raise KeyboardInterrupt

    monkeypatch.setattr(executors.RetryingProcessPool, "shutdown", interrupt)
    monkeypatch.setattr(executors.RetryingProcessPool, "kill", lambda pool: killed.append(1))
    with pytest.raises(KeyboardInterrupt), open_executor(2, workers=2):
        pass
    assert killed == [1]


@pytest.mark.parametrize("name", ["slurm", "dask:8786", "dask-remote", "dask://", "dask://host"])
def test_an_unknown_engine_is_refused(name):
    with pytest.raises(InputError, match="unknown engine"), open_executor(3, engine=name):
        pass


@pytest.mark.parametrize("workers", [0, 2.5])
def test_no_number_of_processes_is_refused(workers):
    with pytest.raises(InputError, match="workers is"), open_executor(3, workers):
        pass


def test_an_engine_that_does_not_answer(monkeypatch):
    cluster = pytest.importorskip("spikecast.parallel.dask_cluster", reason="dask is not installed")
    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT", 0.5)
    with (
        pytest.raises(InputError, match="no Dask scheduler answers"),
        open_executor(3, engine="dask://127.0.0.1:1"),
    ):
        pass


def test_results_are_released_when_the_next_one_comes():
    class Large:
        pass

    seen = []
    with ThreadPoolExecutor(1) as pool:
        for job in run_jobs({str(n): (Large, ()) for n in range(5)}, pool):
            assert sum(result() is not None for result in seen) <= 1  # the one before, at most
            seen.append(weakref.ref(job.value))
    assert len(seen) == 5
