"""Read the HDF5 files that are named on standard input, each within a limit of processor time.

:mod:`spikecast.core.hdf5_check` runs this file as a process of its own. It ends with whoever
started it, and when it has had nothing to do for a while.
"""

import json
import math
import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import h5py
import numpy as np

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

IDLE = 10  # seconds
LONG_TEXT = 1000  # characters
MOST_ATTRIBUTES = 5000  # of a group or an array; recordings have some dozens
MEMORY = 1_000_000_000
"""Bytes that texts and references of a file may take while they are looked at, if it is small."""
MEMORY_PER_BYTE = 4
"""Those of a large one."""


class ElsewhereError(Exception):
    """Content lies in another file that is not to be read."""


class MalformedError(Exception):
    """The library would write beyond its memory, or read for minutes."""


class TooLargeError(Exception):
    """Texts or lists take far more memory than the file is large: many places name the same one."""


def main() -> None:
    """Answer each line, ``{"path", "folder", "seconds"}``, by what :func:`try_file` returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is interrupted closes the input
    while line := wait_for_line():
        asked = json.loads(line)
        if asked["folder"]:
            os.chdir(asked["folder"])
        limit_processor(asked["seconds"])
        print(json.dumps(try_file(asked["path"])), flush=True)


def wait_for_line() -> str:
    """Return the next line of the input, "" at its end; while it waits, an alarm may end it."""
    has_alarm = hasattr(signal, "alarm")  # not on Windows
    if has_alarm:
        signal.alarm(IDLE)
    line = sys.stdin.readline()
    if has_alarm:
        signal.alarm(0)
    return line


def limit_processor(seconds: int) -> None:
    """End the process by a signal when it has used so many more seconds of the processor."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = math.ceil(time.process_time()) + seconds
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def find_room(path: str) -> int:
    """Return how many bytes of memory a file may take while it is looked at."""
    return max(MEMORY, MEMORY_PER_BYTE * os.path.getsize(path))


def limit_memory(room: int) -> None:
    """Let the process have so much more memory than it has now, where the system says how much."""
    if resource is not None and os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm", encoding="ascii") as file:
            most = int(file.read().split()[0]) * resource.getpagesize() + room
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def reset_peak_memory() -> None:
    """Let the system count the most memory in use anew, where it can do that."""
    with suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def has_used_half(room: int) -> bool:
    """Return whether this process has used half of the memory that a file may take.

    Not by ``getrusage``: what it says begins with the memory of the process that started this one.
    """
    with suppress(OSError), open("/proc/self/status", encoding="ascii") as file:
        peaks = [int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")]
        return max(peaks, default=0) > room / 2
    return False


def try_file(path: str) -> dict[str, Any]:
    """Return what was found.

    What is ``elsewhere``, ``malformed`` or too ``large``, why the file is ``unopened``, whether all
    of it is ``sound``, ``n_bytes`` of arrays in each file, and ``texts``.
    """
    answer: dict[str, Any]
    answer = {
        "elsewhere": "",
        "malformed": "",
        "unopened": "",
        "large": "",
        "sound": True,
        "n_bytes": {},
        "texts": [],
    }
    sizes: dict[tuple, tuple[str, int]] = {}
    texts: dict[str, tuple[int, int]] = {}
    try:
        limit_memory(find_room(path))
        reset_peak_memory()
        opened = h5py.File(path, "r")
    except Exception as error:
        return answer | {"unopened": str(error) or type(error).__name__, "sound": False}
    try:
        with opened:
            answer["sound"] = read(opened, path, set(), sizes, texts)
            answer["sound"] &= read_attributes("/", opened, path)
    except ElsewhereError as error:
        answer["elsewhere"] = str(error)
    except MalformedError as error:
        answer |= {"malformed": str(error), "sound": False}
    except TooLargeError as error:
        answer |= {"large": str(error), "sound": False}
    except Exception:
        answer["sound"] = False
    for file, n_bytes in sizes.values():
        answer["n_bytes"][file] = answer["n_bytes"].get(file, 0) + n_bytes
    answer["texts"] = [(name, *about) for name, about in texts.items()]
    return answer


def read(
    group: h5py.Group,
    path: str,
    seen: set,
    sizes: dict[tuple, tuple[str, int]],
    texts: dict[str, tuple[int, int]],
) -> bool:
    """Read what the library follows pointers for: texts, references, attributes.

    Returns whether all of it could be read. The file and the bytes of arrays go to `sizes`, by
    their place, and to `texts` how long the longest of an array is, and how many are. Arrays
    may lie in files of any kind beside the HDF5 file: a private one would become part of a page, a
    pipe is read without end. Links to other HDF5 files are followed, as NWB has them.
    """
    sound = True
    for name in group:
        try:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink) and not is_ordinary(link.filename, group, path):
                refuse(name, link.filename)
            item = group[name]
            about = h5py.h5o.get_info(item.id)
            place = (about.fileno, about.addr)
            if place in seen:
                continue
            seen.add(place)
            if isinstance(item, h5py.Group):
                sound &= read(item, path, seen, sizes, texts)
            elif isinstance(item, h5py.Dataset):
                check_content(name, item)
                check_axes(name, item)
                if item.size:
                    sizes[place] = item.file.filename, measure(item)
                # each text takes room
                if item.dtype.hasobject and item.size <= os.path.getsize(path):
                    add_texts(name, item[()], texts)
            # last: after one that cannot be read nothing else would be looked at
            sound &= read_attributes(name, item, path)
        except (ElsewhereError, MalformedError, TooLargeError):
            raise
        except Exception:
            refuse_large(name, path)
            sound = False
    return sound


def read_attributes(name: str, item: h5py.Group | h5py.Dataset, path: str) -> bool:
    """Read the attributes of a group or an array; return whether all of them could be read."""
    try:
        number = len(item.attrs)
        if number > MOST_ATTRIBUTES:
            raise MalformedError(
                f"{ascii(name)[:80]} has {number} attributes; up to {MOST_ATTRIBUTES} are read"
            )
        for key in item.attrs:
            item.attrs[key]
    except MalformedError:
        raise
    except Exception:
        refuse_large(name, path)
        return False
    return True


def refuse_large(name: str, path: str) -> None:
    """Raise a TooLargeError where what failed is most likely a lack of memory."""
    if has_used_half(find_room(path)):
        raise TooLargeError(ascii(name)[:80]) from None


def measure(item: h5py.Dataset) -> int:
    """Return the bytes that an array takes, or one of its chunks, which is unpacked as a whole."""
    return int(max(item.size, math.prod(item.chunks or (0,))) * item.dtype.itemsize)


def list_texts(values: np.ndarray) -> Iterator[bytes | str]:
    """Yield the texts in an array, also those in fields of its rows."""
    for field in values.dtype.names or ():
        yield from list_texts(values[field])
    if values.dtype.kind == "O":
        yield from (one for one in values.flat if isinstance(one, bytes | str))


def add_texts(name: str, values: Any, found: dict[str, tuple[int, int]]) -> None:
    """Add an array of texts, one of which is long, to those that were found."""
    if not isinstance(values, np.ndarray):  # a single one takes no more room than it has
        return
    lengths = [len(one) for one in list_texts(values)]
    longest = max(lengths, default=0)
    if longest > LONG_TEXT:
        found[ascii(name)[:80]] = max(found.get(ascii(name)[:80], (0, 0)), (longest, len(lengths)))


def is_ordinary(file: str, group: h5py.Group, path: str) -> bool:
    """Return whether a link's file, where there is one, is no pipe or device.

    It is named from the folder of the file that holds the link, or of the first one.
    """
    folders = ("", os.path.dirname(group.file.filename), os.path.dirname(path))
    places = [os.path.join(folder, file) for folder in folders]
    return all(stat.S_ISREG(os.stat(one).st_mode) for one in places if os.path.exists(one))


def check_axes(name: str, item: h5py.Dataset) -> None:
    """Raise a MalformedError where the list of an array's axes does not have one entry for each.

    The library writes them into as much memory as the array has axes.
    """
    if "DIMENSION_LIST" not in item.attrs:
        return
    listed = item.attrs.get_id("DIMENSION_LIST")
    if h5py.check_vlen_dtype(listed.dtype) is None or listed.shape != (item.id.rank,):
        raise MalformedError(
            f"{ascii(name)[:80]} has {item.id.rank} axes, and their list another length or type"
        )


def check_content(name: str, item: h5py.Dataset) -> None:
    """Raise an ElsewhereError where an array is in another file, or may be made of itself."""
    if item.external:
        refuse(name, item.external[0][0])
    for source in item.virtual_sources() if item.is_virtual else ():
        if source.file_name != ".":
            refuse(name, source.file_name)
        made_of = item.file.get(source.dset_name)
        # the library follows one that is made of itself until the process ends; so it may be where
        # its parts are named by a pattern
        if "%" in source.dset_name or (isinstance(made_of, h5py.Dataset) and made_of.is_virtual):
            raise ElsewhereError(f"{ascii(name)[:80]} is a virtual array of virtual arrays")


def refuse(name: str, file: str) -> None:
    """Raise an ElsewhereError that says what lies where."""
    raise ElsewhereError(f"{ascii(name)[:80]} lies in {ascii(file)[:80]}")


if __name__ == "__main__":
    main()
