"""What a recording's owner should know before believing a score: findings, not errors."""

from dataclasses import dataclass

import numpy as np

from spikecast.data.recording import UNLABELED, Recording

DUPLICATE_CORRELATION = 0.95  # of binned counts; real pairs of neurons stay far below
DRIFT_RATIO = 2.0  # change of rate between the first and the last third of trials
DRIFT_Z = 5.0  # standard errors of that change
MAX_CORRELATED = 3000  # neurons; above this only exact copies are looked for
FEW_TRIALS = 50

MESSAGES = {
    "silent": "silent (activity that never changes): cannot predict or be predicted",
    "duplicate": (
        f"nearly a copy of another (correlation above {DUPLICATE_CORRELATION}): one unit split "
        "in two makes prediction look easy"
    ),
    "drift": (
        f"drifting ({DRIFT_RATIO:g}-fold change of rate or more from the first to the last third "
        "of the trials): random trial splits can pass drift off as prediction; compare with "
        "--split block"
    ),
    "unlabeled": "without an area (root or empty): left out of '--source rest'",
}


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
    >>> counts = np.random.default_rng(0).poisson(0.5, size=(60, 50, 3))
    >>> counts[..., 2] = 0
    >>> recording = spikecast.Recording.from_arrays(counts, np.arange(50) / 100, "CA1")
    >>> [finding.message for finding in findings(recording)]
    ['1 of 3 neurons is silent (activity that never changes): cannot predict or be predicted']
    """
    looked_for = {
        "silent": _silent(recording),
        "duplicate": _duplicates(recording),
        "drift": _drifting(recording),
        "unlabeled": np.flatnonzero(np.isin(np.char.lower(recording.area), UNLABELED)),
    }
    found = [
        Finding(kind, f"{_of(neurons.size, recording.n_neurons)} {MESSAGES[kind]}", neurons)
        for kind, neurons in looked_for.items()
        if neurons.size
    ]
    if 1 < recording.n_trials < FEW_TRIALS:
        few = f"only {recording.n_trials} trials: intervals will be wide"
        found.append(Finding("few_trials", few, np.array([], dtype=int)))
    return found


def _of(some: int, all_of_them: int) -> str:
    return f"{some} of {all_of_them} neurons {'is' if some == 1 else 'are'}"


def _silent(recording: Recording) -> np.ndarray:
    activity = recording.activity
    return np.flatnonzero(activity.max(axis=(0, 1)) == activity.min(axis=(0, 1)))


def _duplicates(recording: Recording) -> np.ndarray:
    """Neurons whose activity nearly equals that of an earlier one."""
    alive = np.setdiff1d(np.arange(recording.n_neurons), _silent(recording))
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
