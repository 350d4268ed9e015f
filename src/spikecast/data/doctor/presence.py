"""Units that are lost or appear during the session, and stretches without any spike."""

import numpy as np

from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.doctor.names import name_units
from spikecast.data.doctor.spike_facts import SpikeFacts
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession

LEAST_ABSENCE = 0.1  # of the session
LEAST_EXPECTED = 50  # spikes that the absence lacks
MOST_LEFT = 0.02  # of them
LEAST_PRESENCE = 0.1  # of the session
LEAST_GAP = 30  # spikes of all units together that a gap lacks
LEAST_GAP_SECONDS = 2

LOST = NoticeKind(
    "lost_units",
    "serious",
    "{n} of {n_units} units not there all the time ({n_lost} silent at the end, {n_appearing} at "
    "the start, for {limit:.0%} of the session or more): {units}. Lost spikes look like a change "
    "of the brain; leave out these units, or the trials without them",
)
LOST_NEURONS = NoticeKind(
    "lost_neurons",
    "serious",
    "{n} of {n_neurons} neurons not there all the time ({n_lost} silent at the end, {n_appearing} "
    "at the start, for {limit:.0%} of the trials or more). Lost spikes look like a change of the "
    "brain; leave out these neurons, or the trials without them",
)
GAP = NoticeKind(
    "gaps",
    "serious",
    "no unit fires from {spans} (of {seconds:.0f} s): the recording stopped there, or files were "
    "joined. Leave out trials within it",
)
MOST_SPANS = 3


def find_absence(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of the session for which each unit is absent at its start and its end.

    A unit is absent where it has at most a fiftieth of the spikes that its median rate in the rest
    would give, and at least 50 of them are lacking. Shares that are not shown are 0.

    Parameters
    ----------
    counts : array, (stretch, unit)
        Spikes in equal stretches of the session, those without any spike of any unit left out.

    Returns
    -------
    at_start, at_end : array, (unit,)

    Examples
    --------
    >>> counts = np.full((100, 2), 10)
    >>> counts[70:, 1] = 0
    >>> find_absence(counts)[1]
    array([0. , 0.3])
    """
    return _find_absence_at_end(counts[::-1]), _find_absence_at_end(counts)


def _find_absence_at_end(counts: np.ndarray) -> np.ndarray:
    n_stretches, n_units = counts.shape
    least = max(1, round(LEAST_ABSENCE * n_stretches))
    share = np.zeros(n_units)
    before = counts.cumsum(axis=0)
    for n_left in range(least, n_stretches - max(1, round(LEAST_PRESENCE * n_stretches)) + 1):
        present = n_stretches - n_left
        # the quiet half of the time that is left tells what to expect, so that a burst does not
        typical = np.quantile(counts[:present], 0.25, axis=0)
        fired = before[-1] - before[present - 1]
        expected = typical * n_left
        absent = (expected >= LEAST_EXPECTED) & (fired <= MOST_LEFT * expected)
        share[absent] = n_left / n_stretches
    return share


def check_presence(raw: RawSession, facts: SpikeFacts) -> list[Notice]:
    """Return notices of units that are lost or appear, and of gaps in all units."""
    notices = _check_gaps(facts)
    at_start, at_end = find_absence(facts.counts[facts.counts.sum(axis=1) > 0])
    found = np.flatnonzero((at_start > 0) | (at_end > 0))
    if found.size:
        rows = facts.units[found]
        notices.append(
            LOST(
                n=found.size,
                n_units=len(facts.units),
                n_lost=int(np.count_nonzero(at_end)),
                n_appearing=int(np.count_nonzero(at_start)),
                limit=LEAST_ABSENCE,
                units=name_units(raw, rows),
                rows=rows.tolist(),
            )
        )
    return notices


def check_presence_over_trials(recording: Recording) -> list[Notice]:
    """Return a notice of neurons that are lost, or appear, in the course of the trials."""
    if recording.kind != "counts" or recording.n_trials < 20:
        return []
    at_start, at_end = find_absence(sum_by_stretch(recording))
    found = np.flatnonzero((at_start > 0) | (at_end > 0))
    if not found.size:
        return []
    return [
        LOST_NEURONS(
            n=found.size,
            n_neurons=recording.n_neurons,
            n_lost=int(np.count_nonzero(at_end)),
            n_appearing=int(np.count_nonzero(at_start)),
            limit=LEAST_ABSENCE,
            neurons=found.tolist(),
        )
    ]


def sum_by_stretch(recording: Recording) -> np.ndarray:
    """Return the counts in 100 stretches of trials or fewer, (stretch, neuron)."""
    totals = recording.activity.sum(axis=1, dtype=np.int64)
    step = -(-len(totals) // 100)
    n_stretches = len(totals) // step
    return totals[: n_stretches * step].reshape(n_stretches, step, -1).sum(axis=1)


def find_gaps(facts: SpikeFacts) -> list[tuple[float, float]]:
    """Return (start, stop) in seconds of the stretches in which no unit fires."""
    population = facts.population
    step = facts.seconds / len(population)
    typical = np.median(population)
    least = max(round(LEAST_GAP_SECONDS / step), LEAST_GAP / max(typical, 1e-9))
    silent = np.diff(np.concatenate([[0], population == 0, [0]]).astype(int))
    spans = zip(np.flatnonzero(silent == 1), np.flatnonzero(silent == -1))
    return [
        (facts.start + first * step, facts.start + last * step)
        for first, last in spans
        if last - first >= least
    ]


def _check_gaps(facts: SpikeFacts) -> list[Notice]:
    spans = find_gaps(facts)
    if not spans:
        return []
    said = [f"{first:.0f} to {last:.0f} s" for first, last in spans]
    if len(said) > MOST_SPANS:
        said = [*said[:MOST_SPANS], f"and {len(said) - MOST_SPANS} more times"]
    return [GAP(spans=said, seconds=facts.seconds, starts_stops=[list(span) for span in spans])]
