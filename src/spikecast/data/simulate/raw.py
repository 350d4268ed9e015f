"""A session as a lab has it: spike times of units on two probes, and a trial table."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from spikecast.core.seeding import make_rng
from spikecast.data.session import RawSession, SpikesByUnit
from spikecast.data.simulate.limits import (
    LARGEST,
    check_counts,
    check_range,
    check_sizes,
    complete_areas,
)

BIN = 0.005  # seconds, of the rates
FAST_SD = 0.03  # seconds; smoothness of what neurons of an area share
DRIFT_SD = (100.0, 1000.0)  # seconds; smoothness of slow changes
REFRACTORY = 0.0025  # seconds
RATE_SPREAD = 0.9  # of the logarithm of the rates


def raw_session(
    areas: Mapping[str, int] | None = None,
    n_trials: int = 150,
    *,
    interval: tuple[float, float] = (3.0, 5.0),
    median_rate: float = 4.0,
    drift: float = 0.3,
    fast: float = 0.3,
    response: float = 1.0,
    seed: int = 0,
) -> RawSession:
    """Simulate a session that is in order: nothing in it needs a warning.

    Units are Poisson with a refractory period of 2.5 ms. The log rate of each is its baseline, a
    slow change of its own, what it shares with its area, and a response to the stimulus. The areas
    lie on two probes by turns.

    Parameters
    ----------
    areas : mapping of area -> int, optional
        Number of units; by default 20 in each of VISp, MOs and CA1.
    n_trials : int
    interval : (float, float)
        Least and most seconds from one trial to the next.
    median_rate : float
        Of the units, in Hz.
    drift, fast, response : float
        Standard deviation of log rates by slow changes, by what an area shares, and of the size of
        the responses.
    seed : int

    Returns
    -------
    RawSession
        Units with ``area``, ``probe`` and ``quality``; a table ``trials`` with ``start_time``,
        ``stim_on``, ``stop_time``, ``stimulus``, ``choice``.

    Examples
    --------
    >>> raw = raw_session({"A": 3}, 20)
    >>> len(raw.units), list(raw.tables["trials"].columns)[:2]
    (3, ['start_time', 'stim_on'])
    """
    check_counts(2, n_trials=n_trials)
    check_sizes(0, median_rate=median_rate, drift=drift, fast=fast)
    check_sizes(-LARGEST, response=response)
    interval = check_range("interval", interval, 1.0)
    areas = complete_areas(areas, {"VISp": 20, "MOs": 20, "CA1": 20})
    rng = make_rng(seed, "raw session")
    starts = 10.0 + np.cumsum(rng.uniform(*interval, n_trials))
    stop = float(starts[-1] + interval[1] + 10.0)
    trials = pd.DataFrame(
        {
            "start_time": starts,
            "stim_on": starts + rng.uniform(0.4, 0.6, n_trials),
            "stop_time": starts + interval[0] * 0.9,
            "stimulus": rng.choice([0.0, 0.25, 0.5, 1.0], n_trials),
            "choice": rng.choice(["left", "right"], n_trials),
        }
    )
    n_bins = round(stop / BIN)
    evoked = _evoke(trials["stim_on"].to_numpy(), n_bins)
    times = []
    for size in areas.values():
        shared = _draw_smooth(n_bins, FAST_SD / BIN, rng)
        for _ in range(size):
            base = np.clip(median_rate * rng.lognormal(0.0, RATE_SPREAD), 0.3, 40.0)
            log_rate = fast * rng.normal() * shared + response * rng.normal() * evoked
            log_rate += drift * _draw_slow(n_bins, rng)
            rate = np.exp(log_rate)
            times.append(_draw_spikes(base * rate / rate.mean(), rng))
    area = np.repeat(list(areas), list(areas.values()))
    units = pd.DataFrame(
        {
            "area": area,
            "probe": np.repeat(np.arange(len(areas)) % 2, list(areas.values())),
            "quality": "good",
        },
        index=pd.Index(100 + np.arange(len(area)), name="unit"),
    )
    return RawSession(
        source="simulation",
        units=units,
        spikes=SpikesByUnit(times.__getitem__),
        tables={"trials": trials},
        area_columns=["area"],
        quality_columns=["quality"],
        duration=(0.0, n_bins * BIN),
        session=f"simulated session, seed {seed}",
        subject="simulated",
    )


def _evoke(events: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the time course of a response to each event: 50 ms later, for 150 ms."""
    course = np.zeros(n_bins)
    for lag in np.arange(0.05, 0.2, BIN):
        place = ((events + lag) / BIN).astype(int)
        course[place[place < n_bins]] = 1.0
    return gaussian_filter1d(course, 0.01 / BIN)


def _draw_smooth(n: int, sd: float, rng: np.random.Generator) -> np.ndarray:
    values = gaussian_filter1d(rng.normal(size=n).astype(np.float32), sd, mode="wrap")
    return (values - values.mean()) / values.std()


def _draw_slow(n_bins: int, rng: np.random.Generator) -> np.ndarray:
    """Return a slow random curve, drawn once a second and interpolated."""
    n_seconds = int(np.ceil(n_bins * BIN)) + 1
    low, high = np.log(DRIFT_SD)
    values = _draw_smooth(n_seconds, min(np.exp(rng.uniform(low, high)), n_seconds / 4), rng)
    return np.interp(np.arange(n_bins) * BIN, np.arange(n_seconds), values)


def _draw_spikes(rate: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the times of spikes of a rate in bins, none within the refractory period."""
    counts = rng.poisson(rate * BIN)
    times = np.repeat(np.arange(len(rate)) * BIN, counts)
    times = np.sort(times + rng.uniform(0, BIN, times.size))
    while times.size > 1:
        close = np.concatenate([[False], np.diff(times) < REFRACTORY])
        close[1:] &= ~close[:-1]  # what follows a spike that goes may stay
        if not close.any():
            break
        times = times[~close]
    return times
