"""How much a source adds to a target's own past, in one fold: Poisson, cheap, held out.

The own-past model is a full Poisson regression. What a source adds is one Fisher-scoring step
from it: the fit itself where effects are small, and less than the fit where they are not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecast.analysis.interareal.populations import average_lags
from spikecast.models.inner_cv import split_inner_folds
from spikecast.models.poisson_regression import fit_poisson_path
from spikecast.models.rate_ceiling import find_max_log_rate
from spikecast.scoring.metrics import log_likelihood
from spikecast.tasks.splits import Fold

OWN_PENALTIES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)
SOURCE_PENALTIES = (1.0, 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3)
TOLERANCE = 1e-6
DIRECTIONS = ((0, 1), (0, -1), (1, 1), (1, -1))
"""Number of the source area, and order of time: 1 as it was, -1 backwards."""
OWN_DEPTH = 2  # the own past reaches this many times further back than the source's
MAX_CHANGE = 3.0  # of the log rate by a source; keeps one bad step finite
TIME_SCALE = 3.0  # the time course is penalised less than the past


def average_past(z: np.ndarray, depth: int) -> np.ndarray:
    """Return means over 1, 2-3, 4-7, ... bins back, (trial, time, stretch * component)."""
    stretches, first = [], 1
    while first <= depth:
        last = min(2 * first - 1, depth)
        stretches.append(average_lags(z, first, last))
        first = last + 1
    return np.concatenate(stretches, axis=2)


def make_time_course(n_trials: int, n_bins: int, n_cosines: int = 6) -> np.ndarray:
    """Return slow cosines over the trial, (trial, time, cosine): the response of every trial."""
    phase = np.pi * (np.arange(n_bins) + 0.5) / n_bins
    cosines = np.cos(np.outer(phase, np.arange(1, n_cosines + 1))).astype(np.float32)
    return np.broadcast_to(TIME_SCALE * cosines, (n_trials, n_bins, n_cosines))


class AreaPast(NamedTuple):
    """What an area's past is made of, each (trial, time, component)."""

    components: np.ndarray  # of single bins
    predicted: np.ndarray  # by task, drift and recorded movement, as a null says that left it out
    expected: np.ndarray  # what is taken out where the area is the source

    def reverse(self) -> "AreaPast":
        """Return the same with time running backwards."""
        return AreaPast(*(one[:, ::-1] for one in self))

    def describe_own(self, depth: int) -> np.ndarray:
        """Return what the area's own activity is predicted from, (trial, time, feature).

        Its past, what is expected of the present, and a course common to all trials.
        """
        course = make_time_course(*self.components.shape[:2])
        past = average_past(self.components, depth)
        return np.concatenate([past, self.predicted, course], axis=2)

    def describe_source(self, n_components: int) -> np.ndarray:
        """Return the leading components without what is expected of them."""
        return (self.components - self.expected)[..., :n_components]


@dataclass(frozen=True)
class _OwnFit:
    """An own-past model, its training residuals and its rate on the trials that are scored."""

    train: np.ndarray
    test: np.ndarray
    own: np.ndarray  # (sample, feature) of the training trials, centred
    own_mean: np.ndarray
    gram: np.ndarray
    residual: np.ndarray  # (sample, target), counts minus rate
    mean: np.ndarray  # (target,), expected count
    rate: np.ndarray  # (test trial, time, target)


class OwnPastModel:
    """A target's counts (trial, time, target) predicted from its own past features, in one fold.

    The seed is that of the inner split, on which penalties are chosen.
    """

    def __init__(self, own: np.ndarray, y: np.ndarray, fold: Fold, seed: int) -> None:
        self.own, self.y = own, y
        inner = split_inner_folds(len(fold.train), 4, seed)[0]
        inner = Fold(fold.train[inner.train], fold.train[inner.test])
        penalty, guess = self._choose_penalty(inner)
        self._inner = self._describe_fit(inner, guess)
        (solution,) = fit_poisson_path(
            own[fold.train], y[fold.train], [penalty], TOLERANCE, guess=guess
        )
        self._outer = self._describe_fit(fold, solution)

    def _choose_penalty(self, inner: Fold) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
        """Return the penalty with the best likelihood on inner test trials, and its solution."""
        own, y = self.own[inner.train], self.y[inner.train]
        most, best = -np.inf, None
        path = fit_poisson_path(own, y, OWN_PENALTIES, TOLERANCE)
        for penalty, solution in zip(OWN_PENALTIES, path, strict=True):
            likelihood = self._compute_likelihood(inner.test, solution)
            if best is not None and likelihood <= most:
                break  # less penalty than that fits noise
            most, best = likelihood, (penalty, solution)
        assert best is not None
        return best

    def _predict_rate(
        self, trials: np.ndarray, solution: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        weights, intercept = solution
        highest = find_max_log_rate(self.y)
        return np.exp(np.minimum(self.own[trials] @ weights + intercept, highest))

    def _compute_likelihood(
        self, trials: np.ndarray, solution: tuple[np.ndarray, np.ndarray]
    ) -> float:
        rate = self._predict_rate(trials, solution)
        return float(log_likelihood(self.y[trials], rate).sum(dtype=np.float64))

    def _describe_fit(self, fold: Fold, solution: tuple[np.ndarray, np.ndarray]) -> _OwnFit:
        own = self.own[fold.train].reshape(-1, self.own.shape[2])
        own_mean = own.mean(axis=0)
        own = own - own_mean
        rate = self._predict_rate(fold.train, solution)
        gram = own.T @ own
        # the smallest addition that keeps copies among the features from being singular
        gram += 1e-5 * np.trace(gram) / len(gram) * np.eye(len(gram), dtype=gram.dtype)
        return _OwnFit(
            fold.train,
            fold.test,
            own,
            own_mean,
            gram,
            (self.y[fold.train] - rate).reshape(-1, rate.shape[2]).astype(np.float32),
            np.maximum(rate.mean(axis=(0, 1)), 0.5 / len(own)),
            self._predict_rate(fold.test, solution),
        )

    def measure_gain(self, source: np.ndarray) -> np.ndarray:
        """Return the log-likelihood that a source adds on test trials, (test trial, time), nats.

        The penalty of the source (trial, time, feature) is chosen on the inner split, its weights
        are learnt on the training trials.
        """
        most, best = -np.inf, SOURCE_PENALTIES[0]
        changes = self._find_changes(self._inner, source, SOURCE_PENALTIES)
        for penalty, change in zip(SOURCE_PENALTIES, changes, strict=True):
            gain = float(self._score_change(self._inner, change).sum(dtype=np.float64))
            if gain < most:
                break  # less penalty than that fits noise
            most, best = gain, penalty
        (change,) = self._find_changes(self._outer, source, [best])
        return self._score_change(self._outer, change)

    def _find_changes(
        self, fit: _OwnFit, source: np.ndarray, penalties: Sequence[float]
    ) -> Iterator[np.ndarray]:
        """Yield each penalty's change of log rate on test trials, (test trial, time, target)."""
        x = source[fit.train].reshape(-1, source.shape[2])
        x_mean = x.mean(axis=0)
        x = x - x_mean
        # what the own past says already is taken out first, so that the step is that of the joint
        # model (Frisch & Waugh 1933)
        explained = np.linalg.solve(fit.gram, fit.own.T @ x)
        x = x - fit.own @ explained
        own_test = self.own[fit.test] - fit.own_mean
        x_test = source[fit.test] - x_mean - own_test @ explained
        values, vectors = np.linalg.eigh(x.T @ x / len(x))
        score = vectors.T @ (x.T @ fit.residual / len(x))
        x_test = x_test @ vectors
        curvature = np.maximum(values, 0)[:, np.newaxis] * fit.mean
        for penalty in penalties:
            step = score / (curvature + 2 * penalty)
            yield np.clip(x_test @ step, -MAX_CHANGE, MAX_CHANGE)

    def _score_change(self, fit: _OwnFit, change: np.ndarray) -> np.ndarray:
        return (self.y[fit.test] * change - fit.rate * np.expm1(change)).sum(axis=2)
