"""Check the types that a file names before numpy makes them.

Some end the interpreter as they are made: a date whose unit is divided by 0.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from numpy.lib import format as npy

from spikecast.core.checks import quote

UNITS = r"([1-9]\d{0,8})?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)"
"""Of dates and durations: so many of a unit."""
UNIT = re.compile(UNITS)
TYPE = re.compile(
    r"[<>|=]?(b1|[iu][1248]|f(2|4|8|12|16)|c(8|16|24|32)|O[48]?|[USV]\d{1,9}"
    rf"|[mM]8(\[{UNITS}\])?)"
)
ODD_DATE = re.compile(rf"(?<!\w)(?:[mM]8|datetime64|timedelta64)\[(?!{UNITS}[],])")
USUAL = re.compile(
    rf"\{{'descr': '{TYPE.pattern}', 'fortran_order': (True|False), 'shape': \([0-9, ]*\), \}} *\n"
)
"""A header as numpy writes it, which need not be parsed."""
OF_PYTHON_2 = re.compile(r"(?<=\d)L\b")  # after a whole number
LONGEST = 10_000  # bytes, as numpy has it
DEEPEST = 4  # types within types
N_BYTES = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
"""Of the header's length, by the format's version."""


def check_npy_header(stream: IO[bytes]) -> None:
    """Raise a ValueError where the header of a ``.npy`` file is not valid, or its type not plain.

    The stream is at its start, before and after.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> stream = io.BytesIO()
    >>> np.save(stream, np.ones(3)); _ = stream.seek(0)
    >>> check_npy_header(stream)
    """
    version = npy.read_magic(stream)
    if version not in N_BYTES:
        raise ValueError(f"numpy format version {version} is not known")
    length = int.from_bytes(stream.read(N_BYTES[version]), "little")
    if length > LONGEST:
        raise ValueError(f"its header has {length} bytes; those of numpy have up to {LONGEST}")
    text = stream.read(length).decode("utf-8" if version == (3, 0) else "latin1")
    if not USUAL.fullmatch(text):
        header = _parse(text)
        if not isinstance(header, dict) or "descr" not in header:
            raise ValueError("its header names no type")
        _check_type(header["descr"], 1)
    stream.seek(0)


def _parse(header: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # what follows is an error
            try:
                return ast.literal_eval(header)
            except SyntaxError:
                return ast.literal_eval(OF_PYTHON_2.sub("", header))
    except Exception:  # deep ones fail in several ways, and name objects at an address
        raise ValueError("its header is damaged") from None


def check_date(named: Any) -> None:
    """Raise a ValueError where a type is one of dates or durations in an unknown unit.

    Examples
    --------
    >>> check_date("datetime64[ns, Europe/Berlin]")
    >>> try:
    ...     check_date("timedelta64[s/0]")
    ... except ValueError as error:
    ...     print(error)
    the type 'timedelta64[s/0]' has an unknown unit
    """
    if isinstance(named, bytes):
        named = named.decode("latin1")
    if isinstance(named, str) and ODD_DATE.search(named):
        raise ValueError(f"the type {quote(named)} has an unknown unit")


def _check_type(described: Any, depth: int) -> None:
    """Raise where a type, or that of a field of it, is not plain."""
    if isinstance(described, list) and depth <= DEEPEST:
        for field in described:
            if not isinstance(field, tuple) or len(field) not in (2, 3):
                raise ValueError(f"its header holds {quote(field)} where a field is needed")
            _check_type(field[1], depth + 1)
    elif not isinstance(described, str) or not TYPE.fullmatch(described):
        raise ValueError(f"its type is {quote(described)}; numbers, text and dates are read")


@contextmanager
def allow_python_2() -> Iterator[None]:
    """Let numpy read files that Python 2 wrote without its warning that this takes longer."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Reading `.npy` or `.npz` file required", UserWarning)
        yield
