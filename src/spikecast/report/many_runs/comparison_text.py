"""A comparison in sentences and, for the terminal, as text tables."""

from spikecast.report.many_runs.comparison import Comparison, ModelRow, TargetComparison, find_best
from spikecast.report.run.verdict import describe_verdict
from spikecast.report.shared.formatting import (
    format_difference,
    format_interval,
    format_number,
    format_range,
)
from spikecast.scoring.metric_table import METRICS
from spikecast.scoring.ratio_scores import Interval

NO_DIFFERENCE = "-"
NOTES = (
    "A difference is of a row's model minus the one it is compared with, over the same held-out "
    "trials: above 0 is better. Intervals are 95 % bootstrap intervals over trials.",
    "'Not paired': the two were not scored on the same bins of the same neurons in the same folds. "
    "Their scores stand side by side, each with its own interval; that one is higher than the "
    "other is then no result. Where only the folds differ, run again with the same seed, folds and "
    "split: the seed also cuts the folds.",
    "What others are compared with is the best model of the first run, picked by its score on "
    "these very trials, which favours it.",
    "The intervals are over this recording's trials. They say nothing of other animals, and hold "
    "the fits fixed: the same model with another seed can differ by more. To see by how much, run "
    "a second seed with the split 'block', which keeps the folds.",
)
MANY_DIFFERENCES = 5


OUTCOMES = {
    "equal": "{model} scores exactly as {reference} does.",
    "reseeded": (
        "{model} is {reference} with another seed: {difference} is the luck of a fit, which the "
        "intervals do not include."
    ),
    "better": "{model} is better than {reference}: {difference}.",
    "worse": "{model} is worse than {reference}: {difference}.",
    "unclear": "{model} and {reference} cannot be told apart: {difference}.",
}
"""How the best model of a run stands to the reference, where the two are paired."""


def find_outcome(target: TargetComparison, row: ModelRow) -> str:
    """Return how a row stands to the reference: a key of OUTCOMES, or ``"not paired"``.

    The intervals are over trials and hold the fits fixed. Two fits of the same settings with other
    seeds can therefore differ by more than their interval says, which is no result about models.
    """
    difference = row.to_reference
    if difference is None:
        return "not paired"
    if difference.low == difference.high == 0:
        return "equal"
    if row.run in target.reseeded and row.model == target.reference.model:
        return "reseeded"
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "unclear"


def list_headlines(target: TargetComparison) -> list[str]:
    """Return a sentence per run on how its best model stands to the reference, and notices."""
    runs = dict.fromkeys(row.run for row in target.rows if row.run != target.reference.run)
    return [*(_headline(target, run) for run in runs), *map(str, target.notices)]


def list_claims(target: TargetComparison) -> list[str]:
    """Return what each run claims of the target, beyond what."""
    return [f"{run}: {describe_verdict(one)[0]}" for run, one in target.verdicts.items()]


def _headline(target: TargetComparison, run: str) -> str:
    rows = [row for row in target.rows if row.run == run]
    name = find_best(row.model for row in rows)  # a run's rows are sorted by their score
    best, reference = next(row for row in rows if row.model == name), target.reference
    outcome = find_outcome(target, best)
    if outcome == "not paired":
        return (
            f"{run} is not paired with {reference.run} ({best.mismatch}): no difference is given."
        )
    n_models = sum(not row.is_null for row in rows)
    subject = best.name
    if n_models > 1:
        subject += f" (the best of {n_models} in {run}, by these very trials)"
    assert best.to_reference is not None  # only the reference has none, and it is of another run
    difference = f"difference {format_interval(best.to_reference)} {METRICS[target.metric].phrase}"
    return OUTCOMES[outcome].format(model=subject, reference=reference.name, difference=difference)


def list_notes(comparison: Comparison) -> list[str]:
    """Return what to know before reading the numbers."""
    rows = [row for target in comparison.targets for row in target.rows]
    number = sum(row.to_reference is not None for row in rows)
    chance = f"There are {number} differences: about one in 20 intervals leaves out 0 by chance."
    return [*NOTES, *([chance] if number > MANY_DIFFERENCES else [])]


def describe_changes(comparison: Comparison, run: str) -> str:
    """Return the settings in which a run differs from the first one."""
    return "; ".join(map(str, comparison.changes[run])) or "no setting (models: see the table)"


def shows_same(target: TargetComparison) -> bool:
    """Return whether differences to the model of the same name say more than to the reference."""
    return any(
        row.to_same is not None and row.to_same != row.to_reference and not row.is_null
        for row in target.rows
    )


def list_columns(target: TargetComparison) -> list[str]:
    """Return the heads of a target's table."""
    same = [f"minus the same in {target.reference.run}"] if shows_same(target) else []
    return ["run", "model", "score", "95 % interval", f"minus {target.reference.name}", *same]


def list_cells(target: TargetComparison) -> list[list[str]]:
    """Return the rows of a target's table as text."""
    rows = []
    for row in target.rows:
        cells = [row.run, row.model, format_number(row.score.value)]
        cells += [format_range(row.score.low, row.score.high), _format_to_reference(target, row)]
        if shows_same(target):
            cells.append(NO_DIFFERENCE if row.to_same is None else _format_difference(row.to_same))
        rows.append(cells)
    return rows


def _format_to_reference(target: TargetComparison, row: ModelRow) -> str:
    if row.mismatch:
        return f"not paired: {row.mismatch}"
    return "the reference" if row.to_reference is None else _format_difference(row.to_reference)


def _format_difference(interval: Interval) -> str:
    if interval.low == interval.high == 0:
        return "0: the same scores"
    return format_difference(interval.value, interval.low, interval.high)


def list_lines(comparison: Comparison) -> list[str]:
    """Return the comparison as lines of text, a table per target."""
    lines = []
    for target in comparison.targets:
        lines.append(f"{target.target}: {METRICS[target.metric].axis}")
        lines += _align([list_columns(target), *list_cells(target)])
        lines += [*list_headlines(target), *list_claims(target), ""]
    first = next(iter(comparison.runs))
    lines += [
        f"{name} differs from {first} in: {describe_changes(comparison, name)}"
        for name in comparison.changes
    ]
    lines += [f"only in {name}: {', '.join(names)}" for name, names in comparison.only_in.items()]
    return lines


def _align(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in rows
    ]
