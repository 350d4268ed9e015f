"""The authors' release of the spontaneous recordings of Stringer et al. 2019: MATLAB files.

=====================  ============================================================================
variable               what is taken of it
=====================  ============================================================================
Fsp                    activity (neuron, frame): deconvolved fluorescence
med                    columns ``x, y, z`` of neurons, micrometres; ``plane``, the rank of z
stat                   each field that is one number for every neuron
beh.runSpeed           behaviour ``running``
beh.pupil.area, com    behaviour ``pupil_area``, ``pupil_position``
beh.face.motionSVD     behaviour ``face_svd`` (frame, component)
=====================  ============================================================================

Behaviour has one value per frame. The files do not say how many frames there are per second: the
user gives it (2.5 or 3 in the paper, by the number of planes).
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.event_files import read_matlab
from spikecast.data.session import RawSession, Samples

CONTENT = "MATLAB files of Stringer et al. 2019 (Fsp, med, stat, beh), or their folder"
BEHAVIOR = {
    "running": ("runSpeed",),
    "pupil_area": ("pupil", "area"),
    "pupil_position": ("pupil", "com"),
    "face_svd": ("face", "motionSVD"),
}

LENGTH_DIFFERS = NoticeKind(
    "length_differs", "serious", "'{name}' has {n} values for {n_frames} frames and is left out"
)


def sniff(source: Any) -> bool:
    """Return whether a file, or some file of a folder, holds the variable ``Fsp``."""
    return isinstance(source, Path) and bool(_find_files(source))


def _find_files(source: Path) -> list[Path]:
    paths = [source]
    if source.is_dir():  # the folder of the files, or the one it was unpacked into
        paths = sorted([*source.glob("*.mat"), *source.glob("*/*.mat")])
    return [path for path in paths if path.suffix == ".mat" and _has_fluorescence(path)]


def _has_fluorescence(path: Path) -> bool:
    from scipy.io import whosmat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a version that is none
            return any(name == "Fsp" for name, *_ in whosmat(path))
    except Exception:  # not a MATLAB file, or of version 7.3
        return False


def open_sessions(source: Path) -> list[Callable[[], RawSession]]:
    """Return one callable per file, in order of their names."""
    return [partial(read_file, path) for path in _find_files(source)]


def read_file(path: Path) -> RawSession:
    """Return the session in one file; times are frames until the rate is known."""
    content = read_matlab(path)
    signal = content.get("Fsp")
    if not isinstance(signal, np.ndarray) or signal.ndim != 2 or signal.dtype.kind not in "iuf":
        raise FormatError(f"'{path}': 'Fsp' must be a matrix of numbers, neurons x frames")
    with np.errstate(all="ignore"):
        signal = signal.astype(np.float32, copy=False)
        total = signal.sum(dtype=float)
    if min(signal.shape) < 2 or not np.isfinite(total):
        raise FormatError(f"'{path}': 'Fsp' is empty, or holds NaN or infinite values")
    units = _read_units(path, content, len(signal))
    behavior, notices = _read_behavior(content.get("beh"), signal.shape[1])
    subject = next((part for part in path.stem.split("_") if part.startswith("MP")), "")
    session = RawSession(
        source="Stringer 2019, original release",
        units=units,
        area_columns=["area"],
        session=path.stem.removeprefix("spont_"),
        subject=subject,
        notices=notices,
    )
    return _place(session, signal, behavior, 1.0, in_frames=True)


def _place(
    session: RawSession,
    signal: np.ndarray,
    behavior: dict[str, np.ndarray],
    rate: float,
    in_frames: bool,
) -> RawSession:
    """Return the session with the times of its frames, at so many frames per second."""
    times = (np.arange(signal.shape[1]) + 0.5) / rate
    return replace(
        session,
        traces=Samples(times, signal.T),
        behavior={name: Samples(times, values) for name, values in behavior.items()},
        duration=(0.0, signal.shape[1] / rate),
        in_frames=in_frames,
        use_rate=partial(_place, session, signal, behavior, in_frames=False) if in_frames else None,
    )


def _read_units(path: Path, content: dict[str, Any], n_neurons: int) -> pd.DataFrame:
    """Return the table of neurons."""
    units = pd.DataFrame({"area": "VIS"}, index=pd.RangeIndex(n_neurons, name="neuron"))
    if "med" in content:
        med = np.asarray(content["med"])
        if med.ndim != 2 or len(med) != n_neurons or med.dtype.kind not in "iuf":
            raise FormatError(
                f"'{path}': 'med' has shape {med.shape}; there are {n_neurons} neurons"
            )
        units = units.assign(**dict(zip("xyz", med.astype(float).T)))
        if "z" in units:
            units["plane"] = np.unique(units["z"], return_inverse=True)[1].astype(str)
    stat = content.get("stat")
    if isinstance(stat, np.ndarray) and stat.dtype.names and stat.size == n_neurons:
        for name in stat.dtype.names:
            values = [np.asarray(value) for value in stat[name].ravel()]
            if all(value.size == 1 and value.dtype.kind in "iuf" for value in values):
                units.insert(len(units.columns), f"stat_{name}", [float(v.item()) for v in values])
    return units


def _read_behavior(beh: Any, n_frames: int) -> tuple[dict[str, np.ndarray], list[Notice]]:
    """Return behaviour (frame,) or (frame, channel) by name, and what was left out."""
    behavior, notices = {}, []
    for name, keys in BEHAVIOR.items():
        values = _find_field(beh, keys)
        if values is None:
            continue
        values = values.T if values.ndim == 2 and len(values) != n_frames else values
        if len(values) != n_frames:
            notices.append(LENGTH_DIFFERS(name=name, n=len(values), n_frames=n_frames))
            continue
        with np.errstate(all="ignore"):  # too large becomes infinite: a gap
            values = values.astype(np.float32)
        behavior[name] = values[:, 0] if values.shape[1] == 1 else values
    return behavior, notices


def _find_field(struct: Any, keys: tuple[str, ...]) -> np.ndarray | None:
    """Return the matrix in nested structs of MATLAB, or None."""
    for key in keys:
        while isinstance(struct, np.ndarray) and struct.dtype == object and struct.size == 1:
            struct = struct.item()
        if not isinstance(struct, np.ndarray | np.void) or key not in (struct.dtype.names or ()):
            return None
        struct = struct[key]
        while isinstance(struct, np.ndarray) and struct.dtype == object and struct.size == 1:
            struct = struct.item()
    if not isinstance(struct, np.ndarray) or struct.dtype.kind not in "iufb" or struct.ndim != 2:
        return None
    return struct if struct.size else None
