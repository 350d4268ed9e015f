"""What is decoded from: counts, latents of a model, behaviour and stimulus, or given arrays.

A source yields, for each fold, the features of the trials a decoder learns from and of those it is
scored on, (trial, time, feature). Whatever a source learns (principal components, a model, a scale)
it learns from the fold's training trials.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from spikecast.core.checks import (
    check_count,
    check_finite,
    check_in_range,
    check_kind,
    check_method,
    check_one_of,
    check_same_length,
    check_three_axes,
    check_truth,
    to_list,
)
from spikecast.core.errors import InputError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.data.binning import LONGEST
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import fit_model
from spikecast.models.base import Model
from spikecast.models.catalog import MODELS
from spikecast.models.foreign import adapt_model
from spikecast.models.preprocess import find_principal_axes, signed_sqrt
from spikecast.parallel.threads import limit_threads
from spikecast.tasks.behavior import check_unit
from spikecast.tasks.problem import Task
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import AreaToArea

LATENTS_WITHOUT_FOLDS = NoticeKind(
    "latents_without_folds",
    "severe",
    "the latents came without folds: their model may have seen the decoded trials",
)


class FoldFeatures(NamedTuple):
    """Features of the trials a decoder learns from in one fold, and of those it is scored on."""

    fold: Fold
    train: np.ndarray  # (trial, time, feature)
    test: np.ndarray
    # the trials that each step which learnt something was given
    fitted_on: Mapping[str, np.ndarray] = MappingProxyType({})


class Source:
    """Base class: features that nothing is learnt for, the same in every fold.

    Attributes
    ----------
    name : str
        For tables and figures.
    causal : bool
        Whether features at bin t use bins up to t only.
    learns : bool
        Whether features differ between folds because something is learnt in each.
    groups : array, (trial,), or None
        Trials whose features come from different models, and cannot be mixed.
    notices : tuple of Notice
    """

    name: str
    causal: bool
    learns: bool = False
    groups: np.ndarray | None = None
    notices: tuple[Notice, ...] = ()

    def select_trials(self, trials: np.ndarray) -> Self:
        """Return the source for some of the recording's trials."""
        return self

    def time(self, recording: Recording) -> np.ndarray:
        """Return the bin centres of the features, in seconds."""
        return recording.time

    def compute_features(self, recording: Recording) -> np.ndarray:
        """Return features that nothing is learnt for, (trial, time, feature)."""
        raise NotImplementedError

    def fold_features(
        self, recording: Recording, folds: Sequence[Fold], seed: int = 0
    ) -> Iterator[FoldFeatures]:
        """Yield the features of each fold."""
        x = self.compute_features(recording)
        for fold in folds:
            yield FoldFeatures(fold, x[fold.train], x[fold.test])


@dataclass(frozen=True)
class Counts(Source):
    """Square root of the mean count in a sliding window, and perhaps its principal components.

    Parameters
    ----------
    window : float
        Length of the window in seconds. At bin t it ends with t (``causal``) or has t in its
        middle. Before a trial's first bin there is nothing: windows there are shorter.
    n_components : int, optional
        Principal components, learnt in each fold; by default the neurons themselves.
    causal : bool

    Examples
    --------
    >>> import spikecast
    >>> recording = spikecast.load("simulated").select(area="MOs")
    >>> Counts(window=0.05).compute_features(recording).shape
    (200, 250, 50)
    """

    window: float = 0.05
    n_components: int | None = None
    causal: bool = True
    name = "counts"

    def __post_init__(self) -> None:
        check_truth("causal", self.causal)
        if self.n_components is not None:
            check_count("n_components", self.n_components, 1)

    @property
    def learns(self) -> bool:  # type: ignore[override]
        """Whether features differ between folds."""
        return self.n_components is not None

    def compute_features(self, recording: Recording) -> np.ndarray:
        """Return features that nothing is learnt for, (trial, time, feature)."""
        check_kind(recording, Recording)
        check_in_range("window (s)", self.window, recording.bin_size * 0.999, LONGEST)
        width = round(self.window / recording.bin_size)
        x = recording.activity
        n_bins = x.shape[1]
        ahead = 0 if self.causal else (width - 1) // 2
        stops = np.arange(1, n_bins + 1) + ahead
        start, stop = np.maximum(stops - width, 0), np.minimum(stops, n_bins)
        total = np.zeros((x.shape[0], n_bins + 1, x.shape[2]))
        np.cumsum(x, axis=1, out=total[:, 1:], dtype=float)
        mean = (total[:, stop] - total[:, start]) / (stop - start)[:, np.newaxis]
        return signed_sqrt(mean)

    def fold_features(
        self, recording: Recording, folds: Sequence[Fold], seed: int = 0
    ) -> Iterator[FoldFeatures]:
        """Yield the features of each fold."""
        x = self.compute_features(recording).astype(np.float32)
        for fold in folds:
            train, test = x[fold.train], x[fold.test]
            fitted_on = {}
            if self.n_components is not None:
                flat = train.reshape(-1, x.shape[2])
                mean, axes, _ = find_principal_axes(flat, self.n_components)
                train, test = ((part - mean) @ axes.T for part in (train, test))
                fitted_on = {"components": fold.train}
            yield FoldFeatures(fold, train, test, fitted_on)


@dataclass(frozen=True)
class Latents(Source):
    """Latents of a model that is fitted anew in each fold and never sees the fold's test trials.

    The decoder of a fold works in the latent space of that fold's model. Its test trials are new
    to the model; its training trials, by default, are those the model was fitted on. Nothing leaks
    that way (the model is not shown labels, and the scored trials are new to both), but latents of
    fitted trials are not quite like those of new ones: a model that overfits gives the decoder
    training latents of a quality it will not meet again, so the score is, if anything, too low.
    Compare the train and test columns of the result. ``held_back`` removes the difference: that
    share of the training trials is kept from the model and only the decoder learns from them, at
    the price of fewer trials for both. Latents of training trials from models of inner folds are
    no way out: each such model has a latent space of its own.

    Parameters
    ----------
    model : str or Model
        A name of the catalogue, or a model with settings of your own.
    task : Task, optional
        What the model predicts from what; by default the largest area from the rest.
    held_back : float
        Share of the training trials that only the decoder learns from, 0 to 0.8.

    Examples
    --------
    >>> Latents("pca_ridge", AreaToArea("MOs", lag=-1)).causal
    False
    """

    model: str | Model
    task: Task | None = None
    held_back: float = 0.0
    learns = True

    def __post_init__(self) -> None:
        if self.task is not None:
            check_method("task", self.task, "problem", "a task, such as AreaToArea('MOs')")

    def _make_model(self) -> Model:
        if isinstance(self.model, str):
            return MODELS[check_one_of("model", self.model, list(MODELS))]()
        return adapt_model(self.model)

    def _choose_task(self, recording: Recording) -> Task:
        if self.task is not None:
            return self.task
        return AreaToArea(max(recording.areas, key=recording.areas.__getitem__))

    @property
    def name(self) -> str:  # type: ignore[override]
        """For tables and figures."""
        model = self.model if isinstance(self.model, str) else type(self.model).__name__
        return f"latents of {model}"

    @property
    def causal(self) -> bool:  # type: ignore[override]
        """Whether features at bin t use bins up to t only."""
        # a negative lag hands the model the source's future
        return bool(self._make_model().causal) and getattr(self.task, "lag", 0) >= 0

    def time(self, recording: Recording) -> np.ndarray:
        """Return the bin centres of the features, in seconds."""
        return self._choose_task(recording).problem(recording).time

    def fold_features(
        self, recording: Recording, folds: Sequence[Fold], seed: int = 0
    ) -> Iterator[FoldFeatures]:
        """Yield the features of each fold."""
        check_in_range("held_back", self.held_back, 0, 0.8)
        problem = self._choose_task(recording).problem(recording)
        if problem.windows:
            raise InputError("a continuous recording has no trials to decode")
        template = self._make_model()
        if not template.has_latents:
            raise InputError(f"{type(template).__name__} has no latents; decode from Counts()")
        for index, fold in enumerate(folds):
            order = make_rng(seed, "held back", index).permutation(fold.train)
            n_held_back = round(self.held_back * order.size)
            of_model = np.sort(order[n_held_back:])
            of_decoder = np.sort(order[:n_held_back]) if n_held_back else of_model
            with limit_threads():
                fitted = fit_model(
                    template,
                    problem.x,
                    problem.y,
                    Fold(of_model, fold.test),
                    seed=seed,
                    index=index,
                    metadata=problem.metadata(),
                )
                made = FoldFeatures(
                    Fold(of_decoder, fold.test),
                    fitted.model.transform(problem.x[of_decoder]),
                    fitted.model.transform(problem.x[fold.test]),
                    {"latents": fitted.record.train},
                )
            yield made


@dataclass(frozen=True)
class Baseline(Source):
    """Behaviour and trial columns alone, each z-scored in the fold: what neurons have to beat.

    Parameters
    ----------
    behavior : sequence of str
        Behaviour variables of the recording.
    columns : sequence of str
        Trial columns (stimulus, previous outcome, ...); text columns become indicators.

    Examples
    --------
    >>> Baseline(["wheel"], ["contrast_left"]).name
    'wheel + contrast_left'
    """

    behavior: Sequence[str] = ()
    columns: Sequence[str] = ()
    learns = True
    causal = True

    @property
    def name(self) -> str:  # type: ignore[override]
        """For tables and figures."""
        return " + ".join((*self.behavior, *self.columns))

    def compute_features(self, recording: Recording) -> np.ndarray:
        """Return features that nothing is learnt for, (trial, time, feature)."""
        n_trials, n_bins, _ = recording.shape
        parts = []
        for name in self.behavior:
            check_one_of("behaviour", name, list(recording.behavior))
            parts.append(recording.dataset[name].values.reshape(n_trials, n_bins, -1))
        trials = recording.trials
        for name in self.columns:
            check_one_of("trial column", name, list(trials))
            table = pd.get_dummies(trials[[name]], dtype=float).to_numpy(dtype=float)
            parts.append(np.broadcast_to(table[:, np.newaxis], (n_trials, n_bins, table.shape[1])))
        if not parts:
            raise InputError("a baseline needs behaviour variables or trial columns")
        x = np.concatenate(parts, axis=2).astype(float)
        check_finite(f"the baseline ({self.name})", x)
        check_unit(f"the baseline ({self.name})", x)
        return x

    def fold_features(
        self, recording: Recording, folds: Sequence[Fold], seed: int = 0
    ) -> Iterator[FoldFeatures]:
        """Yield the features of each fold."""
        for fold, train, test, _ in super().fold_features(recording, folds, seed):
            mean, scale = train.mean(axis=(0, 1)), train.std(axis=(0, 1))
            scale = np.where(scale > 0, scale, 1.0)
            yield FoldFeatures(
                fold, (train - mean) / scale, (test - mean) / scale, {"scale": fold.train}
            )


@dataclass(frozen=True, eq=False)
class Precomputed(Source):
    """Latents that were computed before.

    Parameters
    ----------
    latents : array, (trial, time, latent)
        One row per trial of the recording.
    fold : array of int, (trial,), optional
        The prediction fold in which the trial was held out, so that its latents come from a model
        that never saw it. Models of different folds have latent spaces of their own: decoders are
        then trained and scored within the held-out trials of one model, and the results pooled.
    causal : bool
        Whether latents at bin t used bins up to t only.
    unchecked : bool
        Take latents without fold information. Nothing then shows that their model did not see the
        trials that are decoded, and the result says so.

    Examples
    --------
    >>> [notice.code for notice in Precomputed(np.zeros((4, 5, 2)), unchecked=True).notices]
    ['latents_without_folds']
    """

    latents: np.ndarray
    fold: np.ndarray | None = None
    causal: bool = False
    unchecked: bool = False
    name = "latents"

    def __post_init__(self) -> None:
        check_three_axes("latents", self.latents)
        check_finite("latents", self.latents)
        check_truth("unchecked", self.unchecked)
        if self.fold is not None:
            n_given = len(to_list("fold", self.fold, "an array, one number per trial"))
            check_same_length("fold", n_given, "the trial axis of latents", len(self.latents))
        elif not self.unchecked:
            raise InputError(
                "latents without their folds may come from a model that saw the decoded trials; "
                "pass fold= (the prediction fold that held each trial out), decode from "
                "Latents(model), or insist with unchecked=True"
            )

    @property
    def learns(self) -> bool:  # type: ignore[override]
        """Whether features differ between folds."""
        return self.fold is not None

    @property
    def groups(self) -> np.ndarray | None:  # type: ignore[override]
        """The prediction fold of each trial."""
        return self.fold

    @property
    def notices(self) -> tuple[Notice, ...]:  # type: ignore[override]
        """A notice where latents came without folds."""
        return () if self.fold is not None else (LATENTS_WITHOUT_FOLDS(),)

    def select_trials(self, trials: np.ndarray) -> Self:
        """Return the source for some of the trials."""
        fold = None if self.fold is None else np.asarray(self.fold)[trials]
        return replace(self, latents=self.latents[trials], fold=fold)

    def compute_features(self, recording: Recording) -> np.ndarray:
        """Return features that nothing is learnt for, (trial, time, feature)."""
        check_same_length("latents", len(self.latents), "the trial axis", recording.n_trials)
        check_same_length(
            "latents in time", self.latents.shape[1], "the time axis", recording.n_bins
        )
        return self.latents
