"""Notices: facts about a result that become a sentence where they are shown.

Other code reads a notice's `code` and `values`, never its sentence.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from spikecast.core.checks import check_one_of

Severity = Literal["severe", "serious", "minor"]
SEVERITIES: tuple[Severity, ...] = ("severe", "serious", "minor")
"""Severe: the number is wrong for its name. Serious: it may mislead. Minor: good to know."""


@dataclass(frozen=True)
class Notice:
    """A fact about a result; `text` is its sentence, with the names of values in braces."""

    code: str
    severity: Severity
    values: Mapping[str, Any]
    text: str

    def __str__(self) -> str:
        values = {
            name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            for name, value in self.values.items()
        }
        return self.text.format(**values)

    def to_json(self) -> dict[str, Any]:
        """Return the notice as plain values, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Notice":
        """Return the notice that :meth:`to_json` wrote."""
        check_one_of("severity", content["severity"], list(SEVERITIES))
        return cls(**content)


NUMBER = re.compile(r"[+,]?z?(\.\d)?[defg%]?")
"""How a sentence may format a value: no width, which takes as much memory as it says."""


def _check_text(text: str) -> None:
    """Raise a ValueError where a sentence does more than to name values and format numbers."""
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if conversion or not name.isidentifier() or not NUMBER.fullmatch(spec or ""):
            raise ValueError(f"no place for a value: {name}")


def _check_sentence(notice: Notice) -> Notice:
    try:
        _check_text(notice.text)
        str(notice)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError):
        raise ValueError("the sentence of a notice does not go with its values") from None
    return notice


StoredNotice = Annotated[Notice, AfterValidator(_check_sentence)]
"""A notice in a file, as a schema names it."""


@dataclass(frozen=True)
class NoticeKind:
    """A kind of notice, a constant beside the code that uses it; a call with values makes one.

    Examples
    --------
    >>> silent = NoticeKind("silent_targets", "minor", "fold {fold}: {n} targets are silent")
    >>> str(silent(fold=0, n=3))
    'fold 0: 3 targets are silent'
    """

    code: str
    severity: Severity
    text: str

    def __post_init__(self) -> None:
        _check_text(self.text)

    def __call__(self, **values: Any) -> Notice:
        """Return a notice of this kind with these values."""
        return Notice(self.code, self.severity, values, self.text)
