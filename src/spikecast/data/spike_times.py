"""Recordings of spike times: which neurons, their columns, and behaviour on a clock of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.checks import check_finite, check_kind, check_unmasked, suggest_name
from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.binning import bin_spikes, note_unlisted, to_numbers, to_vector
from spikecast.data.cuts.behavior import BEHAVIOR_LEFT_OUT, bin_behavior
from spikecast.data.cuts.samples import Bins
from spikecast.data.cuts.taken import ATTRIBUTE, write_taken
from spikecast.data.cuts.trials import note_overlap
from spikecast.data.dataset import build_dataset, check_same_areas, check_same_rows
from spikecast.data.session import Samples

CLUSTER = ("cluster", "cluster_id", "unit", "id")
"""Columns of a table of neurons that may hold the number of a cluster, first come first served."""

EVENTS_UNORDERED = NoticeKind(
    "events_unordered",
    "serious",
    "events are not in order of time: what depends on the order of trials (drift, the shift test) "
    "is left out; sort events, and trials with them",
)

ENOUGH_SPIKES = 100
"""With fewer, the first and last say little of how long the recording was."""

TimedValues = Mapping[str, "tuple[np.ndarray, np.ndarray] | pd.Series | pd.DataFrame"]
"""Behaviour by name: times (s) and values; or pandas objects whose index is the time."""


class Names(TypedDict, total=False):
    """Names of a recording."""

    align_to: str
    session: str
    subject: str


def build_from_spikes(
    spike_times: np.ndarray,
    clusters: np.ndarray,
    events: Sequence[float] | np.ndarray,
    window: tuple[float, float],
    bin_size: float,
    area: Mapping[int, str] | pd.Series | str | None,
    neurons: pd.DataFrame | None,
    trials: pd.DataFrame | None,
    behavior: TimedValues | None,
) -> xr.Dataset:
    """Return the dataset of spikes; see :meth:`spikecast.Recording.from_spike_times`."""
    check_same_rows("spike_times", spike_times, "clusters", clusters)
    check_same_rows("events", events, "trials", trials)
    trials = _number_rows(trials, events)
    clusters = to_vector("clusters", clusters)
    if clusters.dtype.kind not in "iufUS":
        raise InputError(f"clusters must be numbers or text, not {clusters.dtype}")
    if clusters.dtype.kind == "f":
        check_finite("clusters", clusters)
    if clusters.dtype.kind == "S":
        clusters = clusters.astype(str)
    fired = np.unique(clusters)
    table = _list_neurons(fired, area, neurons)
    _check_ids(fired, table.index)
    table = table.sort_index()
    ids = table.index.to_numpy()
    if not ids.size:
        raise NotEnoughDataError("no neurons are listed: neither area nor neurons names a cluster")
    if fired.size and not np.isin(fired, ids).any():
        raise InputError(
            f"none of the {fired.size} clusters that fired ({fired[0]}, ...) is listed: the table "
            f"of neurons has {ids[0]}, ..."
        )
    counts, time = bin_spikes(spike_times, clusters, ids, events, window, bin_size)
    starts = to_numbers("events", events)
    bins = Bins(starts, window[0], bin_size, len(time))
    spikes = to_numbers("spike_times", spike_times)
    _check_events(starts, window, spikes)
    recorded = (float(spikes.min()), float(spikes.max())) if spikes.size else (starts[0], starts[0])
    binned, notices = _bin_behavior({} if behavior is None else behavior, bins, recorded)
    columns = {str(name): column.to_numpy() for name, column in table.items() if name != "area"}
    dataset = build_dataset(
        counts, time, table["area"].to_numpy(), trials, {"cluster": ids} | columns, binned, "counts"
    )
    in_order = bool((np.diff(starts) >= 0).all())
    if not in_order:
        dataset = dataset.assign_attrs(ordered=0)
    disorder = [] if in_order else [EVENTS_UNORDERED()]
    overlap = note_overlap(np.sort(starts), window, bin_size / 100)
    taken = write_taken([*note_unlisted(fired, ids), *disorder, *overlap, *notices])
    return dataset.assign_attrs({ATTRIBUTE: taken})


def _check_events(events: np.ndarray, window: tuple[float, float], spikes: np.ndarray) -> None:
    """Raise for a time that is there twice, and a window that is longer than the recording."""
    times, counts = np.unique(events, return_counts=True)
    if (counts > 1).any():
        raise InputError(
            f"{int((counts > 1).sum())} of {times.size} events are there more than once (the first "
            f"at {times[counts.argmax()]:g} s): a trial that is held out would be learnt from; "
            "take each once"
        )
    length = window[1] - window[0]
    if spikes.size >= ENOUGH_SPIKES and length > np.ptp(spikes):
        raise InputError(
            f"the window is {length:g} s long, and all spikes lie within {np.ptp(spikes):.4g} s; "
            "give window and bin_size in seconds"
        )


def _number_rows(
    trials: pd.DataFrame | None, events: Sequence[float] | np.ndarray
) -> pd.DataFrame | None:
    """Return trials numbered by place where they are known to be in the order of the events.

    They are where a column holds the events, or where events are a Series with the same rows.
    """
    if not isinstance(trials, pd.DataFrame):
        return trials
    known = isinstance(events, pd.Series) and events.index.equals(trials.index)
    starts = to_vector("events", events)
    known = known or any(np.array_equal(column, starts) for _, column in trials.items())
    return trials.reset_index(drop=True) if known else trials


def name_recording(align_to: str = "event", session: str = "", subject: str = "") -> Names:
    """Return the names of a recording; those not given by default."""
    return {"align_to": align_to, "session": str(session), "subject": str(subject)}


def _list_neurons(
    fired: np.ndarray,
    area: Mapping[int, str] | pd.Series | str | None,
    neurons: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return a table of neurons by cluster, ascending, with the column ``area``."""
    if neurons is None:
        if isinstance(area, str):
            area = dict.fromkeys(fired.tolist(), area)
        if not isinstance(area, Mapping | pd.Series):
            raise InputError(
                "area must be one name, or a mapping or Series cluster -> area, so that it is "
                "clear which cluster is where; a table of neurons is given as neurons"
            )
        if isinstance(area, pd.Series):
            _check_numbered("area", area.index, fired)
            _check_listed_once("the Series of areas", area.index)
        return pd.DataFrame({"area": pd.Series(dict(area.items()), dtype=object)})
    if not isinstance(neurons, pd.DataFrame):
        raise InputError(
            f"neurons is a {type(neurons).__name__}; give a DataFrame with a row per cluster"
        )
    name = next((column for column in CLUSTER if column in neurons), None)
    table = neurons.set_index(name) if name else neurons.copy()
    if not name:
        _check_numbered("neurons", table.index, fired)
    _check_listed_once("the table of neurons", table.index)
    given = None
    if isinstance(area, str):
        given = table.get(area, pd.Series(area, index=table.index))
    elif area is not None:
        given = pd.Series(dict(area.items())).reindex(table.index).fillna("")
    if given is not None:
        # the name of another column chooses between the two
        if "area" in table and not (isinstance(area, str) and area in table):
            check_same_areas(table["area"].to_numpy(), given.to_numpy())
        table["area"] = given
    elif "area" not in table:
        raise UnknownNameError(
            "the table of neurons has no column 'area'; give area=, one name for all or the name "
            f"of a column.{suggest_name('area', table)}"
        )
    return table


def _check_listed_once(what: str, index: pd.Index) -> None:
    """Raise where a cluster is listed twice: it could be in two areas."""
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise InputError(f"{what} lists cluster {twice} more than once")


def _check_ids(fired: np.ndarray, index: pd.Index) -> None:
    """Raise where listed clusters are text and those that fired numbers: none is equal then."""
    if index.hasnans:
        raise InputError("a neuron is listed without the number of its cluster")
    listed = {isinstance(one, str) for one in index}
    if fired.size and listed and listed != {fired.dtype.kind == "U"}:
        words = {True: "text", False: "numbers"}
        named = " and ".join(words[one] for one in sorted(listed))
        raise InputError(
            f"clusters are {words[fired.dtype.kind == 'U']}, those that are listed are {named}; "
            "give both as whole numbers, or both as text"
        )


def _check_numbered(what: str, index: pd.Index, fired: np.ndarray) -> None:
    """Raise where rows are only counted, from 0: the index is then no list of clusters."""
    if index.equals(pd.RangeIndex(len(index))) and not np.isin(fired, index).all():
        raise InputError(
            f"{what} has rows 0 to {len(index) - 1}, but clusters {fired[0]} to {fired[-1]} fired: "
            "its index must be the numbers of the clusters (or neurons have a column 'cluster')"
        )


def _bin_behavior(
    behavior: TimedValues, bins: Bins, recorded: tuple[float, float]
) -> tuple[dict[str, np.ndarray], list[Notice]]:
    """Return behaviour (trial, time[, channel]) in bins, and how each was brought there."""
    if isinstance(behavior, pd.Series | pd.DataFrame):
        raise InputError(
            f"behavior is a {type(behavior).__name__}; give a mapping of names, for example "
            '{"wheel": series}, the index of which is the time in seconds'
        )
    samples = {}
    check_kind(behavior, Mapping)
    for name, given in behavior.items():
        times, values = _split_samples(str(name), given)
        samples[str(name)] = Samples(np.asarray(times, dtype=float), np.asarray(values))
    binned, notices = bin_behavior(samples, bins, recorded)
    for notice in notices:
        if notice.code == BEHAVIOR_LEFT_OUT.code:
            raise InputError(f"behaviour '{notice.values['name']}': {notice.values['why']}")
    return binned, notices


def _split_samples(name: str, given: Any) -> tuple[Any, Any]:
    if isinstance(given, pd.Series | pd.DataFrame):
        return given.index.to_numpy(), given.to_numpy()
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InputError(
            f"behaviour '{name}' is a {type(given).__name__}; give (times in seconds, values), or "
            "a Series whose index is the time. What is binned already goes to from_arrays"
        )
    times, values = given
    check_unmasked(f"behaviour '{name}'", values)
    return to_vector(f"times of '{name}'", times), values
