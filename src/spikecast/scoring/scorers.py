"""How predictions of held-out trials are scored: counts as Poisson, continuous values as Gaussian.

Both keep the null of every fold, so that a prediction is scored by one pass over it.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from spikecast.core.errors import NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.scoring import metrics
from spikecast.scoring.ratio_scores import Terms
from spikecast.tasks.splits import Fold

N_SHUFFLES = 20


class Counts:
    """Poisson scores. Targets silent in a fold's training trials do not count in that fold: no
    model can know their rate, and the null's would be impossible.
    """

    def __init__(
        self, y: np.ndarray, folds: Sequence[Fold], condition: np.ndarray, seed: int
    ) -> None:
        self.y, self.condition, self.folds = y, condition, folds
        self.rng_seed = seed
        self.warnings: list[str] = []
        self.scored = np.sort(np.concatenate([fold.test for fold in folds]))
        self.counted = np.zeros((len(self.y), self.y.shape[2]), dtype=bool)  # (trial, target)
        null = np.empty(self.y.shape, dtype=np.float32)
        for index, fold in enumerate(folds):
            train = self.y[fold.train]
            fires = train.any(axis=(0, 1))
            self.counted[fold.test] = fires
            if not fires.all():
                self.warnings.append(
                    f"fold {index}: {int((~fires).sum())} target neurons are silent in the "
                    "training trials and are not scored in this fold"
                )
            null[fold.test] = metrics.null_rate(train, self.y[fold.test])
        self.spikes = self.y.sum(axis=1, dtype=float) * self.counted
        if not self.spikes.sum():
            raise NotEnoughDataError("there is no spike to score in the held-out trials")
        self.null_likelihood = self._likelihood(null)

    @cached_property
    def other_nulls(self) -> dict[str, np.ndarray]:
        """Likelihoods of the nulls that only the whole table of scores needs."""
        psth = np.empty(self.y.shape, dtype=np.float32)
        for fold in self.folds:
            psth[fold.test] = metrics.null_rate(self.y[fold.train], self.y[fold.test], "psth")
        eval_mean = metrics.null_rate(self.y[self.scored], self.y).astype(np.float32)
        return {"psth": self._likelihood(psth), "eval_mean": self._likelihood(eval_mean)}

    def _likelihood(self, rate: np.ndarray) -> np.ndarray:
        return metrics.log_likelihood(self.y, rate).sum(axis=1, dtype=float) * self.counted

    def n_targets(self, trials: np.ndarray) -> int:
        """Number of targets that count in these trials."""
        return int(self.counted[trials].any(axis=0).sum())

    def headline(self, rate: np.ndarray) -> Terms:
        """Bits per spike above the training mean, without the other nulls."""
        gained = self._likelihood(rate) - self.null_likelihood
        return Terms(gained / np.log(2), self.spikes)

    def beyond(self, rate: np.ndarray) -> Terms:
        """Bits per spike above predictions made from other trials of the same condition."""
        shuffled, counted = self._shuffled(rate)
        gained = (self._likelihood(rate) - shuffled) * counted
        return Terms(gained / np.log(2), self.spikes * counted)

    def terms(self, rate: np.ndarray) -> dict[tuple[str, str], Terms]:
        """(metric, null) -> terms of every score that resamples."""
        likelihood = self._likelihood(rate)
        nulls = {"train_mean": self.null_likelihood} | self.other_nulls
        found = {
            ("bits_per_spike", null): Terms((likelihood - of_null) / np.log(2), self.spikes)
            for null, of_null in nulls.items()
        }
        found["bits_per_spike", "trial_shuffle"] = self.beyond(rate)
        # the deviance is twice the distance from the likelihood of rate = y
        perfect = self._likelihood(np.maximum(self.y, metrics.RATE_FLOOR).astype(np.float32))
        of_null = 2 * (perfect - self.null_likelihood)
        found["d2", "train_mean"] = Terms(of_null - 2 * (perfect - likelihood), of_null)
        return found

    def _shuffled(self, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Likelihood of predictions made from another trial of the same fold and condition.

        What a prediction gains over it, it gains from the trial itself and not from the stimulus.
        """
        rate = np.maximum(rate, metrics.RATE_FLOOR)
        # y log r - r, the logarithm and the sum of r once for all shuffles
        log_rate, expected = np.log(rate), rate.sum(axis=1, dtype=float)
        total, counted = np.zeros(self.spikes.shape), np.zeros((len(rate), 1))
        rng = make_rng(self.rng_seed, "trial shuffle")
        groups = [
            np.intersect1d(fold.test, np.flatnonzero(self.condition == label))
            for fold in self.folds
            for label in np.unique(self.condition[fold.test])
        ]
        groups = [group for group in groups if group.size > 1]
        for group in groups:
            counted[group] = 1
        for _ in range(N_SHUFFLES):
            source = np.arange(len(rate))
            for group in groups:  # a random cycle: no trial keeps its own prediction
                order = rng.permutation(group)
                source[order] = np.roll(order, 1)
            total += (self.y * log_rate[source]).sum(axis=1, dtype=float) - expected[source]
        return total * self.counted / N_SHUFFLES, counted

    def others(self, rate: np.ndarray, trials: np.ndarray) -> list[dict[str, object]]:
        """Rows of scores that are no ratio of sums."""
        y, rate = self.y[trials], rate[trials]
        kept = self.counted[trials].any(axis=0)
        rows: list[dict[str, object]] = [
            {
                "metric": "poisson_nll",
                "null": "",
                "aggregate": "pooled",
                "value": metrics.poisson_nll(y[..., kept], rate[..., kept]),
            }
        ]
        condition = self.condition[trials]
        if len(trials) == len(self.scored) and np.unique(condition).size > 1:
            rows.append(
                {
                    "metric": "psth_r2",
                    "null": "",
                    "aggregate": "per_neuron",
                    "value": metrics.psth_r2(y, rate, condition),
                }
            )
        return rows


class Continuous:
    """Gaussian scores against each channel's mean over the training trials."""

    def __init__(
        self, y: np.ndarray, folds: Sequence[Fold], condition: np.ndarray, seed: int
    ) -> None:
        self.y = y
        self.warnings: list[str] = []
        self.scored = np.sort(np.concatenate([fold.test for fold in folds]))
        self.null = np.empty(self.y.shape, dtype=np.float32)
        for fold in folds:
            self.null[fold.test] = self.y[fold.train].mean(axis=(0, 1))
        self.null_error = self._error(self.null)

    def _error(self, prediction: np.ndarray) -> np.ndarray:
        return np.square(self.y - prediction).sum(axis=1, dtype=float)  # (trial, channel)

    def n_targets(self, trials: np.ndarray) -> int:
        """Number of targets that count in these trials."""
        return self.y.shape[2]

    def headline(self, prediction: np.ndarray) -> Terms:
        """R2 above the training mean."""
        return Terms(self.null_error - self._error(prediction), self.null_error)

    def beyond(self, prediction: np.ndarray) -> None:
        """Return nothing: trials of continuous recordings have no condition to shuffle within."""

    def terms(self, prediction: np.ndarray) -> dict[tuple[str, str], Terms]:
        """(metric, null) -> terms; see :class:`Counts`."""
        return {("r2", "train_mean"): self.headline(prediction)}

    def others(self, prediction: np.ndarray, trials: np.ndarray) -> list[dict[str, object]]:
        """Rows of errors in the target's unit, and correlation."""
        found = metrics.continuous(self.y[trials], prediction[trials], self.null[trials])
        return [
            {
                "metric": name,
                "null": "",
                "aggregate": "per_neuron",
                "value": float(np.mean(getattr(found, name))),
            }
            for name in ("mse", "rmse", "pearson")
        ]


SCORERS: dict[str, type[Counts] | type[Continuous]] = {"counts": Counts, "continuous": Continuous}
"""By the kind of a problem."""
