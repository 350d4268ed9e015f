"""Spike times of the Steinmetz recordings in the Neuromatch packaging, laid on one clock.

``steinmetz_st.npz`` holds, for each session, ``ss``: an array of spike times for each neuron and
trial. All else is in the ``steinmetz_part*.npz`` beside it, in the same order of sessions. Trials
are laid one after the other, so that they can be cut around other events (response, feedback,
movement) and into other bins; what was between them is not in the files.
"""

from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import FormatError
from spikecast.core.notices import NoticeKind
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession, Samples, SpikesInTime

EVENTS = ("gocue_time", "response_time", "feedback_time")
"""Trial columns that a recording of the parts holds in seconds from the stimulus."""
REACTION_UNITS = (1.0, 0.01, 0.001)  # seconds, bins, milliseconds
FASTEST, SLOWEST = 0.05, 1.5  # seconds; the median movement starts in between

TRIALS_LAID_OUT = NoticeKind(
    "trials_laid_out",
    "minor",
    "{n} trials of {length:g} s are laid one after the other; spike times count from the {start} "
    "(then {share:.1%} of the counts are those of the main file)",
)
MOVEMENT_TIME = NoticeKind(
    "movement_time",
    "minor",
    "movement_time is the reaction time of the file, in {unit:g} s, after the stimulus: by this "
    "unit it precedes the response in {share:.0%} of the trials that have both",
)


def lay_out_session(recording: Recording, spike_times: Any, name: str) -> RawSession:
    """Return the session of one recording of the parts and its spike times ``ss``.

    Raises
    ------
    FormatError
        When the spike times are not those of the recording: other numbers of neurons or trials.
    """
    times = np.asarray(spike_times, dtype=object)
    n_trials, n_bins, n_neurons = recording.shape
    if times.shape[:2] != (n_neurons, n_trials):
        raise FormatError(
            f"session {name}: 'ss' has shape {times.shape}; the main file has {n_neurons} neurons "
            f"x {n_trials} trials"
        )
    spikes, neuron, trial = _flatten(times, name)
    length = n_bins * recording.bin_size
    onset = float(np.round(recording.bin_size / 2 - recording.time[0], 9))
    offsets = {"stimulus": onset, "start of the trial": 0.0}
    shares = {
        start: _compare_counts(recording, spikes + offset, neuron, trial)
        for start, offset in offsets.items()
    }
    start = max(shares, key=lambda one: shares[one])
    since = spikes + offsets[start]
    inside = (since >= 0) & (since < length)
    clock = (trial * length + since)[inside]
    order = np.argsort(clock, kind="stable")
    begins = np.arange(n_trials) * length
    notices = [
        TRIALS_LAID_OUT(n=n_trials, length=float(length), start=start, share=float(shares[start]))
    ]
    table = recording.trials.copy()
    movement = _find_movement(table)
    if movement is not None:
        table["movement_time"], notice = movement
        notices.append(notice)
    table.insert(0, "stimulus_time", begins + onset)
    for column in (*EVENTS, "movement_time"):
        if column in table:
            table[column] = begins + onset + table[column].astype(float)
    neurons = recording.neurons
    return RawSession(
        source="Steinmetz spike times (Neuromatch packaging)",
        units=neurons,
        spikes=SpikesInTime(clock[order], neuron[inside][order], np.arange(n_neurons)),
        tables={"trials": table},
        behavior=_lay_out_behavior(recording, begins + onset),
        area_columns=["area"],
        duration=(0.0, float(n_trials * length)),
        observed=np.column_stack([begins, begins + length]),
        session=recording.session,
        subject=str(recording.dataset.attrs["subject"]),
        notices=notices,
    )


def _flatten(times: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return time, neuron and trial of every spike."""
    try:
        cells = [np.ravel(np.asarray(cell, dtype=float)) for cell in times.reshape(-1)]
    except (TypeError, ValueError):
        raise FormatError(
            f"session {name}: 'ss' holds something other than lists of times"
        ) from None
    sizes = np.array([len(cell) for cell in cells])
    spikes = np.concatenate(cells) if sizes.sum() else np.zeros(0)
    if not np.isfinite(spikes).all() or not len(spikes):
        raise FormatError(f"session {name}: 'ss' holds no spikes, or times that are not finite")
    place = np.repeat(np.arange(len(cells)), sizes)
    return spikes, place // times.shape[1], place % times.shape[1]


def _compare_counts(
    recording: Recording, since: np.ndarray, neuron: np.ndarray, trial: np.ndarray
) -> float:
    """Return the share of spikes counted in the same bin of the main file, by one clock."""
    n_trials, n_bins, n_neurons = recording.shape
    time = np.floor(since / recording.bin_size + 1e-6).astype(int)
    inside = (time >= 0) & (time < n_bins)
    flat = (trial[inside] * n_bins + time[inside]) * n_neurons + neuron[inside]
    counts = np.bincount(flat, minlength=n_trials * n_bins * n_neurons)
    stored = recording.activity.ravel().astype(np.int64)
    return float(np.minimum(counts, stored).sum() / max(stored.sum(), 1))


def _find_movement(table: pd.DataFrame) -> tuple[pd.Series, Any] | None:
    """Return the time of movement after the stimulus in seconds, by the unit that fits, or None."""
    if "reaction_time" not in table or "response_time" not in table:
        return None
    reaction = table["reaction_time"].astype(float)
    reaction = reaction.where(np.isfinite(reaction) & (reaction > 0))
    both = reaction.notna() & table["response_time"].notna()
    for unit in REACTION_UNITS:
        seconds = reaction * unit
        before = (seconds <= table["response_time"].astype(float) + 0.05)[both]
        if both.any() and FASTEST < seconds.median() < SLOWEST and before.mean() > 0.5:
            return seconds, MOVEMENT_TIME(unit=unit, share=float(before.mean()))
    return None


def _lay_out_behavior(recording: Recording, stimulus: np.ndarray) -> dict[str, Samples]:
    """Return behaviour of the bins of all trials on the session's clock."""
    times = (stimulus[:, np.newaxis] + recording.time).ravel()
    behavior = {}
    for name in recording.behavior:
        values = recording.dataset[name].values.astype(float)
        values = values.reshape(len(times), *values.shape[2:])
        behavior[name] = Samples(times, values, "of the bins of the main file")
    return behavior
