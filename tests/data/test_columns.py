"""Columns of tables become arrays of numbers, truth values, dates or text."""

import numpy as np
import pandas as pd
import pytest

from spikecast.data.columns import find_qualities, tidy_columns
from spikecast.data.nwb.columns import to_plain


def test_whole_numbers_beyond_all_decimal_ones_are_text():
    table = pd.DataFrame({"a": pd.Series([1, 10**400, None], dtype=object)})
    columns, _ = tidy_columns(table)[:2]
    assert columns["a"].tolist() == ["1", "1" + "0" * 400, ""]


def test_a_blank_name_is_replaced():
    table = pd.DataFrame([[1, 2, 3]], columns=["", " ", "side"])
    assert list(tidy_columns(table)[0]) == ["unnamed", "unnamed_2", "side"]


def test_a_slash_is_replaced_and_blanks_around_a_name_stay():
    table = pd.DataFrame([[1, 2, 3]], columns=[" a/b ", "/", " c "])
    assert list(tidy_columns(table)[0]) == [" a_b ", "_", " c "]


def test_bytes_that_are_no_text_stay_different():
    labels = [one.encode("latin-1") for one in ("grün", "grön")]
    assert len(set(tidy_columns(pd.DataFrame({"side": labels}))[0]["side"])) == 2
    assert len(set(to_plain(np.array(labels)))) == 2


@pytest.mark.parametrize("values", [[0, 0, 1, 1], ["0", "0", "1", "1"], [0.0, None, 1, 1]])
def test_numbers_of_shanks_are_no_labels(values):
    table = pd.DataFrame({"quality": ["good", "mua", "good", "mua"], "group": values})
    assert find_qualities(table) == ["quality"]
    assert find_qualities(table.assign(group=["good", "", None, "mua"])) == ["quality", "group"]


@pytest.mark.parametrize("values", [[True, False], ["True", "false"], [True, None]])
def test_truth_values_in_group_are_labels(values):
    assert find_qualities(pd.DataFrame({"group": values})) == ["group"]
