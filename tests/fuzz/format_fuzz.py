"""Damage a sample of a format in many ways; what reads it may raise errors of spikecast only."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spikecast.core.errors import SpikecastError


def check_mutations(sample: Path, read: Callable[[Path], object], folder: Path, n: int) -> int:
    """Read `n` damaged copies of a file or folder; return how many were refused.

    An error that is not spikecast's own comes through, and names how the copy was damaged.
    """
    rng = np.random.default_rng(n)
    refused = 0
    for number in range(n):
        copy = folder / "copy" / sample.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if sample.is_dir() else shutil.copy)(sample, copy)
        damage = _damage(copy, rng)
        try:
            read(copy)
        except SpikecastError as error:
            refused += 1
            if "\n" in str(error):
                raise AssertionError(f"two lines after {damage}: {error}") from error
        except Exception as error:
            error.add_note(f"mutation {number}: {damage}")
            raise
        finally:
            shutil.rmtree(copy.parent)
    return refused


def _damage(copy: Path, rng: np.random.Generator) -> str:
    """Damage one file of a copy and return what was done."""
    files = sorted(path for path in copy.rglob("*") if path.is_file()) if copy.is_dir() else [copy]
    path = files[rng.integers(len(files))]
    content = path.read_bytes()
    kinds = ["cut", "flip", "noise", "empty", "repeat", "digits"]
    if copy.is_dir():
        kinds.append("remove")
    if path.suffix == ".npy":
        kinds += ["shape", "kind", "value"]
    kind = kinds[rng.integers(len(kinds))]
    if kind == "remove":
        path.unlink()
    elif kind in ("shape", "kind", "value"):
        kind += f" {_damage_array(path, kind, rng)}"
    else:
        path.write_bytes(_damage_bytes(content, kind, rng))
    return f"{kind} of {path.name}"


def _damage_bytes(content: bytes, kind: str, rng: np.random.Generator) -> bytes:
    data = bytearray(content)
    size = max(len(data), 1)
    if kind == "cut":
        return content[: rng.integers(size)]
    if kind == "empty":
        return b""
    if kind == "repeat":
        start, stop = np.sort(rng.integers(size, size=2))
        return content[:stop] + content[start:]
    if kind == "digits":  # numbers in text become other numbers or letters
        for place in rng.integers(size, size=1 + size // 50):
            if content[place : place + 1].isdigit():
                data[place] = rng.choice(list(b"0123456789-.eanx,\t"))
        return bytes(data)
    start = rng.integers(size)
    length = 1 if kind == "flip" else int(rng.integers(1, 64))
    data[start : start + length] = rng.bytes(length)
    return bytes(data)


def _damage_array(path: Path, kind: str, rng: np.random.Generator) -> str:
    try:
        array = np.load(path)
    except ValueError:  # Python objects
        return "of objects: nothing"
    if kind == "shape":
        changed = [array[:-1], array[np.newaxis], array.reshape(-1)[: array.size // 2], array[:0]]
        array = changed[rng.integers(len(changed))]
    elif kind == "kind":
        target = rng.choice(["f4", "i8", "u1", "U5", "?", "c8", "O"])
        array = array.astype(target)
    elif array.size:
        array = array.copy()
        place = rng.integers(array.size)
        values = [np.nan, np.inf, -1, 2**40, 0] if array.dtype.kind == "f" else [0, 1, 2**15 - 1]
        array.reshape(-1)[place] = rng.choice(values)
    np.save(path, array)
    return f"to {array.dtype} {array.shape}"
