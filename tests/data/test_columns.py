"""Columns of tables become arrays of numbers, truth values, dates or text."""

import pandas as pd

from spikecast.data.columns import tidy_columns


def test_whole_numbers_beyond_all_decimal_ones_are_text():
    table = pd.DataFrame({"a": pd.Series([1, 10**400, None], dtype=object)})
    columns, _ = tidy_columns(table)[:2]
    assert columns["a"].tolist() == ["1", "1" + "0" * 400, ""]
