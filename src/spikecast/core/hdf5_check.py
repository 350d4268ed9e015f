"""Try an HDF5 file in a process of its own first: some damaged ones are read without end.

The process is kept for the next file, as it takes longer to start than most files to read, but not
after a file that is damaged: what that leaves in the library is not known.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from spikecast.core.checks import describe_error, shorten_line
from spikecast.core.errors import FormatError, WorkerLostError
from spikecast.core.free_memory import check_ratio, check_texts

SCRIPT = Path(__file__).with_name("hdf5_process.py")
SECONDS = 60.0
PROCESSOR_SECONDS = 10
"""A loop without end uses the processor; a slow disk does not."""


FROM_OUTSIDE = {
    getattr(signal, name)
    for name in ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
    if hasattr(signal, name)
}
"""Signals that somebody else sends; those that HDF5 dies of are others."""


def check_readable(path: Path) -> None:
    """Raise a FormatError where HDF5 does not come to an end with a file, or dies of it.

    Also where an array lies outside the file, and where arrays are far larger than it. An OSError
    says why HDF5 does not open it: it is not tried again in this process, as what the library does
    then depends on the files before. Damage further in is left to whoever reads the file: it ends
    in an exception.
    """
    answer = _READER.ask(path)
    if isinstance(answer, int):
        if answer == -getattr(signal, "SIGXCPU", 0) != 0:
            raise FormatError(f"'{path}' is damaged: the HDF5 library reads it without end")
        if -answer in FROM_OUTSIDE:
            raise WorkerLostError(
                f"'{path}' is not read: the process that looks at it was ended by signal {-answer},"
                " as happens where memory is short. Free some, and try again"
            )
        if answer < 0:
            raise FormatError(f"'{path}' is damaged: the HDF5 library ends by signal {-answer}")
    elif answer["elsewhere"]:
        place = shorten_line(answer["elsewhere"])
        raise FormatError(f"'{path}' is not read: {place}; copy the array into the file itself")
    elif answer["malformed"]:
        raise FormatError(f"'{path}' is damaged: {shorten_line(answer['malformed'])}")
    elif answer["unopened"]:
        raise OSError(shorten_line(answer["unopened"]))
    elif answer["large"]:
        raise FormatError(
            f"'{path}' is not read: the texts or lists of {shorten_line(answer['large'])} take "
            "far more memory than the file is large"
        )
    else:
        try:
            for file, n_bytes in answer["n_bytes"].items():
                check_ratio(n_bytes, file)
            for text in answer["texts"]:
                check_texts(*text)
        except FormatError as error:
            raise FormatError(f"'{path}' is not read: {error}") from None


@contextmanager
def explain_damage(path: Path, kind: str) -> Iterator[None]:
    """Raise what a library raises of damaged bytes as a FormatError of one line.

    `kind` is what the file should be: ``"a netCDF file"``.
    """
    try:
        yield
    except WorkerLostError:
        raise
    except FormatError as error:
        if f"'{path}'" in str(error):
            raise
        raise FormatError(f"'{path}': {error}") from None
    except Exception as error:
        reason = describe_error(error)
        if isinstance(error, ImportError):  # of the library, where memory is short
            raise
        if "plugin" in reason or "required filter" in reason:
            raise FormatError(
                f"'{path}' is compressed in a way that the HDF5 library here does not know (such "
                "as Zstandard or Blosc); write it again with gzip (h5repack -f GZIP=4)"
            ) from None
        if reason.startswith("A dask config file"):  # xarray reads it
            raise FormatError(f"'{path}' is not read: {reason}") from None
        raise FormatError(f"'{path}' is damaged or not {kind}: {reason}") from None


class _Reader:
    """The process that reads files; one that has ended is replaced when the next file comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def ask(self, path: Path) -> dict[str, Any] | int:
        """Return what the process answers, or the status with which it ended."""
        with self._lock:
            is_new = self._process is None or self._process.poll() is not None
            answer = self._ask_once(path)
            if isinstance(answer, int) and (not is_new or -answer in FROM_OUTSIDE):
                answer = self._ask_once(path)  # it may have ended before it saw the file
            return answer

    def _ask_once(self, path: Path) -> dict[str, Any] | int:
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {"path": str(path), "folder": _find_folder(), "seconds": PROCESSOR_SECONDS}
        too_slow = threading.Timer(SECONDS, process.kill)
        too_slow.start()
        try:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        except BaseException:  # interrupted: the answer would be taken for that of the next file
            self.close()
            raise
        finally:
            ran_out = not too_slow.is_alive()
            too_slow.cancel()
        if not line:
            status = process.wait()
            self.close()
            if ran_out:
                raise FormatError(
                    f"'{path}' is damaged: its texts are not read in {SECONDS:g} s. If it lies on "
                    "a slow disk, copy it to a local one"
                )
            return status
        answer: dict[str, Any] = json.loads(line)
        if not answer["sound"]:
            self.close()
        return answer

    def _start(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            # -P: nothing is imported from the folder in which the command was typed
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="ascii",
            )
        return self._process

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with suppress(BrokenPipeError):  # by what it did not read
                    pipe.close()

    def forget(self) -> None:
        """Leave the process to the parent of this process, which is a fork."""
        if self._process is not None:
            _PROCESSES_OF_PARENTS.append(self._process)
        self.__init__()  # type: ignore[misc]


def _find_folder() -> str:
    """Return the folder that this process is in; "" where it has been removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


_READER = _Reader()
_PROCESSES_OF_PARENTS: list[subprocess.Popen[str]] = []
"""Kept, as Popen would warn of a process that goes on."""
atexit.register(_READER.close)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_READER.forget)
