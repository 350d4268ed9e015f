"""The xarray dataset inside a recording: build it, check it, read its tables, index its axes."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from numbers import Real
from typing import Literal, cast

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.checks import (
    check_finite,
    check_kind,
    check_one_of,
    check_same_length,
    check_unmasked,
    quote,
    shorten_line,
)
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.core.free_memory import LONGEST_TEXT
from spikecast.core.numbers import to_common_type
from spikecast.data.binning import (
    check_magnitude,
    check_units,
    measure_bin_size,
    shrink_counts,
    to_float32,
    to_vector,
)

AXES = ("trial", "time", "neuron")
LONGEST_NAME = 300
LATEST = 1e10  # seconds of a bin: those since 1970 are fewer
MOST_COLUMNS = 1000
"""Of a table; more take minutes, and are most likely activity, or a table that is turned."""
Kind = Literal["counts", "continuous"]
KINDS: tuple[Kind, ...] = ("counts", "continuous")


def check_dataset(dataset: xr.Dataset) -> None:
    """Raise unless a dataset can be a recording: axes, coordinates, attributes and values."""
    if not isinstance(dataset, xr.Dataset):
        raise InputError(
            f"a recording is made of an xarray.Dataset, not of a {type(dataset).__name__}; arrays "
            "go to Recording.from_arrays"
        )
    if "activity" not in dataset or dataset["activity"].dims != AXES:
        raise ShapeError("a recording needs the variable 'activity' with axes trial, time, neuron")
    if "area" not in dataset.coords or dataset["area"].dims != ("neuron",):
        raise ShapeError("a recording needs the coordinate 'area' along neuron")
    _check_areas(dataset["area"].values)
    missing = {"kind", "bin_size", "align_to", "session", "subject"} - dataset.attrs.keys()
    if missing:
        raise InputError(f"a recording needs the attributes {sorted(missing)}")
    check_one_of("kind", dataset.attrs["kind"], KINDS)
    activity = dataset["activity"].values
    if 0 in activity.shape:
        raise NotEnoughDataError(f"activity is empty: its shape is {activity.shape}")
    check_finite("activity", activity)
    if dataset.attrs["kind"] == "counts":
        if activity.dtype.kind not in "iu":
            raise InputError(f"counts must be integers, not {activity.dtype}")
        if activity.min() < 0:
            raise InputError(f"counts are negative: the smallest is {activity.min()}")
    else:
        check_magnitude("activity", activity)
        check_units(activity)
    for name, variable in dataset.data_vars.items():
        if variable.dims[:2] == AXES[:2] and variable.dtype.kind not in "iufb":
            raise InputError(f"behaviour '{name}' holds {variable.dtype}; it must hold numbers")
    for name, column in dataset.coords.items():
        if column.dtype.kind == "c" and column.dims:
            raise InputError(
                f"column '{name}' of {column.dims[0]}s holds complex numbers; make two columns of "
                "it, for instance of its real and imaginary parts"
            )
    check_time(dataset["time"].values)
    _check_attributes(dataset.attrs, measure_bin_size(dataset["time"].values))


def check_time(time: np.ndarray) -> None:
    """Raise where times of bins are no numbers, or are farther away than any recording."""
    if time.dtype.kind not in "iuf":
        raise InputError(f"time must be numbers, in seconds, not {time.dtype}")
    if not np.abs(time).max(initial=0) <= LATEST:  # NaN is none of them
        raise InputError(
            f"time goes up to {np.abs(time).max():g} s; it must be finite, and up to {LATEST:g} s. "
            "Give seconds from the event, or from the first bin"
        )


def _check_areas(areas: np.ndarray) -> None:
    """Raise where areas are no text, or are longer than a figure and a page can name them."""
    if areas.dtype.kind not in "UT" and not all(isinstance(one, str) for one in areas):
        raise InputError(f"areas must be text, not {areas.dtype} ({quote(areas[0])}, ...)")
    longest = max(map(len, areas.tolist()), default=0)
    if longest > LONGEST_NAME:
        raise InputError(
            f"the name of an area has {longest} characters; it can have up to {LONGEST_NAME}"
        )


def check_same_areas(column: np.ndarray, area: np.ndarray) -> None:
    """Raise where the areas in a table of neurons are not those that are given beside it."""
    column = np.where(pd.isna(column), "", column).astype(str)
    differ = np.flatnonzero((column != np.asarray(area, dtype=str)) & (column != ""))
    if differ.size:
        first = differ[0]
        raise InputError(
            f"area and the column 'area' of neurons disagree about {differ.size} neurons (the "
            f"first in row {first}: '{shorten_line(area[first])}' and "
            f"'{shorten_line(column[first])}'); leave one of them out"
        )


def _check_attributes(attributes: Mapping, bin_size: float) -> None:
    """Raise where the width of a bin is not the steps of time, or the order is said in words."""
    given = attributes["bin_size"]
    if not isinstance(given, Real) or not math.isclose(given, bin_size, rel_tol=1e-3):
        raise InputError(
            f"the attribute bin_size is {quote(given)}, but time rises in steps of {bin_size:g} s"
        )
    for name in ("session", "subject", "align_to"):
        length = len(str(attributes[name]))
        if length > LONGEST_NAME:
            raise InputError(f"{name} has {length} characters; it can have up to {LONGEST_NAME}")
    ordered = attributes.get("ordered", True)
    if not isinstance(ordered, Real | np.bool_) or ordered not in (0, 1):
        raise InputError(f"the attribute ordered is {quote(ordered)}; it must be 0 or 1")


def build_dataset(
    activity: np.ndarray,
    time: Sequence[float] | np.ndarray,
    area: Sequence[str] | np.ndarray | str,
    trials: pd.DataFrame | Mapping[str, np.ndarray] | None,
    neurons: pd.DataFrame | Mapping[str, np.ndarray] | None,
    behavior: Mapping[str, np.ndarray] | None,
    kind: str,
) -> xr.Dataset:
    """Return the dataset of arrays; see :meth:`spikecast.Recording.from_arrays`."""
    for what, given in (("activity", activity), ("time", time), ("area", area)):
        check_unmasked(what, given)
    check_axis_names("activity", activity, AXES)
    activity = np.asarray(activity)
    time = np.asarray(time)
    _check_axes(activity, time)
    n_trials, n_bins, n_neurons = activity.shape
    check_time(time)
    time = time.astype(float)
    check_same_length("time", time.size, "the time axis of activity", n_bins)
    try:
        area = np.asarray([area] * n_neurons if isinstance(area, str) else area, dtype=str)
    except ValueError as error:
        raise InputError(f"area must be one name per neuron: {shorten_line(error)}") from None
    area = to_vector("area", area)
    check_same_length("area", area.size, "the neuron axis of activity", n_neurons)
    counts = check_one_of("kind", kind, KINDS) == "counts"
    activity = shrink_counts(activity) if counts else to_float32(activity)

    variables: dict[str, tuple] = {"activity": (AXES, activity)}
    coordinates: dict[str, tuple] = {"time": ("time", time), "area": ("neuron", area)}
    for axis, table, length in (("trial", trials, n_trials), ("neuron", neurons, n_neurons)):
        for name, column in _read_columns(axis, table, length):
            if (axis, name) == ("neuron", "area"):
                check_same_areas(column, area)
                continue
            _check_name_free(name, variables, coordinates)
            coordinates[str(name)] = (axis, column)
    behavior = {} if behavior is None else behavior
    check_kind(behavior, Mapping)
    for name, values in behavior.items():
        check_unmasked(f"behaviour '{name}'", values)
        check_axis_names(f"behaviour '{name}'", values, AXES[:2])
        check_in_order(f"behaviour '{name}'", values)
        values = to_common_type(np.asarray(values))
        if values.shape[:2] != (n_trials, n_bins) or values.ndim > 3:
            raise ShapeError(
                f"behaviour '{name}' has shape {values.shape}; it must start with "
                f"(trial, time) = ({n_trials}, {n_bins})"
            )
        _check_name_free(name, variables, coordinates)
        variables[str(name)] = (("trial", "time", f"{name}_channel")[: values.ndim], values)
    attributes = {"kind": kind, "bin_size": measure_bin_size(time)}
    return xr.Dataset(variables, coordinates, attributes)


def _read_columns(
    axis: str, table: pd.DataFrame | Mapping[str, np.ndarray] | None, length: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the columns of a table of trials or neurons, once checked that rows are its axis."""
    if isinstance(table, pd.Series):
        raise InputError(
            f"{axis}s is a Series; give a DataFrame, or a mapping of names: "
            f"{{'{table.name or 'name'}': series}}"
        )
    if not isinstance(table, pd.DataFrame | Mapping | None):
        raise InputError(
            f"{axis}s is {quote(table)}; give a DataFrame, or a mapping of names to values"
        )
    check_in_order(f"{axis}s", table)
    if table is not None and len(names := list(table)) > MOST_COLUMNS:
        raise InputError(
            f"the table of {axis}s has {len(names)} columns; it can have up to {MOST_COLUMNS}. "
            "Is it turned? Leave out the columns that are not needed"
        )
    for name, values in () if table is None else table.items():
        check_in_order(f"{axis} column '{name}'", values)
        column = to_vector(f"{axis} column '{name}'", cast(np.ndarray, values))
        if column.dtype.kind in "OTU":  # netCDF holds text, but no Python objects
            try:
                column = np.where(pd.isna(column), "", column).astype(str)
            except ValueError as error:  # lists, or bytes that are no text
                raise InputError(
                    f"{axis} column '{name}' must hold numbers or text: {shorten_line(error)}"
                ) from None
        if column.dtype.kind == "U" and column.dtype.itemsize > 4 * LONGEST_TEXT:
            length = column.dtype.itemsize // 4
            raise InputError(f"{axis} column '{name}' holds a text of {length} characters")
        check_same_length(f"{axis} column '{name}'", len(column), f"the {axis} axis", length)
        yield str(name), column


def check_axis_names(what: str, values: object, axes: Sequence[str]) -> None:
    """Raise where an xarray.DataArray names its axes in another order: arrays go by place."""
    if not isinstance(values, xr.DataArray):
        return
    named = [axis for axis in values.dims if axis in axes]
    if named != [axis for axis in axes if axis in named]:
        raise ShapeError(
            f"{what} has the axes {', '.join(map(str, values.dims))}; they must be "
            f"{', '.join(axes)}: give values.transpose({', '.join(map(repr, axes))}, ...)"
        )


def _check_axes(activity: np.ndarray, time: np.ndarray) -> None:
    """Raise unless activity is trial x time x neuron; say so where time and neurons are swapped."""
    if activity.ndim != 3:
        turned = activity.ndim == 2 and activity.shape[0] != time.size == activity.shape[1]
        hint = (
            "It looks like neuron x time: did you mean activity.T[np.newaxis]?"
            if turned
            else "One long recording is one trial: activity[np.newaxis]"
        )
        raise ShapeError(
            f"activity has shape {activity.shape}; it must be trial x time x neuron. {hint}"
        )
    if activity.shape[1] != time.size == activity.shape[2]:
        raise ShapeError(
            f"activity has shape {activity.shape} and time has length {time.size}: it looks like "
            "trial x neuron x time; did you mean activity.transpose(0, 2, 1)?"
        )


def _check_name_free(name: object, *taken: Collection[str]) -> None:
    """Raise when a column or variable would replace another, or has no name."""
    if not str(name).strip():
        raise InputError("a column or a behaviour has a blank name; give it one")
    if any(name in names for names in (*taken, AXES)):
        raise InputError(f"the name '{name}' is taken; rename that column or variable")


def is_simulated(attributes: Mapping[str, object]) -> bool:
    """Return whether a recording with these attributes says that it is simulated: by its subject.

    Examples
    --------
    >>> is_simulated({"subject": "Simulated"}), is_simulated({"subject": "Tatum"})
    (True, False)
    """
    return str(attributes.get("subject")).casefold() == "simulated"


def resolve_indices(
    what: str, chosen: np.ndarray | Sequence[int] | None, length: int
) -> np.ndarray:
    """Return indices along an axis, given as a mask, as indices (in any order) or None (all).

    As many numbers as there are, all of them 0 or 1, are refused: they are a mask that lost its
    type, and as indices they would be the first two over and over.
    """
    if chosen is None:
        return np.arange(length)
    check_in_order(what, chosen)
    check_unmasked(what, chosen)
    chosen = to_vector(what, np.atleast_1d(np.asarray(chosen)))
    if chosen.dtype == bool:
        check_same_length(what, chosen.size, f"the {what[:-1]} axis", length)
        return np.flatnonzero(chosen)
    if chosen.size and chosen.dtype.kind not in "iuf":
        raise InputError(f"{what} must be indices or a mask, not {chosen.dtype}")
    if chosen.size == length > 2 and np.isin(chosen, (0, 1)).all():
        raise InputError(
            f"{what} are {length} numbers that are 0 or 1, which is what a mask looks like: give "
            "it as truth values (values == 1)"
        )
    if chosen.dtype.kind == "f" and not (chosen == np.floor(chosen)).all():
        raise InputError(f"{what} must be whole numbers, or a mask")
    if chosen.size and (chosen.min() < -length or chosen.max() >= length):
        raise InputError(
            f"{what} has indices {chosen.min()} to {chosen.max()}; there are {length} {what}"
        )
    chosen = chosen.astype(int)
    return np.where(chosen < 0, chosen + length, chosen)


def take_trials(dataset: xr.Dataset, trials: np.ndarray | Sequence[int]) -> xr.Dataset:
    """Return the dataset of some trials; in another order they are no longer in recorded order."""
    index = resolve_indices("trials", trials, dataset.sizes["trial"])
    check_once("trials", index)
    taken = dataset.isel(trial=index)
    return taken.assign_attrs(ordered=0) if (np.diff(index) < 0).any() else taken


def check_once(what: str, index: np.ndarray) -> None:
    """Raise where a trial or a neuron is taken twice: held out, it would be known all the same."""
    places, times = np.unique(index, return_counts=True)
    if (times > 1).any():
        first = times.argmax()
        raise InputError(
            f"{what}: {what[:-1]} {places[first]} is taken {times[first]} times: a copy of what is "
            "held out would be learnt from; take each once (np.unique)"
        )


def check_in_order(what: str, values: object) -> None:
    """Raise where pandas holds the rows of a table in another order: values are taken by place."""
    if not isinstance(values, pd.Series | pd.DataFrame) or values.index.dtype.kind not in "iu":
        return
    rows = values.index.to_numpy()
    if not values.index.is_monotonic_increasing and np.array_equal(
        np.sort(rows), np.arange(rows.size)
    ):
        kind, name, by_place = (
            ("Series", "series", "to_numpy()")
            if isinstance(values, pd.Series)
            else ("DataFrame", "table", "reset_index(drop=True)")
        )
        raise InputError(
            f"{what}: the rows of this {kind} are not in the order of the recording (its index "
            "begins with "
            f"{', '.join(map(str, rows[:3]))}). Give {name}.sort_index(), or {name}.{by_place} "
            "where this order is meant"
        )


def check_same_rows(first: str, a: object, second: str, b: object) -> None:
    """Raise where two pandas objects have the same rows in different orders."""
    if not all(isinstance(one, pd.Series | pd.DataFrame) for one in (a, b)):
        return
    rows, others = a.index, b.index  # type: ignore[attr-defined]
    if len(rows) == len(others) and not rows.equals(others) and set(rows) == set(others):
        raise InputError(
            f"{first} and {second} have the same rows in different orders (their indices begin "
            f"with {rows[0]} and {others[0]}). Bring them into one order, for example with "
            "sort_index()"
        )


def read_table(dataset: xr.Dataset, axis: str) -> pd.DataFrame:
    """Return the coordinates along an axis, one row per trial or neuron."""
    columns = {  # of `variables`: `coords` looks at all names for each of them
        str(name): dataset.variables[name].values
        for name in dataset.coords
        if dataset.variables[name].dims == (axis,) and name != axis
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(dataset.sizes[axis], name=axis))
