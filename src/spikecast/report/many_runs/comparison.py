"""Several runs -> for every target that two of them share, scores and paired differences.

A difference is given only where both runs predicted the same bins of the same targets in the same
folds. Where they did not there is none, not even an unpaired one: on other data a difference of
scores mixes the models with what was recorded, and on other folds of the same trials an unpaired
interval, which takes the two as independent, would be too wide to be of use and would still leave
out the luck of the cut. Each run's own interval is shown instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spikecast.core.errors import InputError, RunError, UnreadRunError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.unforeseen import explain_unforeseen
from spikecast.evaluation.verdict import Verdict
from spikecast.models.catalog import find_best, is_null
from spikecast.report.many_runs.pairing import Change, find_mismatch, list_changes, shorten_names
from spikecast.runs.layout import StudyLayout, find_kind
from spikecast.runs.manifest import read_activity_hash
from spikecast.runs.reader import Run, Target, open_run
from spikecast.scoring.metric_table import HEADLINE
from spikecast.scoring.ratio_scores import (
    Interval,
    RatioScores,
    compute_interval,
    draw_bootstrap_weights,
)
from spikecast.scoring.scorers import SCORERS

NOT_COMPARED = {
    "study": "'{path}' is a study; its runs are in {sound}",
    "atlas": "'{path}' is an atlas, not a run: it has no predictions to pair. Its own page sets "
    "its models side by side; predict one of its areas to compare that with a run",
    "sweep": "'{path}' is a sweep, not a run: its own page says what tuning gains. To compare "
    "the settings that it chose with a run, run its best.yaml on other data",
}
"""Kind of folder that is no run -> why it is not compared, and what to do instead."""
TUNED_ON_THESE_DATA = NoticeKind(
    "tuned_on_these_data",
    "serious",
    "The settings in {run} were chosen by a sweep on these very data: its scores are no test of "
    "them.",
)


@dataclass(frozen=True)
class ModelRow:
    """One model of one run: its score, as the run's own report gives it, and paired differences.

    A difference is this minus the reference (`to_reference`), or minus the model of the same name
    in the reference's run (`to_same`). `mismatch` says why there is none, if it is not empty.
    """

    run: str
    model: str
    score: Interval
    to_reference: Interval | None = None
    to_same: Interval | None = None
    mismatch: str = ""

    @property
    def name(self) -> str:
        """Run and model."""
        return f"{self.run}/{self.model}"

    @property
    def is_null(self) -> bool:
        """Whether it is a null, not a model."""
        return is_null(self.model)


@dataclass(frozen=True)
class TargetComparison:
    """A target that several runs predicted: rows run by run, the best model of each run first.

    `reference` is the best model of the first run, which all others are compared with; `verdicts`
    say of each run whether anything is predicted, and beyond what; `reseeded` are the runs that
    differ from the first one in nothing but the seed.
    """

    target: str
    metric: str
    reference: ModelRow
    rows: list[ModelRow]
    verdicts: dict[str, Verdict]
    reseeded: frozenset[str] = frozenset()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """What several runs have in common; `runs` are by the shortest names that tell them apart.

    `changes` are the settings in which each run but the first differs from the first; `only_in`
    are the targets that only one run has, by that run.
    """

    runs: dict[str, Run]
    targets: list[TargetComparison]
    changes: dict[str, list[Change]]
    only_in: dict[str, list[str]]


@explain_unforeseen("the runs are not compared", UnreadRunError)
def compare_runs(folders: Sequence[str | Path]) -> Comparison:
    """Compare finished runs on the targets that two or more of them share.

    In each target, the others are compared with the best model of the first run that has it.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise InputError(f"{len(paths)} run given; a comparison needs two or more")
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError("one run is given twice; name each run once")
    runs = {name: _open(path) for name, path in zip(shorten_names(paths), paths, strict=True)}
    first_name, *other_names = runs
    owners: dict[tuple[str, str], dict[str, Target]] = {}
    for name, run in runs.items():
        for target in run.targets:
            owners.setdefault((target.name, run.metric), {})[name] = target
    shared = [_compare_target(targets) for targets in owners.values() if len(targets) > 1]
    if not shared:
        targets = "; ".join(
            f"{name}: {', '.join(run.manifest['targets']) or 'no target'}"
            for name, run in runs.items()
        )
        raise InputError(f"the runs share no target ({targets})")
    only_in: dict[str, list[str]] = {}
    for (target_name, _), of_runs in owners.items():
        if len(of_runs) == 1:
            only_in.setdefault(next(iter(of_runs)), []).append(target_name)
    changes = {name: list_changes(runs[first_name], runs[name]) for name in other_names}
    return Comparison(runs, shared, changes, only_in)


def _open(path: Path) -> Run:
    kind = find_kind(path)
    if kind in NOT_COMPARED:
        raise RunError(NOT_COMPARED[kind].format(path=path, sound=StudyLayout(path).sound))
    return open_run(path)


def _compare_target(targets: dict[str, Target]) -> TargetComparison:
    """Compare the scores of all models of one target with the best of the first run."""
    (first_name, first), *others = targets.items()
    mismatches = {name: find_mismatch(first, target) for name, target in others}
    paired = {name: target for name, target in targets.items() if not mismatches.get(name)}
    subtract = _make_subtraction(paired, first)
    best = (first_name, find_best(first.summary["model"]))
    in_first = set(first.summary["model"])
    rows = []
    for name, target in targets.items():
        for _, line in target.summary.iterrows():
            model = (name, str(line["model"]))
            score = Interval(line[first.run.metric], line["low"], line["high"])
            to_reference = to_same = None
            if name in paired and model != best:
                to_reference = subtract(model, best)
            if name in paired and name != first_name and model[1] in in_first:
                to_same = subtract(model, (first_name, model[1]))
            rows.append(ModelRow(*model, score, to_reference, to_same, mismatches.get(name, "")))
    return TargetComparison(
        first.name,
        first.run.metric,
        next(row for row in rows if (row.run, row.model) == best),
        rows,
        {name: target.verdict for name, target in targets.items()},
        frozenset(name for name, target in others if _only_seed_differs(first.run, target.run)),
        tuple(
            TUNED_ON_THESE_DATA(run=name) for name, target in targets.items() if _is_tuned(target)
        ),
    )


def _only_seed_differs(first: Run, other: Run) -> bool:
    return [change.setting for change in list_changes(first, other)] == ["seed"]


def _is_tuned(target: Target) -> bool:
    return target.run.config.tuned_on == read_activity_hash(target.run.manifest)


def _make_subtraction(
    paired: dict[str, Target], first: Target
) -> Callable[[tuple[str, str], tuple[str, str]], Interval]:
    """Return a function of two (run, model): the interval of their difference, trial by trial."""
    kind = first.problem.attrs["kind"]
    evaluation, seed = first.run.config.evaluation, first.run.config.seed
    scorer = SCORERS[kind](first.recorded, first.folds, first.problem["condition"].values)
    weights = draw_bootstrap_weights(len(first.recorded), evaluation.bootstrap, seed)
    known: dict[tuple[str, str], RatioScores] = {}

    def find_ratios(run: str, model: str) -> RatioScores:
        if (run, model) not in known:
            known[run, model] = scorer.score_headline(paired[run].read_predictions(model))
        return known[run, model]

    def subtract(one: tuple[str, str], minus: tuple[str, str]) -> Interval:
        ratios, of_minus = find_ratios(*one), find_ratios(*minus)
        return compute_interval(ratios, weights, HEADLINE[kind].aggregate, of_minus)

    return subtract
