"""Behaviour and events in an NWB file: series of samples, of text, of pulses."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from spikecast.core.checks import describe_error
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.columns import find_free_name
from spikecast.data.nwb.columns import to_plain
from spikecast.data.session import Samples

LARGEST = 20_000_000
"""Samples of a series that is read; raw voltages have more."""
MOST_CHANNELS = 64
MOST_CODES = 64
"""Distinct values of a series of codes."""
SKIPPED = (
    *("ElectricalSeries", "SpikeEventSeries", "ImageSeries", "OpticalSeries", "IndexSeries"),
    *("TwoPhotonSeries", "OnePhotonSeries", "RoiResponseSeries", "ImageMaskSeries", "Images"),
    *("IntervalSeries", "DecompositionSeries", "PatchClampSeries"),
)
EVENT_CONTAINERS = ("BehavioralEvents", "BehavioralEpochs")
TURNS = {"rad": 2 * np.pi, "radian": 2 * np.pi, "deg": 360.0, "degree": 360.0, "°": 360.0}
"""A whole turn by the unit of an angle, without an ending s."""
POSITIONS = ("position", "wheel_angle")

TOO_LARGE = NoticeKind(
    "series_too_large", "minor", "series '{name}' is not read: it has {n} samples or channels"
)
DAMAGED = NoticeKind("series_damaged", "serious", "series '{name}' is not read: {why}")
NO_VALUES = "it has no values (do they lie in another file, which is not there?)"


def list_series(objects: Any, within: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield (name, series, kind of its container) of all time series in containers."""
    for item in objects:
        kinds = [one.__name__ for one in type(item).__mro__]
        if "TimeSeries" in kinds:
            if not set(kinds) & set(SKIPPED):
                yield item.name, item, within
            continue
        for field in ("spatial_series", "time_series", "pose_estimation_series"):
            inner = getattr(item, field, None)
            if inner is not None:
                values = inner.values() if hasattr(inner, "values") else [inner]
                yield from list_series(list(values), type(item).__name__)


def read_series(
    listed: Iterator[tuple[str, Any, str]],
) -> tuple[dict[str, Samples], dict[str, np.ndarray], list[Notice]]:
    """Return behaviour by name, lists of event times by name, and notices."""
    behavior: dict[str, Samples] = {}
    events: dict[str, np.ndarray] = {}
    notices: list[Notice] = []
    for name, series, container in listed:
        name = _name_series(name, container, {*behavior, *events})
        if _lacks_values(series):
            notices.append(DAMAGED(name=name, why=NO_VALUES))
            continue
        shape = np.shape(series.data)
        if np.prod(shape, dtype=float) > LARGEST or any(n > MOST_CHANNELS for n in shape[1:]):
            notices.append(TOO_LARGE(name=name, n=" x ".join(map(str, shape))))
            continue
        try:
            times = read_times(series)
            values = np.asarray(series.data[:])
        except Exception as error:  # a damaged part of a file can fail in any way
            notices.append(DAMAGED(name=name, why=describe_error(error)))
            continue
        if values.dtype.kind in "SUTO":
            events |= _split_codes(name, times, to_plain(values))
        elif _are_codes(times, values):
            events |= _split_codes(name, times, values)
        elif container == "BehavioralEvents" or _are_pulses(times, values):
            behavior[name] = Samples(times)
            events[name] = times
        elif values.ndim in (1, 2) and values.dtype.kind in "fiub" and len(values):
            behavior[name] = Samples(
                times,
                _convert(series, values),
                _name_unit(series),
                _is_position(series, container),
                period=TURNS.get(str(series.unit).strip().lower().removesuffix("s")),
            )
    return behavior, events, notices


def _lacks_values(series: Any) -> bool:
    """Return whether a file has no dataset of a series' values; an empty one is none of them."""
    if series.data is None:
        return True
    is_stored = hasattr(series.data, "id")  # pynwb puts an empty array where there is none
    return series.container_source is not None and not is_stored and not len(series.data)


def read_times(series: Any) -> np.ndarray:
    """Return the times (sample,) of a time series in seconds."""
    if series.timestamps is not None:
        return np.asarray(series.timestamps[:], dtype=float)
    n = len(series.data)
    return float(series.starting_time or 0.0) + np.arange(n) / float(series.rate)


def _name_series(name: str, container: str, taken: set[str]) -> str:
    """Return a name that no other series has: its own, else with its container's, or a number."""
    longer = f"{container}_{name}".strip("_")
    return longer if name in taken and longer not in taken else find_free_name(name, taken)


def _convert(series: Any, values: np.ndarray) -> np.ndarray:
    """Return values in the unit of the series."""
    factor, offset = float(series.conversion or 1.0), float(getattr(series, "offset", 0.0) or 0.0)
    if factor == 1.0 and offset == 0.0:
        return values
    return values * factor + offset


def _name_unit(series: Any) -> str:
    unit = str(series.unit or "")
    return "" if unit.lower() in ("na", "n/a", "unknown", "none", "a.u.", "au") else unit


def _is_position(series: Any, container: str) -> bool:
    """Return whether a series holds positions, whose speed is of use."""
    if container == "CompassDirection":  # angles jump
        return False
    folded = series.name.lower()
    is_place = container == "Position" or "position" in folded or "wheel_angle" in folded
    return is_place and not any(part in folded for part in ("pupil", "eye", "gaze"))


def _are_codes(times: np.ndarray, values: np.ndarray) -> bool:
    """Return whether values are markers: whole numbers, few of them, at uneven times."""
    if values.dtype.kind not in "iu" or values.ndim != 1 or len(values) != len(times):
        return False
    steps = np.diff(times)
    uneven = len(steps) > 0 and steps.std() > 0.2 * abs(steps.mean())
    return bool(uneven and 1 < len(np.unique(values)) <= MOST_CODES)


def _are_pulses(times: np.ndarray, values: np.ndarray) -> bool:
    """Return whether only the times count: one value at uneven times, or no values."""
    if values.ndim != 1 or not len(times):
        return False
    if not len(values):
        return True
    steps = np.diff(times)
    return bool(len(steps) and steps.std() > 0.2 * abs(steps.mean()) and np.ptp(values) == 0)


def _split_codes(name: str, times: np.ndarray, values: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return the times of each code or label, as ``NAME=CODE``."""
    if values is None or len(values) != len(times):
        return {}
    labels = [str(one) for one in values]
    distinct = sorted(set(labels), key=lambda one: (len(one), one))
    if len(distinct) > MOST_CODES:
        return {}
    codes = np.array(labels)
    return {f"{name}={label}": times[codes == label] for label in distinct}
