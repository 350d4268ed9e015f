"""What is planted is there, in the size asked for, and nothing else."""

import numpy as np
import pytest

from spikecast import simulate
from spikecast.core.errors import InputError, UnknownNameError
from spikecast.scoring.metrics import bits_per_spike, null_rate

SMALL = {"n_trials": 100, "n_neurons": (15, 15), "n_bins": 50}


def worth(simulated):
    return simulated.truth.worth.set_index(["area", "part"])["bits_per_spike"]


def rate_without(simulated, owner, part):
    """The true rates without one part, from the latents that are said to be planted."""
    truth = simulated.truth
    gone = [name.startswith(f"{owner} {part} ") for name in truth.latents["latent"].values]
    added = truth.latents.values[..., gone] @ truth.loadings.values[gone]
    rate = truth.rate * np.exp(-added)
    return rate * truth.rate.mean(axis=(0, 1)) / rate.mean(axis=(0, 1))


@pytest.mark.parametrize("seed", range(3))
def test_drift_is_worth_what_it_is_in_real_areas(seed):
    simulated = simulate.unrelated_areas(**SMALL, seed=seed)
    for area in "AB":
        assert 0.03 <= worth(simulated)[area, "drift"] <= 0.15
        inside = simulated.recording.area == area
        without = rate_without(simulated, area, "drift")[..., inside]
        # Poisson noise of the spikes is the only difference between these two
        y, rate = simulated.recording.activity[..., inside], simulated.truth.rate[..., inside]
        found = bits_per_spike(y, rate, without)
        assert found == pytest.approx(worth(simulated)[area, "drift"], abs=0.03)


@pytest.mark.parametrize("sd", [3.0, 15.0])
def test_drift_is_as_smooth_as_asked(sd):
    latents = simulate.unrelated_areas(800, (4, 4), n_bins=5, drift_sd=sd).truth.latents
    drift = latents.values[:, 0, ["drift" in name for name in latents["latent"].values]]
    # neighbours in a Gaussian-smooth sequence differ by 1 / (sqrt(2) sd) of its deviation
    steps = np.diff(drift, axis=0).std(axis=0).mean()
    assert steps == pytest.approx(1 / (np.sqrt(2) * sd), rel=0.15)


def test_drifts_are_drawn_as_different_as_asked():
    steps = []
    for seed in range(10):
        latents = simulate.unrelated_areas(200, (4, 4), n_bins=5, seed=seed).truth.latents
        drift = latents.values[:, 0, ["drift" in name for name in latents["latent"].values]]
        steps += np.diff(drift, axis=0).std(axis=0).tolist()
    slowest, fastest = np.quantile(steps, [0.1, 0.9])
    assert slowest < 1 / (np.sqrt(2) * 25)
    assert fastest > 1 / (np.sqrt(2) * 6)


def test_areas_own_their_latents_alone():
    simulated = simulate.unrelated_areas(30, (6, 7, 8), n_bins=20)
    loadings = simulated.truth.loadings
    assert simulated.recording.areas == {"A": 6, "B": 7, "C": 8}
    for owner, row in zip(loadings["owner"].values, loadings.values, strict=True):
        np.testing.assert_array_equal(row != 0, loadings["area"].values == owner)
    latents = simulated.truth.latents.values.reshape(-1, len(loadings))
    assert np.linalg.matrix_rank(latents) == len(loadings)
    assert len(simulated.truth.drives) == 0
    assert simulated.recording.trials.columns.empty


def test_single_trials_of_two_areas_are_not_related():
    """Rates without their drift do not correlate between areas more than by chance."""
    apart = []
    for seed in range(20):
        simulated = simulate.unrelated_areas(**SMALL, seed=seed)
        fast = simulated.truth.latents.values[
            ..., ["fast" in name for name in simulated.truth.latents["latent"].values]
        ]
        apart.append(np.corrcoef(fast.reshape(-1, 2).T)[0, 1])
    assert abs(np.mean(apart)) < 3 * np.std(apart) / np.sqrt(20)


@pytest.mark.parametrize("asked", [0.01, 0.05])
def test_a_coupling_is_worth_what_is_asked(asked):
    simulated = simulate.unrelated_areas(
        200, (10, 40), coupling=asked, stimulus=0.03, movement=0.03, seed=2
    )
    assert worth(simulated)["B", "coupling A"] == pytest.approx(asked, rel=0.01)
    assert simulated.truth.drives.to_numpy().tolist() == [["A", "B", 0.02]]
    inside = simulated.recording.area == "B"
    y, rate = simulated.recording.activity[..., inside], simulated.truth.rate[..., inside]
    without = rate_without(simulated, "B", "coupling A")
    found = bits_per_spike(y, rate, without[..., inside])
    n_spikes = y.sum()
    error = np.sqrt(2 * asked / np.log(2) / n_spikes)  # of a sum of log ratios of Poisson rates
    assert found == pytest.approx(asked, abs=4 * error)
    np.testing.assert_allclose(without[..., ~inside], simulated.truth.rate[..., ~inside])


def test_the_coupling_is_the_fast_factor_some_bins_later():
    simulated = simulate.unrelated_areas(20, (5, 5), coupling=0.02)
    latents = simulated.truth.latents
    fast, coupled = latents.sel(latent="A fast 0"), latents.sel(latent="B coupling A 0")
    np.testing.assert_array_equal(coupled.values[:, 2:], fast.values[:, :-2])


def test_each_of_three_sources_has_its_own_part():
    asked = {"A": 0.03, "C": 0.02, "D": 0.01}
    simulated = simulate.unrelated_areas(100, (8, 20, 8, 8), coupling=asked, seed=4)
    for source, size in asked.items():
        assert worth(simulated)["B", f"coupling {source}"] == pytest.approx(size, rel=0.05)


def test_stimulus_and_movement_reach_both_areas():
    simulated = simulate.unrelated_areas(**SMALL, stimulus=0.06, movement=0.04, seed=1)
    for area in "AB":
        assert worth(simulated)[area, "stimulus"] == pytest.approx(0.06, rel=0.15)
        assert worth(simulated)[area, "movement"] == pytest.approx(0.04, rel=0.15)
    trials = simulated.recording.trials
    assert set(trials["contrast_left"]) == {0.0, 0.25, 0.5, 1.0}
    stimulus = simulated.truth.latents.sel(latent="task stimulus 0")
    assert np.abs(stimulus.values[trials["contrast_left"] == 0]).max() == 0
    assert simulated.recording.behavior == ["running"]
    running = simulated.recording.dataset["running"].values
    assert running.shape == (100, 50)
    assert running.min() >= 0
    between = running.mean(axis=1)
    assert np.corrcoef(between[1:], between[:-1])[0, 1] > 0.3  # slow over trials


def test_labels_come_in_runs():
    for sd, fewest, most in ((2.0, 8, 40), (20.0, 1, 8)):
        label = simulate.unrelated_areas(**SMALL, label_sd=sd).recording.trials["label"].to_numpy()
        assert label.mean() == 0.5
        assert fewest <= (np.diff(label) != 0).sum() <= most


def test_rates_are_realistic_and_expected():
    simulated = simulate.unrelated_areas(100, (100, 100), seed=3)
    y, rate = simulated.recording.activity, simulated.truth.rate
    mean = rate.mean(axis=(0, 1)) / 0.01
    assert mean.min() >= 1
    assert mean.max() <= 20
    assert 3 < np.median(mean) < 6
    total, expected = y.sum(axis=(0, 1)), rate.sum(axis=(0, 1))
    np.testing.assert_array_less(np.abs(total - expected), 5 * np.sqrt(expected))
    assert bits_per_spike(y, rate, null_rate(y, y)) > 0.15


def test_the_seed_decides():
    first, again, other = (simulate.unrelated_areas(**SMALL, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.recording.activity, again.recording.activity)
    assert (first.recording.activity != other.recording.activity).any()
    labelled = simulate.unrelated_areas(**SMALL, label_sd=5.0, seed=0)
    np.testing.assert_array_equal(first.recording.activity, labelled.recording.activity)


def test_what_cannot_be_is_refused():
    with pytest.raises(UnknownNameError, match="source"):
        simulate.unrelated_areas(20, (5, 5), coupling={"B": 0.1})
    with pytest.raises(InputError, match="areas"):
        simulate.unrelated_areas(20, (5,))
    with pytest.raises(InputError, match="stimulus"):
        simulate.unrelated_areas(20, (5, 5), stimulus=-0.1)


def test_another_session_of_the_same_neurons_has_other_spikes_and_the_same_drift():
    first, again, other = (
        simulate.unrelated_areas(40, (5, 5), n_bins=30, seed=seed) for seed in (3, (3, 0), (3, 1))
    )
    assert first.recording.identical(again.recording)
    drift = [one.truth.latents.sel(latent="A drift 0").values for one in (first, other)]
    np.testing.assert_array_equal(*drift)
    assert not np.array_equal(first.recording.activity, other.recording.activity)
