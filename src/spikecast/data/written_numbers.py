"""Whole numbers in a table of text: labels that are written apart, and would be one number."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.errors import FormatError
from spikecast.core.numbers import EXACT
from spikecast.core.text_tables import has_leading_zeros


def check_writing(path: Path, separator: str, table: pd.DataFrame, known: Collection[str]) -> None:
    """Raise where a column of whole numbers holds one in two writings, as the labels 01 and 1.

    So it does where decimals have too few digits for them, as beside a missing cell.
    """
    numbers = table.drop(columns=list(known)).select_dtypes("number")
    whole = [str(name) for name in numbers if (numbers[name].dropna() % 1 == 0).all()]
    floats = [name for name in whole if numbers[name].dtype.kind == "f"]
    long = [name for name in floats if numbers[name].abs().max() >= EXACT]
    doubted: list[str] = whole if whole and has_leading_zeros(path, separator) else long
    if not doubted:
        return
    texts = pd.read_csv(path, sep=separator, index_col=False, usecols=doubted, dtype=str)
    for name in doubted:
        what = f"column {quote(name)} of '{path}'"
        read_ids(texts[name], what)
        if name in long and texts[name].nunique() > numbers[name].nunique():
            raise FormatError(
                f"{what} holds different whole numbers that are one as decimals, which have 15 "
                "digits: write each id or label with a letter (u01)"
            )


def read_ids(column: pd.Series, what: str) -> pd.Series:
    """Return ids, given as text, as numbers where all are; raise where two become one."""
    column = column.astype("category")
    texts = pd.Series(column.cat.categories.astype(str))
    try:
        numbers = pd.to_numeric(texts, errors="coerce")
    except OverflowError:  # of hundreds of digits
        return column.astype(object)
    if numbers.isna().any():
        return column.astype(object)
    # a missing id makes decimals of the others: 1 and 1.0 are one
    written = pd.DataFrame({"text": texts.str.replace(r"\.0*$", "", regex=True), "is": numbers})
    written = written.drop_duplicates()
    if written["is"].duplicated().any():
        twice = written["is"] == written["is"][written["is"].duplicated()].iloc[0]
        first, second = written["text"][twice].iloc[:2]
        raise FormatError(
            f"{what} holds {quote(first)} and {quote(second)}, which are one number: write each id "
            "or label in one way, or with a letter (u01)"
        )
    return column.map(dict(zip(column.cat.categories, numbers, strict=True))).astype(
        numbers.dtype if column.notna().all() else float
    )
