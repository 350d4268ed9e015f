"""What a part of the page is made of: sentences, tables and figures that are still to be drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from spikecast.report.run.reading import Answered

Draw = tuple[str, Callable[..., Figure], object, str]
"""A figure to be shown: its name, what draws it, of what, its caption."""

Turn = tuple[str, Answered, str]
"""A figure that can be turned: its name, of what, its caption."""


@dataclass(frozen=True)
class Table:
    """A table of text; the first columns are words, the others numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_words: int = 1


@dataclass
class Section:
    """A part of the page: a question with sentences, tables and figures."""

    title: str
    sentences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    tables: list[tuple[str, Table]] = field(default_factory=list)
    hidden: list[tuple[str, Table]] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
