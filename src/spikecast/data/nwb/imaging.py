"""Fluorescence in an NWB file: which responses of which cells."""

from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.nwb.columns import read_columns
from spikecast.data.nwb.series import read_times
from spikecast.data.planes import cut_frames
from spikecast.data.session import Samples

KINDS = {
    "dff": "dff",
    "df_over_f": "dff",
    "dfoverf": "dff",
    "deconvolved": "events",
    "events": "events",
    "roiresponse": "raw",
    "fluorescence": "raw",
}
"""Parts of names of responses, best first, and the kind of trace they are; others are raw."""
CORRECTED = ("correct", "subtract")
"""Parts of names of what neuropil or baseline was taken off."""
CELL_NAMES = ("iscell", "is_cell", "accepted", "Accepted", "valid_roi", "valid")
MOST_EXTRA = 1  # frames that a plane has more than another where a volume breaks off

RESPONSES = NoticeKind(
    "responses", "minor", "fluorescence is '{name}'{others}: {n_cells} cells, {n_frames} frames"
)
PLANES_APART = NoticeKind(
    "planes_together",
    "minor",
    "{n} planes, whose frames are up to {apart:.3g} s apart, are taken as simultaneous",
)
LEFT_OUT = NoticeKind(
    "responses_left_out",
    "serious",
    "fluorescence {names} ({n} cells) left out: its frames have other times than those of '{name}' "
    "(another field of view, a later part?), or its cells have no such trace",
)


def read_imaging(
    modules: Any,
) -> tuple[Samples, pd.DataFrame, list[str], list[str], list[Notice]] | None:
    """Return traces, cells, columns of areas and of qualities and notices, or None without any."""
    found = list(_list_responses(modules))
    if not found:
        return None
    planes, notices = _choose_planes(found)
    times = [read_times(one) for one in planes]
    n_frames, cut = cut_frames([len(one) for one in times])
    apart = max([_measure_distance(times[0], one) for one in times[1:]], default=0.0)
    if apart > 0:
        notices.append(PLANES_APART(n=len(planes), apart=apart))
    tables, has_area = [], False
    for plane, (one, of_one) in enumerate(zip(planes, times)):
        shape = np.shape(one.data)
        if len(shape) != 2 or shape[0] != len(of_one):
            raise FormatError(
                f"fluorescence '{one.name}' has shape {shape} for {len(of_one)} frames"
            )
        cells = _read_cells(one, shape[1])
        has_area |= "location" in cells
        cells["plane"] = one.name if len(planes) > 1 else str(plane)
        tables.append(cells)
    cells = pd.concat(tables, ignore_index=len(tables) > 1)
    values = [one.data for one in planes]
    if len(values) > 1:
        values = [np.concatenate([one[:n_frames] for one in values], axis=1)]
    others = [f"{name}/{one.name}" for name, one in found if one not in planes]
    notice = RESPONSES(
        name="', '".join(one.name for one in planes),
        others=f" (not taken: {', '.join(others)})" if others else "",
        n_cells=len(cells),
        n_frames=n_frames,
    )
    quality = [name for name in CELL_NAMES if name in cells]
    areas = ["location"] if has_area else []
    samples = Samples(times[0][:n_frames], values[0])
    return samples, cells, areas, quality, [notice, *notices, *cut]


def _choose_planes(found: list[tuple[str, Any]]) -> tuple[list[Any], list[Notice]]:
    """Return the best response, those of other cells that go with it, and a notice of the rest.

    They are of its container and kind, and their frames have its times.
    """
    usable = [pair for pair in found if not _is_neuropil(*pair)]
    if not usable:
        names = ", ".join(f"{name}/{one.name}" for name, one in found)
        raise FormatError(f"its fluorescence is that of neuropil only: {names}")
    container, best = min(usable, key=lambda pair: _rank(*pair))
    times, kind = read_times(best), _name_kind(container, best)
    planes: list[Any] = [best]
    others: list[Any] = []
    alike = [one for name, one in usable if name == container and one is not best]
    for one in sorted(alike, key=lambda one: _rank(container, one)):
        same_kind = _name_kind(container, one) == kind
        together = same_kind and _are_together(times, read_times(one))
        if not any(_share_cells(one, plane) for plane in planes):
            (planes if together else others).append(one)
        elif same_kind and not together:
            others.append(one)
    planes = [one for _, one in found if any(one is plane for plane in planes)]
    if not others:
        return planes, []
    n = len({(id(one.rois.table), int(row)) for one in others for row in one.rois.data[:]})
    left_out = [f"{container}/{one.name}" for one in others]
    return planes, [LEFT_OUT(n=n, names=left_out, name=best.name)]


def _share_cells(one: Any, other: Any) -> bool:
    """Return whether two responses are of the same cells, or of some of them."""
    if one.rois.table is not other.rois.table:
        return False
    return bool(np.isin(one.rois.data[:], other.rois.data[:]).any())


def _are_together(times: np.ndarray, others: np.ndarray) -> bool:
    """Return whether frames are those of one volume: each within a frame of the other's."""
    n = min(len(times), len(others))
    if n < 2 or max(len(times), len(others)) > n + MOST_EXTRA:
        return False
    frame = float(np.nanmedian(np.diff(times)))
    return _measure_distance(times, others) <= 1.001 * frame


def _measure_distance(times: np.ndarray, others: np.ndarray) -> float:
    """Return how far apart frames of one number are at most, in seconds."""
    n = min(len(times), len(others))
    return float(np.nanmax(np.abs(times[:n] - others[:n])))


def _list_responses(modules: Any) -> Any:
    """Yield (name of the container, RoiResponseSeries) of all modules."""
    for item in modules:
        kinds = [one.__name__ for one in type(item).__mro__]
        if "RoiResponseSeries" in kinds:
            yield item.name, item
        inner = getattr(item, "roi_response_series", None)
        if inner is not None:
            for series in inner.values():
                yield item.name, series


def _is_neuropil(container: str, series: Any) -> bool:
    """Return whether a response is what lies around cells."""
    names = _join_names(container, series)
    return "neuropil" in names and not _is_corrected(names)


def _rank(container: str, series: Any) -> tuple[int, int, bool]:
    """Return the place of a response among those that are taken first; denoised ones go last."""
    names = _join_names(container, series)
    last = 2 if "neuropil" in names else int("baseline" in names and not _is_corrected(names))
    place = next((place for place, part in enumerate(KINDS) if part in names), len(KINDS) - 1)
    return last, place, "denois" in names


def _name_kind(container: str, series: Any) -> tuple[int, str]:
    last, place, _ = _rank(container, series)
    return last, list(KINDS.values())[place]


def _join_names(container: str, series: Any) -> str:
    return f"{container} {series.name}".lower()


def _is_corrected(names: str) -> bool:
    return any(part in names for part in CORRECTED)


def _read_cells(series: Any, n_cells: int) -> pd.DataFrame:
    """Return the table of the cells of a series: columns of its segmentation, and its location."""
    region = series.rois
    table, _ = read_columns(region.table)
    rows = np.asarray(region.data[:], dtype=int)
    if len(rows) != n_cells or (len(rows) and rows.max() >= len(table)):
        raise FormatError(
            f"fluorescence '{series.name}' has {n_cells} columns for {len(rows)} cells"
        )
    cells = table.iloc[rows].copy()
    for name in CELL_NAMES:  # Suite2p's has a probability beside it
        if name in region.table.colnames and name not in cells:
            both = np.asarray(region.table[name].data[:])
            if both.ndim == 2 and len(both) > rows.max():
                cells[name] = both[rows, 0]
    plane = getattr(region.table, "imaging_plane", None)
    location = str(getattr(plane, "location", "") or "")
    if location:
        cells["location"] = location
    return cells
