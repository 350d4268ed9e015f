"""Latents of a deck's network that is refitted in every fold, each fit a step that is kept."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikecast.analysis.decoding.decode import Decoding
from spikecast.analysis.decoding.sources import FoldFeatures, Latents
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import fit_model
from spikecast.models.base import Model
from spikecast.runs.studies.step_cache import Arrays, Step, StepCache
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold

Keep = Callable[[Model, Problem, Fold], dict[str, Any]]
"""What is kept of a fit beside its latents: (model, problem, fold) -> arrays."""


@dataclass(frozen=True)
class KeptLatents(Latents):
    """Latents whose fits are steps of a study: made once, read by several decoders.

    Parameters
    ----------
    steps : StepCache
    title : str
        What the steps are called.
    keep : callable
        See :data:`Keep`; a function that can be imported.
    part : str
        Which of the arrays of a fit are the features.
    """

    steps: StepCache = field(kw_only=True)
    title: str = field(kw_only=True)
    keep: Keep = field(kw_only=True)
    part: str = field(default="latents", kw_only=True)

    def fold_features(
        self, recording: Recording, folds: Sequence[Fold], seed: int = 0
    ) -> Iterator[FoldFeatures]:
        """Yield the features of each fold; folds are fitted beside each other."""
        problem = self._choose_task(recording).problem(recording)
        self.steps.prepare(
            dict(self.make_step(problem, fold, index) for index, fold in enumerate(folds))
        )
        for index, fold in enumerate(folds):
            states = self.fit_fold(problem, fold, index)[self.part]
            learnt = {"latents": fold.train}
            yield FoldFeatures(fold, states[fold.train], states[fold.test], learnt)

    def fit_fold(self, problem: Problem, fold: Fold, index: int) -> Arrays:
        """Return ``latents`` of all trials, the ``train`` and ``test`` trials, what is kept."""
        name, (step, arguments) = self.make_step(problem, fold, index)
        return self.steps.compute(name, step, *arguments)

    def make_step(self, problem: Problem, fold: Fold, index: int) -> tuple[str, tuple[Step, tuple]]:
        """Return the name of a fold's fit, and the function and arguments that make it."""
        return f"{self.title}, fold {index + 1}", (
            _fit_in_fold,
            (self.model, problem, fold, self.keep),
        )

    def read_fits(self, decoding: Decoding, problem: Problem) -> list[Arrays]:
        """Return the fits of all folds of a decoding from these latents."""
        folds = [Fold(fold.train_trials, fold.test_trials) for fold in decoding.folds]
        return [self.fit_fold(problem, fold, index) for index, fold in enumerate(folds)]


def _fit_in_fold(model: Model, problem: Problem, fold: Fold, keep: Keep) -> dict[str, Any]:
    """Fit the network on a fold's training trials."""
    fitted = fit_model(model, problem.x, problem.y, fold).model
    latents = np.asarray(fitted.transform(problem.x))
    kept = keep(fitted, problem, fold)
    return {"latents": latents, "train": fold.train, "test": fold.test} | kept


def keep_rates(model: Model, problem: Problem, fold: Fold) -> Arrays:
    """Return the rates of the test trials."""
    return {"predicted": model.predict(problem.x[fold.test]).astype(np.float32)}


def pool_rates(fits: list[Arrays], problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return held-out trials of all folds, their predicted rates, and the mean rates beside."""
    order = np.concatenate([fit["test"] for fit in fits])
    predicted = np.concatenate([fit["predicted"] for fit in fits])
    null = np.concatenate(
        [
            np.broadcast_to(problem.y[fit["train"]].mean(axis=(0, 1)), fit["predicted"].shape)
            for fit in fits
        ]
    )
    return order, predicted, null
