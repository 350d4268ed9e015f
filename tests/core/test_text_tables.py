"""Tables that are text files, before they are read."""

import pandas as pd
import pytest

from spikecast.core.errors import DamagedFileError, FormatError
from spikecast.core.stored_tables import Table, read_table
from spikecast.core.text_tables import count_columns
from spikecast.data import array_files


@pytest.mark.parametrize(
    ("text", "n_columns"),
    [("a,b,c\n1,2,3\n", 3), ('\n\n"a,b",c\n', 2), ('"a\nb",c\n', 2), ("", 0), ("\xff,b", 2)],
)
def test_columns_are_counted(tmp_path, text, n_columns):
    (tmp_path / "t.csv").write_text(text, encoding="latin-1")
    assert count_columns(tmp_path / "t.csv") == n_columns


def test_a_header_that_no_reader_takes_is_a_value_error(tmp_path):
    (tmp_path / "t.csv").write_text("a" * 200_000)
    with pytest.raises(ValueError, match="field larger"):
        count_columns(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ("01,a\n1,b\n", True),
        ("1,a\n02,b\n2,c\n,d\n", True),
        ("01,a\n02,b\n10,c\n", False),
        ("0,0.5\n10,00.5\n", False),
        ("2020-01-01,1\n2020-01-02,1\n", False),
        ("1\n" * 600_000 + "01\n", True),
    ],
)
def test_labels_that_are_one_number_are_refused(tmp_path, rows, refused):
    path = tmp_path / "t.csv"
    path.write_text(("side,other\n" if "," in rows else "side\n") + rows)
    if not refused:
        assert len(array_files.read_table(path)) == rows.count("\n")
        return
    with pytest.raises(FormatError, match=r"column 'side' .* holds '0?(\d)' and '0?\1'"):
        array_files.read_table(path)


def test_a_row_of_a_million_names_is_refused_before_pandas_reads_it(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("," * 1_000_000 + "\n1\n")
    monkeypatch.delattr(pd, "read_csv")
    with pytest.raises(FormatError, match="has 1000001 columns; a table can have up to 1000"):
        array_files.read_table(path)
    with pytest.raises(DamagedFileError, match="it has 1000001 columns; up to 10000"):
        read_table(path, Table({}))
