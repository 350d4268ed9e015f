"""What pickles in data files may call: stand-ins that check what numpy and Python would not.

A pickle can call any function. Those of :data:`ALLOWED` rebuild arrays, plain containers, dates and
paths (as text); everything else is refused by name.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from spikecast.core.checks import check_unicode, quote
from spikecast.core.errors import FormatError, UnsafeFileError
from spikecast.core.numpy_types import UNIT

CODE = re.compile(r"[?bBhHiIlLqQefdgFDGSUVOmMuc]\d*")
"""Codes of numpy's types in a pickle: ``f8``, ``U12``, ``O8``."""
LONGEST_PATH = 10_000  # characters
MOST_EMPTY = 1000  # values that take no room
DEEPEST, MOST_PARTS = 4, 1000  # types within types, and parts of one
LONGEST_KEY = 60  # bits: of larger ones many have one hash


def _encode_latin1(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":
        raise UnsafeFileError(f"the pickle uses the codec {quote(encoding)}; allowed: latin1")
    return text.encode("latin1")


class PickledArray(np.ndarray):
    """An array that checks its state: numpy's own ``__setstate__`` crashes on a damaged one."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran_order, data = state
        dtype = _check_type(dtype).dtype
        shape = tuple(int(length) for length in shape)
        size = math.prod(shape)
        kind = list if dtype.hasobject else bytes
        length = size if dtype.hasobject else size * dtype.itemsize
        if min(shape, default=0) < 0 or type(data) is not kind or len(data) != length:
            raise FormatError(f"an array of shape {shape} does not have its {length} values")
        if dtype.hasobject and dtype.kind != "O":
            raise FormatError(f"the pickle holds an array of type '{dtype}'")
        check_empty(shape, dtype)
        checked: Any = (1, shape, dtype, bool(fortran_order), data)
        super().__setstate__(checked)


class PickledType:
    """A type of numpy, made of its code and checked state, for the same reason."""

    def __init__(self, code: Any) -> None:
        if not isinstance(code, str) or not CODE.fullmatch(code):
            raise FormatError(f"the pickle holds the type {quote(code)}")
        self.dtype = np.dtype(code)
        self.depth, self.n_parts = 0, 1

    def __setstate__(self, state: Any) -> None:
        version, order, subtype, names, fields, size, *rest = state
        if order not in ("<", ">", "|", "="):
            raise FormatError(f"the pickle holds the byte order {quote(order)}")
        if subtype is not None:
            base, shape = subtype
            base = _check_type(base)
            self._note_parts([base])
            self.dtype = np.dtype((base.dtype, tuple(int(n) for n in shape)))
        elif names is not None:
            if not all(isinstance(name, str) for name in names):
                raise FormatError("the pickle holds a type whose fields have no names")
            parts = [fields[name] for name in names]
            types = [_check_type(part[0]) for part in parts]
            self._note_parts(types)
            self.dtype = np.dtype(
                {
                    "names": list(names),
                    "formats": [one.dtype for one in types],
                    "offsets": [int(part[1]) for part in parts],
                    "itemsize": int(size),
                }
            )
        elif version == 4 and self.dtype.kind in "mM":
            unit, number = rest[2][1][:2]
            unit = unit.decode("ascii") if isinstance(unit, bytes) else unit
            if (unit, number) != ("generic", 1):
                if not UNIT.fullmatch(unit) or number < 1:
                    raise FormatError(f"the pickle holds dates in {int(number)} {quote(unit)}")
                self.dtype = np.dtype(f"{self.dtype.str}[{int(number)}{unit}]")
        if order in "<>":
            self.dtype = self.dtype.newbyteorder(order)

    def _note_parts(self, types: Sequence["PickledType"]) -> None:
        """Note that it is made of others; raise where they are too many, or too deep."""
        self.depth = 1 + max((one.depth for one in types), default=0)
        self.n_parts = sum(one.n_parts for one in types)
        if self.depth > DEEPEST or self.n_parts > MOST_PARTS:
            raise FormatError(
                f"the pickle holds a type of {self.n_parts} parts, nested {self.depth} times; up "
                f"to {MOST_PARTS} and {DEEPEST} are read"
            )


def check_empty(shape: tuple, dtype: np.dtype) -> None:
    """Raise for texts without letters: some bytes can announce any number of them."""
    if not dtype.itemsize and math.prod(shape) > MOST_EMPTY:
        raise FormatError(f"an array of shape {shape} has the type '{dtype}', which holds nothing")


def _make_dtype(code: Any, align: Any = False, copy: Any = True) -> PickledType:
    return PickledType(code)


def _check_type(dtype: Any) -> PickledType:
    if not isinstance(dtype, PickledType):
        raise FormatError(f"the pickle holds {type(dtype).__name__} where a type is needed")
    return dtype


def _reconstruct(subtype: type, shape: Any, dtype: Any) -> np.ndarray:
    if subtype is not _OfArray:
        raise UnsafeFileError(f"the pickle holds an array of type {quote(subtype)}")
    return np.ndarray.__new__(PickledArray, (0,), np.int8)


def _scalar(dtype: Any, value: Any) -> Any:
    dtype = _check_type(dtype).dtype
    if dtype.hasobject or not isinstance(value, bytes) or len(value) != dtype.itemsize:
        raise UnsafeFileError(f"the pickle holds a scalar of type '{dtype}'")
    array = np.frombuffer(value, dtype=dtype)
    check_unicode("a value", array)
    return array[0]


def _frombuffer(buffer: Any, dtype: Any, shape: tuple, order: str) -> np.ndarray:
    dtype = _check_type(dtype).dtype
    if dtype.hasobject:
        raise UnsafeFileError("the pickle holds objects made from raw bytes")
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)  # type: ignore[call-overload]


def _make_empty_bytes() -> bytes:
    # old pickles call ``bytes`` for the empty ones only
    return b""


def _make_bytearray(content: Any = b"", encoding: str = "latin1") -> bytearray:
    # not of a number: that would be as many bytes
    if isinstance(content, str):
        content = _encode_latin1(content, encoding.replace("-", ""))
    if not isinstance(content, bytes):
        raise UnsafeFileError(f"the pickle makes bytes of {quote(content)}")
    return bytearray(content)


def _join_path(*parts: str) -> str:
    """Return a path of the machine that wrote the file as text."""
    if not all(isinstance(part, str) for part in parts):
        raise UnsafeFileError("the pickle makes a path of something else than text")
    if sum(map(len, parts)) > LONGEST_PATH:
        raise UnsafeFileError("the pickle makes a path of thousands of letters")
    return "/".join(parts)


def _make_set(items: Any = ()) -> set:
    for item in items:
        check_key(item)
    return set(items)


def _make_frozenset(items: Any = ()) -> frozenset:
    return frozenset(_make_set(items))


def check_key(key: Any) -> None:
    """Raise for a key, or a member of a set, of which many may have one hash, or that holds others.

    Each new one is compared with all of the same hash, and hashing others may never end.
    """
    if isinstance(key, tuple | frozenset | complex | np.complexfloating | np.void):
        raise UnsafeFileError(f"the pickle holds {type(key).__name__}s as keys; text is allowed")
    if isinstance(key, int) and key.bit_length() > LONGEST_KEY:
        raise UnsafeFileError(f"the pickle holds whole numbers above 2**{LONGEST_KEY} as keys")


class _OfArray:
    """Stands for the class of arrays, which a pickle names and never calls."""

    def __init__(self, *given: Any) -> None:
        raise UnsafeFileError("the pickle makes an array that is not filled")


ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _OfArray,
    ("numpy", "dtype"): _make_dtype,
    ("_codecs", "encode"): _encode_latin1,
    **{
        (f"numpy.{core}.{module}", name): function
        for core in ("core", "_core")
        for module, name, function in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _frombuffer),
        )
    },
    **{
        (builtins, name): kind
        for builtins in ("builtins", "__builtin__")
        for name, kind in (
            ("set", _make_set),
            ("frozenset", _make_frozenset),
            ("bytearray", _make_bytearray),
            ("bytes", _make_empty_bytes),
            ("complex", complex),
        )
    },
    # settings that suite2p stores: when and where a movie was processed
    **{("datetime", kind.__name__): kind for kind in (datetime, timedelta, timezone)},
    **{
        (module, name): _join_path
        for module in ("pathlib", "pathlib._local")
        for name in ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    },
}


WALKED = (_make_set, _make_frozenset, _join_path, complex)
"""Those that look at each member of what they are given."""


def find_allowed(module: str, name: str) -> Any:
    """Return an allowed callable, or raise with the name of another."""
    try:
        return ALLOWED[module, name]
    except KeyError:
        raise UnsafeFileError(
            f"the file calls {quote(f'{module}.{name}')}, which data never need; it may be "
            "hostile and was not read"
        ) from None
