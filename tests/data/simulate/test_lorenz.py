import numpy as np

from spikecast.data.simulate.lorenz import lorenz


def test_the_rate_is_as_asked_and_log_linear_in_the_latents():
    simulated = lorenz(40, 30, n_conditions=8, mean_rate=10.0)
    assert 5 < simulated.recording.firing_rate.mean() < 15
    log_rate, latents = np.log(simulated.truth.rate), simulated.truth.latents.values
    residual = log_rate - latents @ simulated.truth.loadings.values
    np.testing.assert_allclose(residual - residual[0, 0], 0, atol=1e-9)


def test_trials_of_a_condition_share_their_path_but_not_their_spikes():
    simulated = lorenz(20, 10, n_conditions=10, n_bins=30)
    rate, counts = simulated.truth.rate, simulated.recording.activity
    np.testing.assert_array_equal(rate[:10], rate[10:])
    assert (counts[:10] != counts[10:]).any()
    assert not np.allclose(rate[0], rate[1])
    np.testing.assert_array_equal(
        lorenz(20, 10, n_conditions=10, n_bins=30).recording.activity, counts
    )


def test_a_pulse_parts_trials_of_a_condition_from_its_bin_on():
    quiet = lorenz(6, 5, n_conditions=3, n_bins=40)
    kicked = lorenz(6, 5, n_conditions=3, n_bins=40, pulse=2.0)
    moved = np.abs(kicked.truth.latents.values - quiet.truth.latents.values).max(axis=2) > 1e-6
    np.testing.assert_array_equal(moved.argmax(axis=1), kicked.truth.latents["pulse_bin"])
