"""Files that are mapped into memory: parts of them, one after the other."""

import mmap
from typing import Any

import numpy as np


def release(array: np.ndarray) -> None:
    """Give back the memory that parts of a mapped file take; they are read again when needed.

    Nothing happens for other arrays, and where the system has no such call.
    """
    base: Any = array if not array.flags.writeable else None
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)
