"""From log-likelihood gains to bits per spike, their asymmetry and their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikecast.scoring.fold_intervals import refit_limits
from spikecast.scoring.ratio_scores import Interval

PAST = 0  # stands for the whole past among the lags


@dataclass(frozen=True)
class Sums:
    """Gain (nats) and spikes on the scored bins of one direction in one order of time."""

    gain: np.ndarray  # (feature, trial, time)
    shuffled: np.ndarray  # (shuffle, feature, trial)
    spikes: np.ndarray  # (trial, time)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.gain + other.gain, self.shuffled + other.shuffled, self.spikes + other.spikes
        )


Whole = dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]
"""(direction, order of time) -> gain of the whole past and spikes, both (trial, time)."""


def _bits(gain: np.ndarray, spikes: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Bits per spike from sums per trial (trial, ...), once or for each resample."""
    if weights is not None:
        gain, spikes = weights @ gain, weights @ spikes
    else:
        gain, spikes = gain.sum(axis=0), spikes.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return gain / (np.log(2) * spikes)


def percentiles(value: np.ndarray, resampled: np.ndarray, folds: int) -> Interval:
    """A value with its 95 % limits; see :func:`refit_limits`."""
    low, high = refit_limits(value, resampled, folds)
    return Interval(float(value), float(low), float(high))


def plain_asymmetry(
    whole: Whole, time_order: int, weights: np.ndarray | None, bins: slice = slice(None)
) -> np.ndarray:
    """A->B minus B->A in one order of time."""
    there, back = (
        _bits(gain[:, bins].sum(axis=1), spikes[:, bins].sum(axis=1), weights)
        for gain, spikes in (whole[direction, time_order] for direction in (0, 1))
    )
    return there - back


def asymmetry(whole: Whole, weights: np.ndarray, folds: int, bins: slice = slice(None)) -> Interval:
    """Half the difference between A->B minus B->A and its mirror image, with its interval."""
    value, resampled = (
        (plain_asymmetry(whole, 1, chosen, bins) - plain_asymmetry(whole, -1, chosen, bins)) / 2
        for chosen in (None, weights)
    )
    return percentiles(value, resampled, folds)


def flow_table(
    totals: dict[tuple[int, int], Sums],
    names: Sequence[tuple[str, str]],
    chosen: dict[int, int],
    bin_size: float,
    weights: np.ndarray,
    folds: int,
) -> pd.DataFrame:
    """One row per direction and signed lag; `chosen` maps a feature's position to its lag."""
    rows = []
    for (direction, time_order), sums in totals.items():
        spikes = sums.spikes.sum(axis=1)
        for which, lag in chosen.items():
            gain, null = sums.gain[which].sum(axis=1), sums.shuffled[:, which]
            found = percentiles(_bits(gain, spikes, None), _bits(gain, spikes, weights), folds)
            row = {
                "source": names[direction][0],
                "target": names[direction][1],
                "lag": time_order * lag,
                "lag_seconds": time_order * lag * bin_size,
                "gain": found.value,
                "low": found.low,
                "high": found.high,
            }
            empty = Interval(np.nan, np.nan, np.nan)
            beyond, shuffled, p = empty, np.nan, np.nan
            if len(null):
                left = gain - null.mean(axis=0)
                beyond = percentiles(_bits(left, spikes, None), _bits(left, spikes, weights), folds)
                shuffled = found.value - beyond.value
                reached = np.sum(null.sum(axis=1) >= gain.sum())
                p = float(1 + reached) / (1 + len(null))
            row |= {
                "shuffled": shuffled,
                "beyond": beyond.value,
                "beyond_low": beyond.low,
                "beyond_high": beyond.high,
                "p": p,
            }
            rows.append(row)
    table = pd.DataFrame(rows)
    # A -> B first, then B -> A, each from the most negative lag to the most positive
    first = (table["source"] != names[0][0]).to_numpy()
    return table.iloc[np.lexsort((table["lag"], first))].reset_index(drop=True)


def over_time(
    whole: Whole, time: np.ndarray, stretch: int, weights: np.ndarray, folds: int
) -> pd.DataFrame:
    """Gains and asymmetry per stretch of bins."""
    rows = []
    for start in range(0, max(time.size - stretch, 0) + 1, stretch):
        bins = slice(start, start + stretch)
        found = asymmetry(whole, weights, folds, bins)
        forward, backward = (
            float(_bits(gain[:, bins].sum(axis=1), spikes[:, bins].sum(axis=1), None))
            for gain, spikes in (whole[direction, 1] for direction in (0, 1))
        )
        rows.append(
            {
                "time": float(time[bins].mean()),
                "forward": forward,
                "backward": backward,
                "asymmetry": found.value,
                "low": found.low,
                "high": found.high,
            }
        )
    return pd.DataFrame(rows)
