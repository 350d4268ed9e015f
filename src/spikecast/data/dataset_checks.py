"""The labelled dataset inside a recording: what it must hold, its tables and indices."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.checks import check_finite, check_one_of, check_same_length
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.data.binning import measure_bin_size

AXES = ("trial", "time", "neuron")
KINDS = ("counts", "continuous")


def check_dataset(dataset: xr.Dataset) -> None:
    """Raise unless a dataset is what a recording must be."""
    if "activity" not in dataset or dataset["activity"].dims != AXES:
        raise ShapeError("a recording needs the variable 'activity' with axes trial, time, neuron")
    if "area" not in dataset.coords or dataset["area"].dims != ("neuron",):
        raise ShapeError("a recording needs the coordinate 'area' along neuron")
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
            raise InputError(
                "counts must be whole numbers; pass kind='continuous' for other activity"
            )
        if activity.min() < 0:
            raise InputError(f"counts are negative: the smallest is {activity.min()}")
    measure_bin_size(dataset["time"].values)


def plain_column(column: object) -> np.ndarray:
    """A table's column as a numpy array that netCDF can hold."""
    values = np.asarray(column)
    return values.astype(str) if values.dtype.kind in "OTU" else values


def check_name_free(name: object, taken: Sequence[str]) -> None:
    """Raise when a column or variable would hide another."""
    if name in taken:
        raise InputError(f"the name '{name}' is taken; rename that column or variable")


def resolve_indices(
    what: str, chosen: np.ndarray | Sequence[int] | None, length: int
) -> np.ndarray:
    """Indices along an axis from a mask, from indices (their order is kept) or from None (all)."""
    if chosen is None:
        return np.arange(length)
    chosen = np.atleast_1d(np.asarray(chosen))
    if chosen.dtype == bool:
        check_same_length(what, chosen.size, f"the {what[:-1]} axis", length)
        return np.flatnonzero(chosen)
    if chosen.size and (chosen.min() < -length or chosen.max() >= length):
        raise InputError(f"{what} has indices {chosen.min()} to {chosen.max()}; there are {length}")
    return chosen


def read_table(dataset: xr.Dataset, axis: str) -> pd.DataFrame:
    """The coordinates along an axis, one row per trial or neuron."""
    columns = {
        str(name): coordinate.values
        for name, coordinate in dataset.coords.items()
        if coordinate.dims == (axis,) and name != axis
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(dataset.sizes[axis], name=axis))
