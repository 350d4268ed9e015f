"""Planted copies of neurons are found; what neurons share otherwise is not taken for a copy."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from spikecast.data import simulate
from spikecast.data.coincidence import can_find_coincidences, find_coincident_pairs
from spikecast.data.recording import Recording


def copy_spikes(counts, kept, jitter, rng):
    """Spikes of a neuron as another probe sees them: some lost, some a bin off, some added."""
    copy = np.zeros_like(counts)
    for trial, time in zip(*np.nonzero(counts), strict=True):
        for _ in range(rng.binomial(counts[trial, time], kept)):
            moved = time + (rng.integers(-1, 2) if jitter else 0)
            copy[trial, np.clip(moved, 0, counts.shape[1] - 1)] += 1
    return copy + rng.poisson(0.1 * counts.mean(), counts.shape)


def plant_copies(kept=0.8, jitter=True, seed=0, **settings):
    """A session in which neurons 20 to 24 (area B) are copies of 0 to 4 (area A)."""
    recording = simulate.unrelated_areas(120, (20, 20), seed=seed, **settings).recording
    activity, rng = recording.activity.astype(int), np.random.default_rng(seed)
    for number in range(5):
        activity[:, :, 20 + number] = copy_spikes(activity[:, :, number], kept, jitter, rng)
    return Recording.from_arrays(activity, recording.time, recording.area)


def find_everywhere(recording):
    everyone = np.arange(recording.n_neurons)
    return find_coincident_pairs(recording, everyone, everyone)


@pytest.mark.parametrize("jitter", [False, True])
@pytest.mark.parametrize("kept", [0.7, 1.0])
@pytest.mark.parametrize("bin_size", [0.01, 0.02])
def test_copies_are_found_and_no_others(kept, jitter, bin_size):
    recording = plant_copies(kept, jitter, bin_size=bin_size, coupling=0.05)
    found = find_coincident_pairs(recording, np.arange(20), np.arange(20, 40))
    assert found[["first", "second"]].to_numpy().tolist() == [[n, 20 + n] for n in range(5)]
    assert (found["share"] > 0.3).all()


def test_either_way_round_is_the_same():
    recording = plant_copies()
    found = find_everywhere(recording)
    forward, back = (
        found[found["first"] < found["second"]],
        found[found["first"] > found["second"]],
    )
    assert len(forward) == len(back) == 5
    np.testing.assert_allclose(
        forward.sort_values("first")["share"], back.sort_values("second")["share"], rtol=0.1
    )


@pytest.mark.parametrize(
    "shared",
    [
        {"stimulus": 0.5},
        pytest.param({"movement": 0.5}, marks=pytest.mark.slow),  # the last has all of them
        pytest.param({"coupling": 0.3}, marks=pytest.mark.slow),
        {"stimulus": 0.3, "movement": 0.3, "coupling": 0.3, "bin_size": 0.02},
    ],
)
def test_what_areas_share_is_not_taken_for_copies(shared):
    for seed in range(2):
        assert find_everywhere(simulate.unrelated_areas(seed=seed, **shared).recording).empty


@pytest.mark.parametrize("sd", [1.5, 3.0])
@pytest.mark.parametrize("gain", [0.4, 1.2])
def test_a_fast_factor_of_all_neurons_is_not_taken_for_copies(sd, gain):
    rng = np.random.default_rng(0)
    factor = gaussian_filter1d(rng.normal(size=(150, 100, 1)), sd, axis=1)
    log_rate = factor / factor.std() * gain * rng.normal(size=80)
    rate = np.exp(log_rate) / np.exp(log_rate).mean(axis=(0, 1)) * rng.uniform(0.02, 0.6, 80)
    assert find_everywhere(
        Recording.from_arrays(rng.poisson(rate), 0.02 * np.arange(100), "A")
    ).empty


def test_noise_has_no_copies():
    for seed in range(10):
        recording = simulate.poisson_noise(60, {"A": 100, "B": 100}, seed=seed).recording
        assert find_everywhere(recording).empty


def test_a_continuous_recording_of_counts_is_one_long_trial():
    recording = plant_copies()
    activity = recording.activity.reshape(1, -1, recording.n_neurons)
    long = Recording.from_arrays(activity, 0.01 * np.arange(activity.shape[1]), recording.area)
    assert len(find_everywhere(long)) == 10


def test_blocks_change_nothing(monkeypatch):
    recording = plant_copies()
    whole = find_everywhere(recording)
    monkeypatch.setattr("spikecast.data.coincidence.BLOCK", 1)
    np.testing.assert_array_equal(find_everywhere(recording), whole)


@pytest.mark.parametrize("kind", ["counts", "continuous"])
def test_a_neuron_that_is_the_same_in_every_bin_is_found_in_any_recording(kind):
    """Short, dense, in wide bins; a neuron that never changes is no copy of another."""
    rng = np.random.default_rng(0)
    activity = rng.poisson(0.5, (20, 30, 6))
    activity[:, :, 4] = activity[:, :, 1]
    activity[:, :, [2, 5]] = 0
    recording = Recording.from_arrays(
        activity, 0.1 * np.arange(30), ["A"] * 3 + ["B"] * 3, kind=kind
    )
    pairs = find_coincident_pairs(recording, np.arange(3), np.arange(3, 6))
    assert pairs[["first", "second"]].to_numpy().tolist() == [[1, 4]]


def test_where_bins_cannot_tell_nothing_is_found():
    counts = np.random.default_rng(0).poisson(0.3, (50, 40, 3))
    counts[:, :, 2] = counts[:, :, 0]
    counts[0, 0, 2] += 1  # what is the same in every bin is found everywhere
    for recording in (
        Recording.from_arrays(counts, 0.05 * np.arange(40), "A"),
        Recording.from_arrays(counts, 0.01 * np.arange(40), "A", kind="continuous"),
        Recording.from_arrays(counts[:, :6], 0.01 * np.arange(6), "A"),
    ):
        assert not can_find_coincidences(recording)
        assert find_everywhere(recording).empty
