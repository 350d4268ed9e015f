"""The baselines for movement: planted movement is decoded, noise is not, no later bin is read."""

import numpy as np
import pytest
from scipy.linalg import solve_discrete_are

from spikecast import Behavior, cross_validate
from spikecast.core.errors import InputError
from spikecast.data.recording import Recording
from spikecast.models.kalman import Kalman, fit_system, run_filter
from spikecast.models.lagged_ridge import LaggedRidge
from spikecast.models.linear import PCARidge

N_TRIALS, N_BINS = 60, 60


def move(n_trials=N_TRIALS, n_bins=N_BINS, seed=0):
    """Two speeds that go on by themselves, (trial, time, channel)."""
    rng = np.random.default_rng(seed)
    speed = np.zeros((n_trials, n_bins, 2))
    for t in range(1, n_bins):
        speed[:, t] = 0.95 * speed[:, t - 1] + 0.3 * rng.normal(size=(n_trials, 2))
    return speed


def fire(speed, n_neurons=30, ahead=0, seed=1):
    """Counts of neurons tuned to the speed that comes `ahead` bins later."""
    rng = np.random.default_rng(seed)
    later = speed[:, np.minimum(np.arange(speed.shape[1]) + ahead, speed.shape[1] - 1)]
    drive = later @ rng.normal(size=(speed.shape[2], n_neurons))
    return rng.poisson(0.3 * np.exp(0.5 * drive)).astype(np.uint8)


def explain(model, x, y, n_train=45):
    return model.fit(x[:n_train], y[:n_train]).score(x[n_train:], y[n_train:])


@pytest.mark.parametrize("model", [LaggedRidge(), LaggedRidge(causal=True), Kalman()])
def test_planted_movement_is_decoded_and_noise_is_not(model):
    speed = move()
    assert explain(model, fire(speed), speed) > 0.6
    noise = np.random.default_rng(2).poisson(0.3, (120, N_BINS, 30))
    assert -0.05 < explain(model, noise, move(120, seed=3)) < 0.03  # learnt from 45 trials


@pytest.mark.parametrize("model", [LaggedRidge(causal=True), Kalman()])
def test_no_later_bin_is_read(model):
    assert model.causal
    speed = move(20)
    x = fire(speed)
    model.fit(x, speed)
    changed = x.copy()
    changed[:, 30:] = 9
    before, after = model.predict(x), model.predict(changed)
    np.testing.assert_allclose(before[:, :30], after[:, :30], atol=1e-5)
    assert not np.allclose(before[:, 30:], after[:, 30:])


def test_lags_find_activity_that_is_ahead():
    speed = move()
    x = fire(speed, ahead=4)
    assert (
        explain(LaggedRidge(causal=True), x, speed)
        > explain(LaggedRidge(lags=0, causal=True), x, speed) + 0.1
    )
    kalman = Kalman().fit(x[:45], speed[:45])
    assert 0 < kalman.lag_ <= 4
    assert explain(Kalman(), x, speed) > explain(Kalman(lags=(0,)), x, speed) + 0.02


def test_without_lags_and_smoothing_it_is_ridge():
    speed = move(20)
    x = fire(speed)
    settings = {"n_components": 10, "penalties": (0.1,)}
    one = LaggedRidge(lags=0, **settings).fit(x, speed).predict(x)
    other = PCARidge(widths=(0.0,), **settings).fit(x, speed).predict(x)
    np.testing.assert_allclose(one, other, atol=1e-6)


class TestKalman:
    def make(self, n_trials=200, n_bins=100):
        """A system of two states and three observations, and what it was made of."""
        rng = np.random.default_rng(0)
        a = np.array([[0.9, 0.2], [-0.1, 0.8]])
        h = rng.normal(size=(3, 2))
        w, q = np.diag([0.3, 0.1]), np.diag([0.5, 1.0, 0.2])
        states = np.zeros((n_trials, n_bins, 2))
        for t in range(1, n_bins):
            noise = rng.multivariate_normal(np.zeros(2), w, n_trials)
            states[:, t] = states[:, t - 1] @ a.T + noise
        z = states @ h.T + rng.multivariate_normal(np.zeros(3), q, (n_trials, n_bins))
        return a, h, w, q, states, z

    def test_the_planted_system_comes_back(self):
        a, h, w, q, states, z = self.make()
        system = fit_system(z, states)
        np.testing.assert_allclose(system.transition, a, atol=0.02)
        np.testing.assert_allclose(system.noise, w, atol=0.01)
        np.testing.assert_allclose(system.readout, np.linalg.solve(q, h), rtol=0.05, atol=0.05)

    def test_the_filter_is_as_good_as_can_be(self):
        """Its error is the one that the Riccati equation gives for the true system."""
        a, h, w, q, states, z = self.make()
        filtered = run_filter(fit_system(z[:100], states[:100]), z[100:])
        error = (states[100:, 50:] - filtered[:, 50:]).reshape(-1, 2)
        ahead = solve_discrete_are(a.T, h.T, w, q)  # covariance before the bin is seen
        gain = ahead @ h.T @ np.linalg.inv(h @ ahead @ h.T + q)
        least = (np.eye(2) - gain @ h) @ ahead
        np.testing.assert_allclose(np.cov(error.T), least, rtol=0.08, atol=0.005)

    def test_too_many_targets_are_refused(self):
        x = np.zeros((4, 5, 3), dtype=int)
        with pytest.raises(InputError, match="at most 100 targets"):
            Kalman().fit(x, np.random.default_rng(0).normal(size=(4, 5, 101)))


class TestTask:
    def make_recording(self, n_bins=2050):
        speed = move(1, n_bins)
        return Recording.from_arrays(
            fire(speed, 20), 0.02 * (np.arange(n_bins) + 0.5), "M1", behavior={"speed": speed}
        )

    def test_windows_are_as_long_as_asked_and_what_is_left_is_counted(self):
        recording = self.make_recording()
        problem = Behavior("speed", window=300).problem(recording)
        assert problem.y.shape == (6, 300, 2)
        (notice,) = problem.notices
        assert (notice.code, notice.values["n"]) == ("bins_left_over", 250)
        assert Behavior("speed").problem(recording).notices[0].values["n"] == 50
        with pytest.raises(InputError, match="gives 2 windows of 1000"):
            Behavior("speed", window=1000).problem(recording)

    def test_baselines_are_in_one_table_and_errors_speak_of_windows(self):
        recording = self.make_recording()
        task = Behavior("speed", window=200)
        scores = cross_validate(["kalman", "lagged_ridge", "mean_rate"], task, recording, shifts=0)
        for name in ("kalman", "lagged_ridge"):
            assert scores.interval(name).low > 0.4
        with pytest.raises(InputError, match="10 windows are too few for 8 folds"):
            cross_validate(["mean_rate"], task, recording, 8)
