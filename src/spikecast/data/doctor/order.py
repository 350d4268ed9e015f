"""Labels that come in runs; trials and neurons that were sorted by something."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.core.seeding import make_rng
from spikecast.data.recording import Recording

MOST_CLASSES = 10
FEWEST_TRIALS = 20
LEAST_RUN = 1.5  # times as long as in a random order
LEAST_Z = 5.0
N_PERMUTATIONS = 200
MOST_STEP = 0.05  # of a sorted measure; clocks make longer steps
LEAST_ASCENDING = 0.95  # of the steps of trials sorted by activity
LEAST_CORRELATION = 0.95  # of neurons' places with what they were sorted by
FEWEST_NEURONS = 20

RUNS = NoticeKind(
    "labels_in_runs",
    "minor",
    "the values of '{column}' come in runs ({mean:.1f} trials long, {expected:.1f} in random "
    "order): what tells the time in the session tells them too. Decode them with blocks of trials "
    "as folds and a null that keeps runs",
)
SORTED_ROWS = NoticeKind(
    "sorted_rows",
    "serious",
    "trials are sorted by '{column}' (it rises from each to the next), so they are not in the "
    "order in which they were recorded: nothing can be said about slow drift",
)
SORTED_BY_ACTIVITY = NoticeKind(
    "trials_sorted_by_activity",
    "serious",
    "trials are sorted by how active the neurons are ({share:.0%} of trials are {way} than the one "
    "before): they are not in the order in which they were recorded, and neighbours are alike",
)
SORTED_NEURONS = NoticeKind(
    "neurons_sorted",
    "minor",
    "neurons are sorted by {what} (rank correlation with their place {rho:.2f}{where}): the first "
    "ones are no random sample",
)


def check_order_of_rows(trials: pd.DataFrame) -> list[Notice]:
    """Return notices of the columns of a trial table that come in runs, or are sorted."""
    notices = []
    for name, column in trials.items():
        if (run := measure_runs(column)) is not None:
            mean, expected, z = run
            if mean >= LEAST_RUN * expected and z >= LEAST_Z:
                notices.append(RUNS(column=str(name), mean=mean, expected=expected, z=z))
        elif _is_sorted_measure(column):
            notices.append(SORTED_ROWS(column=str(name)))
    return notices


def measure_runs(column: pd.Series) -> tuple[float, float, float] | None:
    """Return the mean length of runs of a label, that of random order, and z; None for others.

    A label has 2 to 10 values, each on four trials in the mean. z is that of the number of
    neighbours with the same value among 200 permutations.

    Examples
    --------
    >>> mean, expected, z = measure_runs(pd.Series(np.repeat([0, 1, 0, 1], 25)))
    >>> mean, round(expected, 1), z > 5
    (25.0, 1.9, True)
    """
    codes, values = pd.factorize(column.map(str) if column.dtype == object else column)
    codes = codes[codes >= 0]
    if codes.size < FEWEST_TRIALS or not 2 <= len(values) <= min(MOST_CLASSES, codes.size / 4):
        return None
    rng = make_rng(0, "runs")
    same = _count_same(codes)
    drawn = np.array([_count_same(rng.permutation(codes)) for _ in range(N_PERMUTATIONS)])
    z = (same - drawn.mean()) / max(drawn.std(), 1e-9)
    mean, expected = (codes.size / (codes.size - one) for one in (same, float(drawn.mean())))
    return mean, expected, float(z)


def _count_same(codes: np.ndarray) -> int:
    return int(np.count_nonzero(codes[1:] == codes[:-1]))


def _is_sorted_measure(column: pd.Series) -> bool:
    """Return whether a measured number (no clock, no counter) rises, or falls, at every step."""
    if not pd.api.types.is_float_dtype(column):
        return False
    values = to_numbers(column)
    values = values[np.isfinite(values)]
    if values.size < FEWEST_TRIALS or np.all(values % 1 == 0):
        return False
    step = np.diff(values)
    step = step if step.sum() > 0 else -step
    return bool((step >= 0).all() and 0 < np.median(step) < MOST_STEP)


def check_order_of_activity(recording: Recording) -> list[Notice]:
    """Return notices of trials, and of neurons, that were sorted by the activity."""
    return [*_check_trials(recording), *_check_neurons(recording)]


def _check_trials(recording: Recording) -> Iterator[Notice]:
    total = recording.activity.sum(axis=(1, 2), dtype=np.float64)
    if total.size < FEWEST_TRIALS or np.ptp(total) == 0:
        return
    step = np.diff(total)
    up, down = np.mean(step > 0), np.mean(step < 0)
    flat = np.mean(step == 0)
    if max(up, down) + flat >= LEAST_ASCENDING and flat < 0.5:
        way = "more active" if up > down else "less active"
        yield SORTED_BY_ACTIVITY(share=float(max(up, down)), way=way)


def _check_neurons(recording: Recording) -> Iterator[Notice]:
    """Yield a notice where neurons, in each area or all together, are sorted by rate or peak."""
    mean = recording.activity.mean(axis=0, dtype=np.float64)  # (time, neuron)
    measures = {"their mean activity": mean.mean(axis=0)}
    if recording.n_trials > 1:
        measures["the time of their peak"] = mean.argmax(axis=0).astype(float)
    for what, values in measures.items():
        if (rho := _correlate_with_place(values)) is not None and rho >= LEAST_CORRELATION:
            yield SORTED_NEURONS(what=what, rho=rho, where="")
            continue
        by_area = [_correlate_with_place(values[recording.area == one]) for one in recording.areas]
        known = [rho for rho in by_area if rho is not None]
        if len(known) > 1 and min(known) >= LEAST_CORRELATION:
            yield SORTED_NEURONS(what=what, rho=float(min(known)), where=" or more in every area")


def _correlate_with_place(values: np.ndarray) -> float | None:
    """Return the size of the rank correlation of values with their places; None for few."""
    if values.size < FEWEST_NEURONS or np.unique(values).size < 5:
        return None
    return float(abs(spearmanr(np.arange(values.size), values).statistic))
