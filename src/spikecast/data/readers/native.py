"""The netCDF files that :meth:`spikecast.Recording.save` writes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spikecast.core.errors import FormatError, InputError
from spikecast.core.free_memory import check_fits
from spikecast.core.hdf5_check import check_readable, explain_damage
from spikecast.core.stored_arrays import load_dataset, open_netcdf
from spikecast.data.recording import Recording

CONTENT = ".nc files, which Recording.save writes"


def sniff(source: Any) -> bool:
    """Return whether a file ends in ``.nc``."""
    return isinstance(source, Path) and source.suffix == ".nc"


def open_sessions(path: Path) -> list[Callable[[], Recording]]:
    """Return one callable, which reads the file."""
    return [partial(_read_file, path)]


def _read_file(path: Path) -> Recording:
    """Return the recording in a ``.nc`` file."""
    if not path.exists():
        raise FormatError(f"there is no file '{path}'")
    with explain_damage(path, "a netCDF file"):
        if path.is_file():
            check_readable(path)
        with open_netcdf(path) as opened:
            check_fits(opened.nbytes, path)
            dataset = load_dataset(opened)
        for name, variable in dataset.variables.items():
            if variable.dtype.kind in "OT":  # netCDF returns text as slow Python objects
                dataset[name] = (variable.dims, variable.values.astype(str))
            dataset[name].encoding = {}
    # netCDF returns numbers as numpy types
    dataset.attrs = {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in dataset.attrs.items()
    }
    dataset.encoding = {}
    try:
        return Recording(dataset)
    except InputError as error:
        raise FormatError(f"'{path}' is not a spikecast recording: {error}") from None
