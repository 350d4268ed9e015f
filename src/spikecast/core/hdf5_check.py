"""Try an HDF5 file in a process of its own first: some damaged ones are read without end."""

import signal
import subprocess
import sys
from pathlib import Path

from spikecast.core.errors import FormatError

SECONDS = 60.0
PROCESSOR_SECONDS = 10
"""A loop without end uses the processor; a slow disk does not."""
LIMIT_PROCESSOR = """
import sys
try:
    import resource
except ImportError:  # not on Windows
    pass
else:
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
"""
READ_TEXTS = """
import sys
import h5py

def read(group):
    for name in group:
        try:
            item = group[name]
            for key in item.attrs:
                item.attrs[key]
            if isinstance(item, h5py.Group):
                if group.get(name, getlink=True).__class__ is h5py.HardLink:
                    read(item)
            elif item.dtype.kind == "O":
                item[()]
        except Exception:
            pass

with h5py.File(sys.argv[1], "r") as opened:
    read(opened)
"""
"""Reads what the library follows pointers for: texts, references, attributes."""


def check_readable(path: Path) -> None:
    """Raise a FormatError where HDF5 does not come to an end with a file, or dies of it.

    Other damage is left to whoever reads the file: it ends in an exception.
    """
    # -P: nothing is imported from the folder in which the command was typed
    script, limit = LIMIT_PROCESSOR + READ_TEXTS, PROCESSOR_SECONDS
    command = [sys.executable, "-P", "-c", script, str(path), str(limit)]
    try:
        done = subprocess.run(command, timeout=SECONDS, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        raise FormatError(
            f"'{path}' is damaged: its texts are not read in {SECONDS:g} s. If it lies on a slow "
            "disk, copy it to a local one"
        ) from None
    if done.returncode == -getattr(signal, "SIGXCPU", 0) != 0:
        raise FormatError(f"'{path}' is damaged: the HDF5 library reads it without end")
    if done.returncode < 0:
        raise FormatError(
            f"'{path}' is damaged: the HDF5 library ends by signal {-done.returncode}"
        )
