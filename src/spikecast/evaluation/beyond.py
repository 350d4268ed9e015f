"""What a source tells beyond a rung of the ladder: fitted on top of it, and tested by shifts.

The difference of two separate fits is no measure of what a source adds: a model that does not know
the session's drift spends its effort on it. Here the rung is the offset, and the source is fitted
to what it leaves. No rung is perfect, and a source that follows the stimulus would mend the
target's response to it; hence what the rung explains of the source is taken out as well (partial
regression; Robinson 1988). Slow change that the rung missed would still pass for prediction; the
linear shift test tells: the source of trial i + k is paired with the target of trial i, the same
regression refitted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from pydantic import TypeAdapter

from spikecast.core.checks import check_count
from spikecast.core.seeding import derive_seed
from spikecast.data.dataset import Kind
from spikecast.evaluation.clearing import Clearing
from spikecast.evaluation.fit import FitRecord, record_fit
from spikecast.evaluation.ladder import choose_inner_folds, expect_fold
from spikecast.models.catalog import MODELS
from spikecast.models.families import FAMILIES
from spikecast.models.inner_cv import note_validation, split_inner_folds, watch_validation
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.rate_ceiling import MAX_LOG_RATE
from spikecast.models.trial_nulls import TrialNull
from spikecast.parallel.threads import limit_threads
from spikecast.scoring.metric_table import HEADLINE
from spikecast.scoring.ratio_scores import Interval, compute_interval, draw_bootstrap_weights
from spikecast.scoring.scorers import SCORERS, Scorer
from spikecast.tasks.problem import Problem
from spikecast.tasks.shifts import ShiftPlan, plan_shifts, rank_p
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import TrialFacts

WIDTHS, N_COMPONENTS = (1.0, 3.0, 8.0), 60
PENALTIES = {
    "counts": (1.0, 0.25, 6.4e-2, 1.6e-2, 4e-3),  # the first is close to no source at all
    "continuous": (100.0, 1.0, 1e-1, 1e-2, 1e-3),
}
# strong: it is the ranking that counts, and with less one step overshoots
SHIFT_PENALTY = {"counts": 0.5, "continuous": 0.05}
CHUNK = 10  # bins of a window that are shifted together
LEVEL = 0.05
N_INNER = 5
FEWEST_LEARNT = 2 * N_INNER  # trials
ROUNDING = 1e-6  # of features that are kept in 32 bits
NOWHERE, LEARNT_ONLY = -1, -2  # in place of the number of a test part

Untested = Literal["", "unordered", "unrecorded", "few_trials", "off", "no_source"]


@dataclass(frozen=True)
class ShiftTest:
    """The score of the true pairing among those of shifted ones, on the same target trials."""

    p: float
    true: float
    shifts: tuple[int, ...]  # trials (chunks of bins in windows of a continuous recording)
    scores: tuple[float, ...]  # of each shift, in the headline metric above the rung


@dataclass(frozen=True)
class Beyond:
    """What a source adds on top of a rung.

    Attributes
    ----------
    rung : str
    gain : Interval
        Of the headline metric above the rung, with a bootstrap over trials.
    shift_test : ShiftTest, optional
    untested : {"", "unordered", "unrecorded", "few_trials", "off", "no_source"}
        Why there is no shift test.
    records : tuple of FitRecord
        What the regression of each fold was given; they are kept apart from the other values.
    """

    rung: str
    gain: Interval
    shift_test: ShiftTest | None = None
    untested: Untested = ""
    records: tuple[FitRecord, ...] = field(default=(), repr=False, compare=False)

    def __str__(self) -> str:
        test = self.shift_test
        tested = f"p {test.p:.3f} of {len(test.shifts)} shifts" if test else "no shift test"
        why = f" ({self.untested})" if self.untested else ""
        return f"{self.gain} above {self.rung}, {tested}{why}"

    @property
    def passes(self) -> bool:
        """Whether the source tells something beyond the rung: by its interval and by shifts."""
        return self.gain.low > 0 and self.shift_test is not None and self.shift_test.p <= LEVEL

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the records."""
        content = asdict(replace(self, records=()))
        del content["records"]
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Beyond":
        """Return what :meth:`to_json` wrote."""
        return TypeAdapter(cls).validate_python(content)


@dataclass(frozen=True)
class BeyondJob:
    """What a measurement needs besides the arrays of a problem."""

    trials: TrialFacts
    folds: Sequence[Fold]
    rung: str
    inner: Mapping[str, Any]  # how the rung cuts its inner folds
    windows: bool  # whether trials are windows of a continuous recording
    kind: Kind  # of the targets: whole numbers may be continuous values, such as licks in a bin
    n_shifts: int = 40
    n_resamples: int = 2000
    seed: int = 0

    def make_rung(self, index: int, rung: str = "", without: str = "") -> TrialNull:
        """Return the rung of a fold, unfitted; folds differ in how their inner folds are drawn."""
        seed = derive_seed(self.seed, "fold", index)
        null = MODELS[rung or self.rung]().set_params(**self.inner, seed=seed)
        return null.set_params(without=without) if without else null


def plan_beyond(
    problem: Problem,
    folds: Sequence[Fold],
    *,
    split: str = "trial",
    gap: int = 0,
    n_shifts: int = 40,
    n_resamples: int = 2000,
    seed: int = 0,
) -> BeyondJob:
    """Return the job of measuring what a problem's source tells beyond its highest rung."""
    check_count("shifts", n_shifts, 0)
    rung = "behavior" if problem.behavior is not None else "source_free"
    inner = choose_inner_folds(problem, split, gap)
    facts = problem.trial_facts
    return BeyondJob(
        facts,
        keep_recorded_trials(facts.lacks_behavior, folds),
        rung,
        inner,
        problem.windows,
        problem.kind,
        n_shifts,
        n_resamples,
        seed,
    )


def keep_recorded_trials(lacking: np.ndarray, folds: Sequence[Fold]) -> Sequence[Fold]:
    """Return folds without trials that lack behaviour; the folds as they are where few would stay.

    What both areas owe to a movement that was not recorded would pass for what one tells of the
    other. Where such trials stay there is no shift test, and thus no claim.
    """
    known = [Fold(rows[~lacking[rows]], test[~lacking[test]]) for rows, test in folds]
    enough = all(len(rows) >= FEWEST_LEARNT and len(test) for rows, test in known)
    return known if lacking.any() and enough else folds


def measure_beyond(job: BeyondJob, x: np.ndarray, y: np.ndarray) -> Beyond:
    """Fit a regression on top of a rung in every fold, score it, and test it by shifts.

    Poisson regression for counts, ridge regression for continuous values, of components of the
    source at several smoothing widths.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.decision_task(60, n_bins=80, stim_onset=0.2, seed=3).recording
    >>> problem = sc.AreaToArea("MOs").problem(recording)
    >>> folds = [Fold(np.arange(1, 60, 2), np.arange(0, 60, 2)),
    ...          Fold(np.arange(0, 60, 2), np.arange(1, 60, 2))]
    >>> beyond = measure_beyond(plan_beyond(problem, folds), problem.x, problem.y)
    >>> beyond.rung, beyond.passes
    ('behavior', True)
    """
    kind = job.kind
    clearing, family = Clearing(job.trials), FAMILIES[kind]
    base, predicted = np.ones((2, *y.shape), dtype=np.float32)
    tested = np.concatenate([fold.test for fold in job.folds])
    records = []
    with limit_threads():
        for index, fold in enumerate(job.folds):
            whole = expect_fold(job.make_rung(index), y, fold, job.trials)
            z = PopulationFeatures(WIDTHS, N_COMPONENTS).fit(x[fold.train]).transform(x)
            z -= clearing.expect([z], fold)[0]
            with watch_validation() as judged:
                penalty = choose_penalty(z, y, whole, fold.train, kind, job.seed)
            rows, test = fold
            records.append(record_fit(x[rows], y[rows], fold, np.array(sorted(judged), dtype=int)))
            ((weights, level),) = family.fit_path(z[rows], y[rows], whole[rows], [penalty])
            expected = np.concatenate([test, np.setdiff1d(rows, tested)])
            base[expected] = whole[expected]
            predicted[test] = family.combine(whole[test], z[test] @ weights + level)
        scorer = SCORERS[kind](y, job.folds, np.zeros(len(y)))
        scorer.add_rung(job.rung, base)
        ratios = scorer.score_nulls(predicted)[job.rung].select_trials(scorer.scored)
        weights = draw_bootstrap_weights(len(scorer.scored), job.n_resamples, job.seed)
        gain = compute_interval(ratios, weights, HEADLINE[kind].aggregate)
        shift_test, untested = run_shift_test(job, x, y, base, scorer)
    return Beyond(job.rung, gain, shift_test, untested, tuple(records))


def choose_penalty(
    z: np.ndarray, y: np.ndarray, base: np.ndarray, rows: np.ndarray, kind: Kind, seed: int
) -> float:
    """Return the penalty of a regression on features `z` on top of `base`, of training `rows`.

    It is the one that predicts a fifth of them best, learnt from the others.
    """
    inner = split_inner_folds(len(rows), N_INNER, seed)[0]
    note_validation(inner.test)
    train, valid = rows[inner.train], rows[inner.test]
    family = FAMILIES[kind]
    path = family.fit_path(z[train], y[train], base[train], PENALTIES[kind])
    scores = []
    for weights, level in path:
        predicted = family.combine(base[valid], z[valid] @ weights + level)
        scores.append(family.score(y[valid], predicted).sum(dtype=float))
    return PENALTIES[kind][int(np.argmax(scores))]


# ------------------------------------------------------------------------------------ shifts


def run_shift_test(
    job: BeyondJob, x: np.ndarray, y: np.ndarray, base: np.ndarray, scorer: Scorer
) -> tuple[ShiftTest | None, Untested]:
    """Return the shift test of a regression on top of `base`, or why there is none."""
    if job.n_shifts == 0:
        return None, "off"
    if job.trials.place is None:
        return None, "unordered"
    if any(job.trials.lacks_behavior[np.concatenate(fold)].any() for fold in job.folds):
        return None, "unrecorded"
    part, counted = _number_parts(job.folds, scorer.counted)
    z = PopulationFeatures(WIDTHS, N_COMPONENTS).fit_transform(x)
    spread = z.std()
    z -= Clearing(job.trials).expect_everywhere([z])[0]
    if z.std() <= ROUNDING * spread:  # as many conditions as trials: nothing is left to shift
        return None, "few_trials"
    arrays = [z, y.astype(np.float32), base]
    if job.windows:  # chunks of bins take the place of trials
        n_chunks = max(y.shape[1] // CHUNK, 1)
        arrays = [_cut_chunks(one, n_chunks) for one in arrays]
        part, counted = np.repeat(part, n_chunks), np.repeat(counted, n_chunks, axis=0)
    plan = plan_shifts(len(part), job.n_shifts)
    present = np.setdiff1d([] if plan is None else part[plan.targets], [NOWHERE])
    if plan is None or present.size < 2:
        return None, "few_trials"
    regression = _ShiftRegression(arrays, part, counted, plan, counts=job.kind == "counts")
    true, *scores = (regression.score(shift) for shift in (0, *plan.shifts.tolist()))
    p = rank_p(true, np.array(scores))
    return ShiftTest(p, true, tuple(plan.shifts.tolist()), tuple(scores)), ""


def _cut_chunks(values: np.ndarray, n_chunks: int) -> np.ndarray:
    """Return every window in chunks, (chunk, time, feature); bins that fill none are left out."""
    size = values.shape[1] // n_chunks
    return values[:, : n_chunks * size].reshape(-1, size, values.shape[2])


def _number_parts(folds: Sequence[Fold], counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the test part of each trial, (trial,), and what counts, (trial, target).

    Trials that are only learnt from are a part of their own, in which all targets count that do so
    anywhere.
    """
    part, counted = np.full(len(counted), NOWHERE), counted.copy()
    part[np.concatenate([fold.train for fold in folds])] = LEARNT_ONLY
    for index, fold in enumerate(folds):
        part[fold.test] = index
    counted[part == LEARNT_ONLY] = counted.any(axis=0)
    return part, counted


class _ShiftRegression:
    """Regression on top of a base, refitted for each pairing of source and target trials.

    One step of Newton's method from the base, which for continuous values is the ridge solution: a
    Poisson regression whose weights are small is close to it, and it needs sums of products only.
    """

    def __init__(
        self,
        arrays: Sequence[np.ndarray],
        part: np.ndarray,
        counted: np.ndarray,
        plan: ShiftPlan,
        *,
        counts: bool,
    ) -> None:
        z, y, base = arrays  # (trial, time, feature), twice (trial, time, target)
        flat = z.reshape(-1, z.shape[2])
        variance, axes = np.linalg.eigh(np.cov(flat, rowvar=False, dtype=np.float64))
        self.z = ((z - flat.mean(axis=0)) @ axes.astype(np.float32)).astype(np.float32)
        self.counts, self.plan, self.part = counts, plan, part[plan.targets]
        # (trial, 1, target): what does not count has neither residual nor base
        weight = counted[plan.targets, np.newaxis].astype(np.float32)
        self.base = base[plan.targets] * weight
        self.residual = (y[plan.targets] - base[plan.targets]) * weight
        curvature = base.mean(axis=(0, 1)) if counts else np.ones(y.shape[2])
        # in the unit of the strongest component, which clearing may have left small
        penalty = SHIFT_PENALTY["counts" if counts else "continuous"] * variance.max()
        self.inverse = 1 / (np.maximum(variance, 0)[:, np.newaxis] * curvature + penalty)
        scored = self.part >= 0
        spikes = np.log(2) * (y[plan.targets] * weight)[scored].sum(dtype=float)
        self.total = spikes if counts else float(np.square(self.residual[scored]).sum(dtype=float))

    def score(self, shift: int) -> float:
        """Return the score above the base of held-out target trials, source shifted by `shift`."""
        z = self.z[self.plan.find_sources(shift)]
        parts = np.setdiff1d(self.part, [NOWHERE])
        # sums of products (feature, target) of each part, from which each training set follows
        products = {k: _multiply(z[self.part == k], self.residual[self.part == k]) for k in parts}
        gained = 0.0
        for k in parts[parts >= 0]:
            test = self.part == k
            n_train = ((self.part != k) & (self.part != NOWHERE)).sum() * z.shape[1]
            train = sum(products[other] for other in parts if other != k)
            weights = (self.inverse * train / n_train).astype(np.float32)
            gained += self._measure_gain(test, z[test] @ weights)
        return gained / self.total if self.total else float("nan")

    def _measure_gain(self, test: np.ndarray, added: np.ndarray) -> float:
        residual, base = self.residual[test], self.base[test]
        if self.counts:
            added = np.minimum(added, MAX_LOG_RATE)
            gain = (residual + base) * added - base * np.expm1(added)
        else:
            gain = 2 * residual * added - np.square(added)
        return float(gain.sum(dtype=float))


def _multiply(z: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Return sums of products over trials and bins, (feature, target)."""
    return z.reshape(-1, z.shape[2]).T @ residual.reshape(-1, residual.shape[2])
