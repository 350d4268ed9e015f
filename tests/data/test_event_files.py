"""Times of events and tables of trials that a user names, and what is refused."""

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from spikecast.core.errors import FormatError
from spikecast.data.event_files import find_event_file, read_event_times, read_trials

TIMES = np.array([3.5, 1.25, np.nan, 9.0])


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "column.npy", TIMES[:, np.newaxis])
    pd.DataFrame({"onset": TIMES}).to_csv(tmp_path / "named.csv", index=False, na_rep="nan")
    (tmp_path / "bare.txt").write_text("3.5\n1.25\nnan\n9.0\n")
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0], cells[0, 1] = TIMES[np.newaxis], np.arange(3.0)
    savemat(tmp_path / "cells.mat", {"stim": cells, "grid": np.ones((3, 2))})
    savemat(tmp_path / "one.mat", {"onsets": TIMES[:, np.newaxis]})
    return tmp_path


@pytest.mark.parametrize(
    "name",
    ["column.npy", "named.csv", "bare.txt", "one.mat", "one.mat:onsets", "cells.mat:stim{1}"],
)
def test_a_file_of_times_is_read_in_its_order(folder, name):
    assert find_event_file(str(folder / name)) is not None
    np.testing.assert_array_equal(read_event_times(str(folder / name)), TIMES)


def test_names_of_columns_are_no_files(folder):
    assert find_event_file("stimOn_times") is None
    assert find_event_file(str(folder / "absent.npy")) is None
    assert find_event_file(str(folder)) is None


def test_what_holds_several_lists_names_them(folder):
    with pytest.raises(FormatError, match=r"cells.mat:stim\{1\} \(4\).*stim\{2\} \(3\)"):
        read_event_times(str(folder / "cells.mat"))
    (folder / "table.csv").write_text("onset,side\n1.5,left\n2.5,right\n")
    with pytest.raises(FormatError, match="onset, side: it is a table of trials"):
        read_event_times(str(folder / "table.csv"))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "onset\nleft\n", "holds text"),
        ("b.csv", "onset\n", "empty table"),
        ("c.csv", "", "not a table"),
        ("d.csv", "onset\nnan\nnan\n", "no finite times"),
        ("e.npy", "not numpy", "damaged or not a numpy file"),
        ("f.mat", "not MATLAB", "damaged or not a MATLAB file"),
        ("g.csv", "onset\ninf\n1\n", "no finite times"),
        ("h.csv", 'onset\n"2,5"\n"3,25"\n', "'2,5' has a decimal comma: numbers need a point"),
        ("i.csv", "onset;side\n2,5;L\n3,5;R\n", "has semicolons between its columns; a .csv file"),
        ("j.csv", "onset\tside\n2.5\tL\n", "has tabs between its columns; a .csv file needs com"),
        ("k.tsv", "onset,side\n2.5,L\n", r"has commas.*a .tsv file needs tabs.*sep='.t', index"),
        ("l.csv", "# rig 2\nonset,side\n2.5,L\n", "starts with a comment; its first line must"),
        ("n.csv", "onset\n2.5\n3.\0\0\0\n5.5\n", "holds bytes of 0, as where a disk lost"),
        ("m.csv", "onset,side\n2.5,L\n2,5,L\n", "line 3 has 3 values, but .* names 2 columns"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path, name, content, reason):
    (tmp_path / name).write_text(content)
    with pytest.raises(FormatError, match=reason) as error:
        read_event_times(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_truth_values_of_matlab_are_no_times(tmp_path):
    savemat(tmp_path / "a.mat", {"on": np.array([[False, True, True, False]])})
    with pytest.raises(FormatError, match=r"a.mat:on' holds truth values \(0 and 1\); it must"):
        read_event_times(str(tmp_path / "a.mat"))
    savemat(tmp_path / "b.mat", {"on": np.array([3, 250, 77], dtype=np.uint8)})
    assert read_event_times(str(tmp_path / "b.mat")).tolist() == [3.0, 250.0, 77.0]


def test_cells_are_counted_down_the_columns(tmp_path):
    cells = np.empty((2, 2), dtype=object)
    for number, place in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)], 1):
        cells[place] = number + np.arange(3.0)
    savemat(tmp_path / "a.mat", {"stim": cells})
    assert read_event_times(f"{tmp_path / 'a.mat'}:stim{{2}}").tolist() == [2, 3, 4]


def test_a_vector_goes_before_cells_and_only_what_is_named_is_read(tmp_path):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["onsets"] = TIMES[np.newaxis]
        cells = file.create_dataset("stim", (1, 1), dtype=h5py.ref_dtype)
        file["gone"] = np.arange(3.0)
        cells[0, 0] = file["gone"].ref
        del file["gone"]
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    np.testing.assert_array_equal(read_event_times(str(path)), TIMES)
    np.testing.assert_array_equal(read_event_times(f"{path}:onsets"), TIMES)
    with pytest.raises(FormatError, match="damaged"):
        read_event_times(f"{path}:stim{{1}}")
    cells = np.array([[TIMES, np.arange(3.0)]], dtype=object)
    savemat(tmp_path / "b.mat", {"stim": cells, "onsets": TIMES})
    np.testing.assert_array_equal(read_event_times(str(tmp_path / "b.mat")), TIMES)
    savemat(tmp_path / "c.mat", {"stim": cells, "rate": 30000.0})
    with pytest.raises(FormatError, match="holds 3 lists of numbers; choose one"):
        read_event_times(str(tmp_path / "c.mat"))


def test_a_cell_array_of_matlab_7_3(tmp_path):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        cells = file.create_dataset("stim", (3, 1), dtype=h5py.ref_dtype)
        kinds = {"a": (TIMES, "double"), "b": (np.array([104, 105], np.uint16), "char")}
        for number, (name, (values, kind)) in enumerate(kinds.items()):
            cell = file.create_dataset(f"#refs#/{name}", data=values[np.newaxis])
            cell.attrs["MATLAB_class"] = np.bytes_(kind)
            cells[number, 0] = cell.ref
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        table = file.create_dataset("table", data=np.array([[3707764736, 2, 1, 1]], np.uint32))
        table.attrs["MATLAB_class"], table.attrs["MATLAB_object_decode"] = np.bytes_("table"), 3
        empty = file.create_dataset("none", data=np.array([0, 0], np.uint64))
        empty.attrs["MATLAB_class"], empty.attrs["MATLAB_empty"] = np.bytes_("cell"), 1
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    np.testing.assert_array_equal(read_event_times(f"{path}:stim{{1}}"), TIMES)
    np.testing.assert_array_equal(read_event_times(str(path)), TIMES)
    with pytest.raises(FormatError, match=r"1 lists of numbers; choose .*stim\{1\} \(4\)"):
        read_event_times(f"{path}:stim{{2}}")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_text_that_is_not_utf_8_is_said(tmp_path, encoding):
    (tmp_path / "a.csv").write_text("onset,Größe\n2.5,1\n", encoding=encoding)
    with pytest.raises(FormatError, match=r"is not text in UTF-8 .*save it as 'CSV UTF-8'"):
        read_event_times(str(tmp_path / "a.csv"))


def test_what_pandas_calls_a_column_without_a_name_is_no_event(tmp_path):
    times = pd.Series([1.5, 0.25, 9.0])
    times.to_csv(tmp_path / "series.csv", index=False)
    np.testing.assert_array_equal(read_event_times(str(tmp_path / "series.csv")), times)
    (tmp_path / "bare.txt").write_text("0\n1.5\n9\n")  # each number as it needs
    np.testing.assert_array_equal(read_event_times(str(tmp_path / "bare.txt")), [0, 1.5, 9])


def test_other_signs_in_a_header_are_no_separators(tmp_path):
    (tmp_path / "a.csv").write_text("onset; s\n2.5\n3.5\n")
    assert read_event_times(str(tmp_path / "a.csv")).tolist() == [2.5, 3.5]
    (tmp_path / "a.txt").write_text("onset, s\n2.5\n3.5\n")
    assert read_event_times(str(tmp_path / "a.txt")).tolist() == [2.5, 3.5]


def test_a_table_of_trials(tmp_path):
    table = pd.DataFrame({"onset": [0.5, 2.0], "side": ["left", "right"]})
    for name, write in (
        ("a.csv", lambda path: table.to_csv(path, index=False)),
        ("a.tsv", lambda path: table.to_csv(path, index=False, sep="\t")),
        ("a.parquet", table.to_parquet),
    ):
        write(tmp_path / name)
        read = read_trials(tmp_path / name)
        np.testing.assert_array_equal(read["onset"], table["onset"])
        assert list(read["side"]) == ["left", "right"]


def test_bad_tables_of_trials(tmp_path):
    (tmp_path / "a.csv").write_text("onset,onset\n1,2\n")
    with pytest.raises(FormatError, match="two columns named 'onset'"):
        read_trials(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("onset,side\n1,2\n1,2,3\n")
    with pytest.raises(FormatError, match="not a table"):
        read_trials(tmp_path / "b.csv")
    pd.DataFrame({"onset": [1.0], "list": [[1, 2]]}).to_parquet(tmp_path / "c.parquet")
    with pytest.raises(FormatError, match=r"column 'list'.*holds lists"):
        read_trials(tmp_path / "c.parquet")
    (tmp_path / "d.parquet").write_bytes(b"PAR1")
    with pytest.raises(FormatError, match="damaged or not a Parquet file"):
        read_trials(tmp_path / "d.parquet")
    with pytest.raises(FormatError, match="no table of trials"):
        read_trials(tmp_path / "e.xlsx")


@pytest.mark.parametrize("name", ["trials.csv", "trials.tsv"])
def test_a_folder_in_the_place_of_a_table_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(FormatError, match=r"is not a table: .*directory"):
        read_trials(tmp_path / name)
