"""Tables of results: what is text stays text, and what must be there is."""

import pytest

from spikecast.core.errors import DamagedFileError
from spikecast.core.stored_tables import Table, read_table


def test_areas_may_be_called_what_pandas_takes_for_missing(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("area,note,value\nNA,null,1.5\nNone,,\nnan,n/a,nan\n")
    table = read_table(path, Table({"area": "name", "note": "text", "value": "number"}))
    assert table["area"].tolist() == ["NA", "None", "nan"]
    assert table["note"].fillna("-").tolist() == ["null", "-", "n/a"]
    assert table["value"].isna().tolist() == [False, True, True]


def test_a_name_that_is_missing_is_damage(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("area,value\nCA1,1.5\n,2\n")
    with pytest.raises(DamagedFileError, match="in row 2 the area is missing"):
        read_table(path, Table({"area": "name", "value": "number"}))
