"""Several runs -> for every target that two of them share, scores and paired differences.

A difference is given only where both runs predicted the same bins of the same targets in the same
folds. Where they did not there is none, not even an unpaired one: on other data a difference of
scores mixes the models with what was recorded, and on other folds of the same trials an unpaired
interval, which takes the two as independent, would be too wide to be of use and would still leave
out the luck of the cut. Each run's own interval is shown instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from spikecast.core.errors import InputError, RunError
from spikecast.models.catalog import is_null
from spikecast.report.many_runs.pairing import changes, short_names, unpaired_because
from spikecast.runs.layout import StudyLayout, kind_of
from spikecast.runs.manifest import read_activity_hash
from spikecast.runs.reader import Run, Target, open_run
from spikecast.scoring.metric_table import HEADLINE, METRICS
from spikecast.scoring.ratio_scores import Interval, RatioScores, bootstrap_weights, interval
from spikecast.scoring.scorers import SCORERS


@dataclass(frozen=True)
class Row:
    """One model of one run.

    Attributes
    ----------
    run, model : str
    score : Interval
        As the run's own report gives it.
    to_reference : Interval or None
        Paired difference, this minus the reference: above 0 is better than it.
    to_same : Interval or None
        Paired difference to the model of the same name in the reference's run.
    unpaired : str
        Why there is no difference; empty where there is one, and for the reference.
    """

    run: str
    model: str
    score: Interval
    to_reference: Interval | None = None
    to_same: Interval | None = None
    unpaired: str = ""

    @property
    def name(self) -> str:
        """Run and model."""
        return f"{self.run}/{self.model}"

    @property
    def is_null(self) -> bool:
        """Whether it is a null, not a model."""
        return is_null(self.model)


@dataclass(frozen=True)
class Shared:
    """A target that several runs predicted; `reference` is the first run's best model."""

    target: str
    metric: str
    reference: str
    rows: list[Row]
    said: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """What several runs have in common.

    Attributes
    ----------
    runs : dict of str -> Run
        In the order given, by the shortest names that tell them apart.
    targets : list of Shared
    changes : dict of str -> list of str
        For every run but the first, the settings in which it differs from the first.
    alone : dict of str -> list of str
        Targets that only one run has.
    """

    runs: dict[str, Run]
    targets: list[Shared]
    changes: dict[str, list[str]]
    alone: dict[str, list[str]]

    @property
    def n_differences(self) -> int:
        """How many paired differences there are."""
        return sum(row.to_reference is not None for shared in self.targets for row in shared.rows)


def compare(folders: Sequence[str | Path]) -> Comparison:
    """Compare finished runs on the targets that two or more of them share.

    Parameters
    ----------
    folders : sequence of str or Path
        Run directories. In each target, the best model of the first of them that has the target
        is what others are compared with.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        For fewer than two runs, one run twice, or runs that share no target.
    RunError
        When one is no run, or not finished.

    Examples
    --------
    >>> import tempfile
    >>> from spikecast.runs import config, experiment
    >>> from spikecast import simulate
    >>> folder = Path(tempfile.mkdtemp())
    >>> simulate.decision_task(n_trials=60, seed=3).recording.save(folder / "task.nc")
    >>> content = {"data": {"path": str(folder / "task.nc")}, "task": {"target": "MOs"}}
    >>> runs = [
    ...     experiment.execute(config.parse(content | {"models": [name]}), folder / name, workers=1)
    ...     for name in ("psth", "pca_ridge")]
    >>> (target,) = compare(runs).targets
    >>> target.reference, target.rows[-1].name, target.rows[-1].to_reference.low > 0
    ('psth/psth', 'pca_ridge/pca_ridge', True)
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise InputError(f"{len(paths)} run given; a comparison needs two or more")
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError("one run is given twice; name each run once")
    runs = {name: _opened(path) for name, path in zip(short_names(paths), paths, strict=True)}
    owners: dict[tuple[str, str], dict[str, Target]] = {}
    for name, run in runs.items():
        for target in run.targets:
            owners.setdefault((target.name, run.metric), {})[name] = target
    shared = [_shared(found) for found in owners.values() if len(found) > 1]
    if not shared:
        has = "; ".join(
            f"{name}: {', '.join(run.manifest['targets']) or 'no target'}"
            for name, run in runs.items()
        )
        raise InputError(f"the runs share no target ({has})")
    first = next(iter(runs.values()))
    alone: dict[str, list[str]] = {}
    for (target_name, _), found in owners.items():
        if len(found) == 1:
            alone.setdefault(next(iter(found)), []).append(target_name)
    differing = {name: changes(first, run) for name, run in runs.items() if run is not first}
    return Comparison(runs, shared, differing, alone)


def _opened(path: Path) -> Run:
    if kind_of(path) == "study":
        raise RunError(f"'{path}' is a study; its runs are in {StudyLayout(path).sound}")
    return open_run(path)


def _shared(owners: dict[str, Target]) -> Shared:
    """Scores of all models of one target, compared with the best of the first run."""
    (first_name, first), *others = owners.items()
    metric = first.run.metric
    reference = str(first.summary["model"].iloc[0])
    unpaired = {name: unpaired_because(first, target) for name, target in others}
    paired = {name: owners[name] for name in owners if not unpaired.get(name)}
    difference = _differences(paired, first)
    rows = []
    for name, target in owners.items():
        for _, line in target.summary.iterrows():
            model = str(line["model"])
            score = Interval(line[metric], line["low"], line["high"])
            if name not in paired:
                rows.append(Row(name, model, score, unpaired=unpaired[name]))
                continue
            mine, best, same = (name, model), (first_name, reference), (first_name, model)
            has_same = target is not first and model in set(first.summary["model"])
            rows.append(
                Row(
                    name,
                    model,
                    score,
                    None if mine == best else difference(mine, best),
                    difference(mine, same) if has_same else None,
                )
            )
    shared = Shared(first.name, metric, f"{first_name}/{reference}", rows)
    reseeded = {name for name, target in others if _only_seed_differs(first.run, target.run)}
    tuned = [
        f"The settings in {name} were chosen by a sweep on these very data: its scores are no test "
        "of them."
        for name, target in owners.items()
        if target.run.config.tuned_on == read_activity_hash(target.run.manifest)
    ]
    return replace(shared, said=_said(shared, [name for name, _ in others], reseeded) + tuned)


def _only_seed_differs(first: Run, other: Run) -> bool:
    found = changes(first, other)
    return len(found) == 1 and found[0].startswith("seed: ")


def _differences(
    paired: dict[str, Target], first: Target
) -> Callable[[tuple[str, str], tuple[str, str]], Interval]:
    """A function of two (run, model): the interval of their difference over the same trials."""
    kind = first.problem.attrs["kind"]
    evaluation, seed = first.run.config.evaluation, first.run.config.seed
    condition = first.problem["condition"].values
    scoring = SCORERS[kind](first.recorded, first.folds, condition)
    weights = bootstrap_weights(len(first.recorded), evaluation.bootstrap, seed)
    known: dict[tuple[str, str], RatioScores] = {}

    def ratios(run: str, model: str) -> RatioScores:
        if (run, model) not in known:
            known[run, model] = scoring.headline(paired[run].predicted(model))
        return known[run, model]

    def difference(one: tuple[str, str], minus: tuple[str, str]) -> Interval:
        return interval(ratios(*one), weights, HEADLINE[kind].aggregate, ratios(*minus))

    return difference


def _said(shared: Shared, others: list[str], reseeded: set[str]) -> list[str]:
    """One sentence per run: how its best model stands to the reference.

    The intervals are over trials and hold the fits fixed. Two fits of the same settings with other
    seeds can therefore differ by more than their interval says, which is no result about models.
    """
    unit = METRICS[shared.metric].phrase
    said = []
    for name in others:
        rows = [row for row in shared.rows if row.run == name]
        best = rows[0]  # a run's rows are sorted by their score
        if best.unpaired:
            said.append(
                f"{name} is not paired with {shared.reference.rsplit('/', 1)[0]} "
                f"({best.unpaired}): no difference is given."
            )
            continue
        found = best.to_reference
        assert found is not None  # only the reference has none, and it is of the first run
        n_models = sum(not row.is_null for row in rows)
        picked = f" (the best of {n_models} in {name}, by these very trials)"
        subject = best.name + (picked if n_models > 1 else "")
        if found.low == found.high == 0:
            said.append(f"{subject} scores exactly as {shared.reference} does.")
        elif name in reseeded and best.model == shared.reference.rsplit("/", 1)[1]:
            said.append(
                f"{subject} is {shared.reference} with another seed: difference {found} {unit} is "
                "the luck of a fit, which the intervals do not include."
            )
        elif found.low > 0 or found.high < 0:
            how = "better" if found.low > 0 else "worse"
            said.append(f"{subject} is {how} than {shared.reference}: difference {found} {unit}.")
        else:
            said.append(
                f"{subject} and {shared.reference} cannot be told apart: difference {found} {unit}."
            )
    return said
