"""Both ways to store spikes give the counts that a plain loop gives."""

import numpy as np
import pytest

from spikecast.data.binning import bin_spikes
from spikecast.data.mapped import release
from spikecast.data.session import SpikesByUnit, SpikesInTime, SpikesOfProbes

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


def test_every_spike_is_in_one_piece(spikes, monkeypatch):
    times, units, _ = spikes
    monkeypatch.setattr("spikecast.data.session.PIECE", 999)
    in_time = SpikesInTime(times, units, IDS, 1 / 30_000)
    for stored in (in_time, SpikesByUnit(in_time.read_unit)):
        pieces = list(stored.read_pieces(np.array([2, 0])))
        assert {int(row) for _, rows in pieces for row in rows} == {0, 2}
        for row in (2, 0):
            read = np.concatenate([some[rows == row] for some, rows in pieces])
            np.testing.assert_array_equal(read, in_time.read_unit(row))
        for _, rows in pieces:
            assert np.count_nonzero(np.diff(rows)) == max(np.unique(rows).size - 1, 0)


def test_probes_follow_one_another(spikes):
    times, units, events = spikes
    one = SpikesInTime(times, units, IDS, 1 / 30_000)
    probes = SpikesOfProbes(
        [
            SpikesInTime(times, units, IDS[:1], 1 / 30_000),
            SpikesByUnit(lambda i: one.read_unit(i + 1)),
        ],
        [1, 2],
    )
    chosen = np.array([2, 0, 1])
    np.testing.assert_array_equal(
        probes.count(chosen, events, WINDOW, BIN_SIZE), one.count(chosen, events, WINDOW, BIN_SIZE)
    )
    for unit in range(3):
        np.testing.assert_array_equal(probes.read_unit(unit), one.read_unit(unit))
        pieces = [
            piece[rows == unit]
            for piece, rows in probes.read_pieces(chosen)
            if (rows == unit).any()
        ]
        np.testing.assert_allclose(np.concatenate(pieces), one.read_unit(unit))


def test_more_spikes_in_a_bin_than_a_byte_holds_are_counted():
    times = np.sort(np.concatenate([np.full(300, 0.05), np.full(70_000, 0.15)]))
    in_time = SpikesInTime(times, np.full(len(times), 3), np.array([3]))
    for stored in (in_time, SpikesByUnit(in_time.read_unit), SpikesOfProbes([in_time], [1])):
        counts = stored.count(np.array([0]), np.array([0.0, 9.0]), (0.0, 0.2), 0.1)
        assert counts[:, :, 0].tolist() == [[300, 70_000], [0, 0]]


def test_a_long_trial_is_counted_in_parts(spikes, monkeypatch):
    times, units, _ = spikes
    stored = SpikesInTime(times, units, IDS, 1 / 30_000)
    arguments = np.arange(3), np.array([0.0]), (0.0, 100.0), 0.1
    whole = stored.count(*arguments)
    assert whole.sum() == (units != 77).sum()
    monkeypatch.setattr("spikecast.data.session.COUNTED", 13)
    np.testing.assert_array_equal(stored.count(*arguments), whole)


def test_memory_of_mapped_files_is_given_back_and_read_again(tmp_path):
    np.save(tmp_path / "times.npy", np.arange(1_000_000.0))
    mapped = np.load(tmp_path / "times.npy", mmap_mode="r")
    assert mapped.sum() == 499_999_500_000
    release(mapped[10:])
    assert mapped.sum() == 499_999_500_000
    changed = np.load(tmp_path / "times.npy", mmap_mode="c")
    changed[3] = -1
    release(changed)
    release(np.zeros(3))
    assert changed[3] == -1


@pytest.mark.parametrize("kind", [np.uint64, np.int32, np.int64, float])
def test_counts_do_not_depend_on_the_type_of_times(spikes, kind):
    times, units, events = spikes
    events = np.concatenate([[0.1], events])  # a window that begins before the first spike
    stored = SpikesInTime(times.astype(kind), units, IDS, 1 / 30_000)
    expected = SpikesInTime(times.astype(float), units, IDS, 1 / 30_000)
    np.testing.assert_array_equal(
        stored.count(np.arange(3), events, WINDOW, BIN_SIZE),
        expected.count(np.arange(3), events, WINDOW, BIN_SIZE),
    )
