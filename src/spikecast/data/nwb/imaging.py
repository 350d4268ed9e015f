"""Fluorescence in an NWB file: which responses of which cells."""

from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_common_type
from spikecast.data.nwb.columns import read_columns
from spikecast.data.nwb.series import read_times
from spikecast.data.planes import PLANES_TOGETHER, cut_frames
from spikecast.data.session import Samples

KINDS = (
    ("dff", "dff"),
    ("df_over_f", "dff"),
    ("dfoverf", "dff"),
    ("deconvolved", "events"),
    ("events", "events"),
    ("roiresponse", "raw"),
    ("fluorescence", "raw"),
)
"""Parts of names of responses, best first, and the kind of trace they are; others are raw."""
CORRECTED = ("correct", "subtract")
"""Parts of names of what neuropil or baseline was taken off."""
CELL_NAMES = ("iscell", "is_cell", "accepted", "Accepted", "valid_roi", "valid")
MOST_EXTRA = 1  # frames that a plane has more than another where a volume breaks off
MOST_APART = 3  # frames by which planes of one volume lie apart where they are closest
MOST_DRIFT = 0.01  # of the recording, by which they lie apart at most: rates are rounded

RESPONSES = NoticeKind(
    "responses", "minor", "fluorescence is '{name}'{others}: {n_cells} cells, {n_frames} frames"
)
PLANES_APART = NoticeKind(
    "planes_apart",
    "serious",
    "frames of {n} planes are taken as simultaneous by their numbers, but their times are up to "
    "{apart:.3g} s apart, more than a frame ({frame:.3g} s)",
)
LEFT_OUT = NoticeKind(
    "responses_left_out", "serious", "fluorescence {names} ({n} cells) left out: {why}"
)
OTHER_KIND = "it is another kind of trace than '{name}', and these cells have none of that kind"
SHARED = "other cells of it are in a series that is taken; write each cell to one series"


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
    notices += _describe_distances(times)
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
    """Return the best response, those of other cells that go with it, and notices of the rest.

    They are of its container and kind, and their frames have its times.
    """
    ranks = {place: _rank(*one) for place, one in enumerate(found) if not _is_neuropil(*one)}
    if not ranks:
        names = ", ".join(f"{name}/{one.name}" for name, one in found)
        raise FormatError(f"its fluorescence is that of neuropil only: {names}")
    first, *others = sorted(ranks, key=lambda place: ranks[place])
    container, best = found[first]
    others = [place for place in others if found[place][0] == container]
    kind = _name_kind(ranks[first])
    taken, cells = [first], _list_cells(best)
    for place in others:
        one = found[place][1]
        same_kind = _name_kind(ranks[place]) == kind
        if same_kind and _are_together(best, one) and not cells & _list_cells(one):
            taken.append(place)
            cells |= _list_cells(one)
    lost: dict[str, tuple[list[str], set[tuple[int, int]]]] = {}  # by reason: names and cells
    for place in (place for place in others if place not in taken):
        one = found[place][1]
        why, of_one = _explain_left_out(one, best, cells, _name_kind(ranks[place]) == kind)
        if of_one:
            left_out, so_far = lost.setdefault(why, ([], set()))
            left_out.append(f"{container}/{one.name}")
            so_far |= of_one
    notices = [LEFT_OUT(n=len(some), names=left, why=why) for why, (left, some) in lost.items()]
    return [found[place][1] for place in sorted(taken)], notices


def _explain_left_out(
    one: Any, best: Any, cells: set[tuple[int, int]], same_kind: bool
) -> tuple[str, set[tuple[int, int]]]:
    """Return why a response is left out, and those of its cells that lack it; `cells` are taken."""
    of_one = _list_cells(one)
    if not same_kind:
        return OTHER_KIND.format(name=best.name), of_one - cells
    if _are_together(best, one):
        return SHARED, of_one - cells
    why = f"its {_describe_times(one)} are not those of '{best.name}', {_describe_times(best)}"
    return why, of_one


def _list_cells(series: Any) -> set[tuple[int, int]]:
    """Return the cells of a response: their table and row."""
    return {(id(series.rois.table), int(row)) for row in series.rois.data[:]}


def _are_together(series: Any, other: Any) -> bool:
    """Return whether frames are those of one volume: near each other, for all of the recording."""
    times, others = read_times(series), read_times(other)
    n = min(len(times), len(others))
    if n < 2 or max(len(times), len(others)) > n + MOST_EXTRA:
        return False
    apart = np.abs(times[:n] - others[:n])
    near = MOST_APART * _measure_frame(times)
    drift = max(near, MOST_DRIFT * float(np.nanmax(times) - np.nanmin(times)))
    return bool(np.nanmin(apart) <= near and np.nanmax(apart) <= drift)


def _measure_frame(times: np.ndarray) -> float:
    return float(np.nanmedian(np.diff(times)))


def _describe_times(series: Any) -> str:
    times = read_times(series)
    return f"{len(times)} frames from {np.nanmin(times):.6g} to {np.nanmax(times):.6g} s"


def _describe_distances(times: list[np.ndarray]) -> list[Notice]:
    """Return a notice of planes whose frames of one number have different times."""
    if len(times) == 1:
        return []
    n = min(len(one) for one in times)
    apart = max(float(np.nanmax(np.abs(one[:n] - times[0][:n]))) for one in times)
    if apart == 0:
        return []
    if apart <= 1.001 * _measure_frame(times[0]):
        return [PLANES_TOGETHER(n=len(times), apart=f"{apart:.3g} s")]
    return [PLANES_APART(n=len(times), apart=apart, frame=_measure_frame(times[0]))]


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
    place = next((place for place, (part, _) in enumerate(KINDS) if part in names), len(KINDS) - 1)
    return last, place, "denois" in names


def _name_kind(rank: tuple[int, int, bool]) -> tuple[int, str]:
    """Return whether a response of some rank is a trace of cells, and its kind."""
    return rank[0], KINDS[rank[1]][1]


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
            both = to_common_type(np.asarray(region.table[name].data[:]))
            if both.ndim == 2 and len(both) > rows.max():
                cells[name] = both[rows, 0]
    plane = getattr(region.table, "imaging_plane", None)
    location = str(getattr(plane, "location", "") or "")
    if location:
        cells["location"] = location
    return cells
