"""Look at a table that is a text file before it is read."""

import csv
from pathlib import Path


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
