"""The page of a study: where the data are from, three columns, flaws by name, figures of both."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from spikecast.core.checks import check_one_of
from spikecast.core.errors import ConfigError
from spikecast.core.schema import read_block
from spikecast.core.stored import damaged
from spikecast.core.stored_tables import Table, read_table
from spikecast.report.questions.catalog import IN_VERDICT, make_headlines, make_sections
from spikecast.report.run import page as run_page
from spikecast.report.run.figures import TARGET_FIGURES
from spikecast.report.run.verdict import describe_verdict
from spikecast.report.shared.pages import PageFigure, draw_figure, write_page
from spikecast.report.shared.rows import ABOVE
from spikecast.report.shared.section import Drawing
from spikecast.report.study import figures as study_figures
from spikecast.report.study import text
from spikecast.report.study.figure_arrays import FIGURE_ARRAYS, FORWARD, read_figure_arrays
from spikecast.report.study.scores import call_models, explain_gain, make_score_drawing
from spikecast.report.study.staircase import draw_staircase
from spikecast.runs import audit
from spikecast.runs.layout import StudyLayout
from spikecast.runs.reader import Run, open_run
from spikecast.runs.studies.preset import Preset, StudyFigure
from spikecast.runs.studies.run import read_facts

OF_SUMS = (
    "In the sentences, the interval of a sum of steps combines those of the numbers before and "
    "after them as if their trials were others: where they are the same, it is rather too wide."
)
FROM_RUNS = ("scores", "averages", "single_trials", "latents", "time_constants", "training")


class StudyRun:
    """The files of a finished study."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.layout = folder, StudyLayout(folder)
        self.facts = read_facts(folder)
        self.preset = _read_preset(self.layout.preset)
        self.runs = {name: open_run(self.layout.sound_run(name).folder)
                     for name in self.facts["runs"]}  # fmt: skip
        self.simulated = self.facts["origin"] == "simulated"
        self.mark = " Simulated data." if self.simulated else ""  # the end of every caption

    @property
    def answer(self) -> str:
        """What answers the deck's question: a sound run's verdict, or a conclusion's code."""
        run = self.runs.get(self.preset.answer)
        if run is None or not run.targets:
            return self.preset.answer
        verdict = run.targets[0].verdict
        return describe_verdict(verdict)[0] + explain_gain(verdict)

    def file(self, figure: StudyFigure) -> Path:
        """Return where the arrays of a figure are; these data may lack it."""
        return self.layout.column(figure.folder).arrays(figure.name)

    def list_beside(self, run: str) -> list[dict[str, Any]]:
        """Return the numbers of the table that stand beside the scores of a sound run."""
        among = self.preset.beside.get(run, [])
        rows = [row for row in self.facts["columns"] if row["key"] in among]
        return [measure for row in rows for measure in row["sound"]]

    def arrays(self, figure: StudyFigure) -> dict[str, np.ndarray]:
        """Return what a figure draws; beside a deck's curve over time, the first sound one."""
        arrays = read_figure_arrays(self.file(figure), FIGURE_ARRAYS[figure.draw])
        dated = (
            answer
            for run in self.runs.values()
            for answer in run.answers
            if answer.kind == "over_time" and not answer["acausal"]
        )
        theirs = self.layout.column("concluded").arrays("forward")
        if figure.draw == "over_time" and theirs.exists():
            arrays |= read_figure_arrays(theirs, FORWARD)
        if figure.draw == "over_time" and (answer := next(dated, None)):
            curves = answer.table("curves")
            first = curves[curves["area"] == curves["area"].iloc[0]]
            arrays["sound_time"], arrays["sound_curve"] = first[["time", "score"]].to_numpy().T
            if first["chance"].notna().all():
                arrays["sound_chance"] = first["chance"].to_numpy()
        return arrays


def build(folder: str | Path, workers: int | None = None) -> Path:
    """Write ``report.html`` and ``figures/*.svg`` of a finished study, and the pages of its runs.

    Many targets of a run are drawn by `workers` processes; by default by one per core.
    """
    study = StudyRun(Path(folder))
    for run in study.runs.values():
        run_page.build(run.folder, workers)
    facts, preset = study.facts, study.preset
    staircases = facts.get("staircases", [])
    whats = {flaw.rule: flaw for flaw in preset.flaws}
    hazards = audit.audit(study.layout.described.folder).hazards
    return write_page(
        study.layout.report,
        "study.html",
        study=study,
        preset=preset,
        facts=facts,
        origin=text.origin(facts, preset),
        conclusions=text.conclusions(facts, study.answer),
        comparable=text.COMPARABLE[facts["origin"]],
        rows=[
            row
            | {
                f"{name}_lines": text.cell(row[name], facts, row[f"no_{name}"])
                for name in ("described", "sound")
            }
            | {"because_lines": text.because(row, staircases)}
            for row in facts["columns"]
        ],
        staircases=[_draw_staircase(study, one) for one in staircases],
        tables={name: _join_tables(study, name) for name in preset.tables},
        flaws=[(hazard, whats.get(hazard.rule)) for hazard in hazards],
        described=_draw_figures(study, "described"),
        concluded=_draw_figures(study, "concluded"),
        runs=[_sound_section(study, name, run) for name, run in study.runs.items()],
        written=yaml.safe_dump(
            preset.model_dump(exclude={"quick"}), sort_keys=False, allow_unicode=True
        ),
    )


def _draw_figures(study: StudyRun, folder: str) -> list[tuple[str, PageFigure]]:
    """Return titles and figures of the protocol as described, or of the sound one."""
    drawn = []
    for figure in study.preset.figures:
        if figure.folder != folder or not study.file(figure).exists():
            continue
        check_one_of("kind of figure", figure.draw, list(study_figures.DRAW))
        draw, name = study_figures.DRAW[figure.draw], f"{folder}-{figure.name}"
        caption, narrow = figure.caption + study.mark, study_figures.NARROW.get(figure.draw)
        drawing = Drawing(name, draw, study.arrays(figure), caption, narrow=narrow)
        drawn.append((figure.title, draw_figure(study.folder, drawing)))
    return drawn


def _draw_staircase(study: StudyRun, facts: dict[str, Any]) -> tuple[str, PageFigure]:
    """Return title and figure of a staircase; its sentences are among the conclusions."""
    caption = f"{facts['caption']} {OF_SUMS}{study.mark}"
    narrow = partial(draw_staircase, rows=ABOVE)
    drawing = Drawing(f"staircase-{facts['key']}", draw_staircase, facts, caption, narrow=narrow)
    return f"{facts['title']}: one change at a time", draw_figure(study.folder, drawing)


def _sound_section(study: StudyRun, name: str, run: Run) -> dict[str, Any]:
    """Return what the page shows of a sound run; the rest is in the run's own report."""

    def draw(drawing: Drawing) -> PageFigure:
        caption = drawing.caption + study.mark
        drawing = replace(drawing, name=f"{name}-{drawing.name}", caption=caption)
        return draw_figure(study.folder, drawing)

    targets, called = run.targets[:1], study.preset.called
    verdict = [
        line for target in targets for line in describe_verdict(call_models(target.verdict, called))
    ]
    rows = {row["key"]: row["quantity"] for row in study.facts["columns"]}
    return {
        "name": name,
        "title": rows.get(name, name.replace("_", " ").capitalize()),
        "headlines": [*verdict, *make_headlines(run.answers, IN_VERDICT)],
        "figures": [
            draw(
                make_score_drawing(target, called, study.list_beside(name))
                if figure == "scores"
                else TARGET_FIGURES[figure].make_drawing(target, figure)
            )
            for target in targets
            for figure in FROM_RUNS
            if TARGET_FIGURES[figure].applies(target)
        ],
        "sections": [
            vars(section) | {"figures": [draw(drawing) for drawing in section.figures]}
            for section in make_sections(run.answers)
        ],
        "audit": audit.audit(run.folder),
    }


def _read_preset(path: Path) -> Preset:
    """Return the study as it was run."""
    try:
        return read_block(path, Preset)
    except ConfigError as error:
        raise damaged(path, str(error)) from None


def _join_tables(study: StudyRun, name: str) -> dict[str, Any]:
    """Return a reported table and the same table as described, column by column."""
    written = study.preset.tables[name]
    reported = pd.DataFrame(written.rows)
    key, *columns = reported.columns
    mark = ", simulated" if study.simulated else ""

    def rows(table: pd.DataFrame) -> list[list[str]]:
        return [
            [str(row[key]), *(text.format_number(row.get(column)) for column in columns)]
            for _, row in table.iterrows()
        ]

    def read(name: str) -> pd.DataFrame:
        described = study.layout.described.table(name)
        path = described if described.exists() else study.layout.concluded.table(name)
        return read_table(path, Table({key: "any"}))

    parts = {name: "as described"} | written.also
    return {
        "key": key,
        "opened": written.opened,
        "titles": list(parts.values()),
        "columns": [column.replace("_", " ") for column in columns],
        "parts": [
            (f"reported ({written.stands})", rows(reported)),
            *((title + mark, rows(read(part))) for part, title in parts.items()),
        ],
    }
