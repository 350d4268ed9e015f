"""Parquet tables with a damaged footer are refused: pyarrow ends the process with some of them."""

import datetime
import json
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spikecast.core.errors import FormatError
from spikecast.data import load
from spikecast.data.parquet_files import read_parquet

READ_DAMAGED = """
import sys
from pathlib import Path
from spikecast.data.parquet_files import read_parquet

path = Path(sys.argv[1])
whole = path.read_bytes()
length = int.from_bytes(whole[-8:-4], "little")
refused = 0
for place in range(len(whole) - 8 - length, len(whole) - 8, 3):
    damaged = bytearray(whole)
    damaged[place] ^= int(sys.argv[2])
    path.write_bytes(damaged)
    try:
        read_parquet(path)
    except Exception:
        refused += 1
print(refused)
"""


@pytest.mark.parametrize("part", ["columns", "column_indexes"])
def test_a_date_whose_unit_is_divided_by_0_is_refused(tmp_path, part):
    path = tmp_path / "trials.parquet"
    table = pa.Table.from_pandas(pd.DataFrame({"side": ["left", "right"] * 4}))
    noted = json.loads(table.schema.metadata[b"pandas"])
    noted[part][0] |= {"numpy_type": "datetime64[s/0]", "pandas_type": "datetime64[s/0]"}
    pq.write_table(table.replace_schema_metadata({b"pandas": json.dumps(noted).encode()}), path)
    with pytest.raises(ValueError, match="unknown unit"):  # pandas would end the process
        read_parquet(path)


def test_a_column_may_be_called_like_a_date_in_an_odd_unit(tmp_path):
    names = ["stim8[deg]", "m8[0]", "M8[mV]"]
    pd.DataFrame({name: [1.0, 2.0] for name in names}).to_parquet(tmp_path / "trials.parquet")
    assert list(read_parquet(tmp_path / "trials.parquet")) == names


def test_dates_and_decimals_are_read(tmp_path):
    dates = [datetime.date(2026, 1, 1), None, datetime.date(1960, 5, 6)]
    decimals = pa.array([Decimal("1.5"), None, Decimal("-2.5")])
    pq.write_table(pa.table({"day": dates, "dose": decimals}), tmp_path / "trials.parquet")
    table = read_parquet(tmp_path / "trials.parquet")
    assert table["day"].dt.year.tolist()[::2] == [2026, 1960]
    np.testing.assert_array_equal(table["dose"], [1.5, np.nan, -2.5])


def test_whole_decimals_keep_every_digit(tmp_path):
    first = 123456789012345678  # floats take it and the next for one number
    whole = [Decimal(first + step) for step in range(3)]
    columns = {
        "unit": whole,
        "gaps": [whole[0], None, whole[1]],
        "few": [Decimal(1), None, Decimal(2)],
        "long": [one + Decimal(10**25) for one in whole],
    }
    kinds = {name: pa.array(values, pa.decimal128(38, 0)) for name, values in columns.items()}
    pq.write_table(pa.table(kinds), tmp_path / "spikes.parquet")
    table = read_parquet(tmp_path / "spikes.parquet")
    assert table["unit"].tolist() == [first, first + 1, first + 2]
    assert table["gaps"].tolist()[::2] == [str(first), str(first + 1)]
    assert pd.isna(table["gaps"][1])
    np.testing.assert_array_equal(table["few"], [1, np.nan, 2])
    assert table["long"].tolist() == [str(10**25 + first + step) for step in range(3)]


def test_units_whose_ids_differ_in_the_last_digit_stay_two(tmp_path):
    unit = [Decimal(123456789012345678 + number % 2) for number in range(40)]
    pq.write_table(
        pa.table({"time": np.arange(40) / 10, "unit": unit}), tmp_path / "spikes.parquet"
    )
    recording = load(tmp_path / "spikes.parquet", align="none", bin_size=0.5)
    assert recording.activity.shape[2] == 2


def test_columns_of_the_index_and_durations_are_converted(tmp_path):
    table = pd.DataFrame(
        {
            "unit": [Decimal("1"), Decimal("2")],
            "area": [b"CA1", b"MOs"],
            "wait": pd.to_timedelta([1.5, None], unit="s"),
        }
    )
    table.set_index(["unit", "area"]).to_parquet(tmp_path / "units.parquet")
    read = read_parquet(tmp_path / "units.parquet")
    assert read["unit"].dtype == np.int64
    assert read["area"].tolist() == ["CA1", "MOs"]
    np.testing.assert_array_equal(read["wait"], [1.5, np.nan])


def test_two_columns_of_one_name_are_refused(tmp_path):
    times = pa.array([1.0, 2.0])
    table = pa.Table.from_arrays([times, times], names=["onset", "onset"])
    pq.write_table(table, tmp_path / "trials.parquet")
    with pytest.raises(FormatError, match="two columns are called 'onset'"):
        read_parquet(tmp_path / "trials.parquet")


def test_bytes_are_text(tmp_path):
    pq.write_table(pa.table({"area": [b"CA1", None, "é".encode()]}), tmp_path / "units.parquet")
    read = read_parquet(tmp_path / "units.parquet")["area"]
    assert read.tolist()[::2] == ["CA1", "é"]
    assert pd.isna(read[1])


def test_long_whole_numbers_beside_a_missing_one_stay_apart(tmp_path):
    pq.write_table(pa.table({"a": [2**53, None, 2**53 + 1]}), tmp_path / "trials.parquet")
    assert read_parquet(tmp_path / "trials.parquet")["a"].dropna().tolist() == [2**53, 2**53 + 1]
    pq.write_table(pa.table({"a": [7, None, 9]}), tmp_path / "trials.parquet")
    assert read_parquet(tmp_path / "trials.parquet")["a"].dtype == float


def test_times_of_day_are_read_as_text(tmp_path):
    times = [datetime.time(9, 30, 5), None, datetime.time(23, 59)]
    pq.write_table(pa.table({"lights": times}), tmp_path / "trials.parquet")
    read = read_parquet(tmp_path / "trials.parquet")["lights"]
    assert read.tolist()[::2] == ["09:30:05", "23:59:00"]
    assert pd.isna(read[1])


def test_dates_with_a_time_zone_are_read(tmp_path):
    dates = pd.Series(pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin"))
    pd.DataFrame({"when": dates}).to_parquet(tmp_path / "trials.parquet")
    assert read_parquet(tmp_path / "trials.parquet")["when"].equals(dates)


def test_no_damage_of_the_footer_ends_the_process(tmp_path):
    path = tmp_path / "trials.parquet"
    pd.DataFrame({"side": ["left", "right"] * 4, "time": range(8)}).to_parquet(path)
    command = [sys.executable, "-c", READ_DAMAGED, str(path), "1"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-500:]
    assert int(found.stdout) > 100


def test_a_list_of_any_length_is_refused_before_it_is_read(tmp_path):
    values = pa.array(np.zeros(1000))
    lists = pa.ListArray.from_arrays(pa.array([0, 1000], pa.int32()), values)
    pq.write_table(pa.table({"time": [0.1], "x": lists}), tmp_path / "a.parquet")
    with pytest.raises(FormatError, match="column 'x' holds lists"):
        read_parquet(tmp_path / "a.parquet")
