"""Read the files of events and of trials that a user names beside a recording.

``align`` may be a file of times, ``trials`` a file with one row per trial. Times are in seconds on
the clock of the spikes. One variable of a MATLAB file is named behind a colon: ``stim.mat:onsets``,
``stim.mat:onsets{1}`` for the first cell of a cell array; cells are counted down the columns.
"""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csc_array

from spikecast.core.checks import describe_error, shorten_line
from spikecast.core.errors import FormatError
from spikecast.core.free_memory import check_fits
from spikecast.core.hdf5_check import check_readable, explain_damage
from spikecast.core.text_tables import explain_commas
from spikecast.data.array_files import TABLE_SUFFIXES, map_array, read_table
from spikecast.data.matlab_check import check_matlab

TRIAL_SUFFIXES = (*TABLE_SUFFIXES,)
MOST_NAMED = 4  # variables that a message names
ALL_CELLS = "*"
EVENT_SUFFIXES = (".npy", ".csv", ".tsv", ".txt", ".mat")


def find_event_file(align: str) -> Path | None:
    """Return the path that an ``align`` names, or None where it names no file of events.

    Examples
    --------
    >>> find_event_file("stimOn_times") is None
    True
    """
    path = Path(_split_variable(align)[0])
    return path if path.suffix in EVENT_SUFFIXES and path.is_file() else None


def read_event_times(align: str) -> np.ndarray:
    """Return the times (event,) in a file, in its order; NaN where an event did not happen.

    Parameters
    ----------
    align : str
        A ``.npy`` of one column; a ``.csv``, ``.tsv`` or ``.txt`` of one column, with or without a
        header; or a variable of a ``.mat``.

    Raises
    ------
    FormatError
        When the file holds several columns or variables (the message names them), or no times.
    """
    name, variable, cell = _split_variable(align)
    path = Path(name)
    if path.suffix == ".mat":
        times = _read_matlab_variable(path, variable, cell)
    elif path.suffix == ".npy":
        times = np.array(map_array(path), dtype=float)
    else:
        times = _read_one_column(path)
    if not len(times) or np.isinf(times).any() or np.isnan(times).all():
        raise FormatError(f"'{align}' holds no finite times of events")
    return times


def read_trials(path: Path) -> pd.DataFrame:
    """Return the table of trials in a ``.csv``, ``.tsv`` or Parquet file, one row per trial.

    Raises
    ------
    FormatError
        When the file is no table, or has columns of objects.
    """
    if path.suffix not in TRIAL_SUFFIXES:
        raise FormatError(
            f"'{path}' is no table of trials that can be read; allowed: {', '.join(TRIAL_SUFFIXES)}"
        )
    return read_table(path)


def _split_variable(align: str) -> tuple[str, str, int | None]:
    """Return the path, the variable and the number of its cell, from 0."""
    match = re.fullmatch(r"(?P<path>.+\.mat):(?P<name>\w+)(?:\{(?P<cell>\d+)\})?", align)
    if not match:
        return align, "", None
    return match["path"], match["name"], int(match["cell"]) - 1 if match["cell"] else None


def _read_one_column(path: Path) -> np.ndarray:
    """Return the numbers of a text file with one column; its first line may be a name."""
    table = read_table(path)
    if len(table.columns) > 1:
        raise FormatError(
            f"'{path}' has the columns {shorten_line(', '.join(table.columns))}: it is a table of "
            "trials. Give it as 'trials', and the name of a column as 'align'"
        )
    name, values = table.columns[0], table.iloc[:, 0]
    try:
        first = [] if _is_name_of_pandas(path, name) else [float(name)]
    except ValueError:
        first = []
    try:
        return np.concatenate([first, values.to_numpy(dtype=float)])
    except (ValueError, TypeError):
        raise FormatError(
            f"'{path}' holds text; times of events must be numbers{explain_commas(values)}"
        ) from None


def _is_name_of_pandas(path: Path, name: str) -> bool:
    """Return whether a first line is what pandas calls a column without a name, not a time of 0."""
    if name != "0":
        return False
    texts = pd.read_csv(path, dtype=str).iloc[:, 0].dropna()
    return bool(texts.str.contains(".", regex=False).all())


def _read_matlab_variable(path: Path, variable: str, cell: int | None) -> np.ndarray:
    """Return a vector of a MATLAB file; `variable` may be left out where there is only one."""
    vectors = _list_vectors(read_matlab(path, cells=variable))
    name = variable + (f"{{{cell + 1}}}" if cell is not None else "")
    outside = {key: values for key, values in vectors.items() if "{" not in key}
    if not name and sum(map(len, outside.values())) < 2:  # nothing, or one number, as of a rate
        outside = vectors = _list_vectors(read_matlab(path, cells=ALL_CELLS))
    if not name and len(outside) == 1:
        name = next(iter(outside))
    if name not in vectors:
        listed = [f"{path}:{key} ({len(values)})" for key, values in vectors.items()]
        choices = ", ".join(map(shorten_line, listed[:MOST_NAMED]))
        raise FormatError(
            f"'{path}' holds {len(vectors)} lists of numbers"
            + (f"; choose one as 'align': {choices}" if vectors else "")
        )
    if vectors[name].dtype == bool:
        raise FormatError(
            f"'{path}:{name}' holds truth values (0 and 1); it must hold times of events in "
            "seconds: in MATLAB, find(...) gives the samples that are 1; divide by their rate"
        )
    return vectors[name]


def _list_vectors(content: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the vectors of numbers or truth values, also those within cell arrays."""
    vectors = {}
    for name, value in content.items():
        cells = {name: value}
        if isinstance(value, np.ndarray) and value.dtype == object:
            cells = {f"{name}{{{i + 1}}}": part for i, part in enumerate(value.ravel("F"))}
        for key, part in cells.items():
            numeric = isinstance(part, np.ndarray) and part.dtype.kind in "iuf"
            if numeric and part.ndim <= 2 and part.size and part.size == max(part.shape):
                # MATLAB's logical values are read as bytes
                truth = part.dtype == np.uint8 and part.size > 2 and part.max() <= 1
                vectors[key] = part.ravel().astype(bool if truth else float)
    return vectors


def read_matlab(path: Path, *, cells: str = "") -> dict[str, Any]:
    """Return the variables of a ``.mat`` file (version 4 to 7.2; 7.3 through HDF5) by name.

    Of a file of version 7.3, the one cell array that `cells` names is read, or all (``"*"``); older
    files are read as a whole.
    """
    from scipy.io import loadmat

    try:
        check_matlab(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a version that is none, beside the error
            content = loadmat(path)
    except NotImplementedError:
        return _read_matlab_hdf5(path, cells)
    except FileNotFoundError:
        raise FormatError(f"there is no file '{path}'") from None
    except Exception as error:  # a damaged file can fail in any way
        reason = describe_error(error)
        raise FormatError(f"'{path}' is damaged or not a MATLAB file: {reason}") from None
    return {name: value for name, value in content.items() if not name.startswith("__")}


def _read_matlab_hdf5(path: Path, cells: str) -> dict[str, Any]:
    """Return the arrays of numbers at the top of a MATLAB 7.3 file, axes as MATLAB has them.

    Cell arrays are arrays of objects; what is no array of numbers is empty there. Sparse matrices
    and complex numbers are what they are in files of older versions.
    """
    import h5py

    with explain_damage(path, "a MATLAB file"):
        check_readable(path)
        with h5py.File(path) as file:
            arrays = {n: one for n, one in file.items() if _holds_numbers(one) or _is_complex(one)}
            sparse = {name: item for name, item in file.items() if "MATLAB_sparse" in item.attrs}
            parts = [
                *arrays.values(),
                *(part for item in sparse.values() for part in item.values()),
            ]
            check_fits(sum(part.size * part.dtype.itemsize for part in parts), path)
            content: dict[str, Any] = {name: _read_array(item) for name, item in arrays.items()}
            content |= {name: _read_sparse(item) for name, item in sparse.items()}
            for name in file if cells == ALL_CELLS else [cells] if cells in file else []:
                # the cells of an empty cell array are numbers: its sizes
                if _holds_references(file[name]):
                    content[name] = _read_cells(file, file[name], path)
            return content


def _read_array(item: Any) -> np.ndarray:
    values = item[()].T
    return values["real"] + 1j * values["imag"] if _is_complex(item) else values


def _read_sparse(item: Any) -> csc_array:
    """Return a sparse matrix: MATLAB stores the rows of its values, and where columns start."""
    starts = item["jc"][()].astype(np.int64)
    n_rows, n_columns = int(item.attrs["MATLAB_sparse"]), len(starts) - 1
    rows = item["ir"][()].astype(np.int64) if "ir" in item else np.empty(0, np.int64)
    values = item["data"][()] if "data" in item else np.empty(0)
    matrix = csc_array((values, rows, starts), shape=(n_rows, n_columns))
    matrix.check_format()
    return matrix


def _read_cells(file: Any, item: Any, path: Path) -> np.ndarray:
    """Return a cell array of a MATLAB 7.3 file, which holds references to its cells."""
    references = item[()].T
    parts = [file[one] if one else None for one in references.ravel()]
    parts = [part if _holds_numbers(part) else None for part in parts]
    check_fits(sum(part.size * part.dtype.itemsize for part in parts if part is not None), path)
    found = np.empty(len(parts), dtype=object)
    for number, part in enumerate(parts):
        found[number] = np.zeros(0) if part is None else part[()].T
    return found.reshape(references.shape)


def _holds_numbers(item: Any) -> bool:
    """Return whether something in a MATLAB 7.3 file is an array of numbers."""
    import h5py

    return (
        isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf" and not _is_no_array(item.attrs)
    )


def _is_complex(item: Any) -> bool:
    return getattr(getattr(item, "dtype", None), "names", None) == ("real", "imag")


def _holds_references(item: Any) -> bool:
    import h5py

    return isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is h5py.Reference


def _is_no_array(attributes: Any) -> bool:
    """Return whether MATLAB says that numbers are letters, the sizes of nothing, or an object's.

    Examples
    --------
    >>> _is_no_array({"MATLAB_class": b"char"}), _is_no_array({"MATLAB_class": b"double"})
    (True, False)
    """
    kind = attributes.get("MATLAB_class", b"")
    opaque = "MATLAB_object_decode" in attributes  # of a table, a string, a date: where it lies
    return opaque or "MATLAB_empty" in attributes or bytes(kind) == b"char"
