"""The Steinmetz 2019 recordings in the Neuromatch packaging: dicts in a numpy file, one a session.

Every key that is present has a name in the Recording:

==================  ==============================  ==========================================
key in the file     name in the Recording           axes and unit
==================  ==============================  ==========================================
spks                activity                        (trial, time, neuron) counts
brain_area          area                            (neuron,)
ccf                 x, y, z                         (neuron,) in the file's unit (``ccf_axes``)
trough_to_peak      trough_to_peak                  (neuron,) milliseconds
cellid_orig         cell_id                         (neuron,)
contrast_left/...   contrast_left, contrast_right   (trial,) 0 to 1
response            response                        (trial,) -1 right, 0 no-go, +1 left
feedback_type       feedback                        (trial,) +1 reward, -1 noise
gocue               gocue_time                      (trial,) seconds from the stimulus
response_time       response_time                   (trial,) seconds from the stimulus
feedback_time       feedback_time                   (trial,) seconds from the stimulus
prev_reward         previous_feedback_time          (trial,) as in the file
reaction_time       reaction_time, -_direction      (trial,) as in the file; 0 = no movement
active_trials       active                          (trial,), or (all_trial,) where longer
wheel, pupil, ...   wheel, pupil, face, licks       (trial, time[, channel])
*_passive           the same names + ``_passive``   (passive_trial, ...)
mouse_name          attribute ``subject``
date_exp            attribute ``date``
bin_size            attribute ``bin_size``          seconds
stim_onset          shapes the time axis            seconds from the start of the trial
==================  ==============================  ==========================================

Public code disagrees about whether ``gocue``, ``response_time`` and ``feedback_time`` count from
the stimulus or from the start of the trial. :func:`decide_event_clock` decides it from the data;
the attributes ``event_clock`` and ``event_clock_evidence`` hold the result.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.errors import FormatError
from spikecast.data.binning import LONGEST, shrink_counts
from spikecast.data.recording import AXES, Recording
from spikecast.data.safe_pickle import load_numpy
from spikecast.data.session import RawSession
from spikecast.data.steinmetz_times import lay_out_session

REQUIRED = ("spks", "brain_area", "bin_size", "stim_onset")
TRIAL_KEYS = {
    "contrast_left": "contrast_left",
    "contrast_right": "contrast_right",
    "response": "response",
    "feedback_type": "feedback",
    "gocue": "gocue_time",
    "response_time": "response_time",
    "feedback_time": "feedback_time",
    "prev_reward": "previous_feedback_time",
}
EVENT_TIMES = ("gocue_time", "response_time", "feedback_time")
BEHAVIOR_KEYS = ("wheel", "pupil", "face", "licks")
PASSIVE_KEYS = (*BEHAVIOR_KEYS, "contrast_left", "contrast_right")
SAMPLES_PER_MS = 30.0  # trough_to_peak is in samples at 30 kHz
GO_CUE_DELAY = (0.4, 1.3)  # seconds after the stimulus; the task draws it from 0.5 to 1.2
NUMBERS = {
    "spks", "bin_size", "stim_onset", "ccf", "trough_to_peak", "reaction_time", "active_trials",
    "spks_passive", *TRIAL_KEYS, *BEHAVIOR_KEYS, *(f"{key}_passive" for key in PASSIVE_KEYS),
}  # fmt: skip
LONGEST_BIN, LONGEST_TRIAL = 60.0, 3600.0  # seconds
PARTS, WAVEFORMS = "steinmetz_part*.npz", "steinmetz_wav.npz"
CONTENT = ".npz files of the Steinmetz recordings, or the folder of their parts"


def sniff(source: Any) -> bool:
    """Return whether a path is a ``.npz`` file or a folder of ``steinmetz_part*.npz``."""
    if not isinstance(source, Path):
        return False
    return source.suffix == ".npz" or any(source.glob(PARTS))


def open_sessions(path: Path) -> list[Callable[[], Recording | RawSession]]:
    """Return one callable per session of a file, or of a folder of ``steinmetz_part*.npz``.

    Spike times and waveforms are read with the parts that lie beside them: spike times as sessions
    that are not cut yet, waveforms as the recordings of the parts with ``trough_to_peak``.
    """
    sessions = _read_sessions(path)
    extra = next((key for key in ("ss", "waveform_w") if key in sessions[0]), None)
    if extra is None:
        if path.is_dir() and (path / WAVEFORMS).exists():
            sessions = _add_waveforms(sessions, _read_sessions(path / WAVEFORMS), path)
        return [
            partial(build_recording, raw, f"{path.stem}[{index}]")
            for index, raw in enumerate(sessions)
        ]
    parts = _read_sessions(path.parent) if any(path.parent.glob(PARTS)) else []
    if len(parts) != len(sessions):
        raise FormatError(
            f"'{path}' holds {'spike times' if extra == 'ss' else 'waveforms'} of {len(sessions)} "
            f"sessions, and needs the {PARTS} of as many beside it: there are {len(parts)}"
        )
    if extra == "waveform_w":
        parts = _add_waveforms(parts, sessions, path)
        return [
            partial(build_recording, raw, f"{path.stem}[{index}]")
            for index, raw in enumerate(parts)
        ]
    return [
        partial(_read_spike_times, raw, times, f"{path.stem}[{index}]")
        for index, (raw, times) in enumerate(zip(parts, sessions, strict=True))
    ]


def _read_spike_times(raw: dict[str, Any], times: dict[str, Any], name: str) -> RawSession:
    if "ss" not in times:
        raise FormatError(f"session {name} lacks the required key 'ss'")
    return lay_out_session(build_recording(raw, name), times["ss"], name)


def _add_waveforms(
    parts: list[dict[str, Any]], waveforms: list[dict[str, Any]], path: Path
) -> list[dict[str, Any]]:
    """Return the sessions of the parts with the widths of spikes, where they lack them."""
    if len(parts) != len(waveforms):
        raise FormatError(
            f"'{path}': {WAVEFORMS} holds {len(waveforms)} sessions, the parts {len(parts)}"
        )
    added = []
    for raw, waveform in zip(parts, waveforms, strict=True):
        known = (
            {"trough_to_peak": waveform["trough_to_peak"]} if "trough_to_peak" in waveform else {}
        )
        added.append(known | raw)
    return added


def _read_sessions(path: Path) -> list[dict[str, Any]]:
    parts = sorted(path.glob(PARTS)) if path.is_dir() else [path]
    sessions: list[dict[str, Any]] = []
    for part in parts:
        arrays = load_numpy(part)
        if "dat" not in arrays:
            raise FormatError(
                f"'{part}' has no array 'dat' (it has {sorted(arrays)}); "
                "it is not a Steinmetz recording in the Neuromatch packaging"
            )
        sessions.extend(np.atleast_1d(arrays["dat"]))
    if not sessions or not all(isinstance(session, dict) for session in sessions):
        raise FormatError(f"'{path}': 'dat' must be an array of dicts, one per session")
    return sessions


def build_recording(raw: dict[str, Any], name: str = "") -> Recording:
    """Return the recording of one session's dict; the module's table has the names.

    `name` is for messages, and the session's name if it has neither subject nor date.
    """
    missing = [key for key in REQUIRED if key not in raw]
    if missing:
        raise FormatError(f"session {name} lacks the required key '{missing[0]}'")
    raw = _check_fields(raw, name)
    counts = raw["spks"]
    n_neurons, n_trials, n_bins = counts.shape
    bin_size, stim_onset = float(raw["bin_size"]), float(raw["stim_onset"])
    subject, date = str(raw.get("mouse_name", "")), str(raw.get("date_exp", ""))
    attributes: dict[str, Any] = {
        "kind": "counts",
        "bin_size": bin_size,
        "align_to": "stimulus",
        "subject": subject,
        "date": date,
        "session": " ".join(filter(None, (subject, date))) or name,
    }
    if "ccf_axes" in raw:
        attributes["ccf_axes"] = ",".join(str(axis) for axis in np.ravel(raw["ccf_axes"]))
    coordinates: dict[str, tuple] = {
        # rounded, so that 0.005 is 0.005 and not 0.0050000000000000044
        "time": ("time", np.round((np.arange(n_bins) + 0.5) * bin_size - stim_onset, 9)),
        **{column: ("neuron", values) for column, values in _read_neuron_columns(raw, n_neurons)},
        **{column: ("trial", values) for column, values in _read_trial_columns(raw, n_trials)},
    }
    variables: dict[str, tuple] = {
        # neuron x trial x time -> trial x time x neuron
        "activity": (AXES, shrink_counts(counts.transpose(1, 2, 0)))
    }
    if "active_trials" in raw:
        active = np.ravel(raw["active_trials"])
        if active.size == n_trials:
            coordinates["active"] = ("trial", active)
        else:
            variables["active"] = ("all_trial", active)
    for key in BEHAVIOR_KEYS:
        if key in raw:
            variables[key] = _arrange_behavior(key, raw[key], "trial", n_trials, n_bins)
    variables |= _read_passive_variables(raw, n_neurons, n_bins)

    events = [column for column in EVENT_TIMES if column in coordinates]
    for column in events:
        _check_times(column, coordinates[column][1])
    if events:
        clock, evidence = decide_event_clock(raw, stim_onset)
        attributes |= {"event_clock": clock, "event_clock_evidence": evidence}
        if clock == "trial start":
            for column in events:
                axis, times = coordinates[column]
                coordinates[column] = (axis, np.round(times - stim_onset, 9))
    return Recording(xr.Dataset(variables, coordinates, attributes))


def _check_times(column: str, times: np.ndarray) -> None:
    """Raise where events are years from their trial; those that were none may be infinite."""
    latest = float(np.abs(times).max(initial=0.0, where=np.isfinite(times)))
    if latest > LONGEST:
        raise FormatError(
            f"'{column}' goes up to {latest:g} s; give seconds from the trial's start"
        )


def _check_fields(raw: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a session's dict with arrays of numbers, or raise a FormatError."""
    checked = dict(raw)
    for key in NUMBERS.intersection(raw):
        try:
            values = np.asarray(raw[key])
            checked[key] = values.astype(float) if values.dtype == object else values
        except (TypeError, ValueError, OverflowError):
            checked[key] = np.array("")
        if checked[key].dtype.kind not in "biuf":
            raise FormatError(f"session {name}: '{key}' must hold numbers")
    for key in ("bin_size", "stim_onset"):
        is_number = checked[key].size == 1 and checked[key].dtype != bool
        if not is_number or not np.isfinite(checked[key]).all():
            raise FormatError(f"session {name}: '{key}' must be one number of seconds")
        checked[key] = checked[key].item()
    if not 0 < checked["bin_size"] <= LONGEST_BIN or abs(checked["stim_onset"]) > LONGEST_TRIAL:
        raise FormatError(
            f"session {name}: bins of {checked['bin_size']:g} s and a stimulus at "
            f"{checked['stim_onset']:g} s; both must be in seconds"
        )
    shape = checked["spks"].shape
    if len(shape) != 3 or 0 in shape:
        raise FormatError(f"session {name}: 'spks' has shape {shape}, not neurons x trials x bins")
    return checked


def _read_neuron_columns(raw: dict[str, Any], n_neurons: int) -> Iterator[tuple[str, np.ndarray]]:
    yield "area", _name_areas(_read_column(raw, "brain_area", n_neurons, flat=True))
    if "ccf" in raw:
        places = _read_column(raw, "ccf", n_neurons)
        if places.shape != (n_neurons, 3):
            raise FormatError(f"'ccf' has shape {places.shape}, not {n_neurons} neurons x 3")
        yield from zip("xyz", places.T, strict=True)
    if "trough_to_peak" in raw:
        width = _read_column(raw, "trough_to_peak", n_neurons, flat=True)
        yield "trough_to_peak", width / SAMPLES_PER_MS
    if "cellid_orig" in raw:
        yield "cell_id", _read_column(raw, "cellid_orig", n_neurons, flat=True)


def _name_areas(values: np.ndarray) -> np.ndarray:
    """Return areas as text, empty where there is none."""
    if values.dtype == object:
        values = np.where(pd.isna(values), "", values)
    return values.astype(str)


def _read_trial_columns(raw: dict[str, Any], n_trials: int) -> Iterator[tuple[str, np.ndarray]]:
    for key, column in TRIAL_KEYS.items():
        if key in raw:
            yield column, _read_column(raw, key, n_trials, flat=True)
    if "reaction_time" in raw:
        reaction = _read_column(raw, "reaction_time", n_trials).reshape(n_trials, -1)
        yield from zip(("reaction_time", "reaction_direction"), reaction.T)


def decide_event_clock(raw: dict[str, Any], stim_onset: float) -> tuple[str, str]:
    """Return what event times count from, ``"stimulus"`` or ``"trial start"``, and the evidence.

    It is the wheel, which turns just before a response is registered; else the go cue, which sounds
    0.5 to 1.2 s after the stimulus; else there is none, and the stimulus is assumed.
    """
    if stim_onset == 0:
        return "stimulus", "the trial starts with the stimulus, so both clocks agree"
    if {"wheel", "response_time", "response"} <= raw.keys():
        n_trials = raw["wheel"].shape[1]
        moved = _read_column(raw, "response", n_trials, flat=True) != 0
        times = _read_column(raw, "response_time", n_trials, flat=True).astype(float)
        speed = np.abs(np.asarray(raw["wheel"][0], dtype=float))  # (trial, bin)
        from_start = _measure_speed_before(speed, times[moved], moved, float(raw["bin_size"]))
        from_stimulus = _measure_speed_before(
            speed, times[moved] + stim_onset, moved, float(raw["bin_size"])
        )
        # NaN (no response within the trial by that clock) compares as False: undecided
        if max(from_start, from_stimulus) > 1.2 * min(from_start, from_stimulus):
            clock = "stimulus" if from_stimulus > from_start else "trial start"
            return clock, (
                "wheel speed in the 100 ms before the response: "
                f"{from_stimulus:.3g} if counted from the stimulus, "
                f"{from_start:.3g} if counted from the start of the trial"
            )
    if "gocue" in raw and np.isfinite(raw["gocue"]).any():
        early, late = np.nanquantile(np.asarray(raw["gocue"], dtype=float), [0.05, 0.95])
        shortest, longest = GO_CUE_DELAY
        # by one clock cues lie within the delay, by the other within the delay + stim_onset
        from_stimulus, from_start = early < shortest + stim_onset, late > longest
        if from_stimulus != from_start:
            clock = "stimulus" if from_stimulus else "trial start"
            return clock, (
                f"90 % of go cues lie between {early:.3g} and {late:.3g} s; the task sounds them "
                "0.5 to 1.2 s after the stimulus"
            )
    return "stimulus", "nothing in the data decides; the stimulus is assumed"


def _measure_speed_before(
    speed: np.ndarray, times: np.ndarray, moved: np.ndarray, bin_size: float
) -> float:
    """Return the mean wheel speed in the ten bins before `times` (s from the trial's start)."""
    values = []
    for trial, time in zip(speed[moved], times, strict=True):
        stop = int(time / bin_size) if np.isfinite(time) else 0
        if 1 <= stop <= len(trial):
            values.append(trial[max(stop - 10, 0) : stop].mean())
    return float(np.mean(values)) if values else float("nan")


def _read_column(raw: dict[str, Any], key: str, length: int, flat: bool = False) -> np.ndarray:
    """Return the array of a key, or raise unless its first axis has this length."""
    values = np.asarray(raw[key])
    wide = flat and values.size > length
    if values.ndim == 0 or len(values) != length or values.size == 0 or wide:
        raise FormatError(f"'{key}' has shape {values.shape}; its length must be {length}")
    # (n,) or (n, 1), as the public files have both
    return values.reshape(length, -1)[:, 0] if flat else values


def _arrange_behavior(key: str, values: Any, axis: str, n_trials: int, n_bins: int) -> tuple:
    """Return axes and values, with the channels last or, if there is one, without them."""
    values = np.asarray(values)
    if values.ndim != 3 or values.shape[1:] != (n_trials, n_bins) or not len(values):
        raise FormatError(
            f"'{key}' has shape {values.shape}, not channels x {n_trials} trials x {n_bins} bins"
        )
    values = np.moveaxis(values, 0, -1)
    if values.shape[-1] == 1:
        return (axis, "time"), values[..., 0]
    return (axis, "time", f"{key.removesuffix('_passive')}_channel"), values


def _read_passive_variables(raw: dict[str, Any], n_neurons: int, n_bins: int) -> dict[str, tuple]:
    if "spks_passive" not in raw:
        return {}
    counts = np.asarray(raw["spks_passive"])
    if counts.ndim != 3 or counts.shape[::2] != (n_neurons, n_bins):
        raise FormatError(
            f"'spks_passive' has shape {counts.shape}, not {n_neurons} neurons x trials x "
            f"{n_bins} bins"
        )
    n_trials = counts.shape[1]
    axes = ("passive_trial", "time", "neuron")
    variables: dict[str, tuple] = {
        "activity_passive": (axes, shrink_counts(counts.transpose(1, 2, 0)))
    }
    for key in PASSIVE_KEYS:
        name = f"{key}_passive"
        if name in raw and key in BEHAVIOR_KEYS:
            variables[name] = _arrange_behavior(name, raw[name], "passive_trial", n_trials, n_bins)
        elif name in raw:
            variables[name] = ("passive_trial", _read_column(raw, name, n_trials, flat=True))
    return variables
