"""The base of all blocks of a config; reading a YAML file as one, with errors of one line."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from spikecast.core.checks import quote, shorten_line, suggest_name
from spikecast.core.errors import ConfigError
from spikecast.core.files import is_special

FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C, ten times as fast
MERGE = "tag:yaml.org,2002:merge"
LONGEST_NUMBER = 1000  # bits of a whole number, and characters of any
LARGEST = 10_000_000  # bytes of a config; others have thousands
MOST_MERGED = 10_000  # keys of one mapping
NAMED_ONCE = (
    *("areas", "data", "labels", "methods", "models", "pairs"),
    *("source", "sources", "target", "targets", "variables"),
)
"""Lists in which nothing stands twice: the same would be computed again, and counted again."""
MOST_DRAWS = 1_000_000
"""Of a null or a bootstrap: more take days, or the memory."""


class Block(BaseModel):
    """A block of a config; unknown keys are refused, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_value(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false as the numbers 1 and 0, which pydantic takes them for."""
        values = value if isinstance(value, list) else [value]
        truth = next((one for one in values if isinstance(one, bool)), None)
        if truth is not None and info.field_name is not None:
            field = cls.model_fields[info.field_name].annotation
            kinds = {field, *get_args(field)}
            if isinstance(value, list):  # of these kinds
                kinds = {kind for kind in kinds if get_origin(kind) in (list, tuple, Sequence)}
                kinds = {one for kind in kinds for one in get_args(kind)}
            if kinds & {int, float} and bool not in kinds:
                raise ValueError(f"a number is wanted, not {_spell_value(truth)}")
        return value

    @field_validator("*")
    @classmethod
    def _refuse_repetition(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a list that names something twice, and numbers that no config could hold."""
        values = value if isinstance(value, list) else [value]
        if info.field_name in NAMED_ONCE:
            names = Counter(one for one in values if isinstance(one, str | tuple))
            if twice := [name for name, n in names.items() if n > 1]:
                raise ValueError(f"{quote(twice[0])} is named twice")
        if any(isinstance(one, int) and one.bit_length() > LONGEST_NUMBER for one in values):
            raise ValueError("it is a number of hundreds of digits")
        return value


def refuse_empty_list(names: Any, otherwise: str = ", or leave it out") -> Any:
    """Return what a block names, or raise where the list is empty.

    `otherwise` is what to do where nothing is to be named.
    """
    if isinstance(names, list) and not names:
        raise ValueError(f"the list is empty; name at least one{otherwise}")
    return names


KIND_NAMES = {"str", "int", "list[str]", "list[int]", "literal['all']", "[key]"}
READ_BY_YAML = (bool, int, float, date)
IN_QUOTES = 'put it in quotes: "..."'

B = TypeVar("B", bound=Block)


class Loader(FAST):
    """A reader of YAML that takes no key twice, of which all but the last would be lost."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        """Return keys and values; raise where a key is there twice."""
        known = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                if key.value in known:
                    line = key.start_mark.line + 1
                    raise ValueError(f"the key {quote(key.value)} is there twice, in line {line}")
                known.add(key.value)
        content: dict = super().construct_mapping(node, deep)
        return content

    def flatten_mapping(self, node: Any) -> None:
        """Take in what a mapping names with ``<<``; raise where that doubles again and again."""
        super().flatten_mapping(node)
        if len(node.value) > MOST_MERGED:
            raise ValueError("its keys << take in more than a config can hold")

    def construct_yaml_int(self, node: Any) -> int:
        """Return a whole number; raise for one of more digits than Python prints."""
        if len(node.value) > LONGEST_NUMBER:  # seconds are needed for a megabyte
            raise ValueError(f"{quote(node.value)} is too large a number")
        number: int = super().construct_yaml_int(node)
        if number.bit_length() > LONGEST_NUMBER:
            raise ValueError(f"{quote(node.value)} is too large a number")
        return number

    def construct_yaml_float(self, node: Any) -> float:
        """Return a number; raise for one of more digits than any has."""
        if len(node.value) > LONGEST_NUMBER:
            raise ValueError(f"{quote(node.value)} has too many digits")
        number: float = super().construct_yaml_float(node)
        return number


Loader.add_constructor("tag:yaml.org,2002:float", Loader.construct_yaml_float)
Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Return the keys and values of a YAML file, or raise a ConfigError."""
    path = Path(path)
    if is_special(path):
        raise ConfigError(f"'{path}' is a pipe or a device; a config must be a file")
    if path.is_file() and path.stat().st_size > LARGEST:
        raise ConfigError(f"'{path}' has {path.stat().st_size / 1e6:.0f} MB: it is no config")
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no file '{path}'") from None
    except (ValueError, OSError) as error:
        raise ConfigError(f"'{path}' is not YAML: {shorten_line(error)}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"'{path}' must hold keys and values")
    return content


def parse_yaml(text: str) -> Any:
    """Return what a YAML text holds, or raise a ValueError of one line."""
    try:
        content = yaml.load(text, Loader)
        size = _measure(content, {})
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(shorten_line(error)) from None
    except MemoryError:
        raise
    except Exception:  # what reads a tag fails in any way where the value is none of its kind
        raise ValueError(
            "a value does not go with its tag, or is no number that can be read"
        ) from None
    if size > LARGEST:
        raise ValueError("its aliases repeat more than a config can hold")
    return content


def _measure(value: Any, sizes: dict[int, int]) -> int:
    """Return how large a value is with all aliases written out; raise where one holds itself."""
    if not isinstance(value, dict | list):
        return len(value) if isinstance(value, str) else 1
    if id(value) not in sizes:
        sizes[id(value)] = -1
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        sizes[id(value)] = 1 + sum(_measure(part, sizes) for part in parts)
    if sizes[id(value)] < 0:
        raise ValueError("an alias stands within what it names")
    return sizes[id(value)]


def read_block(path: str | Path, block: type[B]) -> B:
    """Return the block in a YAML file, or raise a ConfigError."""
    return parse_block(read_yaml(path), block)


def parse_block(content: dict[str, Any], block: type[B]) -> B:
    """Return a block made of nested dicts, or raise a ConfigError with the nearest known key."""
    try:
        return block.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_explain_error(error, block)) from None


def to_yaml(block: Block) -> str:
    """Return the YAML text of a block, defaults included."""
    content = block.model_dump(mode="json")
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def flatten(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level, by dotted keys.

    Examples
    --------
    >>> flatten({"seed": 0, "data": {"session": 5}})
    {'seed': 0, 'data.session': 5}
    """
    flat: dict[str, Any] = {}
    for key, value in content.items():
        path = f"{prefix}{key}"
        flat |= flatten(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return flat


def _explain_error(error: ValidationError, whole: type[Block]) -> str:
    """Return the first problem of a config as one line, with the nearest key."""
    errors = error.errors()
    # a misspelt key is also a missing one: name the key that is there
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    first = _find_misread_name(errors, first) or first
    # where a value may be of several kinds, pydantic adds the kind; to a name of a block, "[key]"
    location = [str(part) for part in first["loc"] if str(part) not in KIND_NAMES]
    where = shorten_line(".".join(location))
    if first["type"] == "extra_forbidden":
        block: Any = whole
        for part in location[:-1]:
            if part in block.model_fields:  # else a place in a list of blocks, or a name of one
                block = find_block(block.model_fields[part].annotation)
        return f"unknown config key '{where}'.{suggest_name(location[-1], block.model_fields)}"
    if first["type"] == "missing":
        return f"the config lacks the key '{where}'"
    what = first["msg"].removeprefix("Value error, ")
    if _is_misread_name(first):
        what = f"a name is wanted, not {_spell_value(first['input'])}; if it is one, {IN_QUOTES}"
    if first["type"] == "model_type":  # pydantic names our class there
        given = "a list" if isinstance(first["input"], list) else quote(first["input"])
        what = f"give one block of settings (keys and values), not {given}"
    return f"config key '{where}': {what}" if location else f"in the config {what}"


def _find_misread_name(errors: list[Any], first: Any) -> Any:
    """Return the error of a name that YAML reads as something else, if that is all that is wrong.

    Where a value may be of several kinds there is an error of each.
    """
    place = [part for part in first["loc"] if str(part) not in KIND_NAMES]
    same = [one for one in errors if list(one["loc"][: len(place)]) == place]
    if not all(one["type"].endswith(("_type", "literal_error")) for one in same):
        return None
    return next(filter(_is_misread_name, same), None)


def _is_misread_name(error: Any) -> bool:
    given = error["input"]
    return error["type"] in ("string_type", "invalid_key") and isinstance(given, READ_BY_YAML)


def _spell_value(value: Any) -> str:
    """Return a value as YAML has it, and how else it may have been written."""
    if isinstance(value, bool):
        return "true (also written yes or on)" if value else "false (also written no or off)"
    kind = "the date" if isinstance(value, date) else "the number"
    return f"{kind} {shorten_line(value)}"


def find_block(annotation: Any) -> Any:
    """Return the block in ``Block``, ``Block | None``, ``list[Block]`` or ``dict[str, Block]``.

    The names of such a dict may have a pattern.
    """
    parts = [part for part in get_args(annotation) if part not in (NoneType, str)]
    if not parts:
        return annotation
    return find_block(parts[-1 if get_origin(annotation) is dict else 0])
