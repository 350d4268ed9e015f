"""Recorded behaviour as the nulls take it: in channels, without gaps and artefacts."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.binning import LARGEST
from spikecast.data.recording import Recording

MAX_CHANNELS = 40  # of all variables together; those of many channels are reduced first
FEWEST = 2  # channels that a variable of many keeps
MOST = 10.0  # s.d. of the bulk from the median
RARE = 5e-3  # of samples at either end: what lies there is not the bulk
ENOUGH = 5000  # samples of a channel that tell its s.d.

GAPS = NoticeKind(
    "behavior_gaps",
    "serious",
    "behaviour {names} is missing in {share:.0%} of the bins, where it is guessed: what two areas "
    "owe to it there passes for what one tells about the other; select the trials in which it was "
    "recorded",
)
ARTEFACTS = NoticeKind(
    "behavior_artefacts",
    "minor",
    "behaviour {names} has {n} values further than 10 s.d. from its median; they are cut to that",
)
REDUCED = NoticeKind(
    "behavior_reduced",
    "minor",
    "behaviour {names}, of {n} channels, is taken as {kept} principal components: movement that "
    "they do not hold is not taken out",
)


def stack_behavior(recording: Recording, time: np.ndarray) -> np.ndarray | None:
    """Return all recorded behaviour on some bins, (trial, time, channel), or None.

    Gaps (NaN) are filled from the samples around them in the trial, or else by the channel's mean;
    rare values far from all others are cut; variables of many channels are reduced to principal
    components, so that they do not crowd out a single one. Channels that never change tell nothing
    and are left out. The first channels of all variables come first, then the second ones.
    """
    bins = np.isin(recording.time, time)
    variables = _read_variables(recording, bins)
    kept = _share_channels({name: values.shape[2] for name, values in variables.items()})
    channels = []
    for name, values in variables.items():
        whole = cut_artefacts(fill_gaps(values))
        whole = whole[:, :, np.ptp(whole, axis=(0, 1)) > 0]
        channels.append(whole if whole.shape[2] <= kept[name] else _reduce(whole, kept[name]))
    if not channels:
        return None
    stacked = np.concatenate(channels, axis=2)
    place = np.concatenate([np.arange(one.shape[2]) for one in channels])  # within its variable
    return stacked[:, :, np.argsort(place, kind="stable")] if place.size else None


def read_behavior(recording: Recording, time: np.ndarray) -> dict[str, Any]:
    """Return a problem's behaviour and its gaps on some bins, by name."""
    return {"behavior": stack_behavior(recording, time), "gaps": find_gaps(recording, time)}


def find_gaps(recording: Recording, time: np.ndarray) -> np.ndarray | None:
    """Return the bins in which a variable is missing, (trial, time, 1); None where none is.

    A variable that is missing in all bins does not count.
    """
    bins = np.isin(recording.time, time)
    missing = [np.isnan(values).all(axis=2) for values in _read_variables(recording, bins).values()]
    gaps = [one for one in missing if one.any() and not one.all()]
    return np.any(gaps, axis=0)[:, :, np.newaxis] if gaps else None


def note_behavior(recording: Recording) -> list[Notice]:
    """Return notices of what is filled, cut or reduced in the recorded behaviour.

    Examples
    --------
    >>> wheel = np.random.default_rng(0).normal(size=(4, 5)); wheel[1] = np.nan
    >>> recording = Recording.from_arrays(
    ...     np.ones((4, 5, 2)), np.arange(5.0), "V1", behavior={"wheel": wheel})
    >>> [notice.code for notice in note_behavior(recording)]
    ['behavior_gaps']
    """
    variables = _read_variables(recording, np.ones(recording.n_bins, dtype=bool))
    gaps = {
        name: np.isnan(values).any(axis=2).mean()
        for name, values in variables.items()
        if np.isnan(values).any() and not np.isnan(values).all()
    }
    cut = {name: int((cut_artefacts(one) != one).sum()) for name, one in _fill(variables).items()}
    cut = {name: n for name, n in cut.items() if n}
    sizes = {name: values.shape[2] for name, values in variables.items()}
    kept = {name: n for name, n in _share_channels(sizes).items() if n < sizes[name]}
    notices = [GAPS(names=list(gaps), share=float(max(gaps.values())))] if gaps else []
    if cut:
        notices.append(ARTEFACTS(names=list(cut), n=sum(cut.values())))
    if kept:
        n = sum(sizes[name] for name in kept)
        notices.append(REDUCED(names=list(kept), n=n, kept=sum(kept.values())))
    return notices


def fill_gaps(values: np.ndarray) -> np.ndarray:
    """Return values (trial, time, channel) with what is missing filled.

    Between samples of a trial lies a straight line, at its ends the nearest sample stands; a trial
    without any gets the channel's mean.

    Examples
    --------
    >>> fill_gaps(np.array([[[1], [np.nan], [3]], [[np.nan]] * 3]))[:, :, 0].tolist()
    [[1.0, 2.0, 3.0], [2.0, 2.0, 2.0]]
    """
    missing = ~np.isfinite(values)
    if not missing.any():
        return values
    filled, bins = values.copy(), np.arange(values.shape[1])
    means = np.ma.masked_invalid(values).mean(axis=(0, 1)).filled(0)
    for trial, channel in zip(*np.nonzero(missing.any(axis=1)), strict=True):
        gone, course = missing[trial, :, channel], filled[trial, :, channel]
        course[gone] = (
            means[channel] if gone.all() else np.interp(bins[gone], bins[~gone], course[~gone])
        )
    return filled


def cut_artefacts(values: np.ndarray) -> np.ndarray:
    """Return values (trial, time, channel) cut to 10 s.d. of a channel's bulk about its median.

    One sample of an artefact would otherwise be the whole of the channel's s.d., beside which the
    movement is nothing. A channel whose bulk never changes, such as licks, stays as it is.
    """
    flat = np.ascontiguousarray(values.reshape(-1, values.shape[2]).T)  # (channel, sample)
    some = flat[:, :: max(1, flat.shape[1] // ENOUGH)]
    low, middle, high = np.quantile(some, (RARE, 0.5, 1 - RARE), axis=1, keepdims=True)
    inside = (some >= low) & (some <= high)
    around = (some - middle) * inside
    n = inside.sum(axis=1)
    variance = np.square(around).sum(axis=1) / n - np.square(around.sum(axis=1) / n)
    room = MOST * np.sqrt(np.maximum(variance, 0))
    room = np.where(room > 0, room, np.inf)
    if (np.abs(flat - middle).max(axis=1) <= room).all():
        return values
    return np.clip(values, middle[:, 0] - room, middle[:, 0] + room).astype(values.dtype)


def _fill(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: fill_gaps(values) for name, values in variables.items()}


def _read_variables(recording: Recording, bins: np.ndarray) -> dict[str, np.ndarray]:
    """Return behaviour by name, (trial, time, channel); what is infinite is missing."""
    variables = {}
    for name in recording.behavior:
        values = recording.dataset[name].values[:, bins]
        if np.max(np.abs(values), initial=0, where=np.isfinite(values)) > LARGEST:
            raise InputError(f"behaviour '{name}' goes beyond {LARGEST:g}; give it in other units")
        values = values.astype(np.float32).reshape(*values.shape[:2], -1)
        variables[name] = np.where(np.isfinite(values), values, np.float32(np.nan))
    return variables


def _share_channels(sizes: dict[str, int]) -> dict[str, int]:
    """Return how many channels of each variable are taken; small variables keep theirs.

    Examples
    --------
    >>> _share_channels({"wheel": 1, "face": 500}), _share_channels({"a": 4, "b": 4})
    ({'wheel': 1, 'face': 39}, {'a': 4, 'b': 4})
    """
    if sum(sizes.values()) <= MAX_CHANNELS:
        return sizes
    kept, room = {}, MAX_CHANNELS
    for left, (name, n) in enumerate(sorted(sizes.items(), key=lambda item: item[1])):
        kept[name] = min(n, max(FEWEST, room // (len(sizes) - left)))
        room -= kept[name]
    return {name: kept[name] for name in sizes}


def _reduce(values: np.ndarray, n: int) -> np.ndarray:
    """Return the first principal components of channels, (trial, time, component).

    Channels of one variable have one unit, and most movement is in those that vary most: those of a
    video's singular vectors have no order left once each is scaled.
    """
    flat = values.reshape(-1, values.shape[2]).astype(float)
    flat -= flat.mean(axis=0)
    axes = np.linalg.eigh(flat.T @ flat)[1][:, ::-1][:, :n]
    return (flat @ axes).reshape(*values.shape[:2], n).astype(np.float32)
