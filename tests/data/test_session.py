"""Both ways to store spikes give the counts that a plain loop gives."""

import numpy as np
import pytest

from spikecast.data.binning import bin_spikes
from spikecast.data.session import SpikesByUnit, SpikesInTime

WINDOW, BIN_SIZE, IDS = (-0.5, 1.0), 0.01, np.array([9, 3, 4])


@pytest.fixture(scope="module")
def spikes():
    rng = np.random.default_rng(0)
    times = np.sort(rng.integers(0, 3_000_000, 5000))  # samples at 30 kHz
    return times, rng.choice([3, 4, 9, 77], 5000), np.sort(rng.uniform(0.2, 99.9, 30))


def test_counts_are_those_of_from_spike_times(spikes):
    times, units, events = spikes
    known = units != 77
    sorted_ids = np.sort(IDS)
    expected, _ = bin_spikes(
        times[known] / 30_000, units[known], sorted_ids, events, WINDOW, BIN_SIZE
    )
    expected = expected[:, :, np.searchsorted(sorted_ids, IDS)]
    in_time = SpikesInTime(times, units, IDS, 1 / 30_000)
    by_unit = SpikesByUnit(in_time.read_unit)
    for stored in (in_time, by_unit):
        np.testing.assert_array_equal(
            stored.count(np.arange(3), events, WINDOW, BIN_SIZE), expected
        )
        np.testing.assert_array_equal(
            stored.count(np.array([2, 0]), events, WINDOW, BIN_SIZE), expected[:, :, [2, 0]]
        )
