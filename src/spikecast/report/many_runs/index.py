"""A folder of runs -> one self-contained page that lists, filters and sorts them."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from spikecast.core.errors import RunError
from spikecast.report.many_runs.entries import Entry, read
from spikecast.report.many_runs.thumbnail import scales, thumbnail
from spikecast.report.shared.pages import write_page
from spikecast.runs.layout import MARKERS, kind_of
from spikecast.scoring.metric_table import METRICS

FILE = "index.html"
MADE_BY = '<meta name="generator" content="spikecast index">'
MOST_SAID = 200  # characters


def build(folder: str | Path) -> Path:
    """Write ``index.html``: every run, study and the like below a folder.

    Parameters
    ----------
    folder : str or Path
        Searched at any depth; what lies within a run or a study belongs to it.

    Returns
    -------
    Path
        Of the page. An older index is replaced; the new one is seen when it is complete.

    Raises
    ------
    RunError
        When there is no such folder, nothing to list in it, or a page that is not an index.

    Examples
    --------
    >>> import tempfile
    >>> from spikecast.runs import config, experiment
    >>> folder = Path(tempfile.mkdtemp())
    >>> content = {"data": {"path": "simulated"}, "task": {"target": "MOs"}, "models": ["psth"]}
    >>> _ = experiment.execute(config.parse(content), folder / "first", workers=1)
    >>> build(folder).name
    'index.html'
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"there is no folder '{folder}'")
    if kind_of(folder):
        raise RunError(f"'{folder}' is a {kind_of(folder)} itself; name the folder above it")
    entries = [read(found) for found in below(folder)]
    if not entries:
        raise RunError(
            f"there is nothing to list below '{folder}': no folder holds "
            + " or ".join(names[0] for names in MARKERS.values())
        )
    path = folder / FILE
    if path.exists() and MADE_BY not in path.read_text(encoding="utf-8", errors="replace")[:500]:
        raise RunError(f"'{path}' is not an index of ours; move it, or name another folder")
    entries.sort(key=lambda entry: (entry.started is None, -_stamp(entry)))
    scale = scales(score for entry in entries for score in entry.scores)
    return write_page(
        path,
        "index.html",
        made_by=MADE_BY,
        folder=folder.resolve().name,
        now=datetime.now().astimezone(),
        rows=[_row(entry, folder, scale) for entry in entries],
        scale={_unit(name): limits for name, limits in scale.items()},
        choices={
            "kind": _choices([entry.kind] for entry in entries),
            "state": _choices([entry.state] for entry in entries),
            "session": _choices([entry.session] for entry in entries),
            "target": _choices(entry.targets for entry in entries),
            "model": _choices(entry.models for entry in entries),
        },
    )  # fmt: skip


def below(folder: Path) -> Iterator[Path]:
    """Folders of a known kind, at any depth, by name; not those within one of them."""
    for place, folders, _ in os.walk(folder):
        if kind_of(Path(place)):
            folders.clear()
            yield Path(place)
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))


def _row(entry: Entry, folder: Path, scale: dict[str, tuple[float, float]]) -> dict[str, object]:
    best = entry.best
    started = entry.started.astimezone() if entry.started else None
    return {
        "entry": entry,
        "name": entry.folder.relative_to(folder).as_posix(),
        "link": quote(entry.page.relative_to(folder).as_posix()) if entry.page else "",
        "when": f"{started:%Y-%m-%d %H:%M}" if started else "",
        "duration": "" if entry.seconds is None else _duration(entry.seconds),
        "best": best,
        "of": best.of if best and (best.of,) != entry.targets else "",
        "unit": _unit(best.metric) if best else "",
        "thumbnail": thumbnail(entry.scores, scale),
        "said": entry.said if len(entry.said) <= MOST_SAID else entry.said[:MOST_SAID] + "...",
        "above": bool(best and best.low > best.null),
        "stamp": _stamp(entry),
    }


def _stamp(entry: Entry) -> float:
    return entry.started.timestamp() if entry.started else 0.0


def _choices(names) -> list[str]:  # type: ignore[no-untyped-def]
    return sorted({name for some in names for name in some if name}, key=str.casefold)


def _unit(metric: str) -> str:
    return METRICS[metric].unit if metric in METRICS else metric.replace("_", " ")


def _duration(seconds: float) -> str:
    """Seconds as a person says them.

    Examples
    --------
    >>> _duration(12), _duration(150), _duration(8000)
    ('12 s', '2.5 min', '2.2 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
