"""What explains an area: what only the task, drift, movement, or one source tells, and the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.analysis.results import Result
from spikecast.core.errors import NotEnoughDataError
from spikecast.core.notices import Notice
from spikecast.core.seeding import make_rng
from spikecast.data.coincidence import find_coincident_pairs
from spikecast.data.loaders import load
from spikecast.data.recording import Recording
from spikecast.evaluation.beyond import (
    LEVEL,
    BeyondJob,
    choose_penalty,
    plan_beyond,
    run_shift_test,
)
from spikecast.evaluation.clearing import Clearing
from spikecast.evaluation.folds import make_folds
from spikecast.evaluation.ladder import expect_fold, note_rungs
from spikecast.models.families import FAMILIES
from spikecast.models.preprocess import PopulationFeatures
from spikecast.parallel.threads import limit_threads
from spikecast.scoring.fold_intervals import compute_refit_limits
from spikecast.scoring.metric_table import HEADLINE
from spikecast.scoring.ratio_scores import RatioScores, draw_bootstrap_weights
from spikecast.scoring.scorers import SCORERS
from spikecast.tasks.problem import Problem
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import REST, AreaToArea

WIDTHS, N_COMPONENTS = (1.0, 3.0, 8.0), 10
MIN_NEURONS = 10  # areas with fewer are taken together
TOTAL, SHARED, OWN, OTHERS = "total", "shared", "own neurons", "other areas"
ALL_SOURCES, CLEARED = "without own neurons", "cleared"  # names of models
INTERNAL = {"task": "psth", "drift": "drift", "movement": ""}
"""Parts that are no neurons -> what the rung without them leaves out."""


@dataclass(frozen=True, repr=False)
class Explanation(Result):
    """What explains an area's activity.

    Attributes
    ----------
    target : str
    metric : str
        Of all values: bits per spike, R2 for continuous activity; above each target's mean.
    table : DataFrame
        One row per part: ``part``, ``kind`` (``"total"``, ``"rung"``, ``"area"``, ``"own"``,
        ``"shared"``), ``n_neurons``, ``value``, ``low``, ``high`` (95 %, paired over trials, and
        widened for the models having been learnt from them), ``p`` (of the shift test, where there
        is one), ``untested`` (why there is none), ``stands``.
    n_trials : int
    notices : tuple of Notice
    """

    figure = "parts"

    target: str
    metric: str
    table: pd.DataFrame
    n_trials: int
    notices: tuple[Notice, ...] = ()

    def __str__(self) -> str:
        shown = self.table[self.table["stands"]]
        parts = ", ".join(f"{row.part} {row.value:.3f}" for row in shown.itertuples())
        return f"{self.target}, {self.metric}: {parts or 'nothing'}"


def explain(
    recording: Recording | str | Path,
    target: str,
    source: str | Sequence[str] = REST,
    *,
    lag: int = 0,
    folds: int = 5,
    n_shifts: int = 40,
    conditions: Sequence[str] | None = None,
    min_rate: float = 0.5,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Explanation:
    """Divide what can be predicted of an area among what predicts it.

    The model is a regression (Poisson for counts, ridge for continuous values) on components of
    every source area, side by side, on top of the highest rung of the ladder: task, drift,
    movement. The unique part of each of these is the model's score less that of the same model
    fitted without it; what is left is shared by several of them. What the area's own neurons add
    comes last: half of them predict the other half, both ways, beside all else. They follow
    whatever drives the area, and would leave nothing to any source if they came first.

    From the sources is taken what the rung explains of them, where the part of a source is asked
    for: a source that follows the stimulus would mend the target's response to it. It is left in
    where the part of the task, drift or movement is asked for.

    Parameters
    ----------
    recording : Recording, or str or Path
        The latter as for :func:`spikecast.load`.
    target : str
        Area to explain.
    source : str or sequence of str
        ``"rest"``: every other area; those of fewer than 10 neurons are taken together.
    lag : int
        The sources at bin t - lag explain the target at bin t.
    folds : int
    n_shifts : int
        Of the shift test of each area's part; with 0 there is none, and no area's part stands.
    conditions : sequence of str, optional
        Trial columns that name the condition; by default the contrasts.
    min_rate : float
        Target neurons that fire less often (Hz) are left out.
    n_resamples, seed : int

    Returns
    -------
    Explanation

    Raises
    ------
    UnknownNameError
        For an area or a column that is not recorded.
    NotEnoughDataError
        For fewer than 4 target neurons.

    References
    ----------
    Musall et al. 2019; Steinmetz et al. 2019; Harris 2021.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.unrelated_areas(60, (12, 12), n_bins=40, coupling=0.2).recording
    >>> found = sc.explain(recording, "B", folds=2)
    >>> found.table["part"].tolist()
    ['total', 'task', 'drift', 'A', 'shared', 'own neurons']
    """
    if isinstance(recording, str | Path):
        recording = load(recording)
    problem = AreaToArea(target, source, lag, min_rate).problem(recording)
    problem = replace(problem, conditions=conditions)
    cut = make_folds(problem, folds, seed=seed)
    job = plan_beyond(problem, cut, n_shifts=n_shifts, n_resamples=n_resamples, seed=seed)
    halves = _split_targets(problem, recording, seed)
    model = _Whole(problem, job, halves, _group_sources(problem))
    with limit_threads():
        table = model.tabulate()
    metric = HEADLINE[problem.kind].name
    notices = (*problem.notices, *note_rungs(problem))
    return Explanation(target, metric, table, len(problem.y), notices)


def _group_sources(problem: Problem) -> dict[str, np.ndarray]:
    """Return name -> numbers of the source's neurons; small areas are one group."""
    areas = np.asarray(problem.areas, dtype=str)
    sizes = pd.Series(areas).value_counts()
    large = sorted(str(name) for name, size in sizes.items() if size >= MIN_NEURONS)
    groups = {name: np.flatnonzero(areas == name) for name in large}
    rest = np.flatnonzero(~np.isin(areas, large))
    if rest.size:
        name = OTHERS if large or len(sizes) > 1 else str(sizes.index[0])
        groups[name] = rest
    return groups


def _split_targets(problem: Problem, recording: Recording, seed: int) -> list[np.ndarray]:
    """Return two halves of the targets, drawn at random; neurons recorded twice stay together."""
    n_targets = problem.y.shape[2]
    if n_targets < 4:
        raise NotEnoughDataError(f"{problem.target} has {n_targets} neurons; at least 4 are needed")
    neurons = problem.targets["neuron"].to_numpy()
    pairs = find_coincident_pairs(recording, neurons, neurons)
    order = make_rng(seed, "halves").permutation(n_targets)
    side = np.zeros(n_targets, dtype=bool)
    side[order[: n_targets // 2]] = True
    for first, second in zip(pairs["first"], pairs["second"], strict=True):
        side[neurons == max(first, second)] = side[neurons == min(first, second)]
    if side.all() or not side.any():
        raise NotEnoughDataError(
            f"the {n_targets} neurons of {problem.target} look like one that was recorded several "
            "times: no part of them can tell of the others; leave the copies out"
        )
    return [np.flatnonzero(side), np.flatnonzero(~side)]


class _Whole:
    """The whole model of an area and those without one part, fitted in every fold."""

    def __init__(
        self,
        problem: Problem,
        job: BeyondJob,
        halves: list[np.ndarray],
        groups: Mapping[str, np.ndarray],
    ) -> None:
        self.problem, self.job, self.halves, self.groups = problem, job, halves, groups
        self.y, self.kind = problem.y, problem.kind
        absent = set() if problem.ordered else {"drift"}
        if problem.behavior is None:
            absent.add("movement")
        self.internal = [name for name in INTERNAL if name not in absent]
        names = (TOTAL, ALL_SOURCES, CLEARED, *self.internal, *groups)
        self.predictions = {name: np.zeros(self.y.shape, dtype=np.float32) for name in names}

    def tabulate(self) -> pd.DataFrame:
        """Return the table of an :class:`Explanation`."""
        for index, fold in enumerate(self.job.folds):
            self._fit(index, fold)
        scorer = SCORERS[self.kind](self.y, self.job.folds, np.zeros(len(self.y)))
        scores = {
            name: scorer.score_headline(one).select_trials(scorer.scored)
            for name, one in self.predictions.items()
        }
        parts = {TOTAL: scores[TOTAL]}
        parts |= {name: _subtract(scores[ALL_SOURCES], scores[name]) for name in self.internal}
        parts |= {name: _subtract(scores[CLEARED], scores[name]) for name in self.groups}
        unique = [one for name, one in parts.items() if name != TOTAL]
        parts[SHARED] = _subtract(scores[ALL_SOURCES], *unique)
        parts[OWN] = _subtract(scores[TOTAL], scores[ALL_SOURCES])
        weights = draw_bootstrap_weights(len(scorer.scored), self.job.n_resamples, self.job.seed)
        rows, how = [], HEADLINE[self.kind].aggregate
        for name, ratios in parts.items():
            value = np.asarray(ratios.aggregate(how))
            # a small part depends on what was learnt from as much as on what is scored
            low, high = compute_refit_limits(
                value, ratios.resample(weights, how), len(self.job.folds)
            )
            row = {"part": name, "kind": self._name_kind(name), "n_neurons": self._count(name)}
            row |= {"value": float(value), "low": float(low), "high": float(high)}
            tested = name in self.groups or name == OWN
            p, untested = self._test(name) if tested else (np.nan, "")
            stands = bool(low > 0 and (p <= LEVEL or not tested))
            rows.append(row | {"p": p, "untested": untested, "stands": stands})
        return pd.DataFrame(rows)

    def _name_kind(self, name: str) -> str:
        if name in self.groups:
            return "area"
        return {TOTAL: TOTAL, SHARED: SHARED, OWN: "own"}.get(name, "rung")

    def _count(self, name: str) -> int:
        if name in self.groups:
            return len(self.groups[name])
        return self.y.shape[2] if name in (OWN, TOTAL) else 0

    # -------------------------------------------------------------------------------- fits

    def _fit(self, index: int, fold: Fold) -> None:
        """Fit all models on a fold's training trials, and keep what they predict."""
        bases = {name: self._fit_rung(name, index, fold) for name in ("", *self.internal)}
        areas = [self.problem.x[:, :, rows] for rows in self.groups.values()]
        features = [
            PopulationFeatures(WIDTHS, N_COMPONENTS).fit(one[fold.train]).transform(one)
            for one in areas
        ]
        expected = Clearing(self.job.trials).expect(features, fold)
        cleared = {
            name: z - one for name, z, one in zip(self.groups, features, expected, strict=True)
        }
        every = np.arange(self.y.shape[2])
        z = np.concatenate([*cleared.values()], axis=2)
        seed = self.job.seed
        penalty = choose_penalty(z, self.y, bases[""], fold.train, self.kind, seed)
        models = {ALL_SOURCES: (features, ""), CLEARED: ([*cleared.values()], "")}
        models |= {name: (features, name) for name in self.internal}
        models |= {
            name: ([z for other, z in cleared.items() if other != name], "") for name in self.groups
        }
        for name, (some, left_out) in models.items():
            self._predict(name, some, every, bases[left_out], fold, penalty)
        for half, others in (self.halves, self.halves[::-1]):
            x = self.y[:, :, others]
            own = PopulationFeatures(WIDTHS, N_COMPONENTS).fit(x[fold.train]).transform(x)
            self._predict(TOTAL, [*features, own], half, bases[""], fold, penalty)

    def _predict(
        self,
        name: str,
        features: Sequence[np.ndarray],
        targets: np.ndarray,
        base: np.ndarray,
        fold: Fold,
        penalty: float,
    ) -> None:
        """Fit one model and keep its predictions of a fold's test trials."""
        family, (train, test) = FAMILIES[self.kind], fold
        predicted = base[test][:, :, targets]
        if features:
            z = np.concatenate(features, axis=2)  # of all sources, side by side
            below = base[train][:, :, targets]
            ((weights, level),) = family.fit_path(
                z[train], self.y[train][:, :, targets], below, [penalty]
            )
            predicted = family.combine(predicted, z[test] @ weights + level)
        bins = np.arange(self.y.shape[1])
        self.predictions[name][np.ix_(fold.test, bins, targets)] = predicted

    def _fit_rung(self, left_out: str, index: int, fold: Fold) -> np.ndarray:
        """Return what the highest rung without a part expects of each trial of a fold."""
        rung = "source_free" if left_out == "movement" else self.job.rung
        null = self.job.make_rung(index, rung, INTERNAL.get(left_out, ""))
        return expect_fold(null, self.y, fold, self.job.trials)

    # -------------------------------------------------------------------------------- shifts

    def _test(self, name: str) -> tuple[float, str]:
        """Return p of the shift test of a source on top of all else, or why there is none."""
        if name in self.groups:
            pairs = [(self.problem.x[:, :, self.groups[name]], np.arange(self.y.shape[2]))]
        else:  # both ways; the larger p counts
            first, second = self.halves
            pairs = [(self.y[:, :, second], first), (self.y[:, :, first], second)]
        ps, reason = [], ""
        for x, half in pairs:
            base = self.predictions[ALL_SOURCES if name == OWN else name][:, :, half]
            y = self.y[:, :, half]
            scorer = SCORERS[self.kind](y, self.job.folds, np.zeros(len(y)))
            test, reason = run_shift_test(self.job, x, y, base, scorer)
            ps.append(np.nan if test is None else test.p)
        return float(np.max(ps)), reason


def _subtract(first: RatioScores, *others: RatioScores) -> RatioScores:
    """Return the difference of scores of the same trials and targets."""
    numerator: Any = first.numerator - sum(one.numerator for one in others)
    return RatioScores(numerator, first.denominator)
