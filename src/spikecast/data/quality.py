"""Checks of a recording for what is unusual and matters for a score."""

import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.coincidence import MIN_SHARE, can_find_coincidences, find_coincident_pairs
from spikecast.data.recording import UNLABELED, Recording
from spikecast.data.silence import find_silence

DUPLICATE_CORRELATION = 0.95  # of binned counts; real pairs of neurons stay far below
DRIFT_RATIO = 2.0  # change of rate between the first and the last third of trials
DRIFT_Z = 5.0  # standard errors of that change
MAX_CORRELATED = 3000  # neurons; above this only exact copies are looked for
MIN_TRIALS = 50
FEWEST_COUNTS = 4  # different ones, 0 among them; fewer have a common divisor by chance
MIN_ACTIVE = 20  # values of a trial; two that hold fewer may be the same by chance
STIMULUS_COLUMNS = ("contrast_left", "contrast_right")
CLOCK_COLUMNS = ("event_time", "start_time")
SORTABLE_COLUMNS = (*STIMULUS_COLUMNS, "stimulus", "response", "choice", "feedback")
MAX_PAIRS = 10  # named in a sentence

SILENT = NoticeKind(
    "silent",
    "minor",
    "{n} of {n_neurons} neurons silent (their activity never changes): they cannot predict or be "
    "predicted",
)
DUPLICATE = NoticeKind(
    "duplicate",
    "serious",
    "{n} of {n_neurons} neurons nearly a copy of another (correlation above {correlation}): one "
    "unit split in two makes prediction look easy",
)
RECORDED_TWICE = NoticeKind(
    "recorded_twice",
    "serious",
    "{n} of {n_neurons} neurons look like an earlier one recorded twice (at least {share:.0%} of "
    "the spikes of one fall into the other's bins): {pairs}. One neuron in two areas makes them "
    "predict each other; predictions leave such source neurons out",
)
DRIFT = NoticeKind(
    "drift",
    "serious",
    "{n} of {n_neurons} neurons drifting (their rate changes {ratio:g}-fold or more from the first "
    "to the last third of the trials): a score above the mean rate holds this drift; read what is "
    "above the rung 'drift'",
)
UNLABELED_NEURONS = NoticeKind(
    "unlabeled",
    "minor",
    "{n} of {n_neurons} neurons without an area (root or empty): the source 'rest' leaves them out",
)
SORTED_TRIALS = NoticeKind(
    "sorted_trials",
    "serious",
    "trials are sorted by '{column}', so they are not in the order in which they were recorded: "
    "nothing can be said about slow drift",
)
COPIED_TRIALS = NoticeKind(
    "copied_trials",
    "serious",
    "{n} of {n_trials} trials are exact copies of an earlier one ({first} is the first): a copy "
    "that is held out is known to the models, so that nothing can be claimed; keep one of each",
)
AREAS_ALIKE = NoticeKind(
    "areas_alike",
    "serious",
    "areas {names} differ in capitals or spaces only, and are taken as different ones: where they "
    "are one area, it is predicted from itself",
)
MULTIPLES = NoticeKind(
    "multiples",
    "serious",
    "all counts are multiples of {divisor}: are they rates in Hz, or counts times a factor? Each "
    "is taken for as many spikes, and rates are shown {divisor} times too high; divide by it",
)
SILENCE = NoticeKind(
    "silence",
    "serious",
    "no neuron fires for {seconds:g} s in a row (from bin {bin} of trial {trial} on), where "
    "{expected:.0f} spikes are expected: if nothing was recorded there, leave it out (select, or "
    "window), for areas that fall silent together predict each other",
)
FEW_TRIALS = NoticeKind("few_trials", "minor", "only {n_trials} trials: intervals will be wide")


def check_recording(recording: Recording) -> list[Notice]:
    """Return notices of silent, copied, drifting and unlabeled neurons, and of odd trials."""
    activity = recording.activity
    silent = np.flatnonzero(activity.max(axis=(0, 1)) == activity.min(axis=(0, 1)))
    checks: tuple[tuple[NoticeKind, np.ndarray, dict[str, Any]], ...] = (
        (SILENT, silent, {}),
        _check_copies(recording, silent),
        (DRIFT, _find_drifting(recording), {"ratio": DRIFT_RATIO}),
        (UNLABELED_NEURONS, np.flatnonzero(np.isin(np.char.lower(recording.area), UNLABELED)), {}),
    )
    notices = [
        kind(n=neurons.size, n_neurons=recording.n_neurons, neurons=neurons.tolist(), **limit)
        for kind, neurons, limit in checks
        if neurons.size
    ]
    if (column := find_sorted_column(recording.trials)) is not None:
        notices.append(SORTED_TRIALS(column=column))
    if (copied := find_copied_trials(activity)).size:
        notices.append(
            COPIED_TRIALS(n=copied.size, n_trials=recording.n_trials, first=int(copied[0]))
        )
    notices += [
        AREAS_ALIKE(names=" and ".join(repr(name) for name in names))
        for names in find_alike(recording.areas)
    ]
    notices += _describe_silence(recording)
    if (divisor := find_divisor(recording)) > 1:
        notices.append(MULTIPLES(divisor=divisor))
    if 1 < recording.n_trials < MIN_TRIALS:
        notices.append(FEW_TRIALS(n_trials=recording.n_trials))
    return notices


def _describe_silence(recording: Recording) -> list[Notice]:
    """Return a notice of the longest stretch in which no neuron fires, where it is no chance."""
    if recording.kind != "counts":
        return []
    found = find_silence(recording.activity, recording.bin_size)
    if not found:
        return []
    longest = max(found, key=lambda one: one.expected)
    trial, place = divmod(longest.start, recording.n_bins)
    seconds = (longest.stop - longest.start) * recording.bin_size
    return [
        SILENCE(seconds=float(seconds), bin=place, trial=trial, expected=float(longest.expected))
    ]


def find_divisor(recording: Recording) -> int:
    """Return the largest whole number by which all counts can be divided; 1 where few differ."""
    activity = recording.activity
    if recording.kind != "counts" or (activity[0] == 1).any() or (activity == 1).any():
        return 1
    counts = np.unique(activity)
    return int(np.gcd.reduce(counts)) if len(counts) >= FEWEST_COUNTS else 1


def find_alike(names: Iterable[str]) -> list[list[str]]:
    """Return the names that are equal but for capitals, spaces and what is not seen, in groups.

    Examples
    --------
    >>> find_alike(["MOs", "VISp", "mos ", "MD"])
    [['MOs', 'mos ']]
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        folded = unicodedata.normalize("NFKC", name).casefold()
        seen = "".join(c for c in folded if c.isprintable() and not c.isspace())
        groups.setdefault(seen, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def find_sorted_column(trials: pd.DataFrame) -> str | None:
    """Return a column of stimuli or answers whose values never come back, or None.

    No experiment gives all trials of one contrast, then all of the next, and no animal answers so:
    such trials were sorted after the recording. Other columns (a block's number) may well be in
    order.

    Examples
    --------
    >>> find_sorted_column(pd.DataFrame({"contrast_left": np.repeat([0, 0.5, 1], 10)}))
    'contrast_left'
    >>> find_sorted_column(pd.DataFrame({"block": np.repeat([0, 1, 2], 10)}))
    """
    for name in SORTABLE_COLUMNS:
        if name in trials:
            codes, values = pd.factorize(trials[name])  # numbered as they appear first
            if 2 <= len(values) <= len(trials) / 4 and (np.diff(codes) >= 0).all():
                return name
    return None


def goes_back(trials: pd.DataFrame) -> bool:
    """Tell whether a column of times on the session's clock says that trials are out of order.

    Examples
    --------
    >>> goes_back(pd.DataFrame({"start_time": [0.5, 7.0, 3.0]}))
    True
    >>> goes_back(pd.DataFrame({"reaction_time": [0.5, 0.7, 0.3]}))
    False
    """
    times = [trials[name].dropna() for name in CLOCK_COLUMNS if name in trials]
    return any(one.dtype.kind in "iufM" and not one.is_monotonic_increasing for one in times)


def _check_copies(
    recording: Recording, silent: np.ndarray
) -> tuple[NoticeKind, np.ndarray, dict[str, Any]]:
    """Return the neurons that are copies of an earlier one, by spikes where bins are fine."""
    if not can_find_coincidences(recording):
        neurons = _find_duplicates(recording, silent)
        return DUPLICATE, neurons, {"correlation": DUPLICATE_CORRELATION}
    everyone = np.arange(recording.n_neurons)
    pairs = find_coincident_pairs(recording, everyone, everyone)
    pairs = pairs[pairs["first"] < pairs["second"]]
    names = [
        f"{first} ({recording.area[first]}) and {second} ({recording.area[second]})"
        for first, second in pairs[["first", "second"]].to_numpy(dtype=int)
    ]
    if len(names) > MAX_PAIRS:
        names = [*names[:MAX_PAIRS], f"and {len(names) - MAX_PAIRS} more pairs"]
    copies = np.unique(pairs["second"].to_numpy(dtype=int))
    return RECORDED_TWICE, copies, {"share": MIN_SHARE, "pairs": names}


def _find_duplicates(recording: Recording, silent: np.ndarray) -> np.ndarray:
    """Return the neurons whose activity nearly equals that of an earlier one."""
    alive = np.setdiff1d(np.arange(recording.n_neurons), silent)
    flat = recording.activity.reshape(-1, recording.n_neurons)
    if alive.size > MAX_CORRELATED:
        _, first = np.unique([hash(flat[:, i].tobytes()) for i in alive], return_index=True)
        return np.delete(alive, first)
    peak = np.abs(flat[:, alive]).max(axis=0).astype(np.float32)
    z = np.divide(flat[:, alive], peak, dtype=np.float32)  # no square leaves the range of numbers
    z -= z.mean(axis=0)
    z /= np.maximum(np.linalg.norm(z, axis=0), np.finfo(np.float32).tiny)
    near = np.triu(z.T @ z, k=1) > DUPLICATE_CORRELATION
    return alive[near.any(axis=0)]


def find_copied_trials(activity: np.ndarray) -> np.ndarray:
    """Return the trials whose activity is that of an earlier one, where enough of it is not 0."""
    totals = activity.sum(axis=(1, 2), dtype=float)
    _, which, n_alike = np.unique(totals, return_inverse=True, return_counts=True)
    alike = np.flatnonzero(n_alike[which] > 1)  # the others need not be looked at bin by bin
    active = alike[np.count_nonzero(activity[alike], axis=(1, 2)) >= MIN_ACTIVE]
    active = active[np.ptp(activity[active], axis=(1, 2)) > 0] if active.size else active
    _, first = np.unique([hash(activity[trial].tobytes()) for trial in active], return_index=True)
    return np.delete(active, first)


def check_copied_trials(recording: Recording) -> None:
    """Raise an InputError where trials are there twice: any test would take them for evidence."""
    copied = find_copied_trials(recording.activity)
    if copied.size:
        raise InputError(
            f"{copied.size} of {recording.n_trials} trials are exact copies of an earlier one "
            f"({copied[0]} is the first): a test would count them as evidence; keep one of each"
        )


def _find_drifting(recording: Recording) -> np.ndarray:
    """Return the neurons whose count per trial changes clearly from first to last third."""
    third = recording.n_trials // 3
    if third < 5:
        return np.array([], dtype=int)
    totals = recording.activity.sum(axis=1, dtype=np.float64)  # (trial, neuron)
    first, last = totals[:third], totals[-third:]
    error = np.sqrt((first.var(axis=0, ddof=1) + last.var(axis=0, ddof=1)) / third)
    low, high = np.sort([first.mean(axis=0), last.mean(axis=0)], axis=0)
    return np.flatnonzero((high - low > DRIFT_Z * error) & (high > DRIFT_RATIO * low))
