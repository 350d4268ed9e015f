"""Events, trial tables and behaviour in a folder of ALF files."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.alf_files import AlfFolder, interpolate_times, list_files, read_object
from spikecast.data.array_files import map_array
from spikecast.data.session import Samples

NO_EVENTS = ("spikes", "clusters", "channels", "probes", "templates", "electrodeSites", "drift")
UNITS = {("wheel", "ibl"): "rad", ("wheel", ""): "encoder ticks"}  # by object and namespace
LICKS = ("licks", "lickTimes")

BEHAVIOR_LEFT_OUT = NoticeKind(
    "behavior_left_out", "serious", "the behaviour '{name}' is left out: {reason}"
)
TASK = re.compile(r"task_\d+")
TRIALS = re.compile(r"(task_\d+_)?trials")
TASKS = NoticeKind("tasks", "minor", "trials and behaviour are from the folders {folders}")
IN_SEVERAL_TASKS = NoticeKind(
    "in_several_tasks",
    "serious",
    "{names}: there in several of the folders {folders}; those of a task are called by it, as "
    "{example}{default}",
)
Found = TypeVar("Found")


def read_tasks(
    session: Path,
) -> tuple[dict[str, pd.DataFrame], dict[str, np.ndarray], dict[str, Samples], list[Notice]]:
    """Return tables, lists of times, behaviour and notices of a session and its folders of tasks.

    A name that several folders have is called by its task: ``task_00_trials``.
    """
    paths = sorted(path for path in session.glob("task_*") if TASK.fullmatch(path.name))
    folders = {"": list_files(session)}
    folders |= {path.name: list_files(path) for path in paths if path.is_dir()}
    events = {task: read_events(folder) for task, folder in folders.items()}
    sampled = {task: read_behavior(folder) for task, folder in folders.items()}
    tables, twice = _join_tasks({task: found[0] for task, found in events.items()})
    times, twice_times = _join_tasks({task: found[1] for task, found in events.items()})
    behavior, twice_behavior = _join_tasks({task: found[0] for task, found in sampled.items()})
    notices = [notice for _, found in sampled.values() for notice in found]
    names = [*twice, *twice_times, *twice_behavior]
    used = [task or session.name for task in folders if any((*events[task], sampled[task][0]))]
    if len(folders) > 1:
        notices.append(TASKS(folders=used))
    if names:
        example = next(name for name in (*tables, *times, *behavior) if TASK.match(name))
        plain = [name for name in names if name in {**tables, **times, **behavior}]
        default = f"; without it, {', '.join(plain)} is that of {session.name}" if plain else ""
        several = IN_SEVERAL_TASKS(names=names, folders=used, example=example, default=default)
        notices.append(several)
    order = sorted(tables, key=lambda name: not TRIALS.fullmatch(name))
    return {name: tables[name] for name in order}, times, behavior, notices


def list_second_tables(tables: Collection[str]) -> list[str]:
    """Return the tables of tasks that the folder of the session has, too.

    Examples
    --------
    >>> list_second_tables(["trials", "task_01_trials", "task_01_passive"])
    ['task_01_trials']
    """
    return [name for name in tables if TASK.match(name) and name.split("_", 2)[-1] in tables]


def _join_tasks(found: Mapping[str, Mapping[str, Found]]) -> tuple[dict[str, Found], list[str]]:
    """Return what is in the folders of tasks by name, and the names that several of them have."""
    counts = Counter(name for of_task in found.values() for name in of_task)
    joined = {
        f"{task}_{name}" if task and counts[name] > 1 else name: value
        for task, of_task in found.items()
        for name, value in of_task.items()
    }
    return joined, [name for name, n in counts.items() if n > 1]


def read_events(folder: AlfFolder) -> tuple[dict[str, pd.DataFrame], dict[str, np.ndarray]]:
    """Return tables of what has times or intervals, ``trials`` first, and bare lists of times."""
    tables, events = {}, {}
    for name in sorted(folder.files, key=lambda name: (name != "trials", name)):
        attributes = folder.files[name]
        if name in NO_EVENTS or "timestamps" in attributes or _is_camera(name):
            continue
        if set(attributes) == {"times"}:
            path = folder.find_needed(name, "times")
            times = np.array(map_array(path), dtype=float)
            if np.isinf(times).any():
                raise FormatError(f"'{path}' holds infinite times")
            events[name] = times
            continue
        table = read_object(folder, name)
        if len(table) and _has_times(table):
            tables[name] = table
    return tables, events


def _is_camera(name: str) -> bool:
    return name.casefold().endswith("camera")


def _has_times(table: pd.DataFrame) -> bool:
    """Return whether some column of a table says when something was."""
    words = ("times", "intervals")
    return any(
        word in str(name) and table[name].dtype.kind in "iuf" for name in table for word in words
    )


def read_behavior(folder: AlfFolder) -> tuple[dict[str, Samples], list[Notice]]:
    """Return what is sampled on its own clock (wheel, pupil, cameras), and times of licks.

    What cannot be read is left out, with a notice that says why.
    """
    behavior: dict[str, Samples] = {}
    notices: list[Notice] = []
    for name in sorted(folder.files):
        attributes = folder.files[name]
        clock = "times" if _is_camera(name) else "timestamps"
        try:
            if name in LICKS and "times" in attributes:
                times = np.array(map_array(folder.find_needed(name, "times")), dtype=float)
                behavior["licks"] = Samples(np.sort(times[np.isfinite(times)]))
            elif clock in attributes and name not in NO_EVENTS:
                sampled, about = _read_samples(folder, name, clock)
                behavior |= sampled
                notices += about
        except FormatError as error:
            notices.append(BEHAVIOR_LEFT_OUT(name=name, reason=str(error)))
    return behavior, notices


def _read_samples(
    folder: AlfFolder, name: str, clock: str
) -> tuple[dict[str, Samples], list[Notice]]:
    """Return the attributes of numbers of a continuous object, as ``object_attribute``.

    One that does not go with the clock is left out, with a notice; the others stay.
    """
    found: dict[str, Samples] = {}
    notices = []
    for attribute in folder.files[name]:
        path = folder.find(name, attribute)
        if path is None or attribute in (clock, "timestamps", "times"):
            continue
        try:
            found |= _read_attribute(folder, name, attribute, path, clock)
        except FormatError as error:
            notices.append(BEHAVIOR_LEFT_OUT(name=f"{name}.{attribute}", reason=str(error)))
    return found, notices


def _read_attribute(
    folder: AlfFolder, name: str, attribute: str, path: Path, clock: str
) -> dict[str, Samples]:
    """Return what one file holds of a continuous object; nothing where it holds no numbers."""
    single = AlfFolder(folder.path, {name: {attribute: [path]}})
    numbers = read_object(single, name).select_dtypes(["number", "bool"])
    if numbers.empty:
        return {}
    times = interpolate_times(folder.find_needed(name, clock), len(numbers))
    values = numbers.to_numpy(dtype=float)
    if path.suffix != ".npy":  # a table, as of pose: a variable for each column
        columns = [str(column).removeprefix(f"{attribute}_") for column in numbers]
        return {f"{name}_{c}": Samples(times, values[:, i]) for i, c in enumerate(columns)}
    values = values[:, 0] if values.shape[1] == 1 else values
    unit = UNITS.get((name, folder.get_namespace(name)), "")
    return {f"{name}_{attribute}": Samples(times, values, unit, attribute == "position")}
