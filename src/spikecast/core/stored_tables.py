"""Read tables that spikecast wrote: each has a schema that names its columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.numbers import to_numbers
from spikecast.core.stored import damaged, explain_errors
from spikecast.core.text_tables import count_columns, holds_zero_bytes

Column = Literal["text", "name", "number", "share", "finite", "open", "whole", "flag", "any"]
"""What a column holds: a ``text``, a ``number`` and a ``share`` (a p-value is one) may be missing,
a ``name`` may not; an ``open`` number may be missing or infinite."""

MOST_COLUMNS = 10_000
"""Of a table that spikecast wrote; pandas takes minutes for a million."""
LARGEST = 1e100  # of a number: what is computed from larger ones overflows
KINDS = {
    "number": "iuf",
    "share": "iuf",
    "finite": "iuf",
    "open": "iuf",
    "whole": "iu",
    "flag": "b",
}
EMPTY = {
    "number": float,
    "share": float,
    "finite": float,
    "open": float,
    "whole": int,
    "flag": bool,
}
MISSING = ("", "nan", "NaN")
WORDS = {
    "number": f"a number (of size {LARGEST:g} at most)",
    "share": "a number from 0 to 1",
    "open": "a number",
    "finite": f"a finite number (of size {LARGEST:g} at most)",
    "whole": "a whole number",
    "flag": "True or False",
}


@dataclass(frozen=True)
class Table:
    """What a table must hold: its columns, those that old files lack, its least number of rows.

    No two rows are alike in the columns `unique`. Columns that are not named may hold anything.
    `check` returns what else is wrong with a table, or "".
    """

    columns: Mapping[str, Column]
    optional: Mapping[str, Column] | None = None
    least_rows: int = 1
    unique: tuple[str, ...] = ()
    check: Callable[[pd.DataFrame], str] = lambda table: ""

    @property
    def known(self) -> dict[str, Column]:
        """Every column that is named."""
        return dict(self.columns) | dict(self.optional or {})


def read_columns(path: Path) -> pd.Index:
    """Return the names of a table's columns."""
    n_columns = count_columns(path)
    if n_columns > MOST_COLUMNS:
        raise damaged(path, f"it has {n_columns} columns; up to {MOST_COLUMNS} are expected")
    if holds_zero_bytes(path):
        raise damaged(path, "it holds bytes of 0, as where a disk lost its power")
    columns = pd.read_csv(path, nrows=0).columns
    first = pd.read_csv(path, header=None, nrows=1, dtype=str).iloc[0]
    if len(twice := first[first.duplicated() & first.notna()]):  # pandas renames the second one
        raise damaged(path, f"the column {quote(twice.iloc[0])} is there twice")
    return columns


def read_table(path: Path, schema: Table, **options: Any) -> pd.DataFrame:
    """Return a table as its schema says; its text columns are text whatever they hold.

    An area may be called "NA" or "null": of text, only what is empty is missing. `options` are of
    :func:`pandas.read_csv`. Raises MissingFileError or DamagedFileError.
    """
    known = schema.known
    texts = {name: str for name, kind in known.items() if kind in ("text", "name")}
    with explain_errors(path):
        columns = read_columns(path)
        missing = {name: [""] if name in texts else MISSING for name in columns}
        words: dict[str, Any] = {"dtype": texts, "keep_default_na": False, "na_values": missing}
        table = pd.read_csv(path, **(words | options))
    if not isinstance(table.index, pd.RangeIndex):
        raise damaged(path, "its rows have more cells than its header")
    check_table(path, table, schema)
    if table.empty:  # pandas cannot tell what would be in it
        kinds = {name: EMPTY[kind] for name, kind in known.items() if kind in EMPTY}
        return table.astype({name: kind for name, kind in kinds.items() if name in table})
    return table


def check_table(path: Path, table: pd.DataFrame, schema: Table) -> None:
    """Raise a DamagedFileError where a table is not what its schema says."""
    missing = [name for name in schema.columns if name not in table]
    if missing:
        raise damaged(path, f"the column {quote(missing[0])} is missing")
    if len(table) < schema.least_rows:
        rows = "rows" if len(table) != 1 else "row"
        raise damaged(path, f"it has {len(table)} {rows}, too few")
    for name, kind in schema.known.items():
        if kind in KINDS and name in table and len(table):
            _check_column(path, table[name], kind)
        if kind == "name" and name in table and table[name].isna().any():
            row = int(table[name].isna().argmax()) + 1
            raise damaged(path, f"in row {row} the {name} is missing")
    if schema.unique:
        twice = table.duplicated(list(schema.unique))
        if twice.any():
            raise damaged(path, f"row {int(twice.argmax()) + 1} is there twice")
    wrong = schema.check(table)
    if wrong:
        raise damaged(path, wrong)


def _check_column(path: Path, column: pd.Series, kind: Column) -> None:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in KINDS[kind]:
        values = column.to_numpy()
        small = ~(np.abs(values) > LARGEST)
        inside = ~((values < 0) | (values > 1))
        finite = np.isfinite(values) & small
        fine = {"finite": finite, "number": small, "share": inside}.get(kind)
        if fine is None or fine.all():
            return
        wrong = ~fine
    elif kind == "flag":
        wrong = ~column.astype(str).isin(["True", "False"]).to_numpy()
    else:
        numbers = to_numbers(column.astype(str))
        wrong = np.isnan(numbers) & (column.notna().to_numpy() | (kind in ("finite", "whole")))
        if kind == "whole":
            wrong |= numbers != np.floor(numbers)
    row = int(wrong.argmax())
    value = column.iloc[row]
    raise damaged(
        path,
        f"in row {row + 1} of column {quote(column.name)} {WORDS[kind]} is expected, not "
        f"{quote(value.item() if isinstance(value, np.generic) else value)}",
    )
