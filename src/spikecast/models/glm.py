"""Poisson regression from population features: the strong, cheap baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from spikecast.models.context import ContextModel
from spikecast.models.inner_cv import choose_best, split_inner_folds
from spikecast.models.poisson_regression import fit_poisson_path
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.spaces import OneOf, Space
from spikecast.scoring.metrics import log_likelihood
from spikecast.tasks.splits import Fold

PENALTIES = tuple(2.5e-4 * 2**step for step in range(9))


@dataclass(eq=False, repr=False)
class PoissonGLM(ContextModel):
    """Square root of counts at several widths, unwhitened components, Poisson regression.

    log rate = weights . features + intercept, for all targets in one fit; the penalty is
    ``penalty * sum of squared weights``, the loss the mean over samples of the sum over targets.
    Widths, number of components and penalty are the best on validation trials (whole trials cut
    from the training trials); the model is then refitted on all of them. More components and
    smaller penalties are tried until they predict worse. Features do not lift a target's rate
    further than in any training trial: beyond what was seen, an exponential runs away.

    Parameters
    ----------
    widths : sequence of sequences of float
        Sets of smoothing widths (bins) to choose from.
    n_components : sequence of int
        Components per width to choose from.
    penalties : sequence of float
        To choose from.
    n_inner : int
        Inner folds (of five) that the choice is averaged over. With one, what is chosen of few
        spikes is often chosen by chance.
    {causal}
    {seed}
    {context}

    Attributes
    ----------
    features_ : PopulationFeatures
    weights_ : array, (feature, target)
    intercept_ : array, (target,)
    ceiling_ : array, (target,)
        The most that features add to the log rate.
    chosen_ : tuple
        (widths, components, penalty).

    {paper}

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drive = np.repeat(rng.normal(size=(30, 5, 1)), 8, axis=1)
    >>> x = rng.poisson(np.exp(drive), size=(30, 40, 6)); y = rng.poisson(np.exp(drive / 2))
    >>> model = PoissonGLM().fit(x, y)
    >>> model.predict(x).shape
    (30, 40, 1)
    """

    title = "Poisson regression"
    about = "square root at several smoothing widths, PCA, Poisson regression: the strong baseline"
    paper = "Nelder & Wedderburn 1972; Truccolo et al. 2005"
    kinds = ("counts",)
    is_baseline = True
    # it chooses widths, components and penalty itself, by two validation parts of five: searched is
    # what it chooses from, and on how many parts it looks (more is steadier, and slower)
    search_space: ClassVar[Space] = {
        "widths": OneOf(
            (
                ((1.0, 3.0, 8.0),),
                ((1.0, 3.0, 8.0), (2.0, 6.0)),
                ((2.0, 6.0),),
                ((3.0,),),
                ((1.0, 4.0, 16.0),),
                ((0.5, 1.0, 2.0, 4.0, 8.0, 16.0),),
            )
        ),
        "n_components": OneOf(((10, 30, 60, 120), (15,), (30,), (60,), (120,), (200,))),
        "penalties": OneOf((PENALTIES, (2.5e-4, 5e-4, 1e-3), (1.6e-2, 3.2e-2, 6.4e-2))),
        "n_inner": OneOf((2, 1, 3)),
    }
    fit_record = ("chosen_", "history_")

    widths: Sequence[Sequence[float]] = ((1.0, 3.0, 8.0),)
    n_components: Sequence[int] = (10, 30, 60, 120)
    penalties: Sequence[float] = PENALTIES
    n_inner: int = 2
    causal: bool = False
    seed: int = 0
    context: str = "off"

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self._fit_on_top(x, y, None)

    def _fit_on_top(self, x: np.ndarray, y: np.ndarray, base: np.ndarray | None) -> None:
        offset = None if base is None else np.log(base)
        candidates = [
            (tuple(widths), components, penalty)
            for widths in self.widths
            for components in sorted(self.n_components)
            for penalty in sorted(self.penalties, reverse=True)
        ]
        if len(candidates) > 1:
            folds = split_inner_folds(len(x), 5, self.seed)[: self.n_inner]
            self.chosen_, self.history_ = choose_best(
                candidates,
                lambda fold: self._predict_candidates(x, y, fold, offset),
                y,
                folds,
                counts=True,
            )
        else:
            self.chosen_ = candidates[0]
        widths, components, penalty = self.chosen_
        self.features_ = PopulationFeatures(widths, components, self.causal)
        z = self.features_.fit_transform(x)
        self.weights_, self.intercept_ = next(fit_poisson_path(z, y, [penalty], offset=offset))
        self.ceiling_ = (z @ self.weights_).max(axis=(0, 1))

    def clone_with_choices(self) -> Self:
        """Return an unfitted copy with the chosen widths, components and penalty."""
        widths, components, penalty = self.chosen_
        return (
            super()
            .clone_with_choices()
            .set_params(widths=(widths,), n_components=(components,), penalties=(penalty,))
        )

    def _predict_candidates(
        self, x: np.ndarray, y: np.ndarray, fold: Fold, offset: np.ndarray | None
    ) -> Iterator[np.ndarray | None]:
        """Yield the log rates of every candidate for a fold's validation trials, in their order.

        More components, and smaller penalties, are tried until they predict worse: beyond that a
        regression only overfits more. What is not tried is None.
        """
        of_train = None if offset is None else offset[fold.train]
        of_valid = 0.0 if offset is None else offset[fold.test]
        highest = self.max_log_rate_
        for widths in self.widths:
            features = PopulationFeatures(widths, max(self.n_components), self.causal)
            z = features.fit_transform(x[fold.train])
            z_valid = features.transform(x[fold.test])
            per_width = features.axes_.shape[1]
            n_before, score_before, worse = 0, -np.inf, False
            for components in sorted(self.n_components):
                # a small source has fewer components, and then the same fit need not be made twice
                n_used = min(components, per_width)
                predicted: list[np.ndarray] = []
                if n_used > n_before and not worse:
                    # columns of the first components of each width
                    used = np.arange(z.shape[2]).reshape(-1, per_width)[:, :n_used].ravel()
                    path = fit_poisson_path(
                        z[..., used], y[fold.train], sorted(self.penalties)[::-1], 1e-5, of_train
                    )
                    log_rates = (
                        np.minimum(z_valid[..., used] @ weights + level + of_valid, highest)
                        for weights, level in path
                    )
                    predicted, score = _predict_until_worse(log_rates, y[fold.test])
                    n_before, score_before, worse = n_used, score, score < score_before
                yield from predicted
                yield from [None] * (len(self.penalties) - len(predicted))

    def _predict(self, x: np.ndarray) -> np.ndarray:
        return self._predict_on_top(x, 1.0)

    def _predict_on_top(self, x: np.ndarray, base: np.ndarray | float) -> np.ndarray:
        # (trial, time, target)
        added = np.minimum(self.features_.transform(x) @ self.weights_, self.ceiling_)
        return np.exp(np.minimum(added + self.intercept_ + np.log(base), self.max_log_rate_))


def _predict_until_worse(
    log_rates: Iterator[np.ndarray], y: np.ndarray
) -> tuple[list[np.ndarray], float]:
    """Return log rates up to the first that predicts worse than the one before, the best score."""
    tried, best_score = [], -np.inf
    for log_rate in log_rates:
        tried.append(log_rate)
        score = float(log_likelihood(y, np.exp(log_rate)).sum())
        if score < best_score:
            break
        best_score = score
    return tried, best_score
