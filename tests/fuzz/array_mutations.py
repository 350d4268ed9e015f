"""Damage what a file of arrays holds: a type, a shape, a value, a name, the header, a pickle."""

import contextlib
import io
import json
import pickle
import re
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from spikecast.core.hdf5_check import check_readable
from spikecast.core.numpy_types import check_npy_header

T = TypeVar("T")
HEADERS = (
    ("'shape': (", "'shape': (9999999999, "), ("'shape': (", "'shape': (-1, "),
    ("'shape': (", "'shape': (0, "), ("'descr': '<f8'", "'descr': '|O'"),
    ("'descr': '<f8'", "'descr': '<f4'"), ("'descr': '", "'descr': 'x"),
    ("'descr'", "'desc'"), ("False", "True"), ("{", "[" * 300), ("(", "("), ("}", "} #"),
)  # fmt: skip
"""What is replaced in the header of a ``.npy``, and by what."""
DESCRIBED = re.compile(r"'descr': ('[^']*'|\[.*?\])")
TYPES = (
    "<M8[Y/0]", "m8[s/0]", "timedelta64[s/0]", "M8[0s]", "M8[25ns]", "M8[ns]", "M8", "i4,i4", "V8",
    "(2,3)f4", "U999999999", "c32", "f16", ">i2", "O", "", "int", "datetime64[ns, UTC]",
)  # fmt: skip
"""Types that a file may name; numpy ends the program with the first ones."""
ATTRIBUTES = ("dtype", "units", "calendar", "_FillValue", "scale_factor", "add_offset",
              "coordinates", "_Unsigned", "valid_range", "missing_value")  # fmt: skip
"""Attributes of an array that whoever reads it decodes."""
SAID = ("timedelta64[s/0]", "seconds", "days since 0", "days since 1-1-1", "bool", "x", "a b c", -1,
        1e308, 0, float("nan"), [1, 2], b"\xff", "true", "360_day")  # fmt: skip


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Return one of some options."""
    return options[int(rng.integers(len(options)))]


# ------------------------------------------------------------------------------------ arrays


def damage_array(array: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Return an array with another type, shape, value or order, and what was changed."""
    kind = pick(rng, ("dtype", "shape", "value", "order"))
    if kind == "dtype":
        numbers = array.dtype.kind in "iufb"
        dtypes = ["f4", "f2", ">f8", "i8", ">i4", "u1", "U5", "?", "c8", "O"]
        dtypes = dtypes if numbers else ["U5", "S5", "O"]
        with np.errstate(all="ignore"):
            array = array.astype(pick(rng, dtypes))
        return array, str(array.dtype)
    if kind == "shape":
        flat = array.reshape(-1)
        shapes = [array[:-1] if array.ndim else array, array[np.newaxis], flat, flat[:0]]
        shapes += [array[..., np.newaxis], np.concatenate([flat, flat]), flat.reshape(-1, 1, 1)]
        array = pick(rng, shapes)
        return array, f"shape {array.shape}"
    array = array.copy()
    if array.size and kind == "order":
        array.reshape(-1)[:] = array.reshape(-1)[::-1].copy()
    elif array.size:
        odd: list[Any] = [np.nan, np.inf, -1e30, -1] if array.dtype.kind == "f" else [-1, 0, 10**6]
        if array.dtype.kind not in "fi":
            odd = [0]
        if array.dtype.kind == "i":
            odd = [one for one in odd if abs(one) <= np.iinfo(array.dtype).max]
        if array.dtype.kind in "fiubU":
            with np.errstate(over="ignore"):  # half precision ends before 1e30
                array.reshape(-1)[rng.integers(array.size)] = pick(rng, odd)
    return array, kind


def damage_npz(path: Path, rng: np.random.Generator) -> str:
    """Damage an array of a ``.npz`` file, or its name, or the bytes of a member."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                check_npy_header(io.BytesIO(archive.read(name)))  # damaged before
        with path.open("rb") as file, np.load(file) as stored:
            arrays = dict(stored)
    except ValueError:  # a pickle
        return _damage_member(path, rng)
    name = pick(rng, list(arrays))
    array = arrays.pop(name)
    kind = pick(rng, ("missing", "rename", "member", "array", "array", "array", "array"))
    if kind == "member":
        return _damage_member(path, rng, f"{name}.npy")
    if kind == "rename":
        arrays[f"{name}x"] = array
    elif kind == "array":
        arrays[name], kind = damage_array(array, rng)
    np.savez(path, **arrays)
    return f"member {name}: {kind}"


def _damage_member(path: Path, rng: np.random.Generator, name: str = "") -> str:
    """Damage the bytes of a member, with a checksum that is right again."""
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    name = name or pick(rng, list(members))
    members[name], kind = _damage_npy_bytes(members[name], rng)
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in members.items():
            archive.writestr(one, content)
    return f"member {name}: {kind}"


def damage_npy(path: Path, rng: np.random.Generator) -> str:
    """Damage the array of a ``.npy`` file, or its bytes behind the header, or the header."""
    content = path.read_bytes()
    try:
        check_npy_header(io.BytesIO(content))  # damaged before
        array = np.load(path)
    except ValueError:  # a pickle
        array = None
    if array is None or rng.random() < 0.3:
        content, kind = _damage_npy_bytes(content, rng)
        path.write_bytes(content)
        return kind
    array, kind = damage_array(array, rng)
    np.save(path, array)
    return kind


def _damage_npy_bytes(content: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Return the bytes of a ``.npy`` with a damage that leaves the rest as it was."""
    end = content.find(b"\n") + 1
    header, body = content[:end], content[end:]
    kind = pick(rng, ("cut", "header", "pickle", "opcode", "opcode", "bytes", "call"))
    if kind == "cut":
        return content[: int(rng.integers(80))], kind
    if kind == "header":
        old, new = pick(rng, HEADERS)
        text = header.decode("latin1").replace(old, new, 1)
        if rng.random() < 0.5:
            odd = pick(rng, TYPES)
            text = DESCRIBED.sub(
                pick(rng, (f"'descr': '{odd}'", f"'descr': [('a', '{odd}')]")), text
            )
        length = struct.pack("<H", len(text) - 10)
        return text[:8].encode("latin1") + length + text[10:].encode("latin1") + body, kind
    if kind == "pickle":  # something else, well made
        made = pick(rng, (None, 1, "a", [], {}, [[1], 2], {"a": None}, ("x",), b"b", 2**70))
        return header + pickle.dumps(made, protocol=int(rng.integers(6))), kind
    data = bytearray(body or b"\x00")
    place = int(rng.integers(len(data)))
    if kind == "opcode":
        data[place : place + int(rng.integers(2))] = pick(rng, OPCODES)
    elif kind == "call":
        data[place:place] = pick(rng, CALLS)
    else:
        data[place : place + 8] = rng.bytes(8)
    return header + bytes(data), f"{kind} at {place}"


OPCODES = tuple(bytes([code]) for code in b"()]}NKMJ\x88Rb0e.tuas\x85\x86\x93\x8ch\x94q")
"""Steps of a pickle: marks, containers, numbers, calls, names, places in the memo."""
CALLS = (
    b"cos\nsystem\n(S'true'\ntR", b"cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR",
    b"cnumpy\ndtype\n(S'O'\ntR", b"cnumpy\nndarray\n(K\x05tR", b"Pid\n", b"\x82\x01", b"r\xff" * 3,
    b"cbuiltins\nbytearray\n(J\x00\x00\x00\x7ftR" * 3, b"X\xff\xff\xff\x7f", b"\x8d" + b"\xff" * 8,
)  # fmt: skip
"""Calls and sizes that a hostile pickle makes."""


# ------------------------------------------------------------------------------------ weights


def damage_tensors(path: Path, rng: np.random.Generator) -> str:
    """Damage the header of a safetensors file, or one of its arrays."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    names = [name for name in header if name != "__metadata__"]
    if not names:
        return "nothing"
    name = pick(rng, names)
    kind = pick(rng, ("dtype", "shape", "offsets", "drop", "rename", "length", "key", "value"))
    entry = header[name]
    if kind == "dtype":
        entry["dtype"] = pick(rng, ("F32", "F16", "I64", "BF16", "U8", "BOOL", "F8_E4M3", "x", 1))
    elif kind == "shape":
        shape = entry["shape"]
        entry["shape"] = pick(rng, (shape[::-1], shape[:-1], [*shape, 1], [-1], [2**40, 2**40], []))
    elif kind == "offsets":
        entry["data_offsets"] = pick(rng, ([0, 0], [0, 2**60], [8, 0], [0], [len(body)] * 2))
    elif kind == "drop":
        del header[name]
    elif kind == "rename":
        header[f"{name}x"] = header.pop(name)
    elif kind == "key":
        del entry[pick(rng, list(entry))]
    elif kind == "value" and body:
        place = int(rng.integers(len(body)))
        body = body[:place] + pick(rng, (b"\xff" * 8, b"\x00" * 8)) + body[place + 8 :]
    text = json.dumps(header).encode()
    size = pick(rng, (0, 7, 2**40, 2**63)) if kind == "length" else len(text)
    path.write_bytes(struct.pack("<Q", size) + text + body)
    return f"{kind} of {name}"


def damage_hdf5(path: Path, rng: np.random.Generator) -> str:
    """Damage an array of an HDF5 file that is whole, or what it says of it.

    Its other attributes, which list its axes, stay.
    """
    check_readable(path)
    content = io.BytesIO(path.read_bytes())  # who has read the file may have it open
    names: list[str] = []
    with h5py.File(content, "r+") as file:
        file.visit(names.append)
        name = pick(rng, sorted(one for one in names if isinstance(file[one], h5py.Dataset)))
        if rng.random() < 0.3:
            attribute, said = pick(rng, ATTRIBUTES), pick(rng, SAID)
            file[name].attrs[attribute] = said
            path.write_bytes(content.getvalue())
            return f"'{name}': its {attribute} {said!r}"
        kept, values = dict(file[name].attrs), file[name][()]
        del file[name]
        done = "gone"
        if rng.random() > 0.1:
            array, done = damage_array(np.asarray(values), rng)
            file[name] = array.astype("S") if array.dtype.kind in "OU" else array
            for key, value in kept.items():
                with contextlib.suppress(TypeError, ValueError):
                    file[name].attrs[key] = value
    path.write_bytes(content.getvalue())
    return f"'{name}': {done}"
