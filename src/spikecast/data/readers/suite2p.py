"""Folders of Suite2p, with one plane or more: fluorescence of regions of interest (ROIs).

==============  ===================================================================================
file            what is taken of it
==============  ===================================================================================
spks.npy        activity (ROI, frame): deconvolved fluorescence
F.npy,          activity where there is no spks.npy: F minus 0.7 times Fneu (the neuropil)
Fneu.npy
iscell.npy      columns ``iscell`` (true or false) and ``cell_probability``
stat.npy        columns ``x``, ``y`` (the middle of the ROI, in pixels), and each field that is one
                number: ``npix``, ``radius``, ``skew``, ...
ops.npy         ``fs``, frames per second of one plane; without it the user gives the frame rate
==============  ===================================================================================

``stat.npy`` and ``ops.npy`` are pickles; code in them is not run. A session is cut around events in
seconds from the start of its first frame.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.array_files import check_n_columns, map_matrix, read_pickled
from spikecast.data.planes import PLANES_TOGETHER, cut_frames
from spikecast.data.session import RawSession, Samples

CONTENT = "folders of Suite2p (spks.npy, iscell.npy, stat.npy), also with several planes"
NEUROPIL = 0.7  # part of the neuropil that suite2p takes off, its default `neucoeff`
SIGNALS = ("spks.npy", "F.npy")
OWN_COLUMNS = ("roi", "plane", "iscell", "cell_probability")  # not taken of stat.npy

SIGNAL_USED = NoticeKind("signal_used", "minor", "activity is {signal} of suite2p: {meaning}")
NO_CELL_LABELS = NoticeKind(
    "no_cell_labels", "serious", "there is no iscell.npy: every ROI is taken, cell or not"
)


def sniff(source: Any) -> bool:
    """Return whether a folder is one of suite2p: its planes, or one of them."""
    return isinstance(source, Path) and source.is_dir() and bool(_list_planes(source))


def open_sessions(source: Path) -> list[Callable[[], RawSession]]:
    """Return one callable, which reads the folder."""
    return [partial(read_folder, source)]


def read_folder(folder: Path) -> RawSession:
    """Return the session in a folder of planes, or in the folder of one plane."""
    planes = _list_planes(folder)
    if not planes:
        raise FormatError(
            f"'{folder}' holds no spks.npy or F.npy, nor folders plane0, plane1, ... that do"
        )
    signals, tables, rates = [], [], []
    notices: dict[str, Notice] = {}  # by code: planes say the same
    kinds: dict[str, str] = {}  # text of the signal -> the first plane that has it
    for plane in planes:
        signal, notice = _read_signal(plane)
        kinds.setdefault(str(notice), plane.name)
        table, found = _read_cells(plane, len(signal))
        signals.append(signal)
        number = _read_number(plane) if len(planes) > 1 else 0
        tables.append(table.assign(plane=str(number)))
        rates.append(_read_frame_rate(plane / "ops.npy"))
        notices |= {notice.code: notice for notice in (notice, *found)}
    if len(kinds) > 1:
        first, second = list(kinds.values())[:2]
        raise FormatError(
            f"'{folder}': {first} and {second} hold different signals (spks.npy, or F.npy alone); "
            "deconvolve all planes, or move the others away"
        )
    known = sorted({rate for rate in rates if rate is not None})
    if len(known) > 1:
        raise FormatError(f"'{folder}': the planes have different frame rates: {known}")
    if len(planes) > 1:
        notices["planes"] = PLANES_TOGETHER(n=len(planes), apart="a frame")
    n_frames, cut = cut_frames([signal.shape[1] for signal in signals])
    values = np.concatenate([signal[:, :n_frames] for signal in signals]).T
    rate = known[0] if known else None
    return RawSession(
        source="Suite2p folder",
        units=pd.concat(tables, ignore_index=True),
        # a frame lies in the middle of its time: a bin of that length is then the frame itself
        traces=Samples((np.arange(n_frames) + 0.5) / (rate or 1.0), values),
        area_columns=["plane"] if len(planes) > 1 else [],
        quality_columns=["iscell"] if "no_cell_labels" not in notices else [],
        duration=(0.0, n_frames / (rate or 1.0)),
        frame_rate=rate,
        in_frames=rate is None,
        session=_name_session(folder),
        notices=[*notices.values(), *cut],
    )


def _list_planes(folder: Path) -> list[Path]:
    """Return the folders of planes: this one, or those within it, in order of their numbers."""
    if any((folder / name).is_file() for name in SIGNALS) and (folder / "stat.npy").is_file():
        return [folder]
    home = folder / "suite2p" if (folder / "suite2p").is_dir() else folder
    planes = [
        path
        for path in home.glob("plane*")
        if path.name.removeprefix("plane").isdecimal()
        and any((path / name).is_file() for name in SIGNALS)
    ]
    planes.sort(key=_read_number)
    for first, second in pairwise(planes):
        if _read_number(first) == _read_number(second):
            raise FormatError(f"'{first}' and '{second.name}' are two planes of one number")
    return planes


def _read_number(plane: Path) -> int:
    """Return the number that suite2p gave a plane; others may have been left out or removed."""
    return int(plane.name.removeprefix("plane"))


def _name_session(folder: Path) -> str:
    """Return the first name, going up, that is not suite2p's own."""
    folder = folder.resolve()
    own = [path.name for path in (folder, *folder.parents)]
    names = [name for name in own if name != "suite2p" and not name.startswith("plane")]
    return names[0] if names else ""


def _read_signal(plane: Path) -> tuple[np.ndarray, Notice]:
    """Return the activity (ROI, frame) of a plane, and what it is."""
    if (plane / "spks.npy").is_file():
        signal = _check_signal(plane / "spks.npy")
        return signal, SIGNAL_USED(signal="spks", meaning="deconvolved fluorescence")
    signal = np.array(_check_signal(plane / "F.npy"), dtype=np.float32)
    if not (plane / "Fneu.npy").is_file():
        return signal, SIGNAL_USED(signal="F", meaning="fluorescence, with the neuropil in it")
    neuropil = _check_signal(plane / "Fneu.npy")
    if neuropil.shape != signal.shape:
        raise FormatError(
            f"'{plane}': F.npy has shape {signal.shape}, Fneu.npy {neuropil.shape}; they must be "
            "equal"
        )
    meaning = f"fluorescence minus {NEUROPIL} times the neuropil (there is no spks.npy)"
    with np.errstate(over="ignore"):
        corrected = signal - NEUROPIL * neuropil
    _check_finite(f"'{plane}': F - {NEUROPIL} Fneu", corrected)
    return corrected, SIGNAL_USED(signal="F - 0.7 Fneu", meaning=meaning)


def _check_signal(path: Path) -> np.ndarray:
    """Return the matrix (ROI, frame) of a file, finite, with at least one ROI and two frames."""
    signal = map_matrix(path, "iuf")
    if signal.ndim != 2 or signal.shape[0] < 1 or signal.shape[1] < 2:
        raise FormatError(f"'{path}' has shape {signal.shape}; it must be ROIs x frames")
    _check_finite(f"'{path}'", signal)
    return signal


def _check_finite(name: str, signal: np.ndarray) -> None:
    """Raise unless a matrix (ROI, frame) and the sums of its ROIs are finite as single floats."""
    with np.errstate(all="ignore"):
        finite = np.isfinite(np.sum(signal, axis=1, dtype=float).astype(np.float32))
    if not finite.all():
        raise FormatError(
            f"{name}: ROI {int(np.argmin(finite))} holds NaN or infinite values; "
            f"{int((~finite).sum())} ROIs do"
        )


def _read_cells(plane: Path, n_rois: int) -> tuple[pd.DataFrame, list[Notice]]:
    """Return the table of a plane's ROIs, in the order of its signals."""
    table = pd.DataFrame({"roi": np.arange(n_rois)})
    notices = []
    if (plane / "iscell.npy").is_file():
        iscell = map_matrix(plane / "iscell.npy", "iufb")
        iscell = iscell[:, np.newaxis] if iscell.ndim == 1 else iscell
        if iscell.ndim != 2 or len(iscell) != n_rois or not iscell.shape[1]:
            raise FormatError(
                f"'{plane / 'iscell.npy'}' has shape {iscell.shape}; there are {n_rois} ROIs"
            )
        table["iscell"] = _read_labels(plane / "iscell.npy", iscell[:, 0])
        if iscell.shape[1] > 1:
            table["cell_probability"] = np.asarray(iscell[:, 1], dtype=float)
    else:
        notices.append(NO_CELL_LABELS())
    if (plane / "stat.npy").is_file():
        table = table.join(_read_stat(plane / "stat.npy", n_rois))
    return table, notices


def _read_labels(path: Path, labels: np.ndarray) -> np.ndarray:
    """Return whether each ROI is a cell: suite2p writes 0 or 1."""
    unclear = ~np.isin(labels, (0, 1))
    if unclear.any():
        row = int(np.argmax(unclear))
        raise FormatError(
            f"'{path}': row {row} has {labels[row]:g} in the first column, which must be 0 or 1 "
            f"(a cell); {int(unclear.sum())} rows have another number"
        )
    return np.asarray(labels == 1)


def _read_stat(path: Path, n_rois: int) -> pd.DataFrame:
    """Return the middle of each ROI and every field of its dict that is one number."""
    cells = list(np.ravel(read_pickled(path)))
    if len(cells) != n_rois or not all(isinstance(cell, dict) for cell in cells):
        raise FormatError(f"'{path}' must hold {n_rois} dicts, one per ROI; it has {len(cells)}")
    check_n_columns(f"'{path}'", max(map(len, cells), default=0))
    numbers = int | float | np.integer | np.floating
    names = [name for name in cells[0] if isinstance(name, str) and name not in OWN_COLUMNS]
    columns = {
        name: [_to_float(cell[name]) for cell in cells]
        for name in names
        if all(isinstance(cell.get(name), numbers) for cell in cells)
    }
    middles = [np.ravel(np.asarray(cell.get("med", ()), dtype=object)) for cell in cells]
    if all(len(med) == 2 and all(isinstance(v, numbers) for v in med) for med in middles):
        columns |= {
            "x": [_to_float(med[1]) for med in middles],
            "y": [_to_float(med[0]) for med in middles],
        }
    return pd.DataFrame(columns, index=pd.RangeIndex(n_rois))


def _to_float(number: Any) -> float:
    """Return a number as a float: infinite where it is a whole number beyond all floats."""
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _read_frame_rate(path: Path) -> float | None:
    """Return frames per second of one plane, or None where there is no ``ops.npy``."""
    if not path.is_file():
        return None
    content = read_pickled(path)
    ops = content.item() if content.size == 1 else None
    rate = ops.get("fs") if isinstance(ops, dict) else None
    if not isinstance(rate, int | float | np.integer | np.floating) or not 0 < rate < 1e5:
        raise FormatError(f"'{path}' holds no frame rate 'fs'; move the file away and give it")
    return float(rate)
