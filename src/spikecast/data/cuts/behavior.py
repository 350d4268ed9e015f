"""Behaviour and fluorescence of a session, onto the bins of its trials."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spikecast.core.errors import FormatError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.binning import check_resolved
from spikecast.data.columns import find_free_name
from spikecast.data.cuts.angles import PERIODS, find_period, jumps
from spikecast.data.cuts.samples import Bins, Series, count_times
from spikecast.data.session import Samples

MOST_GAP = 0.5  # share of the bins' time; behaviour with more is left out
CELLS = 256  # that are read together
LEAST_GAP = 1e-3  # shares below are rounding
MUCH_LONGER = 100  # times as long as trials and neurons
NEAR = 3  # times as long, in another unit: behaviour goes on after the last trial
MOST_OUTSIDE = 0.5  # share of the times before or after the neurons that is not spoken of
SUFFIXES = ("_speed", "_gap")  # of variables that are made beside one
LARGEST = 1e30  # values beyond are damage, and count as missing; times beyond are refused

BEHAVIOR = NoticeKind("behavior", "minor", "behaviour '{name}'{unit}: {how}{gap}{outside}")
BEHAVIOR_LEFT_OUT = NoticeKind("behavior_left_out", "serious", "behaviour '{name}' left out: {why}")
ANGLE_JUMPS = NoticeKind(
    "angle_jumps",
    "serious",
    "behaviour '{name}' jumps by {period:.4g}, a whole turn of an angle in {turn}, and {unit}: "
    "bins in which it jumps hold a value between; if it is an angle, give its sine and cosine",
)
GAP_FILLED = (
    "; {share:.1%} of the time has no samples and is filled on the line between those around it "
    "(share of each bin: '{name}_gap')"
)
OUTSIDE = "; {share:.0%} of its times lie outside the recording of the neurons"
FRAMES = NoticeKind("frames", "minor", "continuous activity every {step:.4g} s: {how}")
FINE_BINS = NoticeKind(
    "fine_bins",
    "serious",
    "bins of {bin_size:.3g} s are finer than the frames ({step:.3g} s): neighbouring bins hold the "
    "same frames",
)
FRAMES_LACKING = NoticeKind(
    "frames_lacking", "serious", "{n} trials left out: frames are lacking in their window"
)
CELLS_LACKING = NoticeKind(
    "cells_lacking", "serious", "{n} cells left out: their fluorescence has missing values"
)


def bin_behavior(
    behavior: Mapping[str, Samples], bins: Bins, recorded: tuple[float, float]
) -> tuple[dict[str, np.ndarray], list[Notice]]:
    """Return behaviour (trial, time[, channel]) by name, and how each was brought onto bins.

    `recorded` are the first and last time of the neurons, in seconds.
    """
    first = min(recorded[0], float(bins.events.min()) + bins.start)
    last = max(recorded[1], float(bins.events.max()) + bins.start + bins.n * bins.size)
    variables: dict[str, np.ndarray] = {}
    notices = []
    for name, samples in behavior.items():
        name = _name_variable(name.replace("/", "_"), variables)
        try:
            _check_unit(samples.times, bins, (first, last))
            made, said = _bin_one(name, samples, bins, _describe_outside(samples, first, last))
        except FormatError as error:
            notices.append(BEHAVIOR_LEFT_OUT(name=name, why=str(error)))
        else:
            variables |= made
            notices += said
    return variables, notices


def _name_variable(name: str, variables: Mapping[str, np.ndarray]) -> str:
    """Return a name under which no variable stands, nor one that may be made beside it."""
    taken = {
        one.removesuffix(suffix) for one in variables for suffix in SUFFIXES if one.endswith(suffix)
    }
    return find_free_name(name, {*variables, *taken})


def _check_unit(times: np.ndarray, bins: Bins, recorded: tuple[float, float]) -> None:
    """Raise where times can only be in another unit than those of trials and neurons.

    Behaviour that goes on long after the last trial is not. Whole numbers that go on so could be
    seconds, but are numbers of frames as a rule; seconds can be cut to the recording.
    """
    times = _check_times(times, in_order=False)
    times = np.sort(times[np.isfinite(times)])
    length = recorded[1] - recorded[0]
    span, step = times[-1] - times[0], float(np.median(np.diff(times))) if times.size > 1 else 0.0
    whole = bool((times == np.round(times)).all())
    covered = (times[0] <= 1000 * bins.events) & (1000 * bins.events <= times[-1])
    in_milliseconds = covered.mean() > 0.5 and span / 1000 <= NEAR * length
    in_samples = span > 1000 * length and step > bins.n * bins.size
    other_unit = span > MUCH_LONGER * length and step > bins.size
    if other_unit and (in_milliseconds or in_samples):
        fix = "divide them by 1000" if in_milliseconds else "divide them by the sampling rate"
        raise FormatError(
            f"its times look like {'milliseconds' if in_milliseconds else 'samples'}, not seconds: "
            f"they last {span:.6g} s with {step:.3g} s from one to the next, trials and neurons "
            f"{length:.6g} s; {fix}"
        )
    if whole and span > NEAR * length:
        raise FormatError(
            "its times look like numbers of frames, not seconds: all are whole, and they last "
            f"{span:.6g} s, trials and neurons {length:.6g} s; divide them by the frames per "
            "second (if they are seconds, cut them to the recording)"
        )


def _describe_outside(samples: Samples, first: float, last: float) -> str:
    """Return what is said of behaviour most of which is from before or after the neurons."""
    times = np.asarray(samples.times, dtype=float)
    times = times[np.isfinite(times)]
    share = float(((times < first) | (times > last)).mean())
    return OUTSIDE.format(share=share) if share > MOST_OUTSIDE else ""


def _bin_one(
    name: str, samples: Samples, bins: Bins, outside: str
) -> tuple[dict[str, np.ndarray], list[Notice]]:
    """Return the variables that one behaviour makes, and how; a FormatError says why it cannot."""
    times = _check_times(samples.times, in_order=samples.values is not None)
    unit = f" ({samples.unit})" if samples.unit else ""
    if samples.values is None:
        how = f"number of its {len(times)} times in each bin"
        counts = count_times(np.sort(times[np.isfinite(times)]), bins)
        return {name: counts}, [BEHAVIOR(name=name, unit=unit, how=how, gap="", outside=outside)]
    channels = [
        Series(known, values, samples.held, _choose_period(values, samples))
        for known, values in _split_channels(
            times, np.asarray(samples.values), apart=samples.period is not None
        )
    ]
    made = [one.onto(bins) for one in channels]
    gap = np.max([one.gaps(bins) for one in channels], axis=0)
    if gap.mean() > MOST_GAP:
        raise FormatError(f"there are no samples in {gap.mean():.0%} of the bins' time")
    values = made[0] if len(made) == 1 else np.stack(made, axis=-1)
    variables = {name: values}
    how = _describe(max(channels, key=lambda one: one.period is not None), bins.size)
    if samples.is_position:
        speeds = [one.speed(bins) for one in channels]
        speed = speeds[0] if len(speeds) == 1 else np.linalg.norm(speeds, axis=0)
        variables[f"{name}_speed"] = speed
        how += f"; '{name}_speed' is its change per second"
    filled = ""
    if gap.max() > LEAST_GAP:
        variables[f"{name}_gap"] = gap
        filled = GAP_FILLED.format(share=float(gap.mean()), name=name)
    notices = [BEHAVIOR(name=name, unit=unit, how=how, gap=filled, outside=outside)]
    turns = [turn for one in channels if not one.period and (turn := find_period(one.values))]
    if turns:
        said = f"its unit is '{samples.unit}'" if samples.unit else "it has no unit"
        turn = turns[0]
        notices.append(ANGLE_JUMPS(name=name, period=turn, turn=PERIODS[turn], unit=said))
    return variables, notices


def _choose_period(values: np.ndarray, samples: Samples) -> float | None:
    """Return the turn of angles where they jump; else means and lines are those of numbers."""
    return samples.period if samples.period and jumps(values, samples.period) else None


def _describe(series: Series, bin_size: float) -> str:
    """Return how samples become bins."""
    circle = "" if series.period is None else " on the circle"
    if series.averages(bin_size):
        n = bin_size / max(series.step, 1e-12)
        return f"mean{circle} of about {n:.0f} samples in each bin"
    return f"interpolated{circle} between samples (every {series.step:.3g} s, as a rule)"


def _check_times(times: np.ndarray, in_order: bool = True) -> np.ndarray:
    """Return times of samples as floats, or raise; those of events may be in any order."""
    times = np.asarray(times)
    if times.ndim != 1 or times.dtype.kind not in "fiu":
        raise FormatError(f"its times are {times.dtype} of shape {times.shape}, not one list")
    times = times.astype(float, copy=False)
    known = times[np.isfinite(times)]
    if not len(known):
        raise FormatError("it has no times")
    if np.abs(known).max() > LARGEST:
        raise FormatError(f"its times go up to {np.abs(known).max():.3g} s")
    if in_order and (backward := int((np.diff(known) < 0).sum())) > 0:
        raise FormatError(f"its times go back {backward} times")
    return times


def _split_channels(
    times: np.ndarray, values: np.ndarray, apart: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return times and values without missing samples: of all channels, or one by one.

    Channels are told apart where that is asked for, or samples of some of them are missing.
    """
    if len(values) != len(times):
        raise FormatError(f"it has {len(times)} times and {len(values)} values")
    if values.dtype.kind not in "fiub" or values.ndim not in (1, 2) or not values.size:
        raise FormatError(f"its values are {values.dtype} of shape {values.shape}")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    within = np.abs(values.astype(float, copy=False)) <= LARGEST  # not NaN either
    known = within & np.isfinite(times).reshape(-1, *[1] * (values.ndim - 1))
    if not known.any(axis=0).all():
        raise FormatError("all values of it, or of one of its channels, are missing")
    if values.ndim == 2 and (apart or (known != known[:, :1]).any()):
        return [(times[of_one], one[of_one]) for one, of_one in zip(values.T, known.T)]
    rows = known if known.ndim == 1 else known[:, 0]
    return [(times, values) if rows.all() else (times[rows], values[rows])]


def bin_traces(
    traces: Samples, rows: np.ndarray, bins: Bins
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Notice]]:
    """Return fluorescence (trial, time, cell), masks of the trials and cells kept, and notices.

    Cells with a missing value and trials that lie partly between frames too far apart are left out.
    """
    times = _check_times(traces.times)
    if traces.values is None or np.asarray(traces.values).dtype.kind not in "fiu":
        raise FormatError("fluorescence must be numbers, frames x cells")
    series = Series(times, traces.values)
    kept = series.gaps(bins).max(axis=1) <= LEAST_GAP
    bins = replace(bins, events=bins.events[kept])
    activity = np.empty((len(bins.events), bins.n, len(rows)), dtype=np.float32)
    # neighbouring cells at a time: the file may be mapped, and HDF5 takes minutes for single ones
    for start in range(0, int(rows.max(initial=-1)) + 1, CELLS):
        chosen = np.flatnonzero((rows >= start) & (rows < start + CELLS))
        if not chosen.size:
            continue
        some = np.asarray(traces.values[:, start : start + CELLS])[:, rows[chosen] - start]
        if some.dtype.itemsize > activity.dtype.itemsize:
            check_resolved(some[np.newaxis])
        activity[:, :, chosen] = Series(times, some).onto(bins)
    cells = np.asarray(np.isfinite(activity).all(axis=(0, 1)))
    notices = [FRAMES(step=series.step, how=_describe(series, bins.size))]
    if bins.size < 0.99 * series.step:
        notices.append(FINE_BINS(bin_size=bins.size, step=series.step))
    if not kept.all():
        notices.append(FRAMES_LACKING(n=int((~kept).sum())))
    if not cells.all():
        notices.append(CELLS_LACKING(n=int((~cells).sum())))
        activity = activity[:, :, cells]
    return activity, kept, cells, notices
