"""When study A's own network tells the label: its forward states, which know no later bin."""

from typing import Any

import numpy as np
from sklearn.svm import SVC

from spikecast.analysis.decoding.nulls import shift_labels
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.runs.studies.livewired_half import find_half_way
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Measure

LASTS = 0.03  # seconds that a stretch must last
N_DRAWS = 19  # the highest of them is passed by chance in one of 20 sessions
N_RESAMPLES = 500
NAME = "their RNN, forward states of held-out trials, one SVM per bin"

FORWARD = NoticeKind(
    "forward",
    "serious",
    "Their own network, dated soundly: states of its forward direction, which know no later bin, "
    "of trials that no step had seen, {onset}. An onset is the first stretch of 30 ms whose "
    "accuracy is above {threshold:.0%}, the highest that any bin reaches in {n_draws} draws of "
    "labels shifted along the session (so that one of 20 sessions without an onset has one by "
    "chance).",
)


def score_forward(
    fits: list[Arrays], words: np.ndarray, bin_size: float, seed: int
) -> dict[str, Any]:
    """Decode labels bin by bin from forward states, and find from when they can be told.

    Parameters
    ----------
    fits : list of dict
        One per fold: ``forward`` (trial, time, latent) of all trials, ``train``, ``test``.
    words : array, (trial,)
    bin_size : float
        Seconds.
    seed : int

    Returns
    -------
    dict
        ``curve`` (time,), balanced over classes; the ``threshold``, the largest value of all
        curves of labels shifted along the session; ``onset`` (bin, -1: none) and that of each
        resample of the trials, ``onsets`` (resample,); the bins at which the curves of these are
        half-way up, ``halves`` (resample,).
    """
    _, codes = np.unique(words, return_inverse=True)
    rng = make_rng(seed, "livewired", "forward")
    told = _decode_bins(fits, codes)
    curve = _weigh(told == codes[:, np.newaxis], codes, np.ones((1, codes.size)))[0]
    tops = [
        _weigh(
            _decode_bins(fits, labels) == labels[:, np.newaxis], labels, np.ones((1, codes.size))
        ).max()
        for labels in shift_labels(codes, N_DRAWS, rng)
    ]
    threshold = float(max(tops))
    least = max(int(np.ceil(LASTS / bin_size - 1e-9)), 1)
    drawn = rng.multinomial(codes.size, np.full(codes.size, 1 / codes.size), size=N_RESAMPLES)
    curves = _weigh(told == codes[:, np.newaxis], codes, drawn.astype(float))
    return {
        "curve": curve,
        "threshold": threshold,
        "onset": _find_onset(curve, threshold, least),
        "onsets": [_find_onset(one, threshold, least) for one in curves],
        "halves": find_half_way(curves),
    }


def _decode_bins(fits: list[Arrays], codes: np.ndarray) -> np.ndarray:
    """Return what the deck's SVM, one per bin, says of each trial while held out, (trial, time)."""
    told = np.zeros((codes.size, fits[0]["forward"].shape[1]), dtype=int)
    for fit in fits:
        train, test = fit["train"], fit["test"]
        for row, states in enumerate(fit["forward"].transpose(1, 0, 2)):
            svm = SVC(class_weight="balanced").fit(states[train], codes[train])
            told[test, row] = svm.predict(states[test])
    return told


def _weigh(right: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return accuracies balanced over classes, (resample, time), of weighted trials."""
    classes = np.unique(codes)
    shares = [
        (weights[:, codes == code] @ right[codes == code].astype(float))
        / np.maximum(weights[:, codes == code].sum(axis=1, keepdims=True), 1e-9)
        for code in classes
    ]
    return np.mean(shares, axis=0)


def _find_onset(curve: np.ndarray, threshold: float, least: int) -> int:
    """Return the first bin of the first stretch of `least` bins above a threshold; -1: none."""
    above = np.convolve(curve > threshold, np.ones(least, dtype=int), mode="valid") == least
    return int(np.argmax(above)) if above.any() else -1


def date_forward(found: Arrays, time: np.ndarray) -> Measure:
    """Return the onset in seconds with its interval; resamples without one count as latest."""
    onset = int(found["onset"])
    if onset < 0:
        return Measure(NAME, None, "onset")
    seconds = np.where(found["onsets"] < 0, np.inf, time[np.maximum(found["onsets"], 0)])
    low, high = np.quantile(seconds, [0.025, 0.975], method="inverted_cdf")
    return Measure(NAME, float(time[onset]), "onset", float(low), float(high))


def describe_forward(found: Arrays, measure: Measure, label: str) -> Notice:
    """Return from when the forward states tell the label, and by what rule."""
    onset = f"tell the {label} at no time"
    if measure.value is not None:
        onset = f"tell the {label} from {1000 * measure.number:.0f} ms after the stimulus on"
        if measure.number < 0:
            onset = f"tell the {label} already {-1000 * measure.number:.0f} ms before the stimulus"
    return FORWARD(onset=onset, threshold=float(found["threshold"]), n_draws=N_DRAWS)
