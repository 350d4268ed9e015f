"""Check how a MATLAB file (version 5 to 7.2) is built, before scipy reads it.

scipy looks types up by the numbers that it finds in the file: of a damaged one it crashes, and with
it the process. Here each element must have a known type, lie within what holds it, and be one that
its array may have.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikecast.core.errors import FormatError
from spikecast.core.free_memory import check_fits

HEADER = 128  # bytes of text, version and byte order
NUMBERS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18})  # and characters
INT8, INT32, UINT32, MATRIX, COMPRESSED, UTF8 = 1, 5, 6, 14, 15, 16
CELL, STRUCT, OBJECT, CHAR, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 16, 17
NUMERIC = range(6, 16)
COMPLEX = 0x800  # a flag: a second part follows
DEEPEST = 100  # arrays within arrays


@dataclass(frozen=True)
class Element:
    """A part of a file: its type, and its content."""

    kind: int
    content: memoryview


def check_matlab(path: Path) -> None:
    """Raise a FormatError where a file is not built as MATLAB does; others than 5 to 7.2 pass."""
    with path.open("rb") as file:
        header = file.read(HEADER + 1)
    order = {b"IM": "<", b"MI": ">"}.get(header[HEADER - 2 : HEADER], "<")
    version = header[HEADER - 4 : HEADER - 2]
    if len(header) <= HEADER or 0 in header[:4] or version in (b"\x00\x02", b"\x02\x00"):
        return  # version 4, 7.3 or too short: scipy explains it
    n_bytes = 0
    for element in _list_elements(np.memmap(path, mode="r").data[HEADER:], order):
        if element.kind == COMPRESSED:
            length = _read_length(element.content, order)
            n_bytes += length
            check_fits(n_bytes, path)
            content = memoryview(_decompress(element.content, 8 + length))
            for inner in _list_elements(content, order):
                _check_matrix(inner, order, 0)
        else:
            _check_matrix(element, order, 0)


def _read_length(content: memoryview, order: str) -> int:
    """Return how many bytes the array in a compressed element has, as it says."""
    tag = _decompress(content, 8)
    if len(tag) < 8:
        raise FormatError("a compressed array ends early")
    return int(struct.unpack(f"{order}II", tag)[1])


def _decompress(content: memoryview, n_bytes: int) -> bytes:
    """Return the first bytes of what a compressed element holds: its tag, then its array."""
    try:
        return zlib.decompressobj().decompress(content, n_bytes)
    except zlib.error as error:
        raise FormatError(f"a compressed array is damaged: {error}") from None


def _list_elements(content: memoryview, order: str) -> Iterator[Element]:
    """Yield the elements that follow each other in a file or an array."""
    place = 0
    while place < len(content):
        if len(content) - place < 8:
            raise FormatError("it ends within a tag")
        kind, length = struct.unpack_from(f"{order}II", content, place)
        if kind >> 16:  # a short one: its length and four bytes of content are in the tag
            kind, length, start = kind & 0xFFFF, kind >> 16, place + 4
            if length > 4:
                raise FormatError(f"a short element has {length} bytes")
            place += 8
        else:
            start = place + 8
            place = start + length
            if kind != COMPRESSED:
                place += -length % 8
        if start + length > len(content):
            raise FormatError("an element is longer than what holds it")
        yield Element(kind, content[start : start + length])


def _check_matrix(element: Element, order: str, depth: int) -> None:
    """Raise where an element is no array, or one that lacks a part or has one too many."""
    if element.kind != MATRIX:
        raise FormatError(f"an element of type {element.kind} stands where an array is needed")
    if depth > DEEPEST:
        raise FormatError(f"arrays lie more than {DEEPEST} deep within each other")
    if not element.content:
        return
    parts = list(_list_elements(element.content, order))
    if not parts:
        raise FormatError("an array lacks its class")
    flags = _read_int(parts[0], UINT32, order, 8)
    kind = flags & 0xFF
    if kind == OPAQUE:  # an object: its name and classes, and an array
        if [part.kind for part in parts[1:]] != [INT8, INT8, INT8, MATRIX]:
            raise FormatError("an object lacks its class")
        return _check_matrix(parts[-1], order, depth + 1)
    if len(parts) < 3 or parts[1].kind not in (INT32, UINT32) or len(parts[1].content) % 4:
        raise FormatError("an array lacks its size")
    if parts[2].kind not in (INT8, UTF8):
        raise FormatError("an array lacks its name")
    n_axes = len(parts[1].content) // 4
    sizes = struct.unpack_from(f"{order}{n_axes}i", parts[1].content)
    if n_axes < 2 or min(sizes) < 0:
        raise FormatError(f"an array has the size {sizes[:8]}")
    _check_parts(parts[3:], kind, bool(flags & COMPLEX), math.prod(sizes), order, depth)


def _check_parts(
    parts: list[Element], kind: int, has_two: bool, size: int, order: str, depth: int
) -> None:
    """Raise where the parts of an array are not what its class has."""
    if kind in (CELL, STRUCT, OBJECT, FUNCTION):
        n_arrays = 1 if kind == FUNCTION else size
        if kind in (STRUCT, OBJECT):
            n_fields, parts = _read_fields(parts[kind == OBJECT :], order)
            n_arrays *= n_fields
        if len(parts) != n_arrays:
            raise FormatError(f"{n_arrays} arrays are announced, and {len(parts)} there")
        for part in parts:
            _check_matrix(part, order, depth + 1)
    elif kind in (CHAR, SPARSE, *NUMERIC):
        n_parts = 1 + has_two + (2 if kind == SPARSE else 0)
        if len(parts) != n_parts or not {part.kind for part in parts} <= NUMBERS:
            raise FormatError(f"an array of class {kind} has other parts than it must")
    else:
        raise FormatError(f"an array is of class {kind}, which is not read")


def _read_fields(parts: list[Element], order: str) -> tuple[int, list[Element]]:
    """Return how many fields a struct has, and its arrays."""
    if len(parts) < 2 or parts[1].kind != INT8:
        raise FormatError("a struct lacks the names of its fields")
    length = _read_int(parts[0], INT32, order, 4)
    if length < 1 or len(parts[1].content) % length:
        raise FormatError(f"the names of a struct's fields are {length} letters long")
    return len(parts[1].content) // length, parts[2:]


def _read_int(element: Element, kind: int, order: str, length: int) -> int:
    """Return the first number of an element, which must be of a type and a length."""
    if element.kind != kind or len(element.content) != length:
        raise FormatError(f"an element of type {element.kind} stands where a number is needed")
    return int(struct.unpack_from(f"{order}i", element.content)[0])
