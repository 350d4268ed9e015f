"""The null of recorded behaviour: what task, drift and movement explain without any source."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from spikecast.models.source_free import SourceFree
from spikecast.models.trial_nulls import TrialNull
from spikecast.scoring.metrics import smooth_in_time
from spikecast.tasks.behavior import MAIN, MAX_CHANNELS
from spikecast.tasks.trial_facts import TrialFacts

LAGS = (-16, -8, -3, 0, 3, 8, 16)  # bins; far ones are smoothed by half their distance
LAGS_OF_OTHERS = (-8, 8)
MAX_BUMPS = 20  # along a trial
N_PLACES = (0, 10, 50, 50)  # bumps over the joint values of so many channels
N_SAMPLES = 2000  # of behaviour, among which the places of bumps are chosen
MOST = 10.0  # s.d. of a channel, and of a regressor: a rare event, a lick, is hundreds
PENALTIES = (1e-1, 1e-2, 1e-3)
TOLERANCE = 3e-4


@dataclass(eq=False, repr=False)
class BehaviorNull(TrialNull):
    """Task, drift and a regression on recorded behaviour.

    Regressors are each channel's value and its distance from the mean, in the bin itself, smoothed
    at lags of up to 16 bins either way, and averaged over the trial; and its square in the bin. Of
    a channel that never changes within a trial (how far the animal moved in it) there are also
    products with bumps along the trial, as neurons may respond to it with a time course. Of three
    channels or fewer there are bumps over their joint values: neurons of one place in an arena, or
    of one heading, follow neither a coordinate nor its square. Of more than 10 channels, the others
    have their value alone, at two lags. They are fitted on top of :class:`SourceFree`, with an L2
    penalty chosen on an inner fold; where behaviour does not help, none of it is used. A score
    above this null is what the source tells beyond the task, drift and recorded movement.

    Parameters
    ----------
    {inner_folds}
    without : {"", "psth", "drift"}
        A part that is left out of the other two, to see what it explains.

    Attributes
    ----------
    source_free_ : SourceFree
    penalty_ : float
        Chosen; infinite where behaviour does not help.
    center_, axes_ : array
        Mean of each channel, and what scaled channels are multiplied with.
    constant_ : array of bool, (channel,)
        Whether it has one value per trial.
    places_ : array, (bump, channel)
        Where bumps over the values of scaled channels are.
    scale_ : array, (regressor,)
    coefficients_ : array, (regressor, target)
    intercept_ : array, (target,)

    {paper}

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> speed = np.repeat(rng.normal(size=(40, 5, 1)), 6, axis=1).astype(np.float32)
    >>> y = rng.poisson(np.exp(speed)); trials = TrialFacts(None, np.zeros(40, dtype=int), speed)
    >>> predicted = BehaviorNull().fit(y, y, trials=trials).predict(y, trials=trials)
    >>> bool(np.corrcoef(predicted.ravel(), np.exp(speed).ravel())[0, 1] > 0.8)
    True
    """

    title = "task, drift and behaviour"
    about = "the task, the session's drift and a regression on recorded behaviour: no source at all"
    paper = "Musall et al. 2019; Steinmetz et al. 2019"
    fit_record = ("penalty_",)

    without: Literal["", "psth", "drift"] = ""

    def _fit_trials(self, y: np.ndarray, trials: TrialFacts) -> np.ndarray | None:
        self.source_free_ = SourceFree(**self.get_params())
        base = self.source_free_.fit_left_out(y[..., :1], y, trials)
        self.penalty_ = np.inf
        self.coefficients_, self.intercept_ = np.zeros((0, y.shape[2])), np.zeros(y.shape[2])
        if trials.behavior is not None:
            z = self.scale_regressors(trials.behavior)
            self.penalty_ = self._choose_penalty(z, y, base)
            if np.isfinite(self.penalty_):
                self._regress(z, y, base)
                return None
        return base

    def _choose_penalty(self, z: np.ndarray, y: np.ndarray, base: np.ndarray) -> float:
        train, test = self._watch_inner_folds(len(y))[0]
        predictions = [base[test]]
        path = self.family.fit_path(z[train], y[train], base[train], PENALTIES, TOLERANCE)
        for weights, intercept in path:
            predictions.append(self.family.combine(base[test], z[test] @ weights + intercept))
        scores = [self.family.score(y[test], one).sum(dtype=float) for one in predictions]
        return float([np.inf, *PENALTIES][int(np.argmax(scores))])

    def _learn(self, y: np.ndarray, trials: TrialFacts) -> None:
        self.source_free_ = self.source_free_.learn_again(y, trials)
        if np.isfinite(self.penalty_) and trials.behavior is not None:
            z = self.scale_regressors(trials.behavior)
            self._regress(z, y, self.source_free_.predict_left_out(y, trials))

    def _regress(self, z: np.ndarray, y: np.ndarray, base: np.ndarray) -> None:
        path = self.family.fit_path(z, y, base, [self.penalty_], TOLERANCE)
        self.coefficients_, self.intercept_ = next(path)

    def _predict_trials(self, n_bins: int, trials: TrialFacts) -> np.ndarray:
        base = self.source_free_._predict_trials(n_bins, trials)
        if not np.isfinite(self.penalty_) or trials.behavior is None:
            return base
        z = self._make_regressors(trials.behavior)
        added = z @ self.coefficients_ + self.intercept_
        return self.family.combine(base, added).astype(np.float32)

    def scale_regressors(self, behavior: np.ndarray) -> np.ndarray:
        """Learn the scale of channels (trial, time, channel) and regressors; return regressors."""
        flat = behavior.reshape(-1, behavior.shape[2]).astype(float)
        self.center_ = flat.mean(axis=0)
        self.constant_ = find_constant(behavior)
        std = np.maximum(flat.std(axis=0), 1e-12)
        self.axes_ = np.diag(1 / std)
        if flat.shape[1] > MAX_CHANNELS:
            scaled = (flat - self.center_) / std
            basis = np.linalg.eigh(scaled.T @ scaled)[1][:, ::-1][:, :MAX_CHANNELS]
            self.axes_ = basis / std[:, np.newaxis]
        self.places_ = _choose_places(self._scale(behavior))
        self.scale_ = np.ones(1)
        regressors = self._make_regressors(behavior)
        self.scale_ = np.maximum(regressors.std(axis=(0, 1)), 1e-6)
        return np.clip(regressors / self.scale_, -MOST, MOST)

    def _make_regressors(self, behavior: np.ndarray) -> np.ndarray:
        """Return regressors (trial, time, regressor) of behaviour (trial, time, channel)."""
        z = self._scale(behavior)
        main, others = z[..., :MAIN], z[..., MAIN:]
        columns = [*_shift(np.concatenate([main, np.abs(main)], axis=2), LAGS), main**2]
        if others.shape[2]:
            columns += _shift(others, LAGS_OF_OTHERS)
        if self.constant_.any():
            columns.append(self._make_courses(behavior))
        if len(self.places_) > 1:
            columns.append(_make_bumps(z, self.places_))
        regressors = np.concatenate(columns, axis=2) / self.scale_
        return np.clip(regressors, -MOST, MOST).astype(np.float32)

    def _scale(self, behavior: np.ndarray) -> np.ndarray:
        """Return scaled channels, (trial, time, channel)."""
        z = ((behavior - self.center_) @ self.axes_).astype(np.float32)
        return np.clip(z, -MOST, MOST)

    def _make_courses(self, behavior: np.ndarray) -> np.ndarray:
        """Return constant channels times bumps along the trial, (trial, time, channel x bump)."""
        n_trials, n_bins, _ = behavior.shape
        values = (behavior - self.center_)[:, 0, self.constant_][:, :MAIN]
        values = np.concatenate([values, np.abs(values)], axis=1)
        centers = np.linspace(0, n_bins - 1, min(MAX_BUMPS, -(-n_bins // 2)))
        width = max(1.0, n_bins / len(centers))
        bumps = np.exp(-0.5 * ((np.arange(n_bins)[:, np.newaxis] - centers) / width) ** 2)
        # (trial, 1, channel, 1) x (time, 1, bump)
        courses = values[:, np.newaxis, :, np.newaxis] * bumps[:, np.newaxis]
        return courses.reshape(n_trials, n_bins, -1)


def _shift(z: np.ndarray, lags: Sequence[int]) -> list[np.ndarray]:
    """Return (trial, time, channel) averaged over the trial, in each bin, and smoothed at each lag.

    In bins of 100 ms or more movement changes from one to the next: what smoothing takes from it
    would be common to areas that follow it.
    """
    n_bins = z.shape[1]
    columns = [np.broadcast_to(z.mean(axis=1, keepdims=True), z.shape), z]
    widths = {lag: max(1.0, abs(lag) / 2) for lag in lags if abs(lag) < n_bins}
    smoothed = {width: smooth_in_time(z, width) for width in set(widths.values())}
    for lag, width in widths.items():
        # beyond a trial's ends its first or last value stands
        columns.append(smoothed[width][:, np.clip(np.arange(n_bins) - lag, 0, n_bins - 1)])
    return columns


def _choose_places(z: np.ndarray) -> np.ndarray:
    """Return where bumps over the joint values of few channels are, (bump, channel).

    They are the centres of clusters: close to each other where the animal often was.
    """
    n_channels = z.shape[2]
    if n_channels >= len(N_PLACES):
        return np.zeros((0, n_channels), dtype=np.float32)
    flat = z.reshape(-1, n_channels)
    some = flat[:: max(1, len(flat) // N_SAMPLES)]
    n = min(N_PLACES[n_channels], len(np.unique(some, axis=0)))
    with warnings.catch_warnings():  # values that differ by rounding only are one place
        warnings.simplefilter("ignore", ConvergenceWarning)
        centers: np.ndarray = KMeans(n, n_init=1, random_state=0).fit(some).cluster_centers_
    return centers.astype(np.float32)


def _make_bumps(z: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return Gaussian bumps, as wide as places are apart, over channels: (trial, time, bump)."""
    apart = np.sqrt(np.square(places[:, np.newaxis] - places).sum(axis=2))
    width = np.median(np.sort(apart, axis=1)[:, 1])
    # (trial, time, 1, channel) - (bump, channel)
    distance = np.square(z[:, :, np.newaxis] - places).sum(axis=3)
    bumps: np.ndarray = np.exp(-0.5 * distance / max(width, 1e-6) ** 2)
    return bumps


def find_constant(behavior: np.ndarray) -> np.ndarray:
    """Return which channels of behaviour, (trial, time, channel), have one value per trial.

    Examples
    --------
    >>> find_constant(np.array([[[1, 1], [1, 2]], [[3, 3], [3, 3]]]))
    array([ True, False])
    """
    if behavior.shape[1] < 2:
        return np.zeros(behavior.shape[2], dtype=bool)
    return (np.ptp(behavior, axis=1) == 0).all(axis=0)
