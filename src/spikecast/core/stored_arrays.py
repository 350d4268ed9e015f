"""Read arrays that spikecast wrote: each file has a schema of dtypes and axes."""

import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import xarray as xr
from numpy.lib import format as npy

from spikecast.core.checks import check_unicode, describe_error, quote, shorten_line
from spikecast.core.checksums import check_checksum, has_checksum
from spikecast.core.errors import FormatError, InputError
from spikecast.core.free_memory import check_archive, check_fits
from spikecast.core.hdf5_check import check_readable
from spikecast.core.numbers import to_common_type, write_far_dates
from spikecast.core.numpy_types import allow_python_2, check_date, check_npy_header
from spikecast.core.stored import damaged, explain_errors

ARRAY_WORDS = {
    "f": "decimal numbers",
    "iu": "whole numbers",
    "b": "truth values",
    "iuf": "numbers",
    "U": "text",
}

MAGIC = b"\x93NUMPY"
"""The first bytes of a ``.npy`` file."""

MOST_VARIABLES = 2500
"""Of a netCDF file; each takes a hundredth of a second, however small the file is."""


@dataclass(frozen=True)
class Array:
    """What an array must be: kinds of its dtype, names of its axes, the least length of each.

    A `finite` one holds neither NaN nor infinity, a `bounded` one no infinity.
    """

    kinds: str
    axes: tuple[str, ...]
    optional: bool = False
    finite: bool = False
    least: int = 0
    bounded: bool = False


def read_arrays(
    path: Path,
    schema: Mapping[str, Array] | None = None,
    sizes: Mapping[str, int] | None = None,
    prefix: str = "",
) -> dict[str, np.ndarray]:
    """Return the arrays of a ``.npz`` file whose names start with `prefix`.

    Axes of one name must be equally long, and as long as `sizes` says where it names them. Arrays
    that the schema does not name may be anything.
    """
    arrays = {}
    with explain_errors(path), _explain_decoding(), path.open("rb") as file:
        _check_start(file)
        with zipfile.ZipFile(file) as archive, allow_python_2():
            check_archive(archive, path)
            for name, member in _name_members(archive).items():
                if name.startswith(prefix):
                    arrays[name] = _read_member(archive, member, name)
    check_arrays(path, arrays, schema or {}, sizes)
    return arrays


def _check_start(file: IO[bytes]) -> None:
    start = file.read(4)
    file.seek(0)
    if start[:2] != b"PK":
        what = "it holds one array" if start == MAGIC[:4] else "it is something else"
        raise ValueError(f"{what}; a .npz of several is needed")


def _name_members(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return name of the array -> name in the archive; raise where two arrays have one name."""
    members: dict[str, str] = {}
    for member in archive.namelist():
        name = member.removesuffix(".npy")
        if name in members:
            raise ValueError(f"{quote(name)} is there twice")
        members[name] = member
    return members


def _read_member(archive: zipfile.ZipFile, member: str, name: str) -> np.ndarray:
    with archive.open(member) as part:
        assert isinstance(part, zipfile.ZipExtFile)
        if not part.peek(len(MAGIC)).startswith(MAGIC):
            raise ValueError(f"{quote(name)} is no array")
        check_npy_header(part)
        try:
            array: np.ndarray = npy.read_array(part, allow_pickle=False)
        except ValueError as error:
            if "pickle" not in str(error):
                raise
            raise ValueError(
                f"{quote(name)} holds Python objects, which are not read; save numbers, or text as "
                "np.array(values, dtype=str)"
            ) from None
    check_unicode(quote(name), array)
    return to_common_type(array)


def write_dataset(path: Path, dataset: xr.Dataset, encoding: Mapping[str, Any]) -> None:
    """Write a ``.nc`` file: in memory first, as the HDF5 library crashes where a disk is full.

    A coordinate with white space in its name is read back as a variable; :func:`mark_coordinates`
    makes it one again. Dates centuries away are kept as ISO text.
    """
    dates = {name: one for name, one in dataset.variables.items() if one.dtype.kind == "M"}
    dataset = dataset.assign(
        {name: (one.dims, write_far_dates(one.values)) for name, one in dates.items()}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xr.SerializationWarning)
        try:
            content = dataset.to_netcdf(engine="h5netcdf", encoding=encoding)
        except (ValueError, TypeError) as error:  # a name with a slash, text that is no Unicode
            raise InputError(f"this cannot be kept in a .nc file: {shorten_line(error)}") from None
    path.write_bytes(content)


def load_dataset(opened: xr.Dataset) -> xr.Dataset:
    """Return an opened data set in memory, its numbers in types that libraries work with.

    All columns of trials and of neurons become coordinates, as :func:`mark_coordinates` says.
    """
    dataset = opened.load()
    for name, variable in dataset.variables.items():
        values = to_common_type(variable.values)
        if values.dtype != variable.dtype:
            dataset[name] = (variable.dims, values)
    return mark_coordinates(dataset)


def mark_coordinates(dataset: xr.Dataset) -> xr.Dataset:
    """Return a recording's data set with all columns of trials and of neurons as coordinates.

    netCDF lists coordinates in a text, by their names with spaces between: a name with a tab, a
    line's end or a no-break space makes all of them unknown.
    """
    of_rows = [
        name for name, one in dataset.data_vars.items() if one.dims in (("trial",), ("neuron",))
    ]
    spaces = {name: {one for one in str(name) if one.isspace()} for name in of_rows}
    lost = any(one - {" "} for one in spaces.values())
    return dataset.set_coords([name for name in of_rows if lost or spaces[name]])


@contextmanager
def open_netcdf(path: Path) -> Iterator[xr.Dataset]:
    """Yield the data set in a ``.nc`` file, whose arrays are read when they are asked for."""
    import h5py

    with h5py.File(path, "r") as file:
        file.attrs.get("_nc3_strict")  # where this fails, h5netcdf prints one more error at the end
        if len(file) > MOST_VARIABLES:
            raise FormatError(f"'{path}' holds {len(file)} arrays; up to {MOST_VARIABLES} are read")
        _check_axes(file, path)
        _check_dates(file, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", xr.SerializationWarning)  # a fill value of another type
        # axes without a name get one, which is said otherwise
        opened = xr.open_dataset(path, engine="h5netcdf", phony_dims="access")
    with opened:
        yield opened


def _check_axes(file: Any, path: Path) -> None:
    """Raise a FormatError where an array is not as long as its axes.

    netCDF fills up what is shorter, and says nothing of what is longer.
    """
    for name, item in file.items():
        lists = item.attrs.get("DIMENSION_LIST", ())
        axes = [file[one] for listed in lists for one in listed[:1]]
        if len(set(axes)) < len(axes):
            raise FormatError(f"'{path}' is damaged: {quote(name)} has one axis twice")
        for axis, length in zip(axes, getattr(item, "shape", None) or (), strict=False):
            if axis.shape != (length,):
                expected = " x ".join(map(str, axis.shape)) or "none"
                raise FormatError(
                    f"'{path}' is damaged: {quote(name)} has {length} values along "
                    f"{quote(axis.name.strip('/'))}, {expected} are expected"
                )


def _check_dates(file: Any, path: Path) -> None:
    """Raise where an array says that it holds durations in an unknown unit."""
    for name, item in file.items():
        try:
            check_date(item.attrs.get("dtype"))
        except ValueError as error:
            raise FormatError(f"'{path}' is damaged: {quote(name)}: {error}") from None


def read_dataset(path: Path, schema: Mapping[str, Array]) -> xr.Dataset:
    """Return the data set in a ``.nc`` file; axes are checked as those of :func:`read_arrays`.

    HDF5 can read a damaged file without end, so the file is checked before it is opened: by its
    checksum, or, where none was written, in a process of its own.
    """
    if has_checksum(path):
        check_checksum(path)
    elif path.is_file():
        try:
            check_readable(path)
        except OSError as error:
            raise damaged(path, str(error)) from None
    with explain_errors(path), _explain_decoding(), open_netcdf(path) as opened:
        check_fits(opened.nbytes, path)
        dataset = load_dataset(opened)
    check_arrays(path, {str(name): one.values for name, one in dataset.variables.items()}, schema)
    return dataset


@contextmanager
def _explain_decoding() -> Iterator[None]:
    """Raise what decoders of damaged bytes raise as a ValueError of one line."""
    try:
        yield
    except (OSError, ValueError):
        raise
    except Exception as error:  # zip, zlib, HDF5 and headers: a damaged one can fail in any way
        raise ValueError(describe_error(error)) from None


def check_arrays(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    schema: Mapping[str, Array],
    sizes: Mapping[str, int] | None = None,
) -> None:
    """Raise a DamagedFileError where arrays are not what their schema says."""
    lengths = dict(sizes or {})
    for name, expected in schema.items():
        array = arrays.get(name)
        if array is None:
            if expected.optional:
                continue
            raise damaged(path, f"the array '{name}' is missing")
        if array.dtype.kind not in expected.kinds:
            words = ARRAY_WORDS.get(expected.kinds, "other values")
            raise damaged(path, f"'{name}' must hold {words}, not {array.dtype}")
        if array.ndim != len(expected.axes):
            axes = " x ".join(expected.axes) or "a single value"
            raise damaged(path, f"'{name}' has the shape {array.shape}; it must be {axes}")
        for axis, length in zip(expected.axes, array.shape, strict=True):
            if lengths.setdefault(axis, length) != length:
                raise damaged(path, f"'{name}' has {length} along {axis}; {lengths[axis]} are "
                              "expected")  # fmt: skip
        if min(array.shape, default=1) < expected.least:
            raise damaged(path, f"'{name}' has the shape {array.shape}, too few values")
        if expected.finite and not np.isfinite(array).all():
            raise damaged(path, f"'{name}' holds NaN or infinity")
        if expected.bounded and np.isinf(array).any():
            raise damaged(path, f"'{name}' holds infinity")


def check_numbers(path: Path, name: str, values: np.ndarray, below: int) -> None:
    """Raise a DamagedFileError unless numbers of trials (or the like) lie from 0 to `below`."""
    if values.size and not 0 <= values.min() <= values.max() < below:
        raise damaged(
            path, f"'{name}' goes from {values.min()} to {values.max()}; there are {below}"
        )
