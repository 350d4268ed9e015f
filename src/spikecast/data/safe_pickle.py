"""Read numpy files whose contents are pickled, without running code from the pickle.

The public data sets are dicts pickled inside ``.npy`` / ``.npz`` containers. This reader calls
nothing but the stand-ins of :mod:`spikecast.data.pickle_calls`.
"""

import os
import pickle
import zipfile
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
from numpy.lib import format as npy

from spikecast.core.checks import check_unicode, describe_error
from spikecast.core.errors import FormatError, UnsafeFileError
from spikecast.core.free_memory import check_archive
from spikecast.core.numbers import to_common_type
from spikecast.core.numpy_types import allow_python_2, check_npy_header
from spikecast.data.pickle_calls import (
    WALKED,
    PickledArray,
    PickledType,
    check_empty,
    check_key,
    find_allowed,
)

MOST_MADE = 5e8
"""Bytes that the calls of a small pickle may make: one object can be given to many."""
MOST_MADE_PER_BYTE = 10
"""Those of a large one."""
MOST_VALUES = 1_000_000
"""Values that a small pickle may hold, shared ones at each place; a large one holds its bytes."""
MEMBER, LOOK, FIELD = 60, 100, 600
"""Bytes that a member of a set, a look at one, and a field of a type stand for."""
_InPython: Any = pickle._Unpickler


def _make_plain(value: Any, done: dict[int, tuple[Any, Any, int]]) -> tuple[Any, int]:
    """Return a value whose arrays and types are numpy's own, also within containers.

    And how many values it holds, where one that is shared counts at each of its places: whoever
    walks through it visits so many. `done` keeps what was visited, so that no id is used again.
    """
    if isinstance(value, PickledType):
        return value.dtype, 1
    if isinstance(value, np.ndarray) and value.dtype.kind not in "OU":
        return value.view(np.ndarray), 1
    if not isinstance(value, np.ndarray | dict | list | tuple):
        return value, 1
    if id(value) in done:
        _, plain, number = done[id(value)]
        if not number:
            raise FormatError("the pickle holds a value that contains itself")
        return plain, number
    done[id(value)] = value, None, 0
    plain, number = _make_parts_plain(value, done)
    done[id(value)] = value, plain, number
    return plain, number


def _make_parts_plain(value: Any, done: dict[int, tuple[Any, Any, int]]) -> tuple[Any, int]:
    if isinstance(value, np.ndarray):
        array = value.view(np.ndarray)
        check_unicode("an array", array)
        number = 1
        if array.dtype == object:
            flat = array.ravel(order="K")  # a view: the array is contiguous
            for place, item in enumerate(flat):
                flat[place], n_items = _make_plain(item, done)
                number += n_items
        return array, number
    items = list(value.values() if isinstance(value, dict) else value)
    made = [_make_plain(item, done) for item in items]
    number = 1 + sum(n_items for _, n_items in made)
    if isinstance(value, tuple):
        return tuple(item for item, _ in made), number
    for key, (item, _) in zip(
        value if isinstance(value, dict) else range(len(made)), made, strict=True
    ):
        value[key] = item
    return value, number


def refuse_reference(pid: Any) -> Any:
    """Raise: data never refer to things outside the file."""
    raise UnsafeFileError("the file refers to objects outside itself; it was not read")


class _Bounded:
    """A stream of which no more is asked than it has: memory is taken for what is asked."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._size = stream, size

    def read(self, length: int) -> bytes:
        return self._stream.read(min(length, self._size))

    def readline(self) -> bytes:
        return self._stream.readline()


class RestrictedUnpickler(_InPython):
    """An unpickler that calls what is allowed, and refuses steps which take time or memory.

    It is the one of :mod:`pickle` that is written in Python, where each step can be looked at.
    States are given to arrays and types only: that of a function would change this program.
    """

    dispatch: ClassVar = dict(_InPython.dispatch)

    def __init__(self, stream: IO[bytes], size: int) -> None:
        super().__init__(_Bounded(stream, size))
        self._size = size
        self._made = 0.0

    def find_class(self, module: str, name: str) -> Any:
        """Return an allowed callable."""
        return find_allowed(module, name)

    def persistent_load(self, pid: Any) -> Any:
        """Raise."""
        return refuse_reference(pid)

    def _count(self, value: Any) -> None:
        """Add what a step made, or raise where that is too much."""
        if isinstance(value, set | frozenset):
            self._made += MEMBER * len(value)
        elif isinstance(value, str | bytes | bytearray):
            self._made += len(value)
        else:
            self._made += getattr(value, "nbytes", 0)
        if self._made > max(MOST_MADE, MOST_MADE_PER_BYTE * self._size):
            raise FormatError(f"the pickle of {self._size} bytes makes {self._made:.2g} of them")

    def _count_given(self, given: Any, each: int) -> None:
        """Add what a step looks at, so many for `each` member of what it is given."""
        for one in given if isinstance(given, tuple) else ():
            self._made += each * (1 + len(one) if hasattr(one, "__len__") else 1)

    def load_reduce(self) -> None:
        """Call what is allowed."""
        self._count_given(self.stack[-1], LOOK if self.stack[-2] in WALKED else 1)
        self._count(None)
        super().load_reduce()
        self._count(self.stack[-1])

    def load_build(self) -> None:
        """Give a state to an array or a type."""
        if not isinstance(self.stack[-2], PickledArray | PickledType):
            raise UnsafeFileError("the pickle changes what is no array")
        self._count_given(self.stack[-1], FIELD if isinstance(self.stack[-2], PickledType) else 1)
        super().load_build()
        self._count(self.stack[-1])

    def load_bytearray8(self) -> None:
        """Read bytes that can change; as many as there are."""
        length = int.from_bytes(self.read(8), "little")
        if length > self._size:
            raise FormatError(f"the pickle of {self._size} bytes announces {length}")
        self.append(bytearray(self.read(length)))

    def load_setitem(self) -> None:
        """Put a value into a dict."""
        check_key(self.stack[-2])
        super().load_setitem()

    def load_setitems(self) -> None:
        """Put values into a dict."""
        for key in self.stack[::2]:
            check_key(key)
        super().load_setitems()

    def load_dict(self) -> None:
        """Make a dict of values."""
        for key in self.stack[::2]:
            check_key(key)
        super().load_dict()

    def load_additems(self) -> None:
        """Put values into a set."""
        for key in self.stack:
            check_key(key)
        super().load_additems()

    def load_frozenset(self) -> None:
        """Make a set of values."""
        for key in self.stack:
            check_key(key)
        super().load_frozenset()


for _step in (
    "REDUCE",
    "BUILD",
    "BYTEARRAY8",
    "SETITEM",
    "SETITEMS",
    "DICT",
    "ADDITEMS",
    "FROZENSET",
):
    RestrictedUnpickler.dispatch[getattr(pickle, _step)[0]] = getattr(
        RestrictedUnpickler, f"load_{_step.lower()}"
    )


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
                    for member in archive.infolist():
                        with archive.open(member) as part:
                            array = _read_array(part, member.file_size)
                            arrays[member.filename.removesuffix(".npy")] = array
                return arrays
            stream.seek(0)
            return {"": _read_array(stream, os.fstat(stream.fileno()).st_size)}
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


def _unpickle(stream: IO[bytes], size: int) -> Any:
    plain, number = _make_plain(RestrictedUnpickler(stream, size).load(), {})
    if number > max(MOST_VALUES, size):
        raise FormatError(f"the pickle holds {number:.2g} values, far more than it has bytes")
    return plain


def _read_array(stream: IO[bytes], size: int) -> np.ndarray:
    """Return the array in a stream that holds a ``.npy`` file, of so many bytes, from its start."""
    check_npy_header(stream)
    version = npy.read_magic(stream)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in read_header:
        raise FormatError(f"numpy format version {version} is not known")
    with allow_python_2():
        shape, fortran_order, dtype = read_header[version](stream)
    if dtype.hasobject:
        array = _unpickle(stream, size)
        if not isinstance(array, np.ndarray):
            array = np.array(array, dtype=object)
        return array.reshape(shape, order="F" if fortran_order else "C")
    check_empty(shape, dtype)
    stream.seek(0)
    with allow_python_2():
        array = npy.read_array(stream, allow_pickle=False)
    check_unicode("an array", array)
    return to_common_type(array)
