"""Workers end with the process that started them, however it ends."""

import os
import signal
import subprocess
import sys
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from spikecast.core.errors import InputError, RunError, WorkerLostError
from spikecast.core.files import lock_folder
from spikecast.parallel import executors as engine
from spikecast.parallel.executors import open_executor, run_jobs

PARENT = """
import os, time
from spikecast.parallel.executors import open_executor

if __name__ == "__main__":
    with open_executor(2, 2) as pool:
        workers = [pool.submit(os.getpid) for _ in range(2)]
        [pool.submit(time.sleep, 120) for _ in range(2)]
        print(*{worker.result() for worker in workers}, flush=True)
        time.sleep(120)
"""


def running(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to look at processes")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_do_not_outlive_a_killed_parent(tmp_path, how):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    with parent:
        workers = [int(word) for word in parent.stdout.readline().split()]
        assert workers
        assert all(running(worker) for worker in workers)
        parent.send_signal(how)
    for _ in range(100):
        if not any(running(worker) for worker in workers):
            return
        time.sleep(0.1)
    pytest.fail("the workers outlived their parent by ten seconds")


def test_one_job_needs_no_other_process():
    with open_executor(1) as pool:
        assert pool is None


def dies(marker: str, how_often: int) -> int:
    """End the process without a word so many times, then answer."""
    with open(marker, "a") as file:
        file.write("x")
    if os.path.getsize(marker) <= how_often:
        os._exit(9)
    return os.getpid()


def raises() -> None:
    raise ValueError("no luck,\n  none")


def test_a_lost_job_is_done_again_and_the_others_notice_nothing(tmp_path):
    calls = {str(n): (pow, (2, n)) for n in range(6)} | {
        "once": (dies, (str(tmp_path / "once"), 1)),
        "always": (dies, (str(tmp_path / "always"), 99)),
        "raises": (raises, ()),
    }
    with open_executor(len(calls), 2) as pool:
        jobs = {job.name: job for job in run_jobs(calls, pool)}
    assert [jobs[str(n)].value for n in range(6)] == [1, 2, 4, 8, 16, 32]
    assert isinstance(jobs["once"].result(), int)
    assert isinstance(jobs["always"].error, WorkerLostError)
    assert jobs["raises"].failure == "ValueError: no luck, none"
    assert os.path.getsize(tmp_path / "always") == 3


def test_here_too_a_job_that_raises_does_not_stop_the_others():
    failed, done = run_jobs({"raises": (raises, ()), "a": (pow, (2, 3))}, None)
    assert (done.name, done.result(), done.failure) == ("a", 8, None)
    assert failed.failure == "ValueError: no luck, none"
    with pytest.raises(ValueError, match="no luck"):
        failed.result()


def test_while_nothing_ends_the_caller_can_report(monkeypatch):
    monkeypatch.setattr(engine, "POLL", 0.02)
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


def test_the_number_of_workers_heeds_memory(monkeypatch):
    monkeypatch.setattr(engine, "count_cores", lambda: 8)
    monkeypatch.setattr(engine, "measure_free_memory", lambda: 3 * engine.PER_WORKER)
    assert engine.choose_n_workers(100) == 3
    assert engine.choose_n_workers(100, bytes_per_job=1e12) == 1
    assert engine.choose_n_workers(2) == 2


@pytest.mark.parametrize("name", ["slurm", "dask:8786", "dask-remote"])
def test_an_unknown_engine_is_refused(name):
    with pytest.raises(InputError, match="unknown engine"), open_executor(3, engine=name):
        pass


def test_an_engine_that_does_not_answer(monkeypatch):
    cluster = pytest.importorskip("spikecast.parallel.dask_cluster", reason="dask is not installed")
    monkeypatch.setattr(cluster, "CONNECT", 0.5)
    with (
        pytest.raises(InputError, match="no Dask scheduler answers"),
        open_executor(3, engine="dask://127.0.0.1:1"),
    ):
        pass


def test_two_processes_do_not_write_into_one_folder(tmp_path):
    hold = "import sys, time; from spikecast.core.files import lock_folder\n"
    hold += f"with lock_folder({str(tmp_path)!r}): print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout.readline().strip() == "held"
        with pytest.raises(RunError, match="another process is writing"), lock_folder(tmp_path):
            pass
        other.kill()
    with lock_folder(tmp_path):
        pass


def test_what_was_yielded_is_let_go():
    class Large:
        pass

    seen = []
    with ThreadPoolExecutor(1) as pool:
        for job in run_jobs({str(n): (Large, ()) for n in range(5)}, pool):
            assert sum(kept() is not None for kept in seen) <= 1  # the one before, at most
            seen.append(weakref.ref(job.value))
    assert len(seen) == 5
