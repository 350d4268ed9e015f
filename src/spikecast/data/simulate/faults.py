"""Faults to plant in a session that is in order, each of a known size."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from spikecast.core.seeding import make_rng
from spikecast.data.session import RawSession, SpikesByUnit, SpikesInTime

CLOSE = 0.003  # seconds


def add_foreign_spikes(
    raw: RawSession, rows: np.ndarray, share: float, seed: int = 0
) -> RawSession:
    """Return a session whose units hold a share of spikes at random times, of other neurons."""
    rng = make_rng(seed, "foreign spikes")

    def change(times: np.ndarray) -> np.ndarray:
        n_foreign = rng.binomial(round(len(times) / (1 - share)), share)
        return np.sort(np.concatenate([times, rng.uniform(*raw.duration, n_foreign)]))

    return _change_units(raw, rows, change)


def lose_units(raw: RawSession, rows: np.ndarray, share: float, at: str = "end") -> RawSession:
    """Return a session whose units are silent for a share of it, at its start or its end."""
    start, stop = raw.duration
    keep = (1 - share) * (stop - start)

    def change(times: np.ndarray) -> np.ndarray:
        return times[times < start + keep] if at == "end" else times[times > stop - keep]

    return _change_units(raw, rows, change)


def empty_stretch(raw: RawSession, first: float, last: float) -> RawSession:
    """Return a session without any spike from `first` to `last`, in seconds."""
    rows = np.arange(len(raw.units))
    return _change_units(raw, rows, lambda times: times[(times < first) | (times > last)])


def share_spikes(
    raw: RawSession, first: int, second: int, share: float, jitter: float = 2e-4, seed: int = 0
) -> RawSession:
    """Return a session in which a share of the spikes of one unit are those of another.

    The second unit gets that many of the first's spikes, `jitter` seconds beside, in place of as
    many of its own.
    """
    rng = make_rng(seed, "shared spikes")
    assert raw.spikes is not None
    source = raw.spikes.read_unit(first)

    def change(times: np.ndarray) -> np.ndarray:
        n_shared = min(round(share * len(times)), len(source))
        copied = rng.choice(source, n_shared, replace=False) + rng.normal(0, jitter, n_shared)
        copied = np.sort(copied.clip(*raw.duration))
        own = rng.choice(times, len(times) - n_shared, replace=False)
        # one neuron keeps its refractory period
        near = np.searchsorted(copied, own + CLOSE) > np.searchsorted(copied, own - CLOSE)
        return np.sort(np.concatenate([own[~near], copied]))

    return _change_units(raw, np.array([second]), change)


def scale_spikes(raw: RawSession, factor: float) -> RawSession:
    """Return a session whose spike times, and duration, are multiplied by a factor."""
    scaled = _change_units(raw, np.arange(len(raw.units)), lambda times: times * factor)
    return replace(scaled, duration=(raw.duration[0] * factor, raw.duration[1] * factor))


def miss_small_spikes(raw: RawSession, share: float, seed: int = 0) -> RawSession:
    """Return a session with normal amplitudes, of which the smallest share was not detected."""
    rng = make_rng(seed, "amplitudes")
    assert raw.spikes is not None
    trains = [raw.spikes.read_unit(row) for row in range(len(raw.units))]
    units = np.repeat(raw.units.index.to_numpy(), [len(times) for times in trains])
    times = np.concatenate(trains)
    sizes = rng.normal(100.0, 15.0, times.size)
    kept = np.flatnonzero(sizes >= np.quantile(sizes, share))
    order = kept[np.argsort(times[kept], kind="stable")]
    ids = raw.units.index.to_numpy()
    return replace(raw, spikes=SpikesInTime(times[order], units[order], ids, 1.0, sizes[order]))


def change_trials(
    raw: RawSession, change: Callable[[pd.DataFrame], pd.DataFrame], table: str = "trials"
) -> RawSession:
    """Return a session with a changed trial table."""
    return replace(raw, tables={**raw.tables, table: change(raw.tables[table].copy())})


def drift_clock(raw: RawSession, seconds: float, table: str = "trials") -> RawSession:
    """Return a session whose event clock runs slow, by this time from its start to its end."""
    start, stop = raw.duration
    times = ["start_time", "stim_on", "stop_time"]

    def change(trials: pd.DataFrame) -> pd.DataFrame:
        trials[times] -= seconds * (trials[times] - start) / (stop - start)
        return trials

    return change_trials(raw, change, table)


def draw_runs(n_trials: int, mean: float, seed: int = 0) -> np.ndarray:
    """Return a label of two values, (trial,), in runs of a mean length."""
    changes = make_rng(seed, "runs of a label").random(n_trials) < 1 / mean
    return changes.cumsum() % 2


def _change_units(
    raw: RawSession, rows: np.ndarray, change: Callable[[np.ndarray], np.ndarray]
) -> RawSession:
    """Return a session in which the spikes of some units are changed."""
    assert raw.spikes is not None
    changed = {int(row): change(raw.spikes.read_unit(int(row))) for row in rows}
    spikes = raw.spikes

    def read_unit(row: int) -> np.ndarray:
        return changed[row] if row in changed else spikes.read_unit(row)

    return replace(raw, spikes=SpikesByUnit(read_unit))
