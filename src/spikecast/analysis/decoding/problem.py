"""A label to decode: its trials, their folds, the labels of its null, what fits were given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecast.analysis.comparisons import find_compared_column
from spikecast.analysis.decoding.labels import TRIALS_LEFT_OUT, Label, resolve_label
from spikecast.analysis.decoding.null_choice import NullChoice, choose_null
from spikecast.analysis.decoding.nulls import DrawLabels, LabelNull
from spikecast.analysis.decoding.sources import FoldFeatures, Source
from spikecast.analysis.results import make_settings
from spikecast.core.checks import MOST_DRAWS, check_count, check_in_range, check_kind
from spikecast.core.errors import InputError
from spikecast.core.notices import Notice
from spikecast.core.seeding import derive_seed, make_rng
from spikecast.data.quality import check_copied_trials
from spikecast.data.recording import Recording
from spikecast.tasks.splits import Fold, Split, split_trials

Folds = int | Split
Null = str | DrawLabels | LabelNull
Values = str | Sequence | np.ndarray


@dataclass(frozen=True)
class Draws:
    """How many draws p values and intervals come from.

    Parameters
    ----------
    n_permutations : int
        Draws of the null.
    n_resamples : int
        Resamples of the trials, for the 95 % intervals.
    """

    n_permutations: int
    n_resamples: int = 1000

    def __post_init__(self) -> None:
        check_count("n_permutations", self.n_permutations, 0, MOST_DRAWS)
        check_count("n_resamples", self.n_resamples, 1, MOST_DRAWS)


@dataclass(frozen=True)
class DecodedFold:
    """The trials that the fits of one fold were given, numbered as in the recording."""

    # the trials that each step of the source ("latents", "components", "scale") learnt from
    fitted_on: Mapping[str, np.ndarray]
    train_trials: np.ndarray  # that the decoder learnt from
    test_trials: np.ndarray  # that it was scored on
    train_labels: np.ndarray  # that the decoder received
    test_labels: np.ndarray  # that it was scored against
    # training trials on which the decoder's settings, or when to stop, were judged
    validation_trials: np.ndarray
    area: str = ""  # where areas were decoded one by one

    def to_json(self) -> dict[str, Any]:
        """Return plain lists, as an answer on disk keeps them."""
        return {
            "train": self.train_trials.tolist(),
            "test": self.test_trials.tolist(),
            "labels": self.train_labels.tolist(),
            "validation": self.validation_trials.tolist(),
            "fitted_on": {step: trials.tolist() for step, trials in self.fitted_on.items()},
        }


@dataclass(frozen=True)
class LabelProblem:
    """A label to decode from the trials that have it; `recording` and `source` have these only."""

    recording: Recording
    source: Source
    label: Label
    cuts: list[list[Fold]]  # the trials cut once, or several times anew
    null_labels: np.ndarray  # (draw, trial), coded like the label's; none without a null
    null_used: NullChoice
    notices: tuple[Notice, ...]  # on the source and the label

    @property
    def all_labels(self) -> np.ndarray:
        """The observed labels first, then those of the null, (1 + draw, trial)."""
        return np.vstack([self.label.values, self.null_labels])

    @property
    def single_cut(self) -> list[Fold]:
        """The folds, where trials are cut once; else an error."""
        if len(self.cuts) > 1:
            raise InputError("trials can be cut into folds only once here: n_repeats must be 1")
        return self.cuts[0]

    def describe_folds(
        self,
        features: Sequence[FoldFeatures],
        received: Sequence[np.ndarray] = (),
        validation: Sequence[np.ndarray] = (),
        area: str = "",
    ) -> list[DecodedFold]:
        """Return what the fits of each fold were given.

        `received` has the labels (as codes) that each fold's decoder was given, by default those
        of its training trials; `validation` the rows of them that choices were judged on.
        """
        validation = validation or [np.empty(0, dtype=int)] * len(features)
        trials = self.label.trials
        values = self.label.values
        received = received or [values[part.fold.train] for part in features]
        return [
            DecodedFold(
                {step: trials[learnt] for step, learnt in part.fitted_on.items()},
                trials[part.fold.train],
                trials[part.fold.test],
                self.label.decode_values(labels),
                self.label.decode_values(values[part.fold.test]),
                trials[part.fold.train[rows]],
                area,
            )
            for part, labels, rows in zip(features, received, validation, strict=True)
        ]


def make_label_problem(
    recording: Recording,
    label: Values,
    source: Source,
    folds: Folds,
    null: Null,
    n_permutations: int,
    seed: int,
    *,
    continuous: bool = False,
    n_repeats: int = 1,
) -> LabelProblem:
    """Return the trials of a label with their folds and null labels, once all is checked.

    The arguments are those of :func:`spikecast.decode`; `continuous` labels are numbers to predict
    rather than classes, and trials are cut `n_repeats` times anew where `folds` does not say. A
    label that is part of what it is decoded from is refused.
    """
    check_kind(recording, Recording)
    check_kind(source, Source)
    check_copied_trials(recording)
    split, null = make_settings(Split, folds), make_settings(LabelNull, null)
    target = resolve_label(recording, label, split.n_folds, continuous)
    known = (*getattr(source, "columns", ()), *getattr(source, "behavior", ()))
    if {target.name, find_compared_column(target.name)}.intersection(known):
        raise InputError(
            f"'{target.name}' cannot be decoded from itself; leave it out of the baseline"
        )
    chosen = choose_null(recording, target, null, seed)
    notices = [*source.notices, *chosen.notices]
    if target.n_left_out:
        notices.append(TRIALS_LEFT_OUT(n_trials=target.n_left_out, label=target.name))
    recording = recording.select(trials=target.trials)
    source = source.select_trials(target.trials)
    n_repeats = n_repeats if split.n_repeats is None else split.n_repeats
    even = chosen.keeps_folds_even and not continuous and n_repeats == 1
    cuts = cut_folds(target, split, even, n_repeats, groups=source.groups, seed=seed)
    within = cuts[0] if len(cuts) == 1 else []
    null_labels = chosen.draw(target.values, n_permutations, seed, within)
    return LabelProblem(recording, source, target, cuts, null_labels, chosen.choice, tuple(notices))


def cut_folds(
    label: Label,
    split: Split,
    even: bool,
    n_repeats: int = 1,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> list[list[Fold]]:
    """Cut the trials with a label into folds, `n_repeats` times anew.

    Observed and null labels must meet the same kind of folds, or chance is not the same for both.
    Classes are therefore spread over the folds `even`-ly only where the null keeps them so (labels
    shuffled within the folds of a single cut); otherwise trials are cut without regard to them.
    Trials of different `groups` (trial with a label,), latents of different models, never share a
    fold.
    """
    check_in_range("n_repeats", n_repeats, 1)
    seed = seed if split.seed is None else split.seed
    by = split.by or ("stratum" if even else "trial")
    members = [np.arange(label.trials.size)]
    if groups is not None:
        members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    seeds = [seed, *(derive_seed(seed, "cut", repeat) for repeat in range(1, n_repeats))]
    return [
        [
            Fold(trials[fold.train], trials[fold.test])
            for trials in members
            for fold in split_trials(
                by,
                trials.size,
                split.n_folds,
                seed=own_seed,
                strata=label.values[trials],
                gap=split.gap,
            )
        ]
        for own_seed in seeds
    ]


def draw_resamples(label: Label, n: int, seed: int) -> np.ndarray:
    """Return how often each trial is drawn, (resample, trial); classes keep their sizes."""
    rng = make_rng(seed, "bootstrap")
    weights = np.zeros((n, label.trials.size))
    groups = np.zeros(label.trials.size, dtype=int) if label.continuous else label.values
    for group in np.unique(groups):
        here = np.flatnonzero(groups == group)
        weights[:, here] = rng.multinomial(here.size, np.full(here.size, 1 / here.size), n)
    return weights
