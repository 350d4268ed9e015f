"""Workers end with the process that started them; a job whose worker dies is repeated."""

import os
import signal
import subprocess
import sys
import time

import pytest

from spikecast.core.errors import WorkerLostError
from spikecast.parallel.executors import run_jobs
from spikecast.parallel.process_pool import RetryingProcessPool

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


def is_running(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def end_within_ten_seconds(processes: list[int]) -> bool:
    for _ in range(100):
        if not any(is_running(process) for process in processes):
            return True
        time.sleep(0.1)
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
        assert all(is_running(worker) for worker in workers)
        parent.send_signal(how)
    assert end_within_ten_seconds(workers)


def dies(marker: str, how_often: int) -> int:
    """End the process without a word `how_often` times, then return."""
    with open(marker, "a") as file:
        file.write("x")
    if os.path.getsize(marker) <= how_often:
        os._exit(9)
    return os.getpid()


def test_a_job_whose_process_dies_is_repeated_and_the_others_go_on(tmp_path):
    calls = {str(n): (pow, (2, n)) for n in range(6)} | {
        "once": (dies, (str(tmp_path / "once"), 1)),
        "always": (dies, (str(tmp_path / "always"), 99)),
    }
    with RetryingProcessPool(2) as pool:
        jobs = {job.name: job for job in run_jobs(calls, pool)}
    assert [jobs[str(n)].value for n in range(6)] == [1, 2, 4, 8, 16, 32]
    assert isinstance(jobs["once"].result(), int)
    assert isinstance(jobs["always"].error, WorkerLostError)
    assert os.path.getsize(tmp_path / "always") == 3


def test_killing_ends_every_process_and_fails_every_job():
    pool = RetryingProcessPool(3)
    workers = [job.result() for job in [pool.submit(os.getpid) for _ in range(3)]]
    jobs = [pool.submit(time.sleep, 120) for _ in range(5)]
    while sum(job.running() for job in jobs) < 3:
        time.sleep(0.05)
    keepers = [one._executor_manager_thread for one in pool._pools]
    pool.kill()
    assert not any(keeper.is_alive() for keeper in keepers)  # at exit they would print an error
    begun = [job for job in jobs if not job.cancelled()]
    assert len(begun) == 3
    assert all(job.exception(timeout=30) is not None for job in begun)
    assert end_within_ten_seconds(workers)


def test_processes_that_die_are_not_removed_while_the_pool_is_killed():
    """Removing one from the set that `kill` goes through would stop it halfway."""
    pool = RetryingProcessPool(1)

    class Pools(set):
        def discard(self, one):
            assert pool._lock.locked()
            super().discard(one)

    pool._pools = Pools()
    with pool, pytest.raises(WorkerLostError):
        pool.submit(os._exit, 9).result()


SCRIPT = """
print("begins", flush=True)
from spikecast.parallel.executors import open_executor

class Mine:
    def __init__(self, number):
        self.number = number

def double(one):
    return Mine(2 * one.number)

with open_executor(4, 2) as pool:
    jobs = [pool.submit(double, Mine(number)) for number in range(4)]
    print([job.result().number for job in jobs], isinstance(jobs[0].result(), Mine), __file__[-3:])
"""


def test_a_script_runs_once_and_what_it_defines_is_sent_along(tmp_path):
    """Also one without a guard of ``__name__``: each worker would have run all of it again."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines() == ["begins", "[0, 2, 4, 6] True .py"]
    assert done.stderr == ""
