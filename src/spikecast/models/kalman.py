"""The Kalman filter: movement as a state that goes on by itself, activity as what is seen of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from sklearn.covariance import ledoit_wolf

from spikecast.core.checks import check_in_range
from spikecast.core.errors import InputError
from spikecast.models.base import Model
from spikecast.models.inner_cv import choose_best, split_inner_folds
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.spaces import Between, OneOf, Space
from spikecast.tasks.splits import Fold

RIDGE = 1e-6  # of the mean variance: only against directions without any
MOST_TARGETS = 100


@dataclass(frozen=True)
class LinearSystem:
    """A linear Gaussian system, fitted in closed form; all about means of 0."""

    transition: np.ndarray  # (state, state): A
    noise: np.ndarray  # (state, state): W
    readout: np.ndarray  # (component, state): Q^-1 H
    information: np.ndarray  # (state, state): H' Q^-1 H
    start: np.ndarray  # (state,): mean of the first bin
    start_noise: np.ndarray  # (state, state): its covariance

    def scale_noise(self, factor: float) -> "LinearSystem":
        """Return the system with observations that much noisier."""
        return replace(self, readout=self.readout / factor, information=self.information / factor)


@dataclass(eq=False, repr=False)
class Kalman(Model):
    """Kalman filter: targets and how fast they change are the state, activity is observed of it.

    ::

        s(t) = A s(t - 1) + w(t),    w ~ N(0, W)
        z(t) = H s(t) + q(t),        q ~ N(0, Q)

    The state s(t) holds the targets and their change since the bin before, both less their means;
    z(t) are principal components of the square root of the counts, some bins earlier.
    A, W, H and Q are least squares in closed form (Q shrunk, Ledoit & Wolf 2004). Learnt from few
    trials of slow movement, H is less sure than the filter takes it to be, which then follows
    noise: Q is therefore multiplied by what predicts validation trials best. A prediction is the
    mean of the state given all bins so far: it knows no later ones.

    Made for movement: at most 100 targets. Counts are filtered as they are, and predictions raised
    to possible rates.

    Parameters
    ----------
    n_components : int
        Principal components of the activity of a bin.
    derivative : bool
        Whether the state holds the change since the bin before as well.
    lags : sequence of int
        By how many bins activity may be ahead of the targets; the best on validation trials.
    noise_factors : sequence of float
        What Q may be multiplied by; the best on validation trials.
    {seed}

    Attributes
    ----------
    lag_, noise_factor_ : int, float
        The chosen ones.
    transition_, noise_ : array, (state, state)
        A and W.
    readout_ : array, (component, state)
        The inverse of Q times H, with Q multiplied.
    information_ : array, (state, state)
        The transpose of H times `readout_`.

    See Also
    --------
    spikecast.models.LaggedRidge : the other baseline for movement.

    {paper}

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> speed = np.cumsum(rng.normal(size=(20, 50, 1)), axis=1)
    >>> counts = rng.poisson(np.exp(0.2 * speed * rng.normal(size=8)).clip(0, 20))
    >>> model = Kalman().fit(counts[:15], speed[:15])
    >>> bool(model.score(counts[15:], speed[15:]) > 0.5)
    True
    """

    title = "Kalman filter"
    about = "the targets as a linear state with noise, filtered causally from activity"
    paper = "Wu et al. 2006, Neural Computation 18"
    is_baseline = True
    causal = True
    search_space: ClassVar[Space] = {
        "n_components": Between(10, 120, log=True),
        "derivative": OneOf((True, False)),
    }
    fit_record = ("lag_", "noise_factor_", "history_")

    n_components: int = 60
    derivative: bool = True
    lags: Sequence[int] = (0, 1, 2, 4)
    noise_factors: Sequence[float] = (1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
    seed: int = 0

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        if self.n_targets_ > MOST_TARGETS:
            raise InputError(
                f"a Kalman filter of {self.n_targets_} targets is too large a state; it is for "
                f"movement, at most {MOST_TARGETS} targets"
            )
        for lag in self.lags:
            check_in_range("lag (bins)", lag, 0)
        self.features_ = PopulationFeatures((0.0,), self.n_components, causal=True)
        z = self.features_.fit_transform(x).astype(np.float64)
        self.center_ = y.mean(axis=(0, 1), dtype=np.float64)
        self.scale_ = np.maximum(y.std(axis=(0, 1), dtype=np.float64), 1e-12)
        scaled = (y - self.center_) / self.scale_
        states = self._make_states(scaled)
        candidates = [(lag, factor) for lag in self.lags for factor in self.noise_factors]

        def predictions(fold: Fold) -> Iterator[np.ndarray]:
            for lag in self.lags:
                system = fit_system(delay(z[fold.train], lag), states[fold.train])
                seen = delay(z[fold.test], lag)
                for factor in self.noise_factors:
                    yield run_filter(system.scale_noise(factor), seen)[..., : self.n_targets_]

        (self.lag_, self.noise_factor_), self.history_ = choose_best(
            candidates, predictions, scaled, split_inner_folds(len(x), 4, self.seed), counts=False
        )
        system = fit_system(delay(z, self.lag_), states).scale_noise(self.noise_factor_)
        self.transition_, self.noise_ = system.transition, system.noise
        self.readout_, self.information_ = system.readout, system.information
        self.start_, self.start_noise_ = system.start, system.start_noise

    def _make_states(self, y: np.ndarray) -> np.ndarray:
        """Return the states, (trial, time, state): targets and, perhaps, their changes."""
        if not self.derivative:
            return y
        change = np.diff(y, axis=1, prepend=y[:, :1])
        if y.shape[1] > 1:
            change[:, 0] = change[:, 1]
        return np.concatenate([y, change], axis=2)

    def _predict(self, x: np.ndarray) -> np.ndarray:
        z = delay(self.features_.transform(x).astype(np.float64), self.lag_)
        system = LinearSystem(
            self.transition_,
            self.noise_,
            self.readout_,
            self.information_,
            self.start_,
            self.start_noise_,
        )
        states = run_filter(system, z)
        return self._clip_to_rates(states[..., : self.n_targets_] * self.scale_ + self.center_)


def delay(z: np.ndarray, lag: int) -> np.ndarray:
    """Return activity of `lag` bins earlier, (trial, time, component); the first bin goes on."""
    return z[:, np.maximum(np.arange(z.shape[1]) - lag, 0)]


def fit_system(z: np.ndarray, states: np.ndarray) -> LinearSystem:
    """Return the system that explains states and observations best, by least squares.

    `z` is (trial, time, component) with mean 0, `states` (trial, time, state).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> states = np.zeros((40, 60, 1))
    >>> for t in range(1, 60):
    ...     states[:, t] = 0.9 * states[:, t - 1] + rng.normal(size=(40, 1))
    >>> z = 2 * states + rng.normal(size=states.shape)
    >>> system = fit_system(z, states)
    >>> system.transition.round(1), system.noise.round(1)
    (array([[0.9]]), array([[1.]]))
    """
    n_states = states.shape[2]
    before, after = (part.reshape(-1, n_states) for part in (states[:, :-1], states[:, 1:]))
    flat, seen = states.reshape(-1, n_states), z.reshape(-1, z.shape[2])
    transition = _regress(before, after).T
    left = after - before @ transition.T
    observation = _regress(flat, seen).T  # H, (component, state)
    residual = seen - flat @ observation.T
    noise = (
        ledoit_wolf(residual, assume_centered=True)[0] if len(residual) > 1 else np.eye(z.shape[2])
    )
    noise = _add_ridge(np.atleast_2d(noise))
    readout = np.linalg.solve(noise, observation)
    first = states[:, 0]
    return LinearSystem(
        transition,
        _add_ridge(left.T @ left / max(len(left), 1)),
        readout,
        observation.T @ readout,
        first.mean(axis=0),
        _add_ridge(np.atleast_2d(np.cov(first, rowvar=False, bias=True))),
    )


def run_filter(system: LinearSystem, z: np.ndarray) -> np.ndarray:
    """Return the mean of each state given the bins so far, (trial, time, state).

    The covariance of the state does not depend on what is observed, so that it is the same for all
    trials.
    """
    unit = np.eye(len(system.start))
    seen = z @ system.readout  # (trial, time, state): H' Q^-1 z
    means = np.empty((*z.shape[:2], len(unit)))
    mean, covariance = np.broadcast_to(system.start, (len(z), len(unit))), system.start_noise
    for t in range(z.shape[1]):
        if t:
            mean = mean @ system.transition.T
            covariance = system.transition @ covariance @ system.transition.T + system.noise
        covariance = np.linalg.solve(unit + covariance @ system.information, covariance)
        covariance = (covariance + covariance.T) / 2
        mean = mean + (seen[:, t] - mean @ system.information) @ covariance
        means[:, t] = mean
    return means


def _regress(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return weights (from, to) of a regression without intercept."""
    return np.linalg.solve(_add_ridge(x.T @ x), x.T @ y)


def _add_ridge(matrix: np.ndarray) -> np.ndarray:
    """Return a symmetric matrix made safe to invert."""
    size = len(matrix)
    return matrix + (RIDGE * np.trace(matrix) / size + 1e-9) * np.eye(size)
