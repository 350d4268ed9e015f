"""Spikes that were cut into trials: three lists, as ``SpikeData`` of affinewarp keeps them.

=====================================  ============================================================
array of the ``.npz``                  what is taken of it
=====================================  ============================================================
``trials``                             the trial of each spike, from 0
``times`` or ``spiketimes``            its time within the trial, in samples
``neurons`` or ``neuron_ids``          its unit
``tmin``, ``tmax``                     the part of each trial that was recorded; else 0 to the last
one value per trial                    the trial table; also from another ``.npz`` of the folder
=====================================  ============================================================

The file does not say how many samples there are per second: the user gives it as the frame rate.
Trials are laid one after the other on one clock; what was between them is not known, and windows
that reach out of a trial are left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import NoticeKind
from spikecast.data.nwb.columns import to_plain
from spikecast.data.safe_pickle import load_numpy
from spikecast.data.session import RawSession, SpikesInTime

CONTENT = "spikes by trial (.npz with trials, times, neurons), or the folder of such a file"
NAMES = {
    "trials": ("trials",),
    "times": ("times", "spiketimes"),
    "neurons": ("neurons", "neuron_ids"),
}
LABEL_VALUES = 20  # a column with more distinct numbers is taken as times within the trial
START = "trial_start"
MOST_EMPTY = 10_000
"""Trials, beside a hundred for each spike, that a file without labels can have."""
LONGEST = 1e12
"""Samples of a session, and the largest number of a neuron."""

ON_ONE_CLOCK = NoticeKind(
    "trials_on_one_clock",
    "minor",
    "{n} trials of {length} samples are laid one after the other: their order is the file's, and "
    "how much time was between them is not known. Taken as times within the trial: {times}; as "
    "labels: {labels}",
)
OBJECTS = NoticeKind(
    "objects_left_out",
    "serious",
    "not taken, for they hold other objects than numbers and text (or miss some): {names}",
)
FIRST_EMPTY = NoticeKind(
    "first_empty",
    "serious",
    "trial 0 has no spikes, the first that has is {first}: do trials count from 1? Then labels go "
    "with other trials; subtract 1",
)


@dataclass(frozen=True, eq=False)
class TrialSpikes:
    """What the files hold, in samples."""

    trials: np.ndarray
    times: np.ndarray
    neurons: np.ndarray
    span: tuple[float, float]
    table: dict[str, np.ndarray]
    left_out: list[str]


def sniff(source: Any) -> bool:
    """Return whether a file holds the three lists, or a folder such a file."""
    return isinstance(source, Path) and _find_file(source) is not None


def _find_file(source: Path) -> Path | None:
    """Return the file with the three lists; labels beside it would be of one of several."""
    paths = sorted(source.glob("*.npz")) if source.is_dir() else [source]
    found = [path for path in paths if path.suffix == ".npz" and _has_lists(path)]
    if len(found) > 1:
        raise FormatError(
            f"'{source}' holds spikes of {len(found)} sessions, '{found[0].name}' and "
            f"'{found[1].name}': put each, with its table of trials, into a folder of its own"
        )
    return found[0] if found else None


def _has_lists(path: Path) -> bool:
    try:
        with ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except Exception:  # a damaged archive can fail in any way
        return False
    return all(names.intersection(allowed) for allowed in NAMES.values())


def open_sessions(source: Path) -> list[Callable[[], RawSession]]:
    """Return one callable, which reads the file, and the others of its folder."""
    return [partial(read_trial_spikes, source)]


def read_trial_spikes(source: Path) -> RawSession:
    """Return the session, in samples until the rate is known."""
    path = _find_file(source)
    if path is None:
        raise FormatError(f"'{source}' holds no .npz with the arrays trials, times and neurons")
    found = _read_files(path, source)
    return _lay_out(found, source, 1.0, in_frames=True)


def _read_files(path: Path, source: Path) -> TrialSpikes:
    arrays = load_numpy(path)
    lists = {}
    for name, allowed in NAMES.items():
        key = next((key for key in allowed if key in arrays), None)
        values = np.ravel(arrays[key]) if key else np.zeros(0)
        if key is None or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise FormatError(f"'{path}': '{name}' must be a list of finite numbers")
        lists[name] = values
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1 or not len(lists["times"]):
        raise FormatError(f"'{path}': the lists must be equally long, and not empty: {lengths}")
    for name in ("trials", "neurons"):
        if (lists[name] < 0).any() or (lists[name] != np.floor(lists[name])).any():
            raise FormatError(f"'{path}': '{name}' must be whole numbers from 0")
        most = 10_000_000 if name == "trials" else LONGEST
        if lists[name].max() > most:
            raise FormatError(f"'{path}': '{name}' reaches {lists[name].max():g}")
    trials = lists["trials"].astype(np.int64)
    others = [path] if not source.is_dir() else sorted(source.glob("*.npz"))
    known = {key for names in NAMES.values() for key in names} | {"tmin", "tmax"}
    table: dict[str, np.ndarray] = {}
    left_out: list[str] = []
    for other in others:
        content = arrays if other == path else load_numpy(other)
        for key, values in content.items():
            values = np.asarray(values)
            if key in known or not values.ndim or not values.size or values.size != len(values):
                continue
            if values.dtype.kind not in "iufbU":
                text = to_plain(values.reshape(-1))
                if text is None:
                    left_out.append(key)
                    continue
                values = text
            if key in table:
                raise FormatError(f"'{other}' has an array '{key}', and so has another file")
            if len(values) != len(trials) or len(trials) == trials.max() + 1:
                table[key] = values.reshape(-1)  # else one value per spike
    n_trials, columns = _choose_trials(path, int(trials.max()), table)
    if not columns and n_trials > 100 * len(trials) + MOST_EMPTY:
        raise FormatError(f"'{path}' has {len(trials)} spikes, and one in trial {n_trials - 1}")
    times = lists["times"].astype(float)
    span = _read_span(path, arrays, times)
    if not max(map(abs, span)) * n_trials < LONGEST:
        raise FormatError(
            f"'{path}': {n_trials} trials of {span[1] - span[0]:g} samples; 'times', 'tmin' and "
            "'tmax' must be samples from the start of a trial"
        )
    columns = columns or {"trial": np.arange(n_trials)}
    return TrialSpikes(trials, times, lists["neurons"].astype(np.int64), span, columns, left_out)


def _choose_trials(
    path: Path, last: int, table: dict[str, np.ndarray]
) -> tuple[int, dict[str, np.ndarray]]:
    """Return how many trials there are, and the columns of so many values."""
    lengths = sorted({len(values) for values in table.values()})
    enough = [length for length in lengths if length > last]
    if lengths and not enough:
        raise FormatError(
            f"'{path}' has spikes of trial {last}; the trial table has {lengths[-1]} rows. Trials "
            "count from 0"
        )
    if len(enough) > 1:
        names = [next(name for name in table if len(table[name]) == one) for one in enough[:2]]
        raise FormatError(
            f"'{path}' and the files beside it hold '{names[0]}' with {enough[0]} values and "
            f"'{names[1]}' with {enough[1]}: which has one per trial? Keep what has not elsewhere"
        )
    n_trials = enough[0] if enough else last + 1
    return n_trials, {key: values for key, values in table.items() if len(values) == n_trials}


def _read_span(path: Path, arrays: dict[str, np.ndarray], times: np.ndarray) -> tuple[float, float]:
    """Return the part of each trial that was recorded."""
    span = [min(0.0, float(times.min())), float(times.max()) + 1]
    for place, name in enumerate(("tmin", "tmax")):
        if name in arrays:
            value = np.ravel(arrays[name])
            if value.size != 1 or value.dtype.kind not in "iuf" or not np.isfinite(value[0]):
                raise FormatError(f"'{path}': '{name}' must be one number")
            span[place] = float(value[0])
    if span[0] >= span[1]:
        raise FormatError(f"'{path}': trials go from {span[0]:g} to {span[1]:g}")
    return span[0], span[1]


def _lay_out(found: TrialSpikes, source: Path, rate: float, in_frames: bool) -> RawSession:
    """Return the session with trial k starting at k times its length; times divided by a rate."""
    length = found.span[1] - found.span[0]
    n_trials = len(next(iter(found.table.values())))
    start = np.arange(n_trials) * length - found.span[0]
    inside = (found.times >= found.span[0]) & (found.times < found.span[1])
    times = (start[found.trials] + found.times)[inside] / rate
    order = np.argsort(times, kind="stable")
    ids = np.unique(found.neurons)
    is_time = {name: _holds_times(values, found.span) for name, values in found.table.items()}
    columns: dict[str, Any] = {START: start / rate}
    for name, values in found.table.items():
        columns[name] = (start + values) / rate if is_time[name] else values
    named = {
        what: [name for name, is_it in is_time.items() if is_it == (what == "times")]
        for what in ("times", "labels")
    }
    return RawSession(
        source="file of spikes by trial",
        units=pd.DataFrame(
            {"n_spikes": np.bincount(np.searchsorted(ids, found.neurons), minlength=len(ids))},
            index=pd.Index(ids, name="neuron"),
        ),
        spikes=SpikesInTime(times[order], found.neurons[inside][order], ids),
        tables={"trials": pd.DataFrame(columns)},
        duration=(0.0, n_trials * length / rate),
        observed=np.column_stack([start + found.span[0], start + found.span[1]]) / rate,
        in_frames=in_frames,
        use_rate=partial(_lay_out, found, source, in_frames=False) if in_frames else None,
        session=source.resolve().stem,
        notices=[
            ON_ONE_CLOCK(
                n=n_trials,
                length=f"{length:g}",
                times=named["times"] or ["none"],
                labels=named["labels"] or ["none"],
            ),
            *([FIRST_EMPTY(first=int(found.trials.min()))] if found.trials.min() > 0 else []),
            *([OBJECTS(names=found.left_out)] if found.left_out else []),
        ],
    )


def _holds_times(values: np.ndarray, span: tuple[float, float]) -> bool:
    """Return whether a column of trials holds times: all 0, or many numbers within the trial."""
    if values.dtype.kind not in "iuf":
        return False
    known = np.asarray(values[np.isfinite(values)], dtype=float)
    if not known.size or not known.any():
        return bool(known.size)
    inside = (known >= span[0]) & (known <= span[1])
    return len(np.unique(known)) > LABEL_VALUES and bool(inside.mean() > 0.5)
