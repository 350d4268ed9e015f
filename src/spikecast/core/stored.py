"""Read files that spikecast wrote by a schema of what they must hold; here JSON.

What is missing, damaged or not what its schema says is named in a line: the file, the place in it,
what was expected there. Tables and arrays: :mod:`spikecast.core.stored_tables`,
:mod:`spikecast.core.stored_arrays`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from zipfile import BadZipFile

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from spikecast.core.checks import describe_error, quote, shorten_line
from spikecast.core.errors import DamagedFileError, MissingFileError
from spikecast.core.files import is_special
from spikecast.core.free_memory import check_size

OPEN = ConfigDict(extra="allow")
"""For a TypedDict whose file may hold more than it names: older and newer runs do."""
Finite = Annotated[float, Field(allow_inf_nan=False)]

EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "dataclass_type": "keys and values",
    "none_required": "nothing",
}
"""Type of an error of pydantic -> what it expected."""


def damaged(path: Path, what: str) -> DamagedFileError:
    """Return the error of a damaged file."""
    return DamagedFileError(f"'{path}' is damaged: {what}")


@contextmanager
def explain_errors(path: Path) -> Iterator[None]:
    """Raise errors of opening a file as MissingFileError or DamagedFileError."""
    if is_special(path):
        raise damaged(path, "it is a pipe or a device")
    try:
        check_size(path)
        yield
    except FileNotFoundError:
        raise MissingFileError(path) from None
    except IsADirectoryError:
        raise damaged(path, "it is a folder") from None
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise damaged(path, describe_error(error)) from None


def read_text(path: Path) -> str:
    """Return a text file; raise MissingFileError or DamagedFileError."""
    with explain_errors(path):
        return path.read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------ JSON


def read_json(path: str | Path, schema: Any = Any) -> Any:
    """Return the content of a JSON file as its schema says, a type that pydantic knows.

    Raises
    ------
    MissingFileError, DamagedFileError

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "facts.json"
    >>> _ = path.write_text('{"MOs": {"score": "high"}}')
    >>> try:
    ...     read_json(path, dict[str, dict[str, float]])
    ... except DamagedFileError as error:
    ...     print(str(error).partition("damaged: ")[2])
    at MOs.score a number is expected, not 'high'
    """
    path = Path(path)
    with explain_errors(path):
        content = from_json(path.read_bytes())
    return content if schema is Any else validate(content, schema, path)


def validate(content: Any, schema: Any, path: Path, place: Sequence[str | int] = ()) -> Any:
    """Return plain values as a schema says; raise a DamagedFileError that names file and place.

    `place` is where in the file they stand.
    """
    try:
        return _make_adapter(schema).validate_python(content)
    except ValidationError as error:
        raise damaged(path, _explain(error, place)) from None


@cache
def _make_adapter(schema: Any) -> TypeAdapter:
    return TypeAdapter(schema)


def _explain(error: ValidationError, place: Sequence[str | int]) -> str:
    """Return what is wrong first, with its place."""
    first = error.errors(include_url=False)[0]
    location = [*place, *first["loc"]]
    if first["type"] in ("missing", "missing_argument"):
        return f"{_name_place(location[:-1])}the key {quote(location[-1])} is missing"
    what = EXPECTED.get(first["type"])
    if first["type"] == "literal_error":
        what = shorten_line(first["ctx"]["expected"])
    if what is None:
        reason = first["msg"].removeprefix("Value error, ")
        return f"{_name_place(location)}{shorten_line(reason)}"
    return f"{_name_place(location)}{what} is expected, not {quote(first['input'])}"


def _name_place(location: Sequence[str | int]) -> str:
    names = ".".join(shorten_line(part) for part in location)
    return f"at {shorten_line(names)} " if names else ""
