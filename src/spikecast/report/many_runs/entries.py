"""What the index says of a run, a study, or whatever else lies below a folder.

A folder is of a kind when it holds one of the kind's files (`runs.layout.MARKERS`); the kind's
reader turns it into an :class:`Entry`. To list another kind, add it to :data:`KINDS`. Readers open
small files only (no predictions, no recordings), so that hundreds of runs are listed in seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from spikecast.core.errors import MissingFileError, RunError
from spikecast.core.files import read_json
from spikecast.models.catalog import is_null
from spikecast.report.questions.catalog import make_headlines
from spikecast.report.study import text as study_text
from spikecast.report.sweep import text as sweep_text
from spikecast.runs.layout import AtlasLayout, Layout, RunLayout, StudyLayout, SweepLayout, kind_of
from spikecast.runs.manifest import read_manifest
from spikecast.runs.reader import Run, StoredAnswer, read_table
from spikecast.scoring.metric_table import HEADLINE, find_headline

SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C, ten times as fast


@dataclass(frozen=True)
class Score:
    """One score with its 95 % interval, and the null that it is to be read against.

    A control (the PSTH, the stimulus alone) is there to be beaten, and is never called the best.
    """

    model: str
    of: str
    metric: str
    value: float
    low: float
    high: float
    null: float = 0.0
    control: bool = False


@dataclass(frozen=True)
class Entry:
    """One line of the index.

    Attributes
    ----------
    folder : Path
    kind : str
        A key of :data:`KINDS`.
    state : {"finished", "unfinished", "damaged"}
    said : str
        The result in a sentence; how far it came, or what is wrong with it.
    started : datetime or None
    seconds : float or None
        From the first start to the end, pauses included.
    session, data : str
        The recording, and the file or data set it is from.
    targets, models : tuple of str
        What was predicted (trial columns that were decoded in quotes), and by what.
    scores : tuple of Score
        What the thumbnail draws, highest first: each model of a single target, or each target's
        best model.
    page : Path or None
        Its report, where there is one.
    """

    folder: Path
    kind: str
    state: str
    said: str = ""
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
        return next((score for score in self.scores if not score.control), None) or next(
            iter(self.scores), None
        )


# -------------------------------------------------------------------------------------- runs


def run(folder: Path) -> Entry:
    """Read a run directory."""
    stored = Run(folder)
    manifest, config = stored.manifest, _config(stored.layout.config)
    data = manifest["data"]
    entry = replace(
        _begun(folder, "run", manifest, finished=stored.is_finished),
        session=data["session"] or "unnamed",
        data=Path(config["data"]["path"]).name,
        targets=tuple(manifest["targets"]),
        models=tuple(_names(config["models"])) if config["task"] else (),
    )
    if not stored.is_finished:
        return replace(entry, said=_progress(folder, manifest, config))
    answers = stored.answers
    labels = dict.fromkeys(f"'{a['label']}'" for a in answers if "label" in a.facts)
    scores = _scores(stored.summary) if manifest["targets"] else _decoded(answers)
    return replace(
        entry,
        said=_said(stored.verdicts, answers) + _failed(stored.failed),
        targets=(*entry.targets, *labels),
        scores=tuple(scores),
    )


def _config(path: Path) -> dict[str, Any]:
    """A config as written: its settings are not judged again, they may be of an older version."""
    return yaml.load(
        path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )


def _names(models: list[str | dict[str, Any]]) -> Iterator[str]:
    for model in models:
        yield from [model] if isinstance(model, str) else model


def _scores(table: pd.DataFrame, target: str = "") -> list[Score]:
    if "target" not in table:
        table = table.assign(target=target)
    metric = find_headline(table).name
    found = [
        Score(
            row["model"], row["target"], metric, row[metric], row["low"], row["high"],
            control=is_null(row["model"]),
        )
        for row in table.to_dict("records")
    ]  # fmt: skip
    if table["target"].nunique() > 1:
        found = [max(of, key=lambda score: score.value) for of in _by_target(found).values()]
    return sorted(found, key=lambda score: -score.value)


def _by_target(scores: list[Score]) -> dict[str, list[Score]]:
    found: dict[str, list[Score]] = {}
    for score in scores:
        found.setdefault(score.of, []).append(score)
    return found


def _decoded(answers: list[StoredAnswer]) -> list[Score]:
    """Scores of decoded labels: of the first label and metric asked, which alone can be ranked."""
    decoded = [answer for answer in answers if answer.kind == "decode"]
    found = [
        Score(
            f"{answer['features']} ({answer['decoder']})", f"'{answer['label']}'",
            answer["metric"], answer["score"], answer["low"], answer["high"], answer["chance"],
            control=answer["source"] == "behavior",
        )
        for answer in decoded
    ]  # fmt: skip
    found = [score for score in found if score.of == found[0].of]
    return sorted(found, key=lambda score: -score.value)


def _said(verdicts: dict[str, dict[str, Any]], answers: list[StoredAnswer]) -> str:
    if len(verdicts) == 1:
        return next(iter(verdicts.values()))["verdict"][0]
    if verdicts:
        return f"{len(verdicts)} targets: each dot is a target's best model"
    return next(iter(make_headlines(answers[:1])), "")


def _failed(failed: dict[str, dict[str, str]]) -> str:
    """Which models could not be fitted, per target."""
    names = sorted({model for models in failed.values() for model in models})
    return f" Could not be fitted: {', '.join(names)}." if names else ""


def _progress(folder: Path, manifest: dict[str, Any], config: dict[str, Any]) -> str:
    """How far an unfinished run came, when it last wrote, and whether it failed."""
    said = []
    if manifest["targets"]:
        models, folds = list(_names(config["models"])), config["evaluation"]["folds"]
        done = len(RunLayout(folder).all_jobs())
        said.append(f"{done} of {len(manifest['targets']) * len(models) * folds} fits")
    return "; ".join([*said, _written(Layout(folder).log)])


def _written(log: Path) -> str:
    """When a log was last written to, and whether it ends with an error."""
    if not log.exists():
        return "no log"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [""]
    last = datetime.fromtimestamp(log.stat().st_mtime, UTC).astimezone()
    said = f"last written {last:%Y-%m-%d %H:%M}"
    if lines[-1].endswith("interrupted"):
        return f"{said}; interrupted"
    if any(line.endswith(" failed") for line in lines) and "Error" in lines[-1]:
        return f"{said}; {lines[-1]}"
    return said


def _page(folder: Path) -> Path | None:
    page = Layout(folder).report
    return page if page.exists() else None


# ----------------------------------------------------------------------------------- studies


def study(folder: Path) -> Entry:
    """Read a published study that was run: its sentence, and the scores of its first sound run."""
    layout = StudyLayout(folder)
    path = layout.result
    runs = [run(found.folder) for found in layout.sound_runs()]
    entry = Entry(
        folder,
        "study",
        "finished" if path.exists() else "unfinished",
        started=min((found.started for found in runs if found.started), default=None),
        targets=_joined(found.targets for found in runs),
        models=_joined(found.models for found in runs),
        page=_page(folder),
    )
    if not path.exists():
        return replace(entry, said=f"{len(runs)} sound runs begun")
    facts = read_json(path)
    seconds = None
    if entry.started:  # its own file is written last
        seconds = path.stat().st_mtime - entry.started.timestamp()
    return replace(
        entry,
        said=" ".join(study_text.conclusions(facts)[:1]),
        seconds=seconds,
        session=facts["session"] or "unnamed",
        data=f"{facts['study']}, {facts['origin']} data{', quick' if facts['quick'] else ''}",
        scores=tuple(
            replace(score, of=f"{score.of} (sound)")
            for score in next((found.scores for found in runs if found.scores), ())
        ),
    )


def _joined(names):  # type: ignore[no-untyped-def]
    return tuple(dict.fromkeys(name for some in names for name in some))


# ------------------------------------------------------------------------- sweeps and atlases


def sweep(folder: Path) -> Entry:
    """Read a sweep: what it gained, and the nested scores of tuned and of given settings."""
    manifest, path = read_manifest(folder), SweepLayout(folder).result
    config = _config(RunLayout(folder).config)
    entry = replace(
        _begun(folder, "sweep", manifest, finished=path.exists()),
        session=manifest["data"]["session"] or "unnamed",
        data=Path(config["data"]["path"]).name,
        targets=tuple(manifest["targets"]),
        models=tuple(_names(config["models"])),
    )
    if not path.exists():
        return replace(entry, said=_written(Layout(folder).log))
    facts = read_json(path)
    scores = _scores(read_table(RunLayout(folder).summary), facts["target"])
    return replace(entry, said=" ".join(sweep_text.headlines(facts)[:1]), scores=tuple(scores))


def atlas(folder: Path) -> Entry:
    """Read an atlas: how many sessions and areas, and from which other one each is told best."""
    manifest = read_manifest(folder)
    sessions = manifest["data"]["sessions"]
    areas = sorted({area for about in sessions.values() for area in about["areas"]})
    said = f"{len(areas)} areas in {len(sessions)} session{'s' * (len(sessions) > 1)}"
    scores: list[Score] = []
    if manifest["finished"]:
        said += ": each dot is an area by the one that predicts it best"
        scores = _cells(AtlasLayout(folder).cells, {about["kind"] for about in sessions.values()})
    else:
        said += f"; {_written(Layout(folder).log)}"
    return replace(
        _begun(folder, "atlas", manifest, finished=bool(manifest["finished"])),
        said=said,
        session=next(iter(sessions)) if len(sessions) == 1 else f"{len(sessions)} sessions",
        data=", ".join(dict.fromkeys(Path(about["path"]).name for about in sessions.values())),
        targets=tuple(areas),
        models=tuple(_names(_config(AtlasLayout(folder).settings)["models"])),
        scores=tuple(scores),
    )


def _cells(path: Path, kinds: set[str]) -> list[Score]:
    """The best cell of each target, its own halves left out; none where kinds cannot be ranked."""
    if len(kinds) > 1:
        return []
    metric = HEADLINE[next(iter(kinds))].name
    table = pd.read_csv(path, dtype={"source": str, "target": str})
    table = table[table["source"] != table["target"]].dropna(subset=["value"])
    best = table.loc[table.groupby("target")["value"].idxmax()]
    found = [
        Score(
            row["model"], f"{row['source']} > {row['target']}", metric,
            row["value"], row["low"], row["high"],
        )
        for row in best.to_dict("records")
    ]  # fmt: skip
    return sorted(found, key=lambda score: -score.value)


def _begun(folder: Path, kind: str, manifest: dict[str, Any], *, finished: bool) -> Entry:
    """What every manifest says of when."""
    started = datetime.fromisoformat(manifest["started"])
    ended = manifest["finished"] if finished else None
    return Entry(
        folder,
        kind,
        "finished" if finished else "unfinished",
        started=started,
        seconds=(datetime.fromisoformat(ended) - started).total_seconds() if ended else None,
        page=_page(folder),
    )


KINDS: dict[str, Callable[[Path], Entry]] = {
    "study": study,
    "sweep": sweep,
    "atlas": atlas,
    "run": run,
}
"""Kind -> how it is read."""


def read(folder: Path) -> Entry:
    """Read a folder of a known kind; whatever is wrong with it becomes a damaged entry."""
    name = kind_of(folder)
    if name is None:
        raise RunError(f"'{folder}' is neither of: {', '.join(KINDS)}")
    try:
        return KINDS[name](folder)
    except Exception as error:  # whatever it is: one damaged run must not hide the others
        return Entry(folder, name, "damaged", said=_wrong(error)[:300], page=_page(folder))


def _wrong(error: Exception) -> str:
    if isinstance(error, MissingFileError):
        return f"it lacks {error.path.name}"
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"it lacks {Path(error.filename).name}"
    if isinstance(error, KeyError):
        return f"one of its files lacks '{error.args[0]}'"
    return " ".join(str(error).split()) or type(error).__name__
