"""Recorded behaviour as the nulls take it: in channels, without gaps and artefacts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.precision import is_lost_in_single
from spikecast.data.binning import LARGEST
from spikecast.data.recording import Recording
from spikecast.tasks.problem import cut_windows
from spikecast.tasks.trial_facts import find_lacking

MAX_CHANNELS = 40  # of all variables together; those of many channels are reduced first
MAIN = 10  # channels that have all regressors; of others the value alone is taken
CHANCE = 0.9  # quantile of what channels reach with trials that are shifted
ONE_IN = 4  # of a variable that is reduced: a channel as it is, the others are components
BLOCK = 5  # bins, whose means are correlated
NEIGHBOURS = 5  # trials on either side: their mean is taken for slow drift
FEWEST = 2  # channels that a variable of many keeps
MOST = 10.0  # s.d. of the bulk from the median
TINY = 1e-9  # in smaller units the squares of movement are no float32
RARE = 5e-3  # of samples at either end: what lies there is not the bulk
ENOUGH = 5000  # samples of a channel that tell its s.d.

FEWEST_RECORDED = 40  # trials; with fewer there is no shift test

GAPS = NoticeKind(
    "behavior_gaps",
    "serious",
    "behaviour {names} is missing in {share:.1%} of the bins of trials that have most of it, where "
    "it is guessed: what two areas owe to it there passes for what one tells about the other",
)
UNRECORDED = NoticeKind(
    "unrecorded_behavior",
    "serious",
    "{n} of {n_trials} trials lack more than half of the behaviour that was recorded in others: "
    "whether one area tells about another beyond it is judged without them; where too few are left "
    "for that, nothing is claimed",
)
ARTEFACTS = NoticeKind(
    "behavior_artefacts",
    "minor",
    "behaviour {names} has {n} values further than 10 s.d. from its median; they are cut to that",
)
REDUCED = NoticeKind(
    "behavior_reduced",
    "minor",
    "behaviour {names}, of {n} channels, is taken as {kept} at most: principal components and "
    "channels that neurons follow; movement that they do not hold is not taken out",
)


class RecordedBehavior(NamedTuple):
    """All recorded behaviour on some bins, and what was done to it.

    `values` are (trial, time, channel), None where nothing is recorded, or nothing changes; `gaps`,
    (trial, time, 1), are the bins in which a variable is missing, None where none is.
    """

    values: np.ndarray | None
    gaps: np.ndarray | None
    notices: list[Notice]


def read_behavior(recording: Recording, time: np.ndarray) -> RecordedBehavior:
    """Return all recorded behaviour on some bins, in channels, with notices of what was done to it.

    See :func:`prepare_variables`.

    Examples
    --------
    >>> wheel = np.random.default_rng(0).normal(size=(4, 5)); wheel[1, 2] = np.nan
    >>> recording = Recording.from_arrays(
    ...     np.ones((4, 5, 2)), np.arange(5.0), "V1", behavior={"wheel": wheel})
    >>> read = read_behavior(recording, recording.time)
    >>> read.values.shape, [notice.code for notice in read.notices]
    ((4, 5, 1), ['behavior_gaps'])
    """
    bins = np.isin(recording.time, time)
    return prepare_variables(_read_variables(recording, bins), recording.activity[:, bins])


def prepare_variables(variables: dict[str, np.ndarray], activity: np.ndarray) -> RecordedBehavior:
    """Return variables (trial, time, channel) in channels, with notices of what was done to them.

    Gaps (NaN) are filled from the samples around them in the trial, or else by the channel's mean;
    rare values far from all others are cut; variables of many channels are reduced, so that they do
    not crowd out a single one. Channels that never change tell nothing and are left out. Of more
    than 10, those stay that `activity` (trial, time, neuron) follows, the most followed one first.
    """
    gaps = _find_gaps(variables)
    sizes = {name: values.shape[2] for name, values in variables.items()}
    kept, cut, channels = _share_channels(sizes), {}, []
    for name, values in variables.items():
        filled = fill_gaps(values)
        whole = cut_artefacts(filled)
        if n_cut := int((whole != filled).sum()):
            cut[name] = n_cut
        whole = whole[:, :, np.ptp(whole, axis=(0, 1)) > 0]
        enough = whole.shape[2] <= kept[name]
        channels.append(whole if enough else _reduce(whole, kept[name], activity))
    notices = _note_gaps(variables, gaps)
    if cut:
        notices.append(ARTEFACTS(names=list(cut), n=sum(cut.values())))
    n_kept = sum(kept.values())  # variables of one channel stay, however many there are
    reduced = {name: n for name, n in kept.items() if n < sizes[name] or n_kept > MAX_CHANNELS}
    if reduced:
        n = sum(sizes[name] for name in reduced)
        n_kept = min(MAX_CHANNELS, sum(reduced.values()))
        notices.append(REDUCED(names=list(reduced), n=n, kept=n_kept))
    return RecordedBehavior(_stack_channels(channels, activity), gaps, notices)


def leave_out_unrecorded(recording: Recording) -> tuple[Recording, list[Notice]]:
    """Return a recording without the trials that lack most of the behaviour that others have.

    Where fewer than 40 others are left it is returned as it is, and so is one long trial. A notice
    says how many trials lack it.
    """
    gaps = _find_gaps(_read_variables(recording, np.ones(recording.n_bins, dtype=bool)))
    lacking = find_lacking(gaps, recording.n_trials)
    if recording.n_trials == 1 or not lacking.any():
        return recording, []
    notices = [UNRECORDED(n=int(lacking.sum()), n_trials=recording.n_trials)]
    enough = (~lacking).sum() >= FEWEST_RECORDED
    return recording.select(trials=~lacking) if enough else recording, notices


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


def _read_variables(recording: Recording, bins: np.ndarray) -> dict[str, np.ndarray]:
    """Return behaviour by name, (trial, time, channel); what is infinite is missing."""
    variables = {}
    for name in recording.behavior:
        values = recording.dataset[name].values[:, bins]
        check_unit(f"behaviour '{name}'", values)
        values = to_single(values.reshape(*values.shape[:2], -1))
        variables[name] = np.where(np.isfinite(values), values, np.float32(np.nan))
    return variables


def check_unit(what: str, values: np.ndarray) -> None:
    """Raise an InputError where finite values are so large that their squares overflow."""
    if np.max(np.abs(values), initial=0, where=np.isfinite(values)) > LARGEST:
        raise InputError(f"{what} goes beyond {LARGEST:g}; give it in other units")


def to_single(values: np.ndarray) -> np.ndarray:
    """Return values (trial, time, channel) as float32, beside which no movement is lost.

    Movement is small beside a large baseline, and nothing in tiny units: then the middle of each
    channel is taken off, and the unit changed.
    """
    exact = np.ma.masked_invalid(values.astype(float))
    low, high = (limit.filled(0.0) for limit in (exact.min((0, 1)), exact.max((0, 1))))
    changes = high - low
    lost = is_lost_in_single(low, high)
    if lost.any():
        values = values - np.where(lost, (low + high) / 2, 0)
    if 0 < changes.max(initial=0) < TINY:
        values = values / changes.max()
    return values.astype(np.float32)


def _find_gaps(variables: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return the bins in which a variable is missing, (trial, time, 1); None where none is.

    A variable that is missing in all bins does not count.
    """
    missing = [np.isnan(values).all(axis=2) for values in variables.values()]
    gaps = [one for one in missing if one.any() and not one.all()]
    return np.any(gaps, axis=0)[:, :, np.newaxis] if gaps else None


def _note_gaps(variables: dict[str, np.ndarray], gaps: np.ndarray | None) -> list[Notice]:
    """Return a notice of what is missing in trials (windows of a long one) that have most of it."""
    shares = {}
    for name, values in variables.items():
        missing = np.isnan(values).any(axis=2, keepdims=True)
        if missing.all() or not missing.any():
            continue
        missing = cut_windows(missing)
        lacking = find_lacking(None if gaps is None else cut_windows(gaps), len(missing))
        if missing[~lacking].any():
            shares[name] = float(missing[~lacking].mean())
    return [GAPS(names=list(shares), share=max(shares.values()))] if shares else []


def _stack_channels(channels: list[np.ndarray], activity: np.ndarray) -> np.ndarray | None:
    """Return variables side by side; of more than 10 channels, those that `activity` follows."""
    if not any(one.shape[2] for one in channels):
        return None
    stacked = np.concatenate(channels, axis=2)
    if stacked.shape[2] > MAIN:
        stacked = stacked[:, :, choose_channels(stacked, activity)]
    return stacked


def choose_channels(channels: np.ndarray, activity: np.ndarray) -> np.ndarray:
    """Return the channels that `activity` follows most, (channel,): 10 to 40 of them.

    Beyond 10 a channel must be followed more than by chance, which trials tell that are paired with
    others: what no neuron follows only makes the fit of the others worse.
    """
    correlation = measure_correlation(channels, activity)
    axis = int(len(activity) == 1)  # of one long trial, times are paired
    others = np.roll(activity, activity.shape[axis] // 2, axis=axis)
    by_chance = np.quantile(measure_correlation(channels, others), CHANCE)
    best = np.argsort(-correlation, kind="stable")[:MAX_CHANNELS]
    return best[(np.arange(best.size) < MAIN) | (correlation[best] > by_chance)]


def measure_correlation(channels: np.ndarray, activity: np.ndarray) -> np.ndarray:
    """Return the squared correlation of each channel with neurons, summed over these, (channel,).

    It is that of means over a few bins, without the average trial and slow drift.

    Examples
    --------
    >>> channels = np.random.default_rng(0).normal(size=(20, 50, 3))
    >>> int(measure_correlation(channels, channels[:, :, 1:2]).argmax())
    1
    """
    x, y = (_standardize(one) for one in (channels, activity))
    correlation: np.ndarray = np.square(x.T @ y / len(x)).sum(axis=1)
    return correlation


def _standardize(values: np.ndarray) -> np.ndarray:
    """Return means over blocks of bins, without average trial and drift, (sample, channel)."""
    n_trials, n_bins, n_channels = values.shape
    size = min(BLOCK, n_bins)
    cut = values[:, : n_bins // size * size].astype(np.float32)
    means = cut.reshape(n_trials, -1, size, n_channels).mean(axis=2)
    if n_trials > 2 * NEIGHBOURS:
        of_trials = means.mean(axis=1, keepdims=True)
        means = means - uniform_filter1d(of_trials, 2 * NEIGHBOURS + 1, axis=0, mode="nearest")
        means = means - means.mean(axis=0)
    flat = means.reshape(-1, n_channels)
    flat = flat - flat.mean(axis=0)
    flat /= np.maximum(flat.std(axis=0), np.float32(1e-12))
    return flat


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


def _reduce(values: np.ndarray, n: int, activity: np.ndarray) -> np.ndarray:
    """Return `n` channels for more, (trial, time, channel): components, and what they lack.

    Channels of one variable mostly have one unit, and most movement is in those that vary most:
    those of a video's singular vectors have no order left once each is scaled. Where they have
    not, a wheel's speed beside a camera is next to nothing: of what components do not hold, the
    channels that neurons follow most are taken as they are.
    """
    flat = values.reshape(-1, values.shape[2]).astype(float)
    flat -= flat.mean(axis=0)
    n_components = n - max(1, n // ONE_IN)
    axes = np.linalg.eigh(flat.T @ flat)[1][:, ::-1][:, :n_components]
    components = flat @ axes
    rest = flat - components @ axes.T
    lacking = rest.var(axis=0) / flat.var(axis=0)
    followed = lacking * measure_correlation(rest.reshape(values.shape), activity)
    best = np.argsort(-followed, kind="stable")[: n - n_components]
    reduced = np.concatenate([components, flat[:, best]], axis=1)
    return reduced.reshape(*values.shape[:2], n).astype(np.float32)
