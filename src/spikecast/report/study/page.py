"""The page of a study: where the data are from, three columns, flaws by name, figures of both."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from spikecast.report.questions.catalog import IN_VERDICT, make_headlines, make_sections
from spikecast.report.run import figures, text
from spikecast.report.run import page as pages
from spikecast.report.shared.pages import PageFigure, draw_figure, write_page
from spikecast.report.shared.section import Drawing
from spikecast.report.study import figures as study_figures
from spikecast.runs import audit
from spikecast.runs.audit import Hazard
from spikecast.runs.layout import StudyLayout
from spikecast.runs.reader import Run, open_run
from spikecast.runs.studies import run as running
from spikecast.runs.studies.preset import Drawn, Preset
from spikecast.runs.studies.step_cache import load

FROM_RUNS = ("scores", "averages", "single_trials", "latents", "time_constants", "training")
OF_TRIALS = ("averages", "latents")  # say nothing of windows cut from one long trial
SIMULATED = " Simulated data."


@dataclass(frozen=True)
class StudyRun:
    """The files of a finished study."""

    folder: Path

    @property
    def layout(self) -> StudyLayout:
        """Where the files lie."""
        return StudyLayout(self.folder)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Columns, sentences, where the data are from."""
        return running.read(self.folder)

    @cached_property
    def preset(self) -> Preset:
        """The study as it was run."""
        content = self.layout.preset.read_text(encoding="utf-8")
        return Preset.model_validate(yaml.safe_load(content))

    @property
    def simulated(self) -> bool:
        """Whether its data are simulated."""
        return self.facts["origin"] == "simulated"

    @cached_property
    def runs(self) -> dict[str, Run]:
        """The sound runs."""
        return {name: open_run(self.layout.sound_run(name).folder) for name in self.facts["runs"]}

    def file(self, figure: Drawn) -> Path:
        """Where what a figure draws is kept, if these data have it."""
        return self.layout.shown(figure.folder).arrays(figure.name)

    def arrays(self, figure: Drawn) -> dict[str, np.ndarray]:
        """What a figure draws."""
        beside = self._sound_curve() if figure.draw == "over_time" else {}
        return load(self.file(figure)) | beside

    def _sound_curve(self) -> dict[str, np.ndarray]:
        """The first dated curve of the sound runs, to be drawn beside the deck's."""
        for run in self.runs.values():
            for answer in run.answers:
                if answer.kind == "time" and not answer["acausal"]:
                    curves = answer.table("curves")
                    first = curves[curves["area"] == curves["area"].iloc[0]]
                    return {
                        "sound_time": first["time"].to_numpy(),
                        "sound_curve": first["score"].to_numpy(),
                    }
        return {}

    def table(self, name: str) -> pd.DataFrame:
        """A table of the protocol as described."""
        return pd.read_csv(self.layout.described.table(name))


def build(folder: str | Path) -> Path:
    """Write ``report.html`` and ``figures/*.svg`` of a finished study.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path
        Of the page.
    """
    study = StudyRun(Path(folder))
    for run in study.runs.values():
        pages.build(run.folder)
    mark = SIMULATED if study.simulated else ""
    found = audit.audit(study.layout.described.folder)
    return write_page(
        study.layout.report,
        "study.html",
        study=study,
        preset=study.preset,
        facts=study.facts | {"columns": _kept_together(study.facts["columns"])},
        tables={name: _beside(study, name) for name in study.preset.tables},
        flaws=[(hazard, _what(study.preset, hazard)) for hazard in found],
        described=_drawn(study, "described", mark),
        concluded=_drawn(study, "concluded", mark),
        runs=[_sound(study, name, run, mark) for name, run in study.runs.items()],
        written=yaml.safe_dump(
            study.preset.model_dump(exclude={"quick"}), sort_keys=False, allow_unicode=True
        ),
    )


def _kept_together(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Signs and units that no line break may part from their numbers."""
    joined = [(" ≤ ", "\N{NO-BREAK SPACE}≤\N{NO-BREAK SPACE}"), (" %", "\N{NO-BREAK SPACE}%")]
    kept = []
    for row in columns:
        texts = {key: value for key, value in row.items() if isinstance(value, str)}
        for old, new in joined:
            texts = {key: value.replace(old, new) for key, value in texts.items()}
        kept.append(row | texts)
    return kept


def _what(preset: Preset, hazard: Hazard) -> str:
    """The flaw in the words of the study."""
    return next((flaw.what for flaw in preset.flaws if flaw.rule == hazard.rule), "")


def _drawn(study: StudyRun, folder: str, mark: str) -> list[tuple[str, PageFigure]]:
    """Titles and figures of the protocol as described, or of the sound one."""
    found = []
    for figure in study.preset.figures:
        if figure.folder != folder or not study.file(figure).exists():
            continue
        draw, name = study_figures.DRAW[figure.draw], f"{folder}-{figure.name}"
        drawing = Drawing(name, draw, study.arrays(figure), figure.caption + mark)
        found.append((figure.title, draw_figure(study.folder, drawing)))
    return found


def _sound(study: StudyRun, name: str, run: Run, mark: str) -> dict[str, Any]:
    """What the page shows of a sound run; the rest is in the run's own report."""
    target = run.targets[0] if run.targets else None
    drawn = []
    if target is not None:
        drawn = [
            draw_figure(
                study.folder,
                Drawing(
                    f"{name}-{figure}",
                    figures.OF_TARGET[figure],
                    target,
                    text.caption(figure, target) + mark,
                ),
            )
            for figure in FROM_RUNS
            if figures.applies(figure, target)
            and not (figure in OF_TRIALS and target.problem.attrs["windows"])
        ]
    sections = [
        (
            section.title,
            section.sentences,
            [
                draw_figure(
                    study.folder,
                    replace(drawing, name=f"{name}-{drawing.name}", caption=drawing.caption + mark),
                )
                for drawing in section.figures
            ],
        )
        for section in make_sections(run.answers)
    ]
    said = run.verdicts[target.name]["verdict"] if target is not None else []
    return {
        "name": name,
        "said": [*said, *make_headlines(run.answers, IN_VERDICT)],
        "figures": drawn,
        "sections": sections,
        "hazards": audit.audit(run.folder),
        "n_rules": len(audit.RULES),
    }


def _beside(study: StudyRun, name: str) -> dict[str, Any]:
    """A reported table and the same table as described, column by column."""
    reported = pd.DataFrame(study.preset.tables[name])
    here = study.table(name)
    key = reported.columns[0]
    columns = list(reported.columns[1:])

    def rows(table: pd.DataFrame) -> list[list[str]]:
        return [
            [str(row[key]), *(_number(row.get(column)) for column in columns)]
            for _, row in table.iterrows()
        ]

    return {
        "key": key,
        "columns": [column.replace("_", " ") for column in columns],
        "parts": [("reported", rows(reported)),
                  ("as described" + (", simulated" if study.simulated else ""), rows(here))],
    }  # fmt: skip


def _number(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() and value > 1 else f"{value:.2f}"
