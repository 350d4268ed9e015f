"""What the place of a trial in the session tells about the targets: ``context`` of models.

A recording drifts: the animal tires, the tissue moves. A model that looks at one trial at a time
misses what nearby trials tell about it. Its predictions of training trials that it did not learn
from are held against what was recorded there; what is missing changes slowly with the trial's
place, and is added to its predictions (for counts, in logarithm: a gain per trial and target).
Everything is learnt from training trials.

Whatever is gained in this way is slow change, and no coupling between areas: hold the score against
the null that follows the session as well (:class:`spikecast.models.SourceFree`).
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator

from spikecast.core.checks import check_one_of, quote
from spikecast.core.errors import InputError
from spikecast.models.base import Areas, Model
from spikecast.models.families import FAMILIES, Family
from spikecast.models.inner_cv import note_validation, split_inner_folds
from spikecast.models.preprocess import find_principal_axes, signed_sqrt
from spikecast.models.trial_nulls import choose_by_target, group_targets
from spikecast.tasks.trial_facts import TrialFacts

N_INNER = 5
MOST = 2.0  # change of a log rate


@dataclass(eq=False, repr=False)
class _Context(BaseEstimator):
    """Base class: what is common to trials that are near in the session.

    Parameters
    ----------
    counts : bool
        Whether the targets are counts.
    causal : bool
        Learn of a trial from earlier ones only.
    seed : int
        Of the inner folds.
    """

    counts: bool = True
    causal: bool = False
    seed: int = 0

    @property
    def family(self) -> Family:
        """Of the targets."""
        return FAMILIES["counts" if self.counts else "continuous"]

    def fit(self, x: np.ndarray, y: np.ndarray, expected: np.ndarray, place: np.ndarray) -> Self:
        """Learn what predictions miss in each part of the session.

        Parameters
        ----------
        x : array, (trial, time, source)
        y, expected : array, (trial, time, target)
            What was recorded, and predictions that were not learnt from the trial itself.
        place : array, (trial,)
            Of each trial in the session.
        """
        self.place_ = np.asarray(place, dtype=float)
        note_validation(np.arange(len(y)))
        if self.counts:  # (trial, target)
            self._learn(x, y.sum(axis=1, dtype=float), expected.sum(axis=1, dtype=float))
        else:
            self._learn(x, y.mean(axis=1, dtype=float), expected.mean(axis=1, dtype=float))
        return self

    def deviate(self, place: np.ndarray) -> np.ndarray:
        """Return what to add at a place, (trial, target): to log rates, or to values."""
        raise NotImplementedError

    def _learn(self, x: np.ndarray, y: np.ndarray, expected: np.ndarray) -> None:
        raise NotImplementedError

    def _weigh_nearby(self, place: np.ndarray, width: float) -> np.ndarray:
        """Return Gaussian weights of the training trials, (place, trial); a trial itself has 0."""
        ahead = place[:, np.newaxis] - self.place_
        weights = np.exp(-0.5 * np.square(ahead / width))
        weights[ahead <= 0 if self.causal else ahead == 0] = 0
        return weights

    def _gain(self, y: np.ndarray, expected: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Return the log-likelihood won by a deviation, (target,)."""
        changed = self.family.combine(expected, deviation)
        won = self.family.score(y, changed) - self.family.score(y, expected)
        return np.asarray(won.sum(axis=0))


@dataclass(eq=False, repr=False)
class SourceDrift(_Context):
    """What the source's activity in nearby training trials tells about the targets.

    The root of each source's mean activity, its principal components, averaged over nearby
    trials; a ridge-penalised regression of what the predictions miss. The penalty, or none of it
    at all, is chosen on inner folds. Averages over trials are smooth in the trial's place, whatever
    the source does, so they can follow a drift that is the targets' own.

    Attributes
    ----------
    state_ : array, (training trial, component)
    weights_ : array, (component, target)
    penalty_ : float
        Infinite where nothing is added.
    """

    WIDTH: ClassVar[float] = 4.0  # trials
    N_COMPONENTS: ClassVar[int] = 30
    PENALTIES: ClassVar[tuple[float, ...]] = tuple(1e-3 * 4.0**step for step in range(9))[::-1]

    def _learn(self, x: np.ndarray, y: np.ndarray, expected: np.ndarray) -> None:
        roots = signed_sqrt(x.mean(axis=1, dtype=float)).astype(np.float32)
        mean, axes, variance = find_principal_axes(roots, self.N_COMPONENTS)
        self.state_ = (roots - mean) @ axes.T / np.sqrt(max(variance[0], 1e-12))
        self.weights_ = np.zeros((self.state_.shape[1], y.shape[1]))
        self.penalty_ = np.inf
        if len(y) < 2:
            return
        z, unit = self._average_nearby(self.place_), float(y.mean()) if self.counts else 1.0
        penalties = [unit * penalty for penalty in self.PENALTIES]
        held_out = np.zeros((len(penalties), *y.shape))
        for fold in split_inner_folds(len(y), N_INNER, self.seed):
            paths = self._fit_path(z[fold.train], y[fold.train], expected[fold.train], penalties)
            for index, weights in enumerate(paths):
                held_out[index, fold.test] = np.clip(z[fold.test] @ weights, -MOST, MOST)
        gains = [self._gain(y, expected, deviation).sum() for deviation in held_out]
        if max(gains) > 0:
            self.penalty_ = penalties[int(np.argmax(gains))]
            (self.weights_,) = self._fit_path(z, y, expected, [self.penalty_])

    def _fit_path(
        self, z: np.ndarray, y: np.ndarray, expected: np.ndarray, penalties: list[float]
    ) -> list[np.ndarray]:
        """Return the weights for each penalty; the level itself is not changed."""
        z = z - z.mean(axis=0)
        path = self.family.fit_path(z[:, np.newaxis], y[:, np.newaxis], expected[:, np.newaxis],
                                    penalties)  # fmt: skip
        return [weights for weights, _ in path]

    def _average_nearby(self, place: np.ndarray) -> np.ndarray:
        """Return the state around some places, (place, component); without neighbours, 0."""
        weights = self._weigh_nearby(place, self.WIDTH)
        total = weights.sum(axis=1, keepdims=True)
        return np.asarray(weights @ self.state_ / np.maximum(total, 1e-9))

    def deviate(self, place: np.ndarray) -> np.ndarray:
        """Return what to add at a place, (trial, target)."""
        return np.clip(self._average_nearby(place) @ self.weights_, -MOST, MOST)


@dataclass(eq=False, repr=False)
class TargetDrift(_Context):
    """How much more or less than predicted each target did in nearby training trials.

    Counts: the ratio of recorded to expected spikes under a Gaussian over trials, both with some
    further spikes, which draw it to 1; its logarithm is added. Continuous values: the mean of what
    was missed, drawn to 0. Width and strength, or nothing, are chosen per target by what they tell
    about trials that are left out one at a time.

    Attributes
    ----------
    observed_, expected_ : array, (training trial, target)
        Counts of whole trials; means, where values are continuous.
    width_ : array, (target,)
        In trials; NaN where nothing is added.
    strength_ : array, (target,)
        In spikes (continuous values: in trials).
    """

    WIDTHS: ClassVar[tuple[float, ...]] = (4.0, 8.0, 16.0, 32.0, np.inf)
    STRENGTHS: ClassVar[tuple[float, ...]] = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)

    def _learn(self, x: np.ndarray, y: np.ndarray, expected: np.ndarray) -> None:
        self.observed_, self.expected_ = y, expected
        candidates = [(width, strength) for width in self.WIDTHS for strength in self.STRENGTHS]
        gains = [np.zeros(y.shape[1])]  # of adding nothing
        for width in self.WIDTHS:
            weights = self._weigh_nearby(self.place_, width)
            for strength in self.STRENGTHS:
                gains.append(self._gain(y, expected, self._compare(weights, strength)))
        chosen = choose_by_target(np.array(gains))
        settings = np.array([(np.nan, np.nan), *candidates])[chosen]
        self.width_, self.strength_ = settings.T.copy()

    def _compare(
        self, weights: np.ndarray, strength: float, of: slice | list[int] = slice(None)
    ) -> np.ndarray:
        """Return how far nearby trials are from what was expected, (place, target)."""
        observed, expected = self.observed_[:, of], self.expected_[:, of]
        if self.counts:
            ratio = (weights @ observed + strength) / (weights @ expected + strength)
            return np.log(ratio)
        total = weights.sum(axis=1, keepdims=True) + strength
        return np.asarray(weights @ (observed - expected) / total)

    def deviate(self, place: np.ndarray) -> np.ndarray:
        """Return what to add at a place, (trial, target)."""
        deviation = np.zeros((len(place), len(self.width_)))
        used = np.flatnonzero(np.isfinite(self.strength_))
        for (width, strength), of in group_targets(self.width_[used], self.strength_[used]).items():
            weights = self._weigh_nearby(place, float(width))
            targets = used[of].tolist()
            deviation[:, targets] = self._compare(weights, float(strength), targets)
        return deviation


CONTEXTS: dict[str, type[_Context]] = {"source": SourceDrift, "full": TargetDrift}
"""What ``context`` may be besides ``"off"``."""


class ContextModel(Model):
    """Base class of models that can follow the session (``context``).

    With a context, ``fit`` and ``predict`` take the trials' places, ``trials``.
    """

    context: str
    seed: int

    @property
    def needs(self) -> tuple[str, ...]:
        """Arguments of ``fit`` besides x and y that it cannot do without."""
        return (*super().needs, *(() if self.context == "off" else ("trials",)))

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray | None = None,
        areas: Areas | None = None,
        base: np.ndarray | None = None,
        trials: TrialFacts | None = None,
    ) -> Self:
        """Learn to predict `y` from `x`.

        Parameters
        ----------
        x, y, areas, base
            See :meth:`spikecast.models.Model.fit`.
        trials : TrialFacts, (trial,), optional
            Facts of the trials, ``problem.trial_facts``; a `context` needs them, and reads their
            places.

        Raises
        ------
        InputError
            Where facts are missing that the `context` needs, or the order of trials is not known.
        """
        check_one_of("context", self.context, ["off", *CONTEXTS])
        place = self._find_place(trials, len(x))
        super().fit(x, y, areas, base)
        if place is not None:
            x = np.asarray(x)
            y = x if y is None else np.asarray(y)
            expected = self._expect_held_out(x, y, areas, base)
            session = CONTEXTS[self.context](self.counts_, self.causal, self.seed)
            self.session_ = session.fit(x, y, expected, place)
        return self

    def predict(
        self, x: np.ndarray, base: np.ndarray | None = None, trials: TrialFacts | None = None
    ) -> np.ndarray:
        """Return the expected value of the targets, (trial, time, target), in y's unit per bin.

        Parameters
        ----------
        x, base
            See :meth:`spikecast.models.Model.predict`.
        trials : TrialFacts, (trial,), optional
            Facts of these trials, where the model was fitted with a `context`. What it adds depends
            on a trial's place only, not on other trials of `x`.
        """
        predicted = super().predict(x, base)
        place = self._find_place(trials, len(x))
        if place is None:
            return predicted
        deviation = self.session_.deviate(place)[:, np.newaxis]
        return self.session_.family.combine(predicted, deviation)

    def _find_place(self, trials: TrialFacts | None, n_trials: int) -> np.ndarray | None:
        """Return the trials' places in the session; None without a context."""
        name = type(self).__name__
        if self.context == "off":
            if trials is not None:
                raise InputError(
                    f"{name} with context='off' uses no facts of trials; leave trials out, or "
                    "give it a context"
                )
            return None
        if trials is None:
            raise InputError(
                f"{name} with context='{self.context}' needs the place of each trial: "
                "trials=problem.trial_facts, or let sc.cross_validate fit it"
            )
        if not isinstance(trials, TrialFacts):
            raise InputError(
                f"trials must be facts of trials, as problem.trial_facts, not {quote(trials)}"
            )
        if trials.place is None:
            raise InputError(
                f"{name} with context='{self.context}' needs the order in which trials were "
                "recorded, and it is not known here; take context='off'"
            )
        if len(trials) != n_trials:
            raise InputError(f"trials holds {len(trials)} trials, x {n_trials}")
        return np.asarray(trials.place, dtype=float)

    def clone_with_choices(self) -> Self:
        """Return an unfitted copy with the settings that ``fit`` chose, without a context."""
        return super().clone_with_choices().set_params(context="off")

    def _expect_held_out(
        self, x: np.ndarray, y: np.ndarray, areas: Areas | None, base: np.ndarray | None
    ) -> np.ndarray:
        """Return expected values of the training trials, by what did not learn from them."""
        expected = np.empty(y.shape, dtype=np.float32)
        for fold, natural in self.predict_held_out(x, y, areas, base):
            expected[fold.test] = np.exp(natural) if self.counts_ else natural
        return expected
