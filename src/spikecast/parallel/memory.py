"""The memory of this process: return it, reuse it."""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's ``mallopt``."""


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
