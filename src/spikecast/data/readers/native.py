"""The netCDF files that :meth:`spikecast.Recording.save` writes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spikecast.core.checks import shorten_line
from spikecast.core.errors import FormatError, InputError
from spikecast.core.free_memory import check_fits
from spikecast.core.hdf5_check import check_readable
from spikecast.core.stored_arrays import mark_coordinates, open_netcdf
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
    try:
        if path.is_file():
            check_readable(path)
        with open_netcdf(path) as opened:
            check_fits(opened.nbytes)
            dataset = opened.load()
        for name, variable in dataset.variables.items():
            if variable.dtype.kind in "OT":  # netCDF returns text as slow Python objects
                dataset[name] = (variable.dims, variable.values.astype(str))
            dataset[name].encoding = {}
        dataset = mark_coordinates(dataset)
    except FileNotFoundError:
        raise FormatError(f"there is no file '{path}'") from None
    except FormatError as error:
        if f"'{path}'" in str(error):
            raise
        raise FormatError(f"'{path}': {error}") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise FormatError(
            f"'{path}' is damaged or not a netCDF file: {shorten_line(error)}"
        ) from None
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
