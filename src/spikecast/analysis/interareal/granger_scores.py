"""From log-likelihood gains to bits per spike, their asymmetry and their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.errors import NotEnoughDataError
from spikecast.scoring.fold_intervals import compute_refit_limits
from spikecast.scoring.ratio_scores import Interval

PAST = 0  # stands for the whole past among the lags
LAG_COLUMNS = ["source", "target", "lag", "lag_seconds", "gain", "low", "high"]


@dataclass(frozen=True)
class GainSums:
    """Gain (nats) and spikes on the scored bins of one direction in one order of time."""

    gain: np.ndarray  # (feature, trial, time)
    spikes: np.ndarray  # (trial, time)

    def __add__(self, other: "GainSums") -> "GainSums":
        return GainSums(self.gain + other.gain, self.spikes + other.spikes)


Whole = dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]
"""(direction, order of time) -> gain of the whole past and spikes, both (trial, time)."""


def to_bits(gain: np.ndarray, spikes: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return bits per spike of sums per trial (trial, ...), once or for each resample.

    NaN where there are no spikes.
    """
    if weights is not None:
        gain, spikes = weights @ gain, weights @ spikes
    else:
        gain, spikes = gain.sum(axis=0), spikes.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spikes > 0, gain / (np.log(2) * spikes), np.nan)


def make_interval(value: np.ndarray, resampled: np.ndarray, folds: int) -> Interval:
    """Return a value with its 95 % limits; see :func:`compute_refit_limits`."""
    if not np.isfinite(resampled).any():  # no spikes
        return Interval(float(value), np.nan, np.nan)
    low, high = compute_refit_limits(value, resampled, folds)
    return Interval(float(value), float(low), float(high))


def estimate_bits(
    gain: np.ndarray, spikes: np.ndarray, weights: np.ndarray, folds: int
) -> Interval:
    """Return bits per spike of sums per trial, (trial,), with their limits."""
    value, resampled = (to_bits(gain, spikes, w) for w in (None, weights))
    return make_interval(value, resampled, folds)


def subtract_directions(
    whole: Whole, time_order: int, weights: np.ndarray | None, bins: slice = slice(None)
) -> np.ndarray:
    """Return A->B minus B->A in one order of time, once or for each resample."""
    forward, backward = (
        to_bits(gain[:, bins].sum(axis=1), spikes[:, bins].sum(axis=1), weights)
        for gain, spikes in (whole[direction, time_order] for direction in (0, 1))
    )
    return forward - backward


def check_spikes(areas: Sequence[str], totals: Mapping[tuple[int, int], GainSums]) -> None:
    """Raise a NotEnoughDataError where an area has no spike in the bins that are scored."""
    if not all(sums.spikes.sum() > 0 for sums in totals.values()):
        raise NotEnoughDataError(
            f"{quote(areas[0])} or {quote(areas[1])} has no spike in the bins that are scored, "
            "those that have a past of all lags"
        )


def measure_asymmetry(
    whole: Whole, weights: np.ndarray, folds: int, bins: slice = slice(None)
) -> Interval:
    """Return half the difference between A->B minus B->A and its mirror image."""
    value, resampled = (
        (subtract_directions(whole, 1, w, bins) - subtract_directions(whole, -1, w, bins)) / 2
        for w in (None, weights)
    )
    return make_interval(value, resampled, folds)


def tabulate_lags(
    totals: dict[tuple[int, int], GainSums],
    names: Sequence[tuple[str, str]],
    lags: dict[int, int],
    bin_size: float,
    weights: np.ndarray,
    folds: int,
) -> pd.DataFrame:
    """Return one row per direction and signed lag; `lags` maps a feature's position to its lag."""
    check_spikes(names[0], totals)
    rows = []
    for (direction, time_order), sums in totals.items():
        spikes = sums.spikes.sum(axis=1)
        for which, lag in lags.items():
            estimate = estimate_bits(sums.gain[which].sum(axis=1), spikes, weights, folds)
            lag = time_order * lag
            rows.append((*names[direction], lag, lag * bin_size, *astuple(estimate)))
    table = pd.DataFrame(rows, columns=LAG_COLUMNS)
    # A -> B first, then B -> A, each from the most negative lag to the most positive
    first = (table["source"] != names[0][0]).to_numpy()
    return table.iloc[np.lexsort((table["lag"], first))].reset_index(drop=True)


def tabulate_time(
    whole: Whole, time: np.ndarray, stretch: int, weights: np.ndarray, folds: int
) -> pd.DataFrame:
    """Return gains and asymmetry per stretch of so many bins."""
    rows = []
    for start in range(0, max(time.size - stretch, 0) + 1, stretch):
        bins = slice(start, start + stretch)
        lead = measure_asymmetry(whole, weights, folds, bins)
        forward, backward = (
            float(to_bits(gain[:, bins].sum(axis=1), spikes[:, bins].sum(axis=1), None))
            for gain, spikes in (whole[direction, 1] for direction in (0, 1))
        )
        rows.append((float(time[bins].mean()), forward, backward, *astuple(lead)))
    return pd.DataFrame(rows, columns=["time", "forward", "backward", "asymmetry", "low", "high"])
