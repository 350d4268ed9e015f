"""A folder of runs -> one self-contained page that lists, filters and sorts them."""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from spikecast.core.errors import RunError
from spikecast.report.many_runs.entries import Entry, read_entry
from spikecast.report.many_runs.thumbnail import Scales, draw_thumbnail, find_scales
from spikecast.report.shared.formatting import format_duration
from spikecast.report.shared.pages import write_page
from spikecast.runs.layout import MARKERS, find_kind
from spikecast.scoring.metric_table import METRICS

FILE = "index.html"
MADE_BY = '<meta name="generator" content="spikecast index">'
LONGEST_SUMMARY = 200  # characters


def build(folder: str | Path) -> Path:
    """Write ``index.html`` of all runs, studies and the like below a folder; return its path.

    Folders are searched at any depth; what lies within a run or a study belongs to it. An older
    index is replaced; any other page of that name is not.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"there is no folder '{folder}'")
    if find_kind(folder):
        raise RunError(f"'{folder}' is a {find_kind(folder)} itself; name the folder above it")
    entries = [read_entry(place) for place in find_folders(folder)]
    if not entries:
        raise RunError(
            f"there is nothing to list below '{folder}': no folder holds "
            + " or ".join(names[0] for names in MARKERS.values())
        )
    path = folder / FILE
    if path.exists() and MADE_BY not in path.read_text(encoding="utf-8", errors="replace")[:500]:
        raise RunError(f"'{path}' is not an index of ours; move it, or name another folder")
    entries.sort(key=lambda entry: (entry.started is None, -_timestamp(entry)))
    scales = find_scales(score for entry in entries for score in entry.scores)
    return write_page(
        path,
        "index.html",
        title=f"{folder.resolve().name}: {len(entries)} runs",
        made_by=MADE_BY,
        folder=folder.resolve().name,
        now=datetime.now().astimezone(),
        rows=[_make_row(entry, folder, scales) for entry in entries],
        scales={_name_unit(metric): limits for metric, limits in scales.items()},
        choices={
            "kind": _list_choices([entry.kind] for entry in entries),
            "state": _list_choices([entry.state] for entry in entries),
            "session": _list_choices([entry.session] for entry in entries),
            "target": _list_choices(entry.targets for entry in entries),
            "model": _list_choices(entry.models for entry in entries),
        },
    )


def find_folders(folder: Path) -> Iterator[Path]:
    """Return folders of a known kind, at any depth, by name; not those within one of them."""
    for place, folders, _ in os.walk(folder):
        if find_kind(Path(place)):
            folders.clear()
            yield Path(place)
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))


def _make_row(entry: Entry, folder: Path, scales: Scales) -> dict[str, Any]:
    best = entry.best
    long = len(entry.summary) > LONGEST_SUMMARY
    return {
        "entry": entry,
        "name": entry.folder.relative_to(folder).as_posix(),
        "link": quote(entry.page.relative_to(folder).as_posix()) if entry.page else "",
        "when": f"{entry.started:%Y-%m-%d %H:%M}" if entry.started else "",
        "duration": "" if entry.seconds is None else format_duration(entry.seconds),
        "best": best,
        "best_target": best.target if best and (best.target,) != entry.targets else "",
        "unit": _name_unit(best.metric) if best else "",
        "thumbnail": draw_thumbnail(entry.scores, scales),
        "summary": entry.summary[:LONGEST_SUMMARY] + "..." if long else entry.summary,
        "above_null": bool(best and best.low > best.null),
        "timestamp": _timestamp(entry),
    }


def _timestamp(entry: Entry) -> float:
    return entry.started.timestamp() if entry.started else 0.0


def _list_choices(names: Iterable[Iterable[str]]) -> list[str]:
    return sorted({name for some in names for name in some if name}, key=str.casefold)


def _name_unit(metric: str) -> str:
    return METRICS[metric].unit if metric in METRICS else metric  # of an older version
