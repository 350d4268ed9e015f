"""Spikes that a sorter missed because they were too small."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.numbers import to_numbers
from spikecast.data.doctor.names import describe_labels, name_units
from spikecast.data.session import RawSession, SpikesInTime

COLUMN = "amplitude_cutoff"
MOST_MISSING = 0.1
FEWEST_SPIKES = 500
MOST_SPIKES = 2**24  # of all units, evenly through the session
SMOOTHING = 3  # bins of the histogram

CUT_OFF = NoticeKind(
    "amplitude_cutoff",
    "minor",
    "{n} of {n_measured} units without more than {limit:.0%} of their spikes, too small to be "
    "detected ({evidence}){labels}: {units}. Their rates follow the amplitude too: as the "
    "probe moves, spikes are lost",
)


def estimate_missing_share(amplitudes: np.ndarray) -> float:
    """Return the share of spikes below the threshold of detection, from amplitudes (spike,).

    Amplitudes are taken to be spread evenly about their mode. Where the histogram ends below it at
    a height, what lies above the place of that height on the other side is as much as is missing;
    the estimate is at most .5, and NaN for fewer than 500 spikes.

    References
    ----------
    Hill, Mehta & Kleinfeld 2011, Quality metrics to accompany spike sorting of extracellular
    signals, J Neurosci 31:8699; as in the Allen Institute's ecephys_spike_sorting.

    Examples
    --------
    >>> amplitudes = np.random.default_rng(0).normal(100, 15, 20_000)
    >>> estimate_missing_share(amplitudes) < 0.01
    True
    >>> round(estimate_missing_share(amplitudes[amplitudes > 90]), 1)  # a quarter is missing
    0.3
    """
    size = np.abs(np.asarray(amplitudes, dtype=float))
    size = size[np.isfinite(size)]
    if size.size < FEWEST_SPIKES or np.ptp(size) == 0:
        return float("nan")
    n_bins = int(np.clip(size.size / 10, 50, 500))
    counts, _ = np.histogram(size, n_bins)
    density = gaussian_filter1d(counts.astype(float), SMOOTHING * n_bins / 100, mode="reflect")
    opposite = int(np.flatnonzero(density >= density[0])[-1])  # as high as where it ends below
    missing = density[opposite + 1 :].sum()
    return float(min(missing / (missing + density.sum()), 0.5))


def check_amplitudes(raw: RawSession, units: np.ndarray) -> list[Notice]:
    """Return a notice of the units that miss spikes by their amplitudes.

    The column ``amplitude_cutoff`` of the units says it where it is there, else the amplitudes that
    are stored with the spikes.
    """
    missing, evidence = measure_missing(raw, units)
    found = np.flatnonzero(np.nan_to_num(missing) > MOST_MISSING)
    if not found.size:
        return []
    rows = units[found[np.argsort(-missing[found], kind="stable")]]
    return [
        CUT_OFF(
            n=found.size,
            n_measured=int(np.count_nonzero(np.isfinite(missing))),
            limit=MOST_MISSING,
            evidence=evidence,
            labels=describe_labels(raw, rows),
            units=name_units(raw, rows),
            rows=rows.tolist(),
        )
    ]


def measure_missing(raw: RawSession, units: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the share of spikes that each unit misses, NaN where not known, and what says so."""
    if COLUMN in raw.units:
        return to_numbers(raw.units[COLUMN].iloc[units]), f"column '{COLUMN}'"
    missing = np.full(len(units), np.nan)
    spikes = raw.spikes
    if isinstance(spikes, SpikesInTime) and spikes.amplitudes is not None:
        step = -(-len(spikes.times) // MOST_SPIKES)
        fired, sizes = np.asarray(spikes.units[::step]), np.asarray(spikes.amplitudes[::step])
        order = np.argsort(fired, kind="stable")
        fired, sizes = fired[order], sizes[order]
        ids = spikes.ids[units]
        starts, stops = (np.searchsorted(fired, ids, side) for side in ("left", "right"))
        for place, (start, stop) in enumerate(zip(starts, stops)):
            missing[place] = estimate_missing_share(sizes[start:stop])
    return missing, "by the amplitudes of their spikes"
