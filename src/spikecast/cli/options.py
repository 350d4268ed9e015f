"""Command line options made from the fields of config blocks: nothing is declared twice.

A command takes whole blocks. Which of their fields are options stands in the annotation, in the
order of the help::

    @with_options
    def predict(config: Annotated[Config, options("task.target", "seed")]) -> None: ...
"""

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from spikecast.core.checks import shorten_line
from spikecast.core.errors import InputError


@dataclass(frozen=True)
class Option:
    """How a field is given on the command line.

    Attributes
    ----------
    field : str
        Its place in the block, with dots between nested blocks.
    name, help : str
        Of the option; by default the field's name and description.
    required, show_default : bool
        Whether the command needs it, and whether the help shows the field's default.
    repeated : bool
        Whether the option is given once for each entry of a list, not with commas.
    metavar : str
        Makes it an argument without a flag, of this name in the help.
    short : str
        A flag of one letter.
    panel : str
        Heading under which the help lists it.
    """

    field: str
    name: str = ""
    help: str = ""
    required: bool = False
    show_default: bool = True
    repeated: bool = False
    metavar: str = ""
    short: str = ""
    panel: str = ""

    @property
    def path(self) -> list[str]:
        """The names of the nested blocks, and of the field."""
        return self.field.split(".")

    @property
    def flag(self) -> str:
        """The name with its dashes."""
        return "--" + (self.name or self.path[-1]).replace("_", "-")


Options = dict[str, Option]


def options(*fields: str | Option) -> Options:
    """Return name -> option of the fields of a block.

    Examples
    --------
    >>> list(options("evaluation.folds", Option("null_labels", "null")))
    ['folds', 'null']
    """
    made = [Option(one) if isinstance(one, str) else one for one in fields]
    return {one.name or one.path[-1]: one for one in made}


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that typer gives the options of the blocks in its signature.

    Each parameter that is annotated with :func:`options` receives its block, validated, with only
    those fields set that were given.
    """
    signature = inspect.signature(command, eval_str=True)
    blocks: dict[str, tuple[type[BaseModel], Options]] = {}
    parameters = [_make_parameter("context", typer.Context)]
    for parameter in signature.parameters.values():
        block, *metadata = get_args(parameter.annotation) or (parameter.annotation,)
        if metadata and isinstance(metadata[0], dict):
            blocks[parameter.name] = block, metadata[0]
            parameters += [
                _make_typer_option(name, one, block) for name, one in metadata[0].items()
            ]
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def call(context: typer.Context, **values: Any) -> None:
        for name, (block, offered) in blocks.items():
            texts = {flag: values.pop(flag) for flag in offered}
            given = {flag: text for flag, text in texts.items() if _is_given(context, flag)}
            values[name] = _make_block(block, offered, given)
        command(**values)

    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in parameters}
    return call


def split_list(text: str, annotation: Any) -> str | list[str]:
    r"""Return what a text with commas says: a list, unless the field may be a single word.

    Examples
    --------
    >>> split_list("VISp,MOs", list[str])
    ['VISp', 'MOs']
    >>> split_list("all", Literal["all"] | list[int])
    'all'
    >>> split_list("0", Literal["all"] | list[int])
    ['0']
    >>> split_list("[]", list[str])
    []

    A comma that belongs to a name has a backslash before it.

    >>> split_list(r"layers 2\,3,layer 4", list[str])
    ['layers 2,3', 'layer 4']
    """
    if text == "[]":
        return []
    parts = [part.replace("\\,", ",") for part in re.split(r"(?<!\\),", text)]
    words = [word for one in _list_alternatives(annotation) for word in _list_words(one)]
    is_word = str in _list_alternatives(annotation) or text in words
    return parts[0] if len(parts) == 1 and is_word else parts


def _make_block(block: type[BaseModel], offered: Options, given: dict[str, Any]) -> BaseModel:
    content: dict[str, Any] = {}
    for flag, value in given.items():
        *above, last = offered[flag].path
        inner = content
        for part in above:
            inner = inner.setdefault(part, {})
        annotation = _find_field(block, offered[flag].path).annotation
        is_list = isinstance(value, str) and _is_list(annotation)
        inner[last] = split_list(value, annotation) if is_list else value
    try:
        return block.model_validate(content)
    except ValidationError as error:
        raise InputError(_explain_error(error, offered, given)) from None


def _explain_error(error: ValidationError, offered: Options, given: dict[str, Any]) -> str:
    """Return the first problem as one line that names the flag."""
    errors = error.errors()
    for name, option in offered.items():
        path = tuple(option.path)
        # alternatives of one field (a word, or a list) are problems of their own
        here = [one["msg"] for one in errors if one["loc"][: len(path)] == path]
        if here:
            what = "; or: ".join(dict.fromkeys(text.removeprefix("Value error, ") for text in here))
            place = option.metavar or option.flag
            return (
                f"{place} {shorten_line(given[name])}: {what}"
                if name in given
                else f"{place}: {what}"
            )
    return str(errors[0]["msg"]).removeprefix("Value error, ")


def _is_given(context: typer.Context, flag: str) -> bool:
    source = context.get_parameter_source(flag)
    return source is not None and source.name != "DEFAULT"


def _make_typer_option(name: str, option: Option, block: type[BaseModel]) -> inspect.Parameter:
    field = _find_field(block, option.path)
    text = option.help or field.description or ""
    if option.metavar:
        kind: Any = list[str] if _is_list(field.annotation) else str
        return _make_parameter(
            name, Annotated[kind, typer.Argument(metavar=option.metavar, help=text)]
        )
    default = inspect.Parameter.empty if option.required else _find_default(field, option)
    flags = [f"{option.flag}/--no{option.flag[1:]}" if default is True else option.flag]
    flags += [option.short] if option.short else []
    metavar = None if option.repeated else _make_metavar(field.annotation)
    made = typer.Option(
        *flags,
        help=text,
        metavar=metavar,
        show_default=default is not False,
        rich_help_panel=option.panel or None,
    )
    return _make_parameter(
        name, Annotated[_choose_type(field.annotation, option.repeated), made], default
    )


def _find_default(field: FieldInfo, option: Option) -> Any:
    """Return the default for the help; the block never receives it."""
    default = field.get_default(call_default_factory=True)
    if isinstance(default, list) and not option.repeated:
        default = ",".join(map(str, default))
    is_plain = isinstance(default, bool | int | float | str)
    return default if is_plain and (option.show_default or default is False) else None


def _find_field(block: type[BaseModel], path: list[str]) -> FieldInfo:
    *above, last = path
    for part in above:
        inner = _list_alternatives(block.model_fields[part].annotation)
        block = next(one for one in inner if isinstance(one, type) and issubclass(one, BaseModel))
    return block.model_fields[last]


def _list_alternatives(annotation: Any) -> list[Any]:
    """Return the types of a union, without None."""
    if get_origin(annotation) in (Union, UnionType):
        return [one for one in get_args(annotation) if one is not NoneType]
    return [annotation]


def _list_words(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _is_list(annotation: Any) -> bool:
    return any(get_origin(one) is list for one in _list_alternatives(annotation))


def _make_metavar(annotation: Any) -> str | None:
    """Return how a list, several numbers or one of several words is written: ``all|A,B``."""
    kinds = _list_alternatives(annotation)
    if get_origin(kinds[0]) is tuple:
        return " ".join("ABCDEFGH"[: len(get_args(kinds[0]))])
    entries = [get_args(one)[0] for one in kinds if get_origin(one) is list]
    words = [str(word) for one in (*kinds, *entries) for word in _list_words(one)]
    is_open = bool(entries) and not any(_list_words(one) for one in entries)
    return "|".join([*words, *(["A,B"] if is_open else [])]) or None


def _choose_type(annotation: Any, repeated: bool) -> Any:
    """Return what typer reads: lists and words are texts, which the block then checks."""
    kinds = _list_alternatives(annotation)
    if repeated:
        return list[str] | None
    is_simple = len(kinds) == 1 and not _is_list(annotation) and not _list_words(kinds[0])
    return kinds[0] | None if is_simple else str | None


def _make_parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> Any:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)
