"""Notices: what to know about a result, as facts that become a sentence where they are shown.

Other code reads a notice's `code` and `values`, never its sentence.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from spikecast.core.checks import check_one_of

Severity = Literal["severe", "serious", "minor"]
SEVERITIES: tuple[Severity, ...] = ("severe", "serious", "minor")
"""Severe: the number does not mean what it says. Serious: it may mislead. Minor: good to know."""


@dataclass(frozen=True)
class Notice:
    """One thing to know about a result.

    Made by a :class:`NoticeKind`, which stands beside the code that gives it.

    Attributes
    ----------
    code : str
        Its kind, in one word with underscores; other code reads this.
    severity : {"severe", "serious", "minor"}
    values : dict
        The facts: numbers, names, lists of names.
    text : str
        How to say it, with the values' names in braces.
    """

    code: str
    severity: Severity
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    def __str__(self) -> str:
        if not self.text:
            return f"{self.code} {dict(self.values)}"
        return self.text.format(
            **{name: _format_value(value) for name, value in self.values.items()}
        )

    def to_json(self) -> dict[str, Any]:
        """Return the notice as plain values, as run directories keep it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Notice":
        """Return the notice that :meth:`to_json` wrote."""
        check_one_of("severity", content["severity"], list(SEVERITIES))
        return cls(**content)


def _format_value(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class NoticeKind:
    """A kind of notice; called with the facts, it makes one.

    Examples
    --------
    >>> silent = NoticeKind("silent_targets", "minor", "fold {fold}: {n} targets are silent")
    >>> str(silent(fold=0, n=3))
    'fold 0: 3 targets are silent'
    """

    code: str
    severity: Severity
    text: str

    def __call__(self, **values: Any) -> Notice:
        """Return a notice of this kind with these facts."""
        return Notice(self.code, self.severity, values, self.text)
