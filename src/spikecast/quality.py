"""What a recording's owner should know before believing a score: findings, not errors."""

from dataclasses import dataclass

import numpy as np

from spikecast.recording import UNLABELED, Recording

DUPLICATE_CORRELATION = 0.95  # of binned counts; real pairs of neurons stay far below
DRIFT_RATIO = 2.0  # change of rate between the first and the last third of trials
DRIFT_Z = 5.0  # standard errors of that change
MAX_CORRELATED = 3000  # neurons; above this only exact copies are looked for


@dataclass(frozen=True)
class Finding:
    """One thing to know about a recording.

    Attributes
    ----------
    kind : {"silent", "duplicate", "drift", "unlabeled", "few_trials"}
    message : str
        One sentence for a person.
    neurons : array of int
        The neurons concerned (empty where it is about trials).
    """

    kind: str
    message: str
    neurons: np.ndarray


def findings(recording: Recording) -> list[Finding]:
    """Look for silent, duplicate, drifting and unlabeled neurons, and for too few trials.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    list of Finding
        Empty when nothing was found.

    Examples
    --------
    >>> import numpy as np, spikecast
    >>> counts = np.random.default_rng(0).poisson(0.5, size=(30, 50, 3))
    >>> counts[..., 2] = 0
    >>> recording = spikecast.Recording.from_arrays(counts, np.arange(50) / 100, "CA1")
    >>> [finding.message for finding in findings(recording)]
    ['1 of 3 neurons is silent: it never fires and cannot be predicted or predict']
    """
    found = []
    activity = recording.activity
    n_neurons = recording.n_neurons

    silent = np.flatnonzero(activity.max(axis=(0, 1)) == activity.min(axis=(0, 1)))
    if silent.size:
        what = (
            "silent: it never fires" if silent.size == 1 else "silent: they never fire"
        ) if recording.kind == "counts" else "constant"  # fmt: skip
        found.append(Finding("silent", (
            f"{_of(silent.size, n_neurons)} {what} and cannot be predicted or predict"
        ), silent))  # fmt: skip

    copies = _duplicates(recording, silent)
    if copies.size:
        found.append(Finding("duplicate", (
            f"{_of(copies.size, n_neurons)} nearly a copy of another (correlation of counts above "
            f"{DUPLICATE_CORRELATION}): one unit split in two makes prediction look easy"
        ), copies))  # fmt: skip

    drifting = _drifting(recording)
    if drifting.size:
        found.append(Finding("drift", (
            f"{_of(drifting.size, n_neurons)} drifting: the rate changes {DRIFT_RATIO:g}-fold or "
            "more from the first to the last third of the trials. Random trial splits can pass "
            "drift off as prediction; compare with --split block"
        ), drifting))  # fmt: skip

    unlabeled = np.flatnonzero(np.isin(np.char.lower(recording.area), UNLABELED))
    if unlabeled.size:
        found.append(Finding("unlabeled", (
            f"{_of(unlabeled.size, n_neurons)} without an area (root or empty); left out of "
            "'--source rest'"
        ), unlabeled))  # fmt: skip

    if 1 < recording.n_trials < 50:
        found.append(Finding("few_trials", (
            f"only {recording.n_trials} trials: intervals will be wide"
        ), np.array([], dtype=int)))  # fmt: skip
    return found


def _of(some: int, all_of_them: int) -> str:
    return f"{some} of {all_of_them} neurons {'is' if some == 1 else 'are'}"


def _duplicates(recording: Recording, silent: np.ndarray) -> np.ndarray:
    """Neurons whose activity nearly equals that of an earlier one."""
    alive = np.setdiff1d(np.arange(recording.n_neurons), silent)
    flat = recording.activity.reshape(-1, recording.n_neurons)
    if alive.size > MAX_CORRELATED:
        _, first = np.unique([hash(flat[:, i].tobytes()) for i in alive], return_index=True)
        return np.delete(alive, first)
    z = flat[:, alive].astype(np.float32)
    z -= z.mean(axis=0)
    z /= np.linalg.norm(z, axis=0)
    near = np.triu(z.T @ z, k=1) > DUPLICATE_CORRELATION
    return alive[near.any(axis=0)]


def _drifting(recording: Recording) -> np.ndarray:
    """Neurons whose mean count per trial differs clearly between the first and last third."""
    third = recording.n_trials // 3
    if third < 5:
        return np.array([], dtype=int)
    totals = recording.activity.sum(axis=1, dtype=np.float64)  # (trial, neuron)
    first, last = totals[:third], totals[-third:]
    error = np.sqrt((first.var(axis=0, ddof=1) + last.var(axis=0, ddof=1)) / third)
    change = np.abs(last.mean(axis=0) - first.mean(axis=0))
    low = np.minimum(first.mean(axis=0), last.mean(axis=0))
    high = np.maximum(first.mean(axis=0), last.mean(axis=0))
    return np.flatnonzero((change > DRIFT_Z * error) & (high > DRIFT_RATIO * low))
