"""Columns of tables become arrays of numbers, truth values, dates or text."""

import pandas as pd
import pytest

from spikecast.data.columns import find_qualities, tidy_columns


def test_whole_numbers_beyond_all_decimal_ones_are_text():
    table = pd.DataFrame({"a": pd.Series([1, 10**400, None], dtype=object)})
    columns, _ = tidy_columns(table)[:2]
    assert columns["a"].tolist() == ["1", "1" + "0" * 400, ""]


def test_a_blank_name_is_replaced():
    table = pd.DataFrame([[1, 2, 3]], columns=["", " ", "side"])
    assert list(tidy_columns(table)[0]) == ["unnamed", "unnamed_2", "side"]


@pytest.mark.parametrize("values", [[0, 0, 1, 1], ["0", "0", "1", "1"], [0.0, None, 1, 1]])
def test_numbers_of_shanks_are_no_labels(values):
    table = pd.DataFrame({"quality": ["good", "mua", "good", "mua"], "group": values})
    assert find_qualities(table) == ["quality"]
    assert find_qualities(table.assign(group=["good", "", None, "mua"])) == ["quality", "group"]


@pytest.mark.parametrize("values", [[True, False], ["True", "false"], [True, None]])
def test_truth_values_in_group_are_labels(values):
    assert find_qualities(pd.DataFrame({"group": values})) == ["group"]
