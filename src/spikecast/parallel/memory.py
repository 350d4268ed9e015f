"""The memory of this machine and process: measure what is free, return it, reuse it."""

import ctypes
from contextlib import suppress
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's ``mallopt``."""


def measure_free_memory() -> float:
    """Return the bytes that are free for new processes; infinity where the system does not say."""
    free = float("inf")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":") for line in meminfo.read_text().splitlines())
        free = 1024.0 * int(lines["MemAvailable"].split()[0])
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and limit.read_text().strip() != "max":
        free = min(free, float(limit.read_text()) - float(used.read_text()))
    return free


def release_memory() -> None:
    """Return freed memory to the system; glibc would keep it."""
    with suppress(AttributeError, OSError):  # only glibc has this call, and needs it
        ctypes.CDLL(None).malloc_trim(0)


def reuse_memory() -> None:
    """Let large arrays of this process reuse memory; large fits then take a third less time.

    glibc asks the system for every array above 32 MB anew, and the system clears each page of it.
    Those above 96 MB still go back at once: of imaging recordings each process would keep several.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 96 << 20)
        libc.mallopt(M_TRIM_THRESHOLD, 192 << 20)
