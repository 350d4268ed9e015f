"""The Stringer two-photon recordings in the Neuromatch packaging: one pickled dict in a ``.npy``.

Spontaneous activity (2019), one long trial:

=============  =======================================  ========================================
key            name in the Recording                    axes and unit
=============  =======================================  ========================================
sresp          activity                                 (trial=1, time, neuron) deconvolved
xyz            x, y, z; plane                           (neuron,) micrometres; rank of z, from 0
run            running                                  (1, time), the file's unit
pupilArea      pupil_area                               (1, time)
pupilCOM       pupil_position                           (1, time, 2)
beh_svd_time   face_svd                                 (1, time, component)
beh_svd_mask   face_svd_mask                            (face_row, face_column, component)
stat           stat_<field> for each scalar field       (neuron,); pixel lists are left out
=============  =======================================  ========================================

Orientations (2021), where a "bin" is one stimulus presentation: ``istim`` arrives as
``stimulus_angle`` (1, time), ``u_spont`` as ``spontaneous_u`` (neuron, component), ``v_spont`` as
``spontaneous_v`` (component, spontaneous_time), ``mean_spont`` and ``std_spont`` as
``spontaneous_mean`` and ``spontaneous_std`` (neuron,).

Neurons carry the area ``"VIS"`` (the packaging has none); group them by ``plane`` instead.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.checks import describe_error, shorten_line
from spikecast.core.errors import FormatError
from spikecast.data.recording import AXES, Recording
from spikecast.data.safe_pickle import load_numpy

LONGEST_BIN = 60.0  # seconds
BIN_SIZE = 1.2  # seconds per imaging volume in the spontaneous recordings
BEHAVIOR_KEYS = {
    "run": "running",
    "pupilArea": "pupil_area",
    "pupilCOM": "pupil_position",
    "beh_svd_time": "face_svd",
    "istim": "stimulus_angle",
}
SPONTANEOUS_KEYS = {  # in the orientation files: axes and name of variables measured at rest
    "u_spont": (("neuron", "spontaneous_component"), "spontaneous_u"),
    "v_spont": (("spontaneous_component", "spontaneous_time"), "spontaneous_v"),
    "mean_spont": (("neuron",), "spontaneous_mean"),
    "std_spont": (("neuron",), "spontaneous_std"),
}
CONTENT = ".npy files of the Stringer recordings (Neuromatch packaging)"


def sniff(source: Any) -> bool:
    """Return whether a file ends in ``.npy``."""
    return isinstance(source, Path) and source.suffix == ".npy"


def open_sessions(path: Path) -> list[Callable[[], Recording]]:
    """Return one callable, which reads the file."""
    return [partial(_read_file, path)]


def _read_file(path: Path) -> Recording:
    """Return the recording in a file of spontaneous activity or of orientations."""
    content = load_numpy(path).get("")
    raw = content.item() if content is not None and content.ndim == 0 else None
    if not isinstance(raw, dict):
        raise FormatError(
            f"'{path}' does not hold one pickled dict; it is not a Stringer recording"
        )
    return build_recording(raw, path.stem)


def build_recording(raw: dict[str, Any], name: str = "") -> Recording:
    """Return the recording of a file's dict; activity is a view of its array, not a copy."""
    if "sresp" not in raw:
        raise FormatError(f"recording {name} lacks the required key 'sresp'")
    with np.errstate(over="ignore"):  # too large becomes infinite, which is refused
        response = _read_numbers(raw, "sresp").astype(np.float32, copy=False)
    if response.ndim != 2:
        raise FormatError(f"'sresp' has shape {response.shape}, not neurons x bins")
    n_neurons, n_bins = response.shape
    presentations = "istim" in raw
    bin_size = 1.0 if presentations else _read_bin_size(raw)

    variables: dict[str, tuple] = {
        # neuron x time -> 1 x time x neuron, without moving the data
        "activity": (AXES, response.T[np.newaxis])
    }
    coordinates: dict[str, tuple] = {
        "time": ("time", np.round((np.arange(n_bins) + 0.5) * bin_size, 9)),
        "area": ("neuron", np.full(n_neurons, "VIS")),
    }
    if "xyz" in raw:
        positions = _read_array(raw, "xyz", 1, n_neurons)
        if positions.shape != (3, n_neurons):
            raise FormatError(f"'xyz' has shape {positions.shape}, not 3 x {n_neurons} neurons")
        coordinates |= {axis: ("neuron", row) for axis, row in zip("xyz", positions, strict=True)}
        coordinates["plane"] = ("neuron", np.unique(positions[2], return_inverse=True)[1])
    for key, (axes, variable) in SPONTANEOUS_KEYS.items():
        if key in raw:
            values = _read_numbers(raw, key)
            if axes[0] == "neuron":
                values = _read_array(raw, key, 0, n_neurons)
            variables[variable] = (axes, _check_axes(key, values, axes))
    if "stat" in raw:
        for field, column in _read_scalar_fields(raw["stat"], n_neurons).items():
            coordinates[f"stat_{field}"] = ("neuron", column.to_numpy())
    for key, variable in BEHAVIOR_KEYS.items():
        if key in raw:
            values = _read_array(raw, key, 0, n_bins).reshape(1, n_bins, -1)
            values = values[..., 0] if values.shape[2] == 1 else values
            variables[variable] = (("trial", "time", f"{variable}_channel")[: values.ndim], values)
    if "beh_svd_mask" in raw:
        axes = ("face_row", "face_column", "face_svd_channel")
        mask = _read_numbers(raw, "beh_svd_mask")
        variables["face_svd_mask"] = (axes, _check_axes("beh_svd_mask", mask, axes))
    attributes = {
        "kind": "continuous",
        "bin_size": bin_size,
        "align_to": "first presentation" if presentations else "start of recording",
        "session": str(raw.get("session", name)),
        "subject": str(raw.get("subject", "")),
    }
    try:
        dataset = xr.Dataset(variables, coordinates, attributes)
    except ValueError as error:  # two keys disagree about a component axis
        raise FormatError(f"recording {shorten_line(name)}: {describe_error(error)}") from None
    return Recording(dataset)


def _read_bin_size(raw: dict[str, Any]) -> float:
    """Return the width of a bin in seconds."""
    values = _read_numbers({"bin_size": BIN_SIZE} | raw, "bin_size")
    if values.size != 1 or values.dtype == bool or not 0 < values.item() <= LONGEST_BIN:
        raise FormatError(f"'bin_size' must be one number of seconds, up to {LONGEST_BIN:g}")
    return float(values.item())


def _read_numbers(raw: dict[str, Any], key: str) -> np.ndarray:
    """Return the array of a key, or raise where it holds no numbers."""
    try:
        values = np.asarray(raw[key])
        values = values.astype(float) if values.dtype == object else values
    except (TypeError, ValueError, OverflowError):  # lists of other lengths, objects, 10**400
        values = np.array("")
    if values.dtype.kind not in "biuf":
        raise FormatError(f"'{key}' must hold numbers")
    return values


def _check_axes(key: str, values: np.ndarray, axes: tuple[str, ...]) -> np.ndarray:
    """Return an array that has as many axes as it needs."""
    if values.ndim != len(axes):
        raise FormatError(f"'{key}' has shape {values.shape}, not {' x '.join(axes)}")
    return values


def _read_array(raw: dict[str, Any], key: str, axis: int, length: int) -> np.ndarray:
    """Return the array of a key, or raise unless an axis of it has this length."""
    values = _read_numbers(raw, key)
    if values.ndim <= axis or values.shape[axis] != length:
        raise FormatError(f"'{key}' has shape {values.shape}; axis {axis} must be {length} long")
    return values


def _read_scalar_fields(stat: Any, n_neurons: int) -> pd.DataFrame:
    """Return the fields of suite2p's dicts that are one number for every neuron, as columns."""
    cells = list(np.ravel(np.asarray(stat, dtype=object)))
    if len(cells) != n_neurons or not all(isinstance(cell, dict) for cell in cells):
        raise FormatError(f"'stat' must be {n_neurons} dicts, one per neuron; it has {len(cells)}")
    return pd.DataFrame(cells).select_dtypes(["number", "bool"])
