"""Try damaged files: each is read, or refused in one line, within limits of time and memory."""

import resource
import shutil
import time
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from fuzz.file_kinds import Readings
from fuzz.mutations import damage_often

from spikecast.core.errors import SpikecastError, UnforeseenError

LONGEST = 1000  # characters of a message
SECONDS = 10.0  # of the processor
MEMORY = 2 << 30  # bytes


class Untyped(AssertionError):
    """A try that ended otherwise than in an answer or a line."""


@cache
def read_whole(path: Path) -> bytes:
    """Return the content of a file before it was damaged."""
    return path.read_bytes()


def try_file(kind: str, readings: Readings, seed: int) -> bool:
    """Damage a file of a kind, read it, and put it back; return whether it was refused.

    Raises
    ------
    Untyped
        For an error that is not spikecast's own, a message of several lines, or one that is too
        long, and for a reading that took too long or too much memory.
    """
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    paths = list(readings)
    path = paths[int(rng.integers(len(paths)))]
    whole = read_whole(path)
    done = damage_often(path, rng)
    try:
        refusal = _read(readings[path], f"{kind}, seed {seed}, {done}")
    finally:
        if path.is_dir():
            shutil.rmtree(path)
        path.write_bytes(whole)
    return refusal


def _read(reading, what: str) -> bool:
    started, memory = time.process_time(), _measure_memory()
    refused = False
    try:
        reading()
    except UnforeseenError as error:  # a line, but nobody foresaw what failed
        raise Untyped(f"{what}: {error.__cause__!r}") from error
    except SpikecastError as error:
        refused, message = True, str(error)
        if not message.isprintable():
            raise Untyped(f"{what}: not one line: {message!r}") from error
        if len(message) >= LONGEST:
            raise Untyped(f"{what}: {len(message)} characters: {message}") from error
    except Exception as error:
        raise Untyped(f"{what}: {type(error).__name__}: {error}") from error
    if (seconds := time.process_time() - started) > SECONDS:
        raise Untyped(f"{what}: it took {seconds:.1f} s")
    if (grown := _measure_memory() - memory) > MEMORY:
        raise Untyped(f"{what}: it took {grown >> 20} MiB")
    return refused


def _measure_memory() -> int:
    """Return the most memory that the process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
