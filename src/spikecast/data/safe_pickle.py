"""Read numpy files whose contents are pickled, without running code from the pickle.

The public data sets are dicts pickled inside ``.npy`` / ``.npz`` containers. A pickle can call any
function; this reader allows numpy's own reconstruction functions, plain builtin containers, dates
and paths (as text), and refuses everything else by name.
"""

import io
import math
import pickle
import pickletools
import re
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from spikecast.core.checks import check_unicode, describe_error, quote
from spikecast.core.errors import FormatError, UnsafeFileError
from spikecast.core.free_memory import check_archive

CODE = re.compile(r"[?bBhHiIlLqQefdgFDGSUVOmMuc]\d*")
"""Codes of numpy's types in a pickle: ``f8``, ``U12``, ``O8``."""
LARGEST_CHECKED = 1 << 25
"""Bytes of a pickle whose steps are looked at before they are done: a second at most."""

# stand-ins for what pickles call: ``_codecs.encode``, types and functions of numpy, and ``bytes``


def _encode_latin1(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":
        raise UnsafeFileError(f"the pickle uses the codec {quote(encoding)}; allowed: latin1")
    return text.encode("latin1")


class _Array(np.ndarray):
    """An array that checks its state: numpy's own ``__setstate__`` crashes on a damaged one."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran_order, data = state
        dtype = _resolve_dtype(dtype)
        shape = tuple(int(length) for length in shape)
        size = math.prod(shape)
        kind = list if dtype.hasobject else bytes
        length = size if dtype.hasobject else size * dtype.itemsize
        if min(shape, default=0) < 0 or type(data) is not kind or len(data) != length:
            raise FormatError(f"an array of shape {shape} does not have its {length} values")
        if dtype.hasobject and dtype.kind != "O":
            raise FormatError(f"the pickle holds an array of type '{dtype}'")
        checked: Any = (1, shape, dtype, bool(fortran_order), data)
        super().__setstate__(checked)


class _DType:
    """A type of numpy, made of its code and checked state, for the same reason."""

    def __init__(self, code: Any) -> None:
        if not isinstance(code, str) or not CODE.fullmatch(code):
            raise FormatError(f"the pickle holds the type {quote(code)}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        version, order, subtype, names, fields, size, *rest = state
        if order not in ("<", ">", "|", "="):
            raise FormatError(f"the pickle holds the byte order {quote(order)}")
        if subtype is not None:
            base, shape = subtype
            self.dtype = np.dtype((_resolve_dtype(base), tuple(int(n) for n in shape)))
        elif names is not None:
            parts = [fields[name] for name in names]
            self.dtype = np.dtype(
                {
                    "names": [str(name) for name in names],
                    "formats": [_resolve_dtype(part[0]) for part in parts],
                    "offsets": [int(part[1]) for part in parts],
                    "itemsize": int(size),
                }
            )
        elif version == 4 and self.dtype.kind in "mM":
            unit, number = rest[2][1][:2]
            unit = unit.decode("ascii") if isinstance(unit, bytes) else unit
            self.dtype = np.dtype(f"{self.dtype.str}[{int(number)}{unit}]")
        if order in "<>":
            self.dtype = self.dtype.newbyteorder(order)


def _make_dtype(code: Any, align: Any = False, copy: Any = True) -> _DType:
    return _DType(code)


def _resolve_dtype(dtype: Any) -> np.dtype:
    if not isinstance(dtype, _DType):
        raise FormatError(f"the pickle holds {type(dtype).__name__} where a type is needed")
    return dtype.dtype


def _reconstruct(subtype: type, shape: Any, dtype: Any) -> np.ndarray:
    if subtype is not np.ndarray:
        raise UnsafeFileError(f"the pickle holds an array of type {quote(subtype)}")
    return np.ndarray.__new__(_Array, (0,), np.int8)


def _scalar(dtype: Any, value: Any) -> Any:
    dtype = _resolve_dtype(dtype)
    if dtype.hasobject or not isinstance(value, bytes) or len(value) != dtype.itemsize:
        raise UnsafeFileError(f"the pickle holds a scalar of type '{dtype}'")
    array = np.frombuffer(value, dtype=dtype)
    check_unicode("a value", array)
    return array[0]


def _frombuffer(buffer: Any, dtype: Any, shape: tuple, order: str) -> np.ndarray:
    dtype = _resolve_dtype(dtype)
    if dtype.hasobject:
        raise UnsafeFileError("the pickle holds objects made from raw bytes")
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)  # type: ignore[call-overload]


def _make_plain(value: Any, done: dict[int, Any]) -> Any:
    """Return a value in which arrays and types are numpy's own, also within containers."""
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, _DType):
        return value.dtype
    if isinstance(value, np.ndarray):
        array = done[id(value)] = value.view(np.ndarray)
        check_unicode("an array", array)
        if array.dtype == object:
            flat = array.ravel(order="K")  # a view: the array is contiguous
            for place, item in enumerate(flat):
                flat[place] = _make_plain(item, done)
        return array
    if isinstance(value, dict):
        done[id(value)] = value
        for key, item in value.items():
            value[key] = _make_plain(item, done)
    elif isinstance(value, list):
        done[id(value)] = value
        value[:] = [_make_plain(item, done) for item in value]
    elif isinstance(value, tuple):
        return tuple(_make_plain(item, done) for item in value)
    return value


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
    return "/".join(str(part) for part in parts)


ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
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
            ("set", set),
            ("frozenset", frozenset),
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


class RestrictedUnpickler(pickle.Unpickler):
    """An unpickler that calls nothing but what :data:`ALLOWED` lists."""

    def find_class(self, module: str, name: str) -> Any:
        """Return an allowed callable, or raise with the name of another."""
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise UnsafeFileError(
                f"the file calls {quote(f'{module}.{name}')}, which data never need; it may be "
                "hostile and was not read"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        """Raise: data never refer to things outside the file."""
        raise UnsafeFileError("the file refers to objects outside itself; it was not read")


def load_numpy(path: str | Path) -> dict[str, np.ndarray]:
    """Return the arrays of a ``.npy`` or ``.npz`` file by name, ``""`` for the one of a ``.npy``.

    Raises
    ------
    FormatError
        When the file is missing, truncated or not a numpy file.
    UnsafeFileError
        When a pickle in it holds anything that is not numpy data or a plain container.
    """
    try:
        with open(path, "rb") as stream:
            if stream.read(2) == b"PK":
                arrays = {}
                with zipfile.ZipFile(stream) as archive:
                    check_archive(archive, Path(path))
                    for member in archive.namelist():
                        with archive.open(member) as part:
                            arrays[member.removesuffix(".npy")] = _read_array(part)
                return arrays
            stream.seek(0)
            return {"": _read_array(stream)}
    except FileNotFoundError:
        raise FormatError(f"there is no file '{path}'") from None
    except IsADirectoryError:
        raise FormatError(f"'{path}' is a folder, not a file") from None
    except UnsafeFileError as error:
        raise UnsafeFileError(f"'{path}': {error}") from None
    except Exception as error:  # a damaged pickle can fail in any way
        raise FormatError(
            f"'{path}' is damaged or not a numpy file: {describe_error(error)}"
        ) from None


def _unpickle(stream: IO[bytes]) -> Any:
    start = stream.tell()
    content = stream.read(LARGEST_CHECKED + 1)
    if len(content) > LARGEST_CHECKED:
        stream.seek(start)
        return RestrictedUnpickler(stream).load()
    for step, argument, _ in pickletools.genops(content):
        # a list as long as the largest number is made, which can take all memory
        number = argument if step.name in ("LONG_BINPUT", "PUT") else 0
        if isinstance(number, int) and number > len(content):
            raise FormatError(f"the pickle of {len(content)} bytes counts {number} objects")
    return RestrictedUnpickler(io.BytesIO(content)).load()


def _read_array(stream: IO[bytes]) -> np.ndarray:
    """Return the array in a stream that holds a ``.npy`` file from its start."""
    version = npy.read_magic(stream)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in read_header:
        raise FormatError(f"numpy format version {version} is not known")
    shape, fortran_order, dtype = read_header[version](stream)
    if dtype.hasobject:
        array = _make_plain(_unpickle(stream), {})
        if not isinstance(array, np.ndarray):
            array = np.array(array, dtype=object)
        return array.reshape(shape, order="F" if fortran_order else "C")
    stream.seek(0)
    array = npy.read_array(stream, allow_pickle=False)
    check_unicode("an array", array)
    return array
