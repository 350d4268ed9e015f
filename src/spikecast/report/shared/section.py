"""Parts of a page: sections, tables, and figures that are still to be drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure that is still to be drawn: its name, the function that draws it, and its data.

    `alt` says in a sentence what is drawn; the caption also says how to read it. `narrow` draws it
    for screens on which `draw` would have to be scrolled, where there is such a version.
    """

    name: str
    draw: Callable[[Any], Figure]
    subject: Any
    caption: str
    alt: str = ""
    narrow: Callable[[Any], Figure] | None = None


@dataclass(frozen=True)
class Turnable:
    """A figure that the reader can turn: its name, the function that writes its HTML, its data."""

    name: str
    draw: Callable[[Any, str], str]
    subject: Any
    caption: str


@dataclass(frozen=True)
class Table:
    """A table of text; the first `n_words` columns are words, the others numbers.

    ``<br>`` in the name of a column breaks its line. `css` is the table's class; `row_classes`
    are those of its rows, where they have any.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_words: int = 1
    title: str = ""
    css: str = "plain"
    row_classes: Sequence[str] = ()


def make_table(rows: Sequence[Mapping[str, str]], n_words: int = 1, title: str = "") -> Table:
    """Return a table of rows that name their cells by column, the same in every row."""
    columns = list(rows[0]) if rows else []
    return Table(columns, [list(row.values()) for row in rows], n_words, title)


@dataclass
class Section:
    """A part of a page: a question with sentences, tables and figures.

    `warnings` stand first, in a box; `more_tables` are folded away.
    """

    title: str
    sentences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    more_tables: list[Table] = field(default_factory=list)
    figures: list[Drawing] = field(default_factory=list)
    turnables: list[Turnable] = field(default_factory=list)
