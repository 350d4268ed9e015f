"""Try an HDF5 file in a process of its own first: some damaged ones are read without end."""

import signal
import subprocess
import sys
from pathlib import Path

from spikecast.core.checks import shorten_line
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
ELSEWHERE = 3
"""Status of the process where content lies in another file that is not to be read."""
READ_TEXTS = """
import os
import stat
import sys
import h5py

def refuse(name, file):
    print(ascii(name)[:80], "lies in", ascii(file)[:80], flush=True)
    os._exit(int(sys.argv[3]))

def is_ordinary(file):
    for path in (file, os.path.join(os.path.dirname(sys.argv[1]), file)):
        if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            return False
    return True

def check_content(name, item):
    if item.external:
        refuse(name, item.external[0][0])
    for source in item.virtual_sources() if item.is_virtual else ():
        if source.file_name != ".":
            refuse(name, source.file_name)

def read(group, seen):
    for name in group:
        try:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink) and not is_ordinary(link.filename):
                refuse(name, link.filename)
            item = group[name]
            for key in item.attrs:
                item.attrs[key]
            if isinstance(item, h5py.Group):
                about = h5py.h5o.get_info(item.id)
                if (about.fileno, about.addr) not in seen:
                    seen.add((about.fileno, about.addr))
                    read(item, seen)
                continue
            check_content(name, item)
            if item.dtype.kind == "O":
                item[()]
        except Exception:
            pass

with h5py.File(sys.argv[1], "r") as opened:
    read(opened, set())
"""
"""Reads what the library follows pointers for: texts, references, attributes.

Arrays may lie in files of any kind beside the HDF5 file: a private one would become part of a
page, a pipe is read without end. Links to other HDF5 files are followed, as NWB has them.
"""


def check_readable(path: Path) -> None:
    """Raise a FormatError where HDF5 does not come to an end with a file, or dies of it.

    Also where an array lies outside the file. Other damage is left to whoever reads the file: it
    ends in an exception.
    """
    # -P: nothing is imported from the folder in which the command was typed
    script, limit = LIMIT_PROCESSOR + READ_TEXTS, PROCESSOR_SECONDS
    command = [sys.executable, "-P", "-c", script, str(path), str(limit), str(ELSEWHERE)]
    try:
        done = subprocess.run(command, timeout=SECONDS, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        raise FormatError(
            f"'{path}' is damaged: its texts are not read in {SECONDS:g} s. If it lies on a slow "
            "disk, copy it to a local one"
        ) from None
    if done.returncode == -getattr(signal, "SIGXCPU", 0) != 0:
        raise FormatError(f"'{path}' is damaged: the HDF5 library reads it without end")
    if done.returncode == ELSEWHERE:
        place = shorten_line(done.stdout.decode(errors="replace"))
        raise FormatError(f"'{path}' is not read: {place}; copy the array into the file itself")
    if done.returncode < 0:
        raise FormatError(
            f"'{path}' is damaged: the HDF5 library ends by signal {-done.returncode}"
        )
