"""The page of a study: where the data are from, three columns, flaws by name, figures of both."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from spikecast.core.schema import read_block
from spikecast.report.questions.catalog import IN_VERDICT, make_headlines, make_sections
from spikecast.report.run import page as run_page
from spikecast.report.run.figures import TARGET_FIGURES
from spikecast.report.run.verdict import describe_verdict
from spikecast.report.shared.pages import PageFigure, draw_figure, write_page
from spikecast.report.shared.section import Drawing
from spikecast.report.study import figures as study_figures
from spikecast.report.study import text
from spikecast.runs import audit
from spikecast.runs.layout import StudyLayout
from spikecast.runs.reader import Run, open_run
from spikecast.runs.studies.preset import Preset, StudyFigure
from spikecast.runs.studies.run import read_facts
from spikecast.runs.studies.step_cache import load_arrays

FROM_RUNS = ("scores", "averages", "single_trials", "latents", "time_constants", "training")
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
        """The content of ``study.json``."""
        return read_facts(self.folder)

    @cached_property
    def preset(self) -> Preset:
        """The study as it was run."""
        return read_block(self.layout.preset, Preset)

    @property
    def simulated(self) -> bool:
        """Whether its data are simulated."""
        return self.facts["origin"] == "simulated"

    @cached_property
    def runs(self) -> dict[str, Run]:
        """The sound runs."""
        return {name: open_run(self.layout.sound_run(name).folder) for name in self.facts["runs"]}

    @property
    def mark(self) -> str:
        """What captions end with."""
        return SIMULATED if self.simulated else ""

    def file(self, figure: StudyFigure) -> Path:
        """Return where the arrays of a figure are, if these data have it."""
        return self.layout.column(figure.folder).arrays(figure.name)

    def arrays(self, figure: StudyFigure) -> dict[str, np.ndarray]:
        """Return what a figure draws."""
        beside = self._sound_curve() if figure.draw == "over_time" else {}
        return load_arrays(self.file(figure)) | beside

    def _sound_curve(self) -> dict[str, np.ndarray]:
        """Return the first dated curve of the sound runs, to be drawn beside the deck's."""
        for run in self.runs.values():
            for answer in run.answers:
                if answer.kind == "over_time" and not answer["acausal"]:
                    curves = answer.table("curves")
                    first = curves[curves["area"] == curves["area"].iloc[0]]
                    return {
                        "sound_time": first["time"].to_numpy(),
                        "sound_curve": first["score"].to_numpy(),
                    }
        return {}

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the protocol as described."""
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
        run_page.build(run.folder)
    facts, preset = study.facts, study.preset
    whats = {flaw.rule: flaw.what for flaw in preset.flaws}
    hazards = audit.audit(study.layout.described.folder).hazards
    return write_page(
        study.layout.report,
        "study.html",
        study=study,
        preset=preset,
        facts=facts,
        origin=text.origin(facts, preset),
        conclusions=text.conclusions(facts),
        comparable=text.COMPARABLE[facts["origin"]],
        rows=[_row(row, facts) for row in facts["columns"]],
        tables={name: _tables_beside(study, name) for name in preset.tables},
        flaws=[(hazard, whats.get(hazard.rule, "")) for hazard in hazards],
        described=_draw_figures(study, "described"),
        concluded=_draw_figures(study, "concluded"),
        runs=[_sound_section(study, name, run) for name, run in study.runs.items()],
        written=yaml.safe_dump(
            preset.model_dump(exclude={"quick"}), sort_keys=False, allow_unicode=True
        ),
    )


def _row(row: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table, with the lines of its cells."""
    return row | {
        "described_lines": text.cell(row["described"], facts),
        "sound_lines": text.cell(row["sound"], facts),
    }


def _draw_figures(study: StudyRun, folder: str) -> list[tuple[str, PageFigure]]:
    """Return titles and figures of the protocol as described, or of the sound one."""
    drawn = []
    for figure in study.preset.figures:
        if figure.folder != folder or not study.file(figure).exists():
            continue
        draw, name = study_figures.DRAW[figure.draw], f"{folder}-{figure.name}"
        drawing = Drawing(name, draw, study.arrays(figure), figure.caption + study.mark)
        drawn.append((figure.title, draw_figure(study.folder, drawing)))
    return drawn


def _sound_section(study: StudyRun, name: str, run: Run) -> dict[str, Any]:
    """Return what the page shows of a sound run; the rest is in the run's own report."""

    def draw(drawing: Drawing) -> PageFigure:
        caption = drawing.caption + study.mark
        drawing = replace(drawing, name=f"{name}-{drawing.name}", caption=caption)
        return draw_figure(study.folder, drawing)

    target = run.targets[0] if run.targets else None
    drawings, verdict = [], []
    if target is not None:
        verdict = describe_verdict(target.verdict)
        drawings = [
            TARGET_FIGURES[figure].make_drawing(target, figure)
            for figure in FROM_RUNS
            if TARGET_FIGURES[figure].applies(target)
        ]
    return {
        "name": name,
        "headlines": [*verdict, *make_headlines(run.answers, IN_VERDICT)],
        "figures": [draw(drawing) for drawing in drawings],
        "sections": [
            vars(section) | {"figures": [draw(drawing) for drawing in section.figures]}
            for section in make_sections(run.answers)
        ],
        "audit": audit.audit(run.folder),
    }


def _tables_beside(study: StudyRun, name: str) -> dict[str, Any]:
    """Return a reported table and the same table as described, column by column."""
    reported = pd.DataFrame(study.preset.tables[name])
    here = study.table(name)
    key = reported.columns[0]
    columns = list(reported.columns[1:])

    def rows(table: pd.DataFrame) -> list[list[str]]:
        return [
            [str(row[key]), *(text.format_number(row.get(column)) for column in columns)]
            for _, row in table.iterrows()
        ]

    return {
        "key": key,
        "columns": [column.replace("_", " ") for column in columns],
        "parts": [("reported", rows(reported)),
                  ("as described" + (", simulated" if study.simulated else ""), rows(here))],
    }  # fmt: skip
