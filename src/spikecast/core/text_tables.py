"""Look at a table that is a text file before it is read."""

import csv
import re
from itertools import islice
from pathlib import Path

import pandas as pd

from spikecast.core.checks import quote

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons"}
CHUNK = 1 << 20  # bytes that are looked at together
COMMENTS = ("#", "%")
MOST_ROWS = 1_000_000  # that are looked at one by one


def count_columns(path: Path, separator: str = ",") -> int:
    """Return how many names a table's header holds: pandas takes minutes for a million.

    Raises OSError or ValueError where it cannot be read.
    """
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.reader(file, delimiter=separator)
        try:
            return len(next((row for row in rows if row), []))  # pandas skips empty lines
        except csv.Error as error:
            raise ValueError(str(error)) from None


def find_other_separator(path: Path, separator: str) -> str:
    """Return the sign that is between a table's columns where the separator gives one column only.

    It is empty where there is none: the sign must be as often in the header as in the next line.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = [line for line, _ in zip(filter(str.strip, file), range(2), strict=False)]
    if len(lines) < 2 or separator in lines[0]:
        return ""
    signs = (sign for sign in SEPARATORS if lines[0].count(sign) == lines[1].count(sign) > 0)
    return next(signs, "")


def has_leading_zeros(path: Path, separator: str) -> bool:
    """Return whether some value starts with a zero and another digit, as 01."""
    sign = re.escape(separator.encode())
    wanted = re.compile(rb"(?:^|[\s\"" + sign + rb"])[-+]?0\d")
    last = b"\n"
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            if wanted.search(last + part):
                return True
            last = part[-3:]  # a sign, another and a zero may stand before the next digit
    return False


def holds_zero_bytes(path: Path) -> bool:
    """Return whether a file has bytes of 0, which no text has: pandas ends a value at the first."""
    with path.open("rb") as file:
        return any(b"\0" in part for part in iter(lambda: file.read(CHUNK), b""))


def explain_rows(path: Path, separator: str) -> str:
    """Return which line has more values than the header has names; empty where none has."""
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.reader(file, delimiter=separator)
        try:
            header = next((row for row in rows if row), [])
            for row in islice(rows, MOST_ROWS):
                if len(row) > len(header):
                    return _explain_row(header, len(row), rows.line_num)
        except csv.Error:
            pass
    return ""


def _explain_row(header: list[str], n_values: int, line: int) -> str:
    if header and header[0].lstrip().startswith(COMMENTS):
        return "it starts with a comment; its first line must name the columns: leave comments out"
    return (
        f"line {line} has {n_values} values, but the first line names {len(header)} columns "
        "(a decimal number needs a point, text with the separator in it quotes)"
    )


def explain_commas(values: pd.Series) -> str:
    """Return what to do about text that is numbers with a decimal comma; empty for other text.

    Examples
    --------
    >>> explain_commas(pd.Series(["2,5", "3,25"]))
    "; '2,5' has a decimal comma: numbers need a point (in pandas: read_csv(..., decimal=','))"
    >>> explain_commas(pd.Series(["left"]))
    ''
    """
    texts = values.dropna().astype(str)
    if texts.empty or not texts.str.fullmatch(r"\s*-?\d+(,\d+)?\s*").all():
        return ""
    first = next((text for text in texts if "," in text), None)
    if first is None:
        return ""
    return (
        f"; {quote(first)} has a decimal comma: numbers need a point (in pandas: "
        "read_csv(..., decimal=','))"
    )
