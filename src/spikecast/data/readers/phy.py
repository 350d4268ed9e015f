"""Folders of Kilosort and Phy: spikes of all units in one list, labels in small tables.

=============================  ====================================================================
file                           what is taken of it
=============================  ====================================================================
spike_times.npy                times in samples, (n,) or (n, 1), never read as a whole
spike_clusters.npy             the unit of each spike, as Phy last saved it; without it
                               ``spike_templates.npy``, Kilosort's own
params.py                      ``sample_rate``; the file is parsed, never run
cluster_*.tsv, cluster_*.csv   columns of units, by ``cluster_id``: ``group`` (Phy), ``KSLabel``
                               (Kilosort), an area if there is one, ...; tabs or commas in both
amplitudes.npy                 column ``amplitude``: the mean over a unit's spikes
templates.npy,                 columns ``x`` and ``depth``: the channel where the unit's most
channel_positions.npy          frequent template is largest; ``cluster_info.tsv`` goes before
=============================  ====================================================================

There are no events in such a folder; the user names a file of them, in seconds from sample 0.
"""

import ast
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.array_files import (
    AREA_NAMES,
    INDEX,
    check_spike_times,
    count_spikes,
    find_columns,
    map_array,
    map_matrix,
    pick_column,
    read_table,
    split_into_chunks,
)
from spikecast.data.session import RawSession, SpikesInTime

CONTENT = "folders of Kilosort or Phy (spike_times.npy, spike_clusters.npy, params.py)"
CLUSTER_NAMES = ("cluster_id", "id")
LONGEST_HEADER = 1 << 16  # characters
UNSET = ("", "nan", "unsorted", "none")  # labels of Phy that no person has set

TEMPLATES_USED = NoticeKind(
    "templates_used",
    "minor",
    "there is no spike_clusters.npy: units are Kilosort's templates, before any curation in Phy",
)
QUALITY_JOINED = NoticeKind(
    "quality_joined",
    "minor",
    "quality of a unit: Phy's group for {n_group} units that a person labelled, Kilosort's "
    "KSLabel for {n_sorter}; where both are there they differ for {n_differ}",
)
ROWS_WITHOUT_SPIKES = NoticeKind(
    "rows_without_spikes",
    "minor",
    "{n} units of the tables have no spikes (merged or split since) and are left out",
)
TABLE_LEFT_OUT = NoticeKind("table_left_out", "serious", "a table of units is left out: {reason}")
NEEDED = ("group", "groups", "kslabel", "info", *AREA_NAMES)
"""Tables ``cluster_*``, in lower case, that say which units are good and where they are."""
COLUMNS_DIFFER = NoticeKind(
    "columns_differ",
    "serious",
    "'{column}' differs between {kept} (taken) and {other} for {n} units{why}",
)
OLDER = ": Phy writes cluster_info.tsv when it saves, so it is older"


def sniff(source: Any) -> bool:
    """Return whether a folder holds files as Kilosort names them."""
    names = ("spike_times.npy", "spike_clusters.npy", "spike_templates.npy")
    return isinstance(source, Path) and any((source / name).is_file() for name in names)


def open_sessions(source: Path) -> list[Callable[[], RawSession]]:
    """Return one callable, which reads the folder."""
    return [partial(read_folder, source)]


def read_folder(folder: Path) -> RawSession:
    """Return the session in a folder; spikes stay on disk until they are counted."""
    rate = read_sample_rate(folder / "params.py")
    times = _map_times(folder / "spike_times.npy")
    notices: list[Notice] = []
    path = folder / "spike_clusters.npy"
    if not path.is_file():
        path = folder / "spike_templates.npy"
        if not path.is_file():
            raise FormatError(
                f"'{folder}' has neither spike_clusters.npy nor spike_templates.npy: the unit of "
                "each spike is not known"
            )
        notices.append(TEMPLATES_USED())
    clusters = map_array(path, "iu", len(times))
    counts = count_spikes(path, clusters)
    units = pd.DataFrame(counts)
    units.index.name = "cluster_id"
    labels, found = _read_labels(folder)
    left_out = labels.index.difference(units.index)
    if len(left_out):
        found.append(ROWS_WITHOUT_SPIKES(n=len(left_out)))
    units = units.join(labels.drop(columns="n_spikes", errors="ignore"))
    quality, joined = _join_quality(units)
    units = _add_positions(units, folder, clusters)
    units = _add_amplitudes(units, folder, clusters)
    return RawSession(
        source="Phy folder",
        units=units,
        spikes=SpikesInTime(
            times,
            clusters,
            units.index.to_numpy(),
            1 / rate,
            _map_amplitudes(folder / "amplitudes.npy", len(times)),
        ),
        area_columns=[name for name in find_columns(units, AREA_NAMES) if _is_name(units[name])],
        quality_columns=quality,
        duration=(0.0, float(times[-1]) / rate),
        session=folder.resolve().name,
        notices=[*notices, *found, *joined],
    )


def _map_times(path: Path) -> np.ndarray:
    """Return the checked times in samples; some exports store them as whole floats."""
    times = map_array(path)
    check_spike_times(path, times)
    if not len(times):
        raise FormatError(f"'{path}' holds no spikes")
    some = np.asarray(times[:100_000])
    if (some != np.floor(some)).any():
        raise FormatError(
            f"'{path}' holds fractions: it must count samples. Multiply by the sampling rate"
        )
    return times


def read_sample_rate(path: Path) -> float:
    """Return ``sample_rate`` of a ``params.py``, which is parsed and never run."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of how it is written: Python's, line by line
            tree = ast.parse(text)
    except FileNotFoundError:
        raise FormatError(
            f"there is no file '{path}': its line 'sample_rate = 30000.' says how many samples "
            "spike_times.npy counts per second. Write it"
        ) from None
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
        raise FormatError(
            f"'{path}' is not what Phy writes: {' '.join(str(error).split())}"
        ) from None
    values = [
        line.value
        for line in tree.body
        if isinstance(line, ast.Assign) and any(_is_rate(name) for name in line.targets)
    ]
    if not values:
        raise FormatError(f"'{path}' lacks the line 'sample_rate = 30000.'")
    if len(values) > 1 or sum(map(_is_rate, ast.walk(tree))) > 1:
        raise FormatError(f"'{path}' sets sample_rate more than once; keep the line that is right")
    try:
        rate = float(ast.literal_eval(values[0]))
    except (ValueError, TypeError, OverflowError, RecursionError):
        rate = float("nan")
    if not 100 <= rate <= 1e6:
        raise FormatError(
            f"sample_rate of '{path}' must be a number of samples per second, such as 30000., not "
            f"{quote(ast.get_source_segment(text, values[0]))}"
        )
    return rate


def _is_rate(node: ast.AST) -> bool:
    """Return whether a part of a ``params.py`` sets, changes or deletes the sampling rate."""
    return (
        isinstance(node, ast.Name)
        and node.id == "sample_rate"
        and not isinstance(node.ctx, ast.Load)
    )


def _read_labels(folder: Path) -> tuple[pd.DataFrame, list[Notice]]:
    """Return the columns of all tables of units, by id, and what differs between them."""
    labels = pd.DataFrame(index=pd.Index([], dtype=np.int64))
    sources: dict[str, str] = {}
    notices = []
    paths = [*folder.glob("cluster_*.tsv"), *folder.glob("cluster_*.csv")]
    # Phy writes .tsv, .csv is of older versions and other tools; cluster_info.tsv is what it
    # exports of the others, so it comes last and only adds
    for path in sorted(
        paths, key=lambda one: (one.stem == "cluster_info", one.suffix == ".csv", one.name)
    ):
        try:
            table = _read_label_table(path)
        except FormatError as error:
            if path.stem.removeprefix("cluster_").casefold() in NEEDED:
                raise
            notices.append(TABLE_LEFT_OUT(reason=str(error)))  # of another tool
            continue
        labels = labels.reindex(labels.index.union(table.index))
        table = table.reindex(labels.index)
        for name in map(str, table):
            if name not in labels:
                sources[name] = path.name
                continue
            column = table[name]
            both = column.notna() & labels[name].notna()
            n_differ = int((column[both].astype(str) != labels.loc[both, name].astype(str)).sum())
            if n_differ:
                why = OLDER if path.stem == "cluster_info" else ""
                differ = COLUMNS_DIFFER(
                    column=name, kept=sources[name], other=path.name, n=n_differ, why=why
                )
                notices.append(differ)
        labels = pd.concat([labels, table[[name for name in table if name not in labels]]], axis=1)
    return labels, notices


def _read_label_table(path: Path) -> pd.DataFrame:
    """Return a table of units by id; tabs or commas may be between its columns."""
    table = read_table(path, _find_separator(path), CLUSTER_NAMES)
    key = pick_column(table, CLUSTER_NAMES)
    ids = table[key] if key else pd.Series(dtype=object)
    if key is None or ids.dtype.kind not in "iu" or ids.min() < 0:
        raise FormatError(f"'{path}' needs a column 'cluster_id' of whole numbers")
    if ids.duplicated().any():
        raise FormatError(f"'{path}' has unit {ids[ids.duplicated()].iloc[0]} twice")
    return table.set_index(key).drop(columns=INDEX, errors="ignore")


def _find_separator(path: Path) -> str:
    """Return a comma where the first line of a table has some and no tab, else a tab."""
    if not path.is_file():
        return "\t"
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline(LONGEST_HEADER)
        return "," if "," in first and "\t" not in first else "\t"
    return "\t"


def _join_quality(units: pd.DataFrame) -> tuple[list[str], list[Notice]]:
    """Return the column of quality, which is added where a person's and Kilosort's are there."""
    group, sorter = (pick_column(units, (name,)) for name in ("group", "KSLabel"))
    if group is None or sorter is None:
        return [name for name in (group, sorter) if name], []
    labels = units[group].astype(object).fillna("").astype(str)
    by_hand = ~labels.str.strip().str.casefold().isin(UNSET)
    by_sorter = units[sorter].astype(object)
    units["quality"] = units[group].astype(object).where(by_hand, by_sorter)
    differ = by_hand & by_sorter.notna() & (labels != by_sorter.astype(str))
    n_group = int(by_hand.sum())
    joined = QUALITY_JOINED(
        n_group=n_group, n_sorter=len(units) - n_group, n_differ=int(differ.sum())
    )
    return ["quality"], [joined]


def _is_name(values: pd.Series) -> bool:
    """Return whether a column can name areas: text, or whole numbers as those of an atlas."""
    return values.dtype.kind != "f" or bool((values.dropna() % 1 == 0).all())


def _map_amplitudes(path: Path, n_spikes: int) -> np.ndarray | None:
    return map_array(path, "iuf", n_spikes) if path.is_file() else None


def _add_amplitudes(units: pd.DataFrame, folder: Path, clusters: np.ndarray) -> pd.DataFrame:
    """Return the units with the mean amplitude of their spikes, where the folder has it."""
    amplitudes = _map_amplitudes(folder / "amplitudes.npy", len(clusters))
    if amplitudes is None or "amplitude" in units:
        return units
    total = np.zeros(int(units.index.max()) + 1)
    for part in split_into_chunks(clusters, amplitudes):
        ids = clusters[part].astype(np.int64)
        total += np.bincount(ids, amplitudes[part], minlength=len(total))
    return units.assign(amplitude=total[units.index] / units["n_spikes"])


def _add_positions(units: pd.DataFrame, folder: Path, clusters: np.ndarray) -> pd.DataFrame:
    """Return the units with ``x`` and ``depth`` of their largest channel, where that is known."""
    files = [folder / f"{name}.npy" for name in ("templates", "channel_positions")]
    used = folder / "spike_templates.npy"
    if "depth" in units or not all(path.is_file() for path in (*files, used)):
        return units
    templates, positions = map_matrix(files[0]), map_matrix(files[1])
    if templates.ndim != 3 or positions.ndim != 2 or positions.shape[1] < 2:
        return units
    # sparse templates count channels of their own
    if not templates.size or templates.shape[2] != len(positions):
        return units
    with np.errstate(all="ignore"):  # a template may hold NaN
        peaks = np.array([np.ptp(shape, axis=0).argmax() for shape in templates])
    own = map_array(used, "iu", len(clusters))
    channel = [peaks[template] for template in _find_main_templates(units, clusters, own, peaks)]
    return units.assign(
        x=np.asarray(positions[channel, 0], float), depth=np.asarray(positions[channel, 1], float)
    )


def _find_main_templates(
    units: pd.DataFrame, clusters: np.ndarray, templates: np.ndarray, peaks: np.ndarray
) -> np.ndarray:
    """Return the template (unit,) that most spikes of each unit have."""
    pairs: dict[tuple[int, int], int] = {}
    for part in split_into_chunks(clusters, templates):
        used = templates[part].astype(np.int64)
        if used.min() < 0 or used.max() >= len(peaks):
            raise FormatError(
                f"spike_templates.npy has templates {used.min()} to {used.max()}; templates.npy "
                f"has 0 to {len(peaks) - 1}"
            )
        code = clusters[part].astype(np.int64) * len(peaks) + used
        for value, count in zip(*np.unique(code, return_counts=True), strict=True):
            pair = (int(value) // len(peaks), int(value) % len(peaks))
            pairs[pair] = pairs.get(pair, 0) + int(count)
    best: dict[int, tuple[int, int]] = {}
    for (unit, template), count in pairs.items():
        best[unit] = max(best.get(unit, (0, 0)), (count, template))
    return np.array([best[unit][1] for unit in units.index])
