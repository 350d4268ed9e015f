"""Entries of the index: what it shows of a run, a study, a sweep or an atlas.

A folder is of a kind when it holds one of the kind's files (`runs.layout.MARKERS`); the kind's
reader turns it into an :class:`Entry`. To list another kind, add it to :data:`READERS`. Readers
open small files only (no predictions, no recordings), so that hundreds of runs are listed in
seconds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from spikecast.core.checks import describe_error
from spikecast.core.errors import MissingFileError, RunError
from spikecast.core.schema import read_yaml
from spikecast.core.stored import explain_errors, read_json, validate
from spikecast.core.stored_tables import read_table
from spikecast.models.catalog import is_null
from spikecast.report.questions.catalog import make_headlines
from spikecast.report.run.verdict import describe_verdict
from spikecast.report.shared.formatting import format_count, join_names
from spikecast.report.study import text as study_text
from spikecast.report.sweep import text as sweep_text
from spikecast.runs.atlas.contents import LISTED_CELLS, AtlasManifest, SessionFacts
from spikecast.runs.contents import ListedConfig, ListedModels
from spikecast.runs.layout import AtlasLayout, Layout, StudyLayout, SweepLayout, find_kind
from spikecast.runs.manifest import RunManifest, read_manifest
from spikecast.runs.reader import Run, StoredAnswer
from spikecast.runs.score_tables import read_summary
from spikecast.runs.studies.contents import ListedStudy
from spikecast.runs.sweep.contents import SweepFacts
from spikecast.scoring.metric_table import HEADLINE, find_headline

LONGEST_ERROR = 300  # characters


@dataclass(frozen=True)
class Score:
    """One score with its 95 % interval, and the null that it is to be read against.

    A control (the PSTH, the stimulus alone) is there to be beaten, and is never called the best.
    """

    model: str
    target: str
    metric: str
    value: float
    low: float
    high: float
    null: float = 0.0
    is_control: bool = False


@dataclass(frozen=True)
class Entry:
    """One line of the index.

    `summary` is the result in a sentence, how far it came, or what is wrong with it. `seconds` go
    from the first start to the end, pauses included. `session` is the recording, `data` the file or
    data set it is from. `targets` that were decoded, not predicted, stand in quotes. `scores` are
    what the thumbnail draws, highest first: each model of a single target, or each target's best.
    """

    folder: Path
    kind: str
    state: Literal["finished", "unfinished", "damaged"]
    summary: str = ""
    started: datetime | None = None
    seconds: float | None = None
    session: str = ""
    data: str = ""
    targets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    page: Path | None = None

    @property
    def best(self) -> Score | None:
        """The best score that is no control's; a control's where there is no other."""
        models = [score for score in self.scores if not score.is_control]
        return next(iter([*models, *self.scores]), None)


def read_run(folder: Path) -> Entry:
    """Return the entry of a run of ``predict``, ``decode`` or ``run``."""
    run = Run(folder)
    manifest, config = run.manifest, _read_config(run.layout.config)
    entry = replace(
        _make_entry(folder, "run", manifest, finished=run.is_finished),
        session=manifest["data"]["session"] or "unnamed",
        data=Path(config["data"]["path"]).name,
        targets=tuple(manifest["targets"]),
        models=_list_models(config) if config["task"] else (),
    )
    if not run.is_finished:
        return replace(entry, summary=_describe_progress(run, config))
    answers = run.answers
    labels = dict.fromkeys(f"'{one['label']}'" for one in answers if "label" in one.facts)
    scores = _list_scores(run.summary) if manifest["targets"] else _list_decoding_scores(answers)
    return replace(
        entry,
        summary=_describe_result(run) + _describe_failures(run.failed),
        targets=(*entry.targets, *labels),
        scores=tuple(scores),
    )


def _read_config(path: Path) -> dict[str, Any]:
    return validate(read_yaml(path), ListedConfig, path)


def _list_models(config: dict[str, Any]) -> tuple[str, ...]:
    models = config["models"]
    return tuple(name for one in models for name in ([one] if isinstance(one, str) else one))


def _list_scores(table: pd.DataFrame, target: str = "") -> list[Score]:
    """Return a score per model, or per target the best one's; highest first."""
    if "target" not in table:
        table = table.assign(target=target)
    metric = find_headline(table).name
    table = table.sort_values(metric, ascending=False, kind="stable")
    if table["target"].nunique() > 1:
        table = table.drop_duplicates("target")
    return [
        Score(
            row["model"], row["target"], metric, row[metric], row["low"], row["high"],
            is_control=is_null(row["model"]),
        )
        for row in table.to_dict("records")
    ]  # fmt: skip


def _list_decoding_scores(answers: list[StoredAnswer]) -> list[Score]:
    """Return the scores of the first label and metric, which alone can be ranked."""
    scores = [
        Score(
            f"{answer['features']} ({answer['decoder']})", f"'{answer['label']}'",
            answer["metric"], answer["score"], answer["low"], answer["high"], answer["chance"],
            is_control=answer["source"] == "behavior",
        )
        for answer in answers if answer.kind == "decode"
    ]  # fmt: skip
    alike = [
        score for score in scores
        if (score.target, score.metric) == (scores[0].target, scores[0].metric)
    ]  # fmt: skip
    return sorted(alike, key=lambda score: -score.value)


def _describe_result(run: Run) -> str:
    if len(run.verdicts) > 1:
        return f"{len(run.verdicts)} targets: each dot is a target's best model"
    for of_target in run.verdicts.values():
        return describe_verdict(of_target["verdict"])[0]
    return next(iter(make_headlines(run.answers)), "")


def _describe_failures(failed: dict[str, dict[str, str]]) -> str:
    names = sorted({model for models in failed.values() for model in models})
    return f" Could not be fitted: {join_names(names)}." if names else ""


def _describe_progress(run: Run, config: dict[str, Any]) -> str:
    """Return how far an unfinished run came, and the end of its log."""
    log = _describe_log(run.layout.log)
    n_targets = len(run.manifest["targets"])
    if not n_targets:
        return log
    n_fits = n_targets * len(_list_models(config)) * config["evaluation"]["folds"]
    return f"{len(run.layout.list_jobs())} of {n_fits} fits; {log}"


def _describe_log(path: Path) -> str:
    """Return when a log was last written, and its last line: the error of a run that failed."""
    if not path.exists():
        return "no log"
    with explain_errors(path):
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [""]
    last = datetime.fromtimestamp(path.stat().st_mtime, UTC).astimezone()
    return f"last written {last:%Y-%m-%d %H:%M}; its log ends: {lines[-1]}"


def _find_page(folder: Path) -> Path | None:
    page = Layout(folder).report
    return page if page.exists() else None


def read_study(folder: Path) -> Entry:
    """Return the entry of a published study: its conclusion, its first sound run's scores."""
    layout = StudyLayout(folder)
    runs = [read_run(one.folder) for one in layout.list_sound_runs()]
    finished = layout.result.exists()
    entry = Entry(
        folder,
        "study",
        "finished" if finished else "unfinished",
        started=min((run.started for run in runs if run.started), default=None),
        targets=_list_unique(run.targets for run in runs),
        models=_list_unique(run.models for run in runs),
        page=_find_page(folder),
    )
    if not finished:
        return replace(entry, summary=f"{format_count(len(runs), 'sound run')} begun")
    facts = read_json(layout.result, ListedStudy)
    # its own file is written last
    ended = layout.result.stat().st_mtime
    scores = next((run.scores for run in runs if run.scores), ())
    return replace(
        entry,
        summary=" ".join(study_text.conclusions(facts)[:1]),
        seconds=ended - entry.started.timestamp() if entry.started else None,
        session=facts["session"] or "unnamed",
        data=f"{facts['study']}, {facts['origin']} data{', quick' if facts['quick'] else ''}",
        scores=tuple(replace(score, target=f"{score.target} (sound)") for score in scores),
    )


def _list_unique(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for some in names for name in some))


def read_sweep(folder: Path) -> Entry:
    """Return the entry of a sweep: what it gained, and nested scores of tuned and own settings."""
    layout, manifest = SweepLayout(folder), read_manifest(folder, RunManifest)
    config, finished = _read_config(layout.config), layout.result.exists()
    entry = replace(
        _make_entry(folder, "sweep", manifest, finished=finished),
        session=manifest["data"]["session"] or "unnamed",
        data=Path(config["data"]["path"]).name,
        targets=tuple(manifest["targets"]),
        models=_list_models(config),
    )
    if not finished:
        return replace(entry, summary=_describe_log(layout.log))
    facts = read_json(layout.result, SweepFacts)
    return replace(
        entry,
        summary=" ".join(sweep_text.headlines(facts)[:1]),
        scores=tuple(_list_scores(read_summary(layout.summary), facts["target"])),
    )


def read_atlas(folder: Path) -> Entry:
    """Return the entry of an atlas: its size, and each area by the one that predicts it best."""
    layout, manifest = AtlasLayout(folder), read_manifest(folder, AtlasManifest[SessionFacts])
    sessions, finished = manifest["data"]["sessions"], bool(manifest["finished"])
    areas = sorted({area for one in sessions.values() for area in one["areas"]})
    summary = f"{len(areas)} areas in {format_count(len(sessions), 'session')}"
    scores: list[Score] = []
    if finished:
        cells = read_table(layout.cells, LISTED_CELLS)
        cells = cells[cells["source"] != cells["target"]].dropna(subset=["value"])
        summary += _count_cells(cells)
        scores = _list_cell_scores(cells, {one["kind"] for one in sessions.values()})
    else:
        summary += f"; {_describe_log(layout.log)}"
    return replace(
        _make_entry(folder, "atlas", manifest, finished=finished),
        summary=summary,
        session=next(iter(sessions)) if len(sessions) == 1 else f"{len(sessions)} sessions",
        data=join_names(Path(one["path"]).name for one in sessions.values()),
        targets=tuple(areas),
        models=_list_models(validate(read_yaml(layout.settings), ListedModels, layout.settings)),
        scores=tuple(scores),
    )


def _count_cells(cells: pd.DataFrame) -> str:
    """Return how many pairs of the first model pass, and what the dots are."""
    if "passes" not in cells:
        return "; made by an earlier version, which did not ask what is beyond task and drift"
    first = cells[cells["model"] == cells["model"].iloc[0]] if len(cells) else cells
    return (
        f": {int(first['passes'].sum())} of {len(first)} pairs tell something beyond task and "
        "drift; each dot is an area by the one that tells most"
    )


def _list_cell_scores(cells: pd.DataFrame, kinds: set[str]) -> list[Score]:
    """Return each target's best score by an area that passes; none where kinds are mixed."""
    if len(kinds) > 1 or "passes" not in cells:
        return []
    metric = HEADLINE[next(iter(kinds))].name
    table = cells[cells["passes"]]
    table = table.sort_values("value", ascending=False, kind="stable").drop_duplicates("target")
    return [
        Score(
            row["model"], f"{row['source']} > {row['target']}", metric,
            row["value"], row["low"], row["high"],
        )
        for row in table.to_dict("records")
    ]  # fmt: skip


def _make_entry(folder: Path, kind: str, manifest: dict[str, Any], *, finished: bool) -> Entry:
    """Return an entry with what every kind has: state, start, duration, page."""
    started = datetime.fromisoformat(manifest["started"]).astimezone()
    ended = manifest["finished"] if finished else None
    return Entry(
        folder,
        kind,
        "finished" if finished else "unfinished",
        started=started,
        seconds=(datetime.fromisoformat(ended) - started).total_seconds() if ended else None,
        page=_find_page(folder),
    )


READERS: dict[str, Callable[[Path], Entry]] = {
    "study": read_study,
    "sweep": read_sweep,
    "atlas": read_atlas,
    "run": read_run,
}
"""Kind of directory -> the function that reads it."""


def read_entry(folder: Path) -> Entry:
    """Return the entry of a folder; whatever is wrong with it becomes a damaged entry."""
    kind = find_kind(folder)
    if kind is None:
        raise RunError(f"'{folder}' is neither of: {', '.join(READERS)}")
    try:
        return READERS[kind](folder)
    except Exception as error:  # whatever it is: one damaged run must not hide the others
        summary = _explain_damage(error)[:LONGEST_ERROR]
        return Entry(folder, kind, "damaged", summary, page=_find_page(folder))


def _explain_damage(error: Exception) -> str:
    if isinstance(error, MissingFileError):
        return f"it lacks {error.path.name}"
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"it lacks {Path(error.filename).name}"
    if isinstance(error, KeyError):
        return f"one of its files lacks '{error.args[0]}'"
    return describe_error(error)
