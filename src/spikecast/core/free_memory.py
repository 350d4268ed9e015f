"""Measure the memory that is free, and refuse what announces more than that."""

from pathlib import Path

from spikecast.core.errors import FormatError


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


def check_fits(n_bytes: float) -> None:
    """Raise a FormatError where arrays that a file announces are larger than what is free.

    A small file can announce any size: what is compressed, or was never written, takes no room.
    """
    free = measure_free_memory()
    if n_bytes > free:
        raise FormatError(
            f"its arrays take {n_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free"
        )
