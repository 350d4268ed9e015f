"""What a file that spikecast wrote must hold: what is wrong is said in a line with its place."""

import gc
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from spikecast.core.errors import DamagedFileError, FormatError, MissingFileError
from spikecast.core.stored import read_json
from spikecast.core.stored_arrays import Array, open_netcdf, read_arrays
from spikecast.core.stored_tables import Table, read_table


@pytest.mark.parametrize(
    ("text", "message"),
    [('{"MOs": {"leader": 3}}', "at MOs.leader a text is expected, not 3"),
     ('{"MOs": ["a", "b"]}', "at MOs keys and values is expected, not a list of 2"),
     ('{"MOs": {"leader": ["a"]}}', "at MOs.leader a text is expected, not a list of 1"),
     ("[" * 5000, "recursion limit"), ('{"a', "EOF"), ("", "EOF")],
)  # fmt: skip
def test_what_is_wrong_in_a_json_file_is_named_with_its_place(tmp_path, text, message):
    path = tmp_path / "verdict.json"
    path.write_text(text)
    with pytest.raises(DamagedFileError, match=message) as caught:
        read_json(path, dict[str, dict[str, str]])
    assert str(path) in str(caught.value)


def test_what_a_message_repeats_of_a_file_is_short_and_in_one_line(tmp_path):
    path = tmp_path / "f.json"
    path.write_text('{"a": "' + "x\\n" * 5000 + '"}')
    with pytest.raises(DamagedFileError) as caught:
        read_json(path, dict[str, int])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < len(str(path)) + 160


def test_missing_files_and_folders_in_their_place_are_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"lacks none\.json"):
        read_json(tmp_path / "none.json")
    (tmp_path / "f.json").mkdir()
    with pytest.raises(DamagedFileError, match="it is a folder"):
        read_json(tmp_path / "f.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [({"area": ["a"]}, "the column 'n' is missing"),
     ({"area": [], "n": []}, "it has 0 rows, too few"),
     ({"area": ["a", "b"], "n": [1, "many"]}, "in row 2 of column 'n' a whole number is expected"),
     ({"area": ["a"], "n": [1.5]}, "a whole number is expected, not 1.5"),
     ({"area": ["a", "a"], "n": [1, 2]}, "row 2 is there twice")],
)  # fmt: skip
def test_what_is_wrong_in_a_table_is_named_with_row_and_column(tmp_path, content, message):
    path = tmp_path / "t.csv"
    pd.DataFrame(content).to_csv(path, index=False)
    with pytest.raises(DamagedFileError, match=message):
        read_table(path, Table({"area": "text", "n": "whole"}, unique=("area",)))


def test_names_are_text_whatever_they_look_like(tmp_path):
    pd.DataFrame({"area": [1, 2], "n": [3, 4]}).to_csv(tmp_path / "t.csv", index=False)
    table = read_table(tmp_path / "t.csv", Table({"area": "text", "n": "whole"}))
    assert table["area"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [({"y": np.zeros(3)}, "the array 'x' is missing"),
     ({"x": np.zeros(3), "y": np.zeros(3)}, r"'x' has the shape \(3,\); it must be trial x time"),
     ({"x": np.zeros((3, 2)), "y": np.zeros(4)}, "'y' has 4 along trial; 3 are expected"),
     ({"x": np.zeros((3, 2)), "y": np.array(["a"] * 3)}, "'y' must hold numbers"),
     ({"x": np.zeros((3, 2)), "y": np.array([{}] * 3)}, "'y' holds Python objects")],
)  # fmt: skip
def test_what_is_wrong_in_a_file_of_arrays_is_named(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    schema = {"x": Array("f", ("trial", "time")), "y": Array("iuf", ("trial",))}
    with pytest.raises(DamagedFileError, match=message):
        read_arrays(tmp_path / "a.npz", schema)


def test_a_damaged_dataset_leaves_no_error_behind(tmp_path, monkeypatch):
    """Where the attributes of the file are unreadable, h5netcdf fails once more when it closes."""
    path, left = tmp_path / "data.nc", []
    xr.Dataset({"a": ("x", np.arange(3))}, attrs={"about": "a"}).to_netcdf(path, engine="h5netcdf")
    monkeypatch.setattr(sys, "unraisablehook", left.append)
    whole, n_refused = path.read_bytes(), 0
    for start in range(48, 400, 8):
        path.write_bytes(whole[:start] + b"\xed" * 8 + whole[start + 8 :])
        try:
            with open_netcdf(path):
                pass
        except Exception:
            n_refused += 1
    gc.collect()
    assert n_refused > 10
    assert not left


def test_an_array_that_is_not_as_long_as_its_axes_is_refused(tmp_path):
    """netCDF fills up what is shorter: trials that nobody recorded would be silent."""
    path = tmp_path / "data.nc"
    for length in (2, 4):
        dataset = xr.Dataset({"a": (("x", "y"), np.ones((3, 2)))}, coords={"x": np.arange(3)})
        dataset.to_netcdf(path, engine="h5netcdf")
        with h5py.File(path, "a") as opened:
            listed = opened["a"].attrs["DIMENSION_LIST"]
            del opened["a"]
            opened["a"] = np.ones((length, 2))
            kind = h5py.vlen_dtype(h5py.ref_dtype)
            opened["a"].attrs.create("DIMENSION_LIST", listed, dtype=kind)
        expected = f"'a' has {length} values along 'x', 3 are expected"
        with pytest.raises(FormatError, match=expected), open_netcdf(path):
            pass


def test_an_array_with_one_axis_twice_is_refused(tmp_path):
    path = tmp_path / "data.nc"
    dataset = xr.Dataset({"a": (("x", "y"), np.ones((3, 3)))})
    dataset.to_netcdf(path, engine="h5netcdf")
    with h5py.File(path, "a") as opened:
        listed = opened["a"].attrs["DIMENSION_LIST"]
        listed[1] = listed[0]
        kind = h5py.vlen_dtype(h5py.ref_dtype)
        opened["a"].attrs.create("DIMENSION_LIST", listed, dtype=kind)
    with pytest.raises(FormatError, match="'a' has one axis twice"), open_netcdf(path):
        pass


def test_a_fill_value_of_another_type_is_an_error(tmp_path):
    path = tmp_path / "data.nc"
    xr.Dataset({"a": ("x", np.arange(3))}).to_netcdf(path, engine="h5netcdf")
    with h5py.File(path, "a") as opened:
        opened["a"].attrs["_FillValue"] = np.array([np.nan])
    with pytest.raises(xr.SerializationWarning, match="'a' has non-conforming"), open_netcdf(path):
        pass
