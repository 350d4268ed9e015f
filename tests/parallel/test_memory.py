"""Large arrays are made where others were, after `reuse_memory`."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import sys
import numpy as np
from spikecast.parallel.memory import reuse_memory

if sys.argv[1] == "reuse":
    reuse_memory()
faults = []
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    large = np.ones(100_000_000 // 8)
    del large
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(*faults)
"""


def faults(how: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True
    )
    return [int(word) for word in done.stdout.split()]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this setting")
def test_a_second_large_array_costs_no_new_pages():
    reused = faults("reuse")
    assert reused[2] < reused[0] / 10
    assert faults("leave")[2] > reused[2]  # else there is nothing to gain
