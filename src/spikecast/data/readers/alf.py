"""Folders of ALF files: sessions of the International Brain Laboratory, and Steinmetz et al. 2019.

==============================  ===================================================================
files                           what is taken of them
==============================  ===================================================================
spikes.times, spikes.clusters   spikes of one probe, or of all (``clusters.probes``)
clusters.*, clusters.metrics    units: columns as found. Area: ``acronym`` of the table or of the
                                channel, ``channels.brainLocation`` (Steinmetz), else the number of
                                the area in the Allen atlas. Quality: ``label`` (IBL's number,
                                or words as ``good``), ``_phy_annotation`` (Steinmetz)
trials.*, _ibl_trials.table     the trial table ``trials``; other objects with ``times`` or
                                ``intervals`` are tables too (``passiveVisual``, ``wheelMoves``)
wheel, eye, face, cameras       behaviour, on its own clock; ``licks.times`` as counts
==============================  ===================================================================

A session is a folder with ``alf/``, or the folder of the files themselves; trials and behaviour may
lie in its folders ``task_00``, ``task_01``, one for each task that was done. Probes are found below
it; where a probe was sorted twice, the sorter is chosen as IBL's own loader does, and it is said. A
folder that holds several sessions (the whole of Steinmetz 2019) gives them in order of their names.
"""

import os
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.data.alf_behavior import list_second_tables, read_tasks
from spikecast.data.alf_files import REVISION, TABLES, AlfFolder, list_files, read_object
from spikecast.data.alf_probes import (
    AREA_FROM,
    ATLAS_ID,
    fill_qualities,
    join_areas,
    join_notices,
    list_qualities,
)
from spikecast.data.array_files import check_seconds, check_spike_times, count_spikes, map_array
from spikecast.data.columns import name_value
from spikecast.data.session import RawSession, Spikes, SpikesInTime, SpikesOfProbes

CONTENT = "folders of ALF files (spikes.times.npy): IBL sessions, Steinmetz 2019"
DEEPEST = 9  # levels below the given folder at which spikes are looked for (a lab's whole tree)
MOST_FOLDERS = 20_000  # that are looked into
SORTERS = ("iblsorter", "pykilosort", "")  # as one-api's users load them, best first
PHY_LABELS = {0: "noise", 1: "mua", 2: "good", 3: "unsorted"}
AREA_COLUMNS = {  # of clusters or channels, best first -> the column of units
    "acronym": "acronym",
    "brainLocationAcronyms_ccf_2017": "acronym",
    "brainLocation_allen_ontology": "acronym",
    "brainLocationIds_ccf_2017": "atlas_id",
    "atlas_id": "atlas_id",
}
NO_AREAS = {"0": "void", "997": "root"}  # numbers of the Allen atlas that are no area
CLUSTER_PARTS = ("uuids", "waveforms", "templateWaveforms", "templateWaveformChans")

SORTER_CHOSEN = NoticeKind(
    "sorter_chosen",
    "serious",
    "{probe} was sorted more than once ({found}); {taken} is taken, as IBL's loader does. To take "
    "another, give its folder",
)
CHANNELS_OUTSIDE = NoticeKind(
    "channels_outside",
    "minor",
    "{n} units are on a channel that the table of channels does not have; they have no area",
)
HEMISPHERES = NoticeKind(
    "hemispheres",
    "minor",
    "{n} units have a negative number of the atlas, IBL's for the left hemisphere: the area is the "
    "same as without the sign",
)
PHY_ANNOTATION = NoticeKind(
    "phy_annotation",
    "minor",
    "quality is from _phy_annotation: good from 2, as the authors advise (2 = good, 3 = unsorted, "
    "since not every session was sorted by hand); column 'phy_annotation' has the words",
)
IBL_LABEL = NoticeKind(
    "ibl_label",
    "minor",
    "quality is IBL's label, the part of three criteria that a unit meets: 1 is good ({n_good} of "
    "{n} units)",
)


def sniff(source: Any) -> bool:
    """Return whether a folder holds ALF files of spikes, itself or a few folders deeper."""
    if not isinstance(source, Path) or not source.is_dir():
        return False
    return next(_find_spikes(source), None) is not None


def open_sessions(source: Path) -> list[Callable[[], RawSession]]:
    """Return one callable per session below a folder, in order of their names."""
    probes = sorted(set(_find_spikes(source)))
    if not probes:
        raise FormatError(
            f"'{source}' and {DEEPEST} levels of folders below it hold no spikes.times.npy"
        )
    sessions: dict[Path, list[Path]] = {}
    for folder in probes:
        sessions.setdefault(_find_session(folder), []).append(folder)
    return [
        partial(read_session, session, tuple(sorted(folders)))
        for session, folders in sorted(sessions.items())
    ]


def _find_spikes(source: Path) -> Iterator[Path]:
    """Yield the folders (without revisions) that hold files of times of spikes."""
    for number, (folder, inside, files) in enumerate(os.walk(source)):
        if any(fnmatch(name, "*spikes.times*.npy") for name in files):
            path = Path(folder)
            yield path.parent if REVISION.fullmatch(path.name) else path
        if len(Path(folder).relative_to(source).parts) >= DEEPEST or number > MOST_FOLDERS:
            inside.clear()


def _find_session(folder: Path) -> Path:
    """Return the folder of the session that a folder of spikes belongs to."""
    if "trials" in list_files(folder).files:
        return folder
    near = [parent for parent in list(folder.resolve().parents)[:3] if parent.name == "alf"]
    return near[0] if near else folder


def read_session(session: Path, probes: tuple[Path, ...]) -> RawSession:
    """Return a session: trials and behaviour of its folder, units and spikes of its probes."""
    kept, notices = _choose_sorters(session, probes)
    parts = [_read_probe(list_files(folder), name) for name, folder in kept.items()]
    units = pd.concat([table for table, *_ in parts])
    if len(parts) > 1:
        ids = zip(units["probe"], units.index, strict=True)
        units.index = pd.Index([f"{probe}_{unit}" for probe, unit in ids])
    spikes: Spikes = parts[0][1]
    if len(parts) > 1:
        spikes = SpikesOfProbes(
            [stored for _, stored, *_ in parts], [len(part[0]) for part in parts]
        )
    names = np.repeat([name or "probe" for name in kept], [len(table) for table, *_ in parts])
    units, filled = fill_qualities(units, names)
    units, columns, mixed = join_areas(units, names)
    tables, events, behavior, found = read_tasks(session)
    about_units = join_notices({name: part[-1] for name, part in zip(kept, parts, strict=True)})
    subject, name = _name_session(session)
    return RawSession(
        source="ALF folder",
        units=units,
        spikes=spikes,
        tables=tables,
        second_tables=list_second_tables(tables),
        events=events,
        behavior=behavior,
        area_columns=columns,
        quality_columns=list_qualities(units),
        duration=(0.0, max(last for _, _, last, _ in parts)),
        session=name,
        subject=subject,
        notices=[*notices, *about_units, *mixed, *filled, *found],
    )


def _choose_sorters(
    session: Path, probes: tuple[Path, ...]
) -> tuple[dict[str, Path], list[Notice]]:
    """Return the folder to read of each probe; where a probe was sorted twice, say which."""
    found: dict[str, dict[str, Path]] = {}
    for folder in probes:
        inside = folder.resolve().relative_to(session.resolve()).parts
        probe, sorter = (inside[0] if inside else ""), "/".join(inside[1:])
        found.setdefault(probe, {})[sorter] = folder
    kept, notices = {}, []
    for probe, folders in found.items():
        order = [name for name in SORTERS if name in folders] or sorted(folders)
        kept[probe] = folders[order[0]]
        if len(folders) > 1:
            names = [name or "no sorter's folder" for name in (order[0], *sorted(folders))]
            notices.append(SORTER_CHOSEN(probe=probe, found=names[1:], taken=names[0]))
    return kept, notices


def _read_probe(
    folder: AlfFolder, probe: str
) -> tuple[pd.DataFrame, SpikesInTime, float, list[Notice]]:
    """Return units, spikes, the time of the last spike and notices of one folder of spikes."""
    path = folder.find_needed("spikes", "times")
    times = map_array(path)
    check_spike_times(path, times)
    check_seconds(f"the times in '{path}'", times)
    if not len(times):
        raise FormatError(f"'{path}' holds no spikes")
    path = folder.find_needed("spikes", "clusters")
    clusters = map_array(path, "iu", len(times))
    counts = count_spikes(path, clusters)
    table = _read_clusters(folder)
    if len(table) and not counts.index.isin(table.index).all():
        lost = counts.index.difference(table.index)
        raise FormatError(
            f"'{path}' has spikes of cluster {lost[0]}, which the files of 'clusters' do not have "
            f"({len(table)} rows)"
        )
    units = table.assign(n_spikes=counts.reindex(table.index, fill_value=0))
    if not len(table):
        units = pd.DataFrame(counts)
    units, notices = _add_area(units, folder)
    units, about_quality = _add_quality(units)
    units = units.assign(probe=_name_probe(units, probe))
    sizes = folder.find("spikes", "amps")
    amplitudes = map_array(sizes, length=len(times)) if sizes is not None else None
    spikes = SpikesInTime(times, clusters, units.index.to_numpy(), 1.0, amplitudes)
    return units, spikes, float(times[-1]), [*notices, *about_quality]


def _read_clusters(folder: AlfFolder) -> pd.DataFrame:
    """Return the table of clusters by id, which is the number of the row in their files.

    Tables (metrics, merged clusters) may say the id themselves, and may lack some clusters.
    """
    clusters = read_object(folder, "clusters", (*CLUSTER_PARTS, *TABLES))
    for attribute in TABLES:
        others = tuple(name for name in folder.files.get("clusters", {}) if name != attribute)
        table = read_object(folder, "clusters", others)
        if table.empty:
            continue
        if "cluster_id" in table:
            ids = table["cluster_id"]
            if ids.dtype.kind not in "iu" or ids.duplicated().any() or ids.min() < 0:
                raise FormatError(
                    f"'{folder.path}': cluster_id of clusters.{attribute} must be whole numbers, "
                    "each once"
                )
            table = table.set_index("cluster_id").sort_index()
        elif len(clusters) and len(table) != len(clusters):
            raise FormatError(
                f"'{folder.path}': clusters.{attribute} has {len(table)} rows, other files of "
                f"'clusters' {len(clusters)}, and it has no column 'cluster_id'"
            )
        new = table[[name for name in table if name not in clusters]]
        clusters = clusters.join(new) if len(clusters) else new
    return clusters


def _name_probe(units: pd.DataFrame, folder: str) -> Any:
    """Return the probe of each unit: a number in ``clusters.probes``, else the folder's name."""
    if "probes" in units and units["probes"].dtype.kind in "iuf" and not folder:
        return [f"probe{number:02d}" for number in _to_whole_numbers(units["probes"], missing=0)]
    return folder or "probe"


def _add_area(units: pd.DataFrame, folder: AlfFolder) -> tuple[pd.DataFrame, list[Notice]]:
    """Return the units with the area of their cluster, or of the channel where it is largest."""
    own = next((name for name in AREA_COLUMNS if name in units), None)
    if own is not None:
        areas, notices = _name_areas(units[own], AREA_COLUMNS[own])
        source = AREA_FROM(source=f"clusters.{own}")
        return units.assign(**{AREA_COLUMNS[own]: areas}), [source, *notices]
    key = next((name for name in ("channels", "peakChannel") if name in units), None)
    channels = read_object(folder, "channels")
    column = next((name for name in AREA_COLUMNS if name in channels), None)
    if key is None or column is None or units[key].dtype.kind not in "iuf":
        return units, []
    # Steinmetz' peakChannel comes from MATLAB and counts from 1; what holds a 0 counts from 0
    numbers = _to_whole_numbers(units[key], missing=-1)
    numbers = numbers - int(key == "peakChannel" and not (numbers == 0).any())
    inside = (numbers >= 0) & (numbers < len(channels))
    found = channels[column].reindex(np.where(inside, numbers, -1))
    areas, about = _name_areas(found, AREA_COLUMNS[column])
    notices = [AREA_FROM(source=f"channels.{column}, of the channel where it is largest ({key})")]
    if not inside.all():
        notices.append(CHANNELS_OUTSIDE(n=int((~inside).sum())))
    return units.assign(**{AREA_COLUMNS[column]: areas}), [*notices, *about]


def _name_areas(values: pd.Series, column: str) -> tuple[np.ndarray, list[Notice]]:
    """Return areas (unit,) as text, empty where there is none; numbers of an atlas without sign."""
    names = values.astype(object).fillna("").astype(str).to_numpy(dtype=str)
    if column != ATLAS_ID:
        return names, []
    numbers = to_numbers(values)
    ids = [name_value(abs(number)) for number in numbers]
    unsigned = [NO_AREAS.get(one, one) for one in ids]
    n_left = int((numbers < 0).sum())
    return np.where(np.isnan(numbers), names, unsigned), [HEMISPHERES(n=n_left)] if n_left else []


def _to_whole_numbers(values: pd.Series, missing: int) -> np.ndarray:
    """Return a column of numbers as integers, with a stand-in for what is none."""
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.abs(numbers) < 2**31, numbers, missing).astype(np.int64)


def _add_quality(units: pd.DataFrame) -> tuple[pd.DataFrame, list[Notice]]:
    """Return the units with ``quality`` as a word, from IBL's label or Steinmetz' annotation."""
    if "label" in units and units["label"].dtype.kind in "iuf":
        good = np.isclose(units["label"], 1)
        notice = IBL_LABEL(n_good=int(good.sum()), n=len(units))
        quality = np.where(good, "good", np.where(units["label"].isna(), "", "not good"))
        return units.assign(quality=quality), [notice]
    if "_phy_annotation" in units and units["_phy_annotation"].dtype.kind in "iuf":
        words = units["_phy_annotation"].map(PHY_LABELS).fillna("unknown")
        judged = words.mask(words == "unsorted", "good")
        return units.assign(phy_annotation=words, quality=judged), [PHY_ANNOTATION()]
    return units, []


def _name_session(session: Path) -> tuple[str, str]:
    """Return subject and name of ``.../Cori/2016-12-14/001/alf`` or ``.../Cori_2016-12-14``."""
    session = session.resolve()
    home = session.parent if session.name == "alf" else session
    text = "/".join(home.parts[-3:])
    match = re.search(r"([\w.-]+?)[/_](\d{4}-\d{2}-\d{2})(?:/(\d{1,3}))?$", text)
    if match is None:
        return "", home.name
    number = match[3] if match[3] and int(match[3]) > 1 else ""
    return match[1], " ".join(filter(None, (match[1], match[2], number)))
