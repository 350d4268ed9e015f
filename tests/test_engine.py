"""Workers end with the process that started them, however it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from spikecast.engine import executor

PARENT = """
import os, time
from spikecast.engine import executor

if __name__ == "__main__":
    with executor(2, 2) as pool:
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
    with executor(1) as pool:
        assert pool is None
