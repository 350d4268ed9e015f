"""Check that what the journal of an atlas holds goes with its plan: jobs, pairs and lengths."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spikecast.analysis.interareal.pairwise import Pair
from spikecast.analysis.interareal.shift_claims import OBSTACLES
from spikecast.core.checks import quote
from spikecast.core.errors import DamagedFileError, RunError
from spikecast.runs.atlas.plan import AND, PairJob, SessionPlan
from spikecast.runs.atlas.settings import RIDGE
from spikecast.runs.atlas.tables import OTHER_NULLS

N_PARTS = 3  # of the name of a job: model, session, draw


def check_journal(
    path: Path,
    records: Mapping[str, Any],
    jobs: Iterable[tuple[SessionPlan, PairJob]],
    marks: Mapping[str, str],
) -> None:
    """Raise where a record is of other data, settings or job, or lacks what its job gives.

    `marks` is session -> the mark of its data and of how they are asked; old records have none, nor
    do they name their job.
    """
    lengths: dict[str, int] = {}
    unknown = next((name for name in records if name.count(AND) < N_PARTS - 1), None)
    if unknown is not None:
        raise DamagedFileError(
            f"'{path}' is damaged: {quote(unknown)} is no job. Remove its line, and resume"
        )
    for name, record in records.items():
        if record.get("job", name) != name:
            raise DamagedFileError(
                f"'{path}' is damaged: {quote(name)} has the record of {quote(record['job'])}. "
                "Remove the lines of both jobs, and resume: what they recorded is done again"
            )
    for session, job in jobs:
        record, mark = records.get(job.name, {}), marks[session.name]
        if record.get("of", mark) != mark:
            raise RunError(
                f"'{path}' holds {quote(job.name)} of other data or settings than this atlas has: "
                "it was copied from elsewhere. Remove the file, and resume"
            )
        if "pairs" not in record:
            continue
        for name in [job.pair] if job.pair else session.pairs[job.draw]:
            wrong = _find_wrong(record["pairs"].get(name), name, job, session, lengths)
            if wrong:
                raise DamagedFileError(
                    f"'{path}' is damaged: {quote(job.name)}: {wrong}. Remove the line of this "
                    "job (or the file, where others are damaged too), and resume: what it recorded "
                    "is done again"
                )


def _find_wrong(
    pair: Mapping[str, Any] | None,
    name: str,
    job: PairJob,
    session: SessionPlan,
    lengths: dict[str, int],
) -> str:
    """Return what the record of a pair lacks, or "".

    `lengths` keeps how many shifts each session has, as its first record says.
    """
    if pair is None:
        return f"the pair {quote(name)} is not in it"
    nulls = {session.rung, *OTHER_NULLS}
    if set(pair["scores"]) != nulls:
        given, needed = (", ".join(sorted(names)) or "none" for names in (pair["scores"], nulls))
        return f"{quote(name)} has scores above {given}; above {needed} are needed"
    for what, n_found, n_needed in _list_lengths(pair, session.pairs[job.draw][name], session):
        if n_found != n_needed:
            return f"{quote(name)} has {n_found} {what}, and {n_needed} are needed"
    for null, (_, low, high) in pair["scores"].items():
        if low > high:
            return f"the interval of {quote(name)} above {null} goes from {low:g} to {high:g}"
    if job.model != RIDGE:
        return ""
    if "shifts" not in pair or "untested" not in pair:
        return f"{quote(name)} has no shift test, and no reason why"
    if pair["untested"] not in (None, *OBSTACLES):
        return f"{quote(name)} has no shift test, for {quote(pair['untested'])}, which is no reason"
    n_shifts = len(pair["shifts"])
    first = lengths.setdefault(session.name, n_shifts) if n_shifts else 0
    if n_shifts != first:
        return f"{quote(name)} has {n_shifts} shifts, the first pair of its session {first}"
    return ""


def _list_lengths(
    record: Mapping[str, Any], pair: Pair, session: SessionPlan
) -> Iterator[tuple[str, int, int]]:
    """Yield what a record of a pair holds, how much of it, and how much that has to be."""
    n_folds, n_trials, n_target = len(session.folds), session.n_trials, len(pair.target)
    yield "folds", len(record["folds"]), n_folds
    yield "penalties", len(record.get("chosen", range(n_folds))), n_folds
    yield "target neurons", len(record["neurons"]), n_target
    yield "target neurons", record.get("n_target", n_target), n_target
    yield "source neurons", record.get("n_source", len(pair.source)), len(pair.source)
    yield "trials", len(record["trials"][0]), n_trials
    yield "trials", record.get("n_trials", n_trials), n_trials
