"""MATLAB files of matrices: activity of several areas, sampled together.

Every matrix of numbers in the file is an area (or another group of neurons), named as the variable
is; they share the axis of samples, and the other axis is neurons. This is how the sample of the
communication subspace comes (Semedo et al. 2019: ``X``, ``Y_V1``, ``Y_V2``; residual counts, which
are continuous values). Such a file says neither how many samples there are per second, which the
user gives as the frame rate, nor where trials start: it is one long trial.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.binning import check_resolved
from spikecast.data.event_files import read_matlab
from spikecast.data.session import RawSession, Samples

CONTENT = "MATLAB files of matrices, samples x neurons, one per area (.mat)"

MATRICES = NoticeKind(
    "matrices",
    "minor",
    "each variable is an area: {areas}; {n} samples along {axis}. Values are taken as continuous, "
    "and samples as evenly spaced and in order",
)

LEFT_OUT = NoticeKind(
    "variables_left_out",
    "serious",
    "not taken, for an area is a full matrix of real numbers: {names}",
)


def sniff(source: Any) -> bool:
    """Return whether a file is one of MATLAB, or a folder holds nothing but one."""
    path = _find_file(source) if isinstance(source, Path) else None
    if path is None or path.suffix != ".mat":
        return False
    try:
        with open(path, "rb") as stream:
            return stream.read(6) == b"MATLAB"
    except OSError:
        return False


def _find_file(source: Path) -> Path | None:
    if not source.is_dir():
        return source
    files = [path for path in source.glob("*") if path.is_file() and path.name[0] != "."]
    return files[0] if len(files) == 1 else None


def open_sessions(source: Path) -> list[Callable[[], RawSession]]:
    """Return one callable, which reads the file."""
    path = _find_file(source)
    return [partial(read_matrices, path)] if path is not None else []


def read_matrices(path: Path) -> RawSession:
    """Return the session in a file whose matrices share the axis of samples."""
    content = read_matlab(path)
    matrices = {
        name: value
        for name, value in content.items()
        if isinstance(value, np.ndarray)
        and value.dtype.kind in "iuf"
        and value.ndim == 2
        and min(value.shape) > 1
    }
    if not matrices:
        raise FormatError(
            f"'{path}' holds no matrices of numbers (samples x neurons). Other data of MATLAB: "
            "spikecast.Recording.from_arrays"
        )
    axis = _find_sample_axis(path, matrices)
    turned = [matrix if axis == 0 else matrix.T for matrix in matrices.values()]
    for matrix in turned:
        if np.isfinite(matrix).all():
            check_resolved(matrix[np.newaxis])
    with np.errstate(all="ignore"):  # too large becomes infinite, which is refused
        values = [matrix.astype(np.float32) for matrix in turned]
    for name, matrix in zip(matrices, values, strict=True):
        if not np.isfinite(matrix).all():
            raise FormatError(f"'{path}': '{name}' holds NaN or infinite values")
    n_samples = len(values[0])
    area = np.repeat(list(matrices), [matrix.shape[1] for matrix in values])
    number = np.concatenate([np.arange(matrix.shape[1]) for matrix in values])
    ids = [f"{name}_{column}" for name, column in zip(area, number, strict=True)]
    sizes = [f"{name} {matrix.shape[1]}" for name, matrix in zip(matrices, values, strict=True)]
    return RawSession(
        source="MATLAB file of matrices",
        units=pd.DataFrame({"area": area, "column": number}, index=pd.Index(ids, name="unit")),
        # a sample lies in the middle of its time: a bin of that length is then the sample itself
        traces=Samples(np.arange(n_samples) + 0.5, np.concatenate(values, axis=1)),
        area_columns=["area"],
        duration=(0.0, float(n_samples)),
        in_frames=True,
        session=path.stem,
        notices=[
            MATRICES(areas=sizes, n=n_samples, axis=("rows", "columns")[axis]),
            *_note_left_out(content, n_samples),
        ],
    )


def _note_left_out(content: Mapping[str, Any], n_samples: int) -> list[Notice]:
    """Return a notice where numbers are left out since they are no matrix of real numbers."""
    kinds = {}
    for name, value in content.items():
        if issparse(value):
            kinds[name] = "sparse"
        elif isinstance(value, np.ndarray) and value.dtype.kind == "c":
            kinds[name] = "complex"
        elif isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.ndim > 2:
            kinds[name] = f"{value.ndim} axes"
        elif isinstance(value, np.ndarray) and sorted(value.shape) == [1, n_samples]:
            kinds[name] = "one column: times, or a single neuron"
    names = [f"{name} ({kind})" for name, kind in kinds.items()]
    return [LEFT_OUT(names=names)] if names else []


def _find_sample_axis(path: Path, matrices: dict[str, np.ndarray]) -> int:
    """Return the axis whose length all matrices share; the longer where all have one shape."""
    shared = [
        axis for axis in (0, 1) if len({matrix.shape[axis] for matrix in matrices.values()}) == 1
    ]
    shape = next(iter(matrices.values())).shape
    if all(matrix.shape == shape for matrix in matrices.values()):
        shared = [int(np.argmax(shape))] if shape[0] != shape[1] else []
    if len(shared) != 1:
        shapes = ", ".join(f"{name} {matrix.shape}" for name, matrix in matrices.items())
        raise FormatError(
            f"'{path}': the matrices must share one axis, that of the samples: {shapes}. Keep "
            "those of the activity in a file of their own"
        )
    return shared[0]
