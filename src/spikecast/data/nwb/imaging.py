"""Fluorescence in an NWB file: which responses of which cells."""

from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.nwb.columns import read_columns
from spikecast.data.nwb.series import read_times
from spikecast.data.session import Samples

KINDS = ("dff", "df_over_f", "dfoverf", "deconvolved", "events", "roiresponse", "fluorescence")
"""Parts of names of responses, best first; neuropil is never taken."""
CELL_NAMES = ("iscell", "is_cell", "accepted", "Accepted", "valid_roi", "valid")

RESPONSES = NoticeKind(
    "responses", "minor", "fluorescence is '{name}'{others}: {n_cells} cells, {n_frames} frames"
)


def read_imaging(
    modules: Any,
) -> tuple[Samples, pd.DataFrame, list[str], list[str], list[Notice]] | None:
    """Return traces, cells, columns of areas and of qualities and notices, or None without any."""
    found = list(_list_responses(modules))
    if not found:
        return None
    ranked = sorted(found, key=lambda pair: _rank(*pair))
    container, series = ranked[0]
    planes = [one for name, one in found if name == container and _rank(name, one) < len(KINDS)]
    planes = [one for one in planes if len(one.data) == len(series.data)] or [series]
    times = read_times(series)
    tables, values, has_area = [], [], False
    for plane, one in enumerate(planes):
        data = one.data
        if len(np.shape(data)) != 2 or len(data) != len(times):
            raise FormatError(
                f"fluorescence '{one.name}' has shape {np.shape(data)} for {len(times)} frames"
            )
        cells = _read_cells(one, np.shape(data)[1])
        has_area |= "location" in cells
        cells["plane"] = one.name if len(planes) > 1 else str(plane)
        tables.append(cells)
        values.append(data)
    cells = pd.concat(tables, ignore_index=len(tables) > 1)
    traces = values[0] if len(values) == 1 else np.concatenate([one[:] for one in values], axis=1)
    others = [f"{name}/{one.name}" for name, one in found if one not in planes]
    notice = RESPONSES(
        name=container if len(planes) > 1 else series.name,
        others=f" (not taken: {', '.join(others)})" if others else "",
        n_cells=len(cells),
        n_frames=len(times),
    )
    quality = [name for name in CELL_NAMES if name in cells]
    return Samples(times, traces), cells, ["location"] if has_area else [], quality, [notice]


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


def _rank(container: str, series: Any) -> int:
    """Return the place of a response among those that are taken first."""
    names = f"{container} {series.name}".lower()
    if "neuropil" in names:
        return len(KINDS) + 1
    return next((place for place, kind in enumerate(KINDS) if kind in names), len(KINDS) - 1)


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
