"""spikecast run CONFIG|STUDY, and what predict and decode share with it."""

import re
from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import (
    Execution,
    choose_folder,
    execution_options,
    print_warning,
    progress_bar,
    resumable,
    selection_options,
    show,
)
from spikecast.cli.options import Option, options, with_options
from spikecast.core.checks import suggest_name
from spikecast.core.errors import InputError
from spikecast.parallel.executors import Progress
from spikecast.runs.config import Config
from spikecast.runs.studies.study_data import StudyData

STUDY_DATA = options(Option("path", "data"), "session", "movement") | selection_options()


@with_options
def run(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG|STUDY", help="a YAML file, or a name: see studies")
    ],
    execution: Annotated[Execution, execution_options()],
    data: Annotated[StudyData, STUDY_DATA],
    quick: Annotated[bool, typer.Option("--quick", help="STUDY: minutes, not the real sizes")] = (
        False
    ),
) -> None:
    """Run a written config, or one of the published studies."""
    from spikecast.runs import config as configs
    from spikecast.runs.studies.catalog import STUDIES

    if config in STUDIES:
        if execution.engine != "local":
            raise InputError("a study is run on this machine; leave out --engine")
        if execution.track is not None:
            raise InputError("a study holds several runs and is not tracked; leave out --track")
        run_study(config, data, quick, execution)
        return
    if data.model_fields_set or quick:
        raise InputError(
            "--data, --session, --align and what goes with it, and --quick are for studies "
            "(spikecast studies lists them); a config names its data itself"
        )
    if not Path(config).suffix:
        raise InputError(
            f"'{config}' is neither a config (.yaml) nor a study.{suggest_name(config, STUDIES)}"
        )
    execute_config(configs.read_config(config), execution)


def execute_config(config: Config, execution: Execution) -> None:
    """Run an experiment, draw its report and print what came out."""
    from spikecast.runs import experiment, tracking

    out = execution.out or default_folder(config, execution.resume)
    tracker = tracking.make_tracker(execution.track)
    with (
        resumable(out),
        progress_bar(execution.quiet) as bar,
        tracking.watch_run(tracker, config, out, bar, warn=print_warning) as progress,
    ):
        folder = experiment.run(
            config,
            out,
            resume=execution.resume,
            overwrite=execution.overwrite,
            workers=execution.workers,
            engine=execution.engine,
            progress=progress,
        )
        page = draw_report(folder, progress, execution.workers)
    print_run(folder, page)


def draw_report(folder: Path, progress: Progress, workers: int | None = None) -> Path:
    """Draw the page of a run, with so many processes; return its path."""
    # only now: the page's libraries would lie in memory beside the fits
    from spikecast import report

    progress("drawing the report", 0, 0)
    return report.build(folder, workers=workers)


def print_run(folder: Path, page: Path) -> None:
    """Print verdicts, answers and warnings of a run; exit with status 1 where a model failed."""
    from spikecast.report.questions.catalog import make_headlines
    from spikecast.report.run.ranking import select_first_split, summarize_run
    from spikecast.report.run.verdict import describe_verdict
    from spikecast.runs.reader import open_run

    finished = open_run(folder)
    for fact in finished.taken:
        show(f"{'taken' if fact.severity == 'minor' else 'warning'}: {fact}")
    for sentence in summarize_run(finished) if finished.targets else ():
        show(sentence)
    if len(select_first_split(finished)) > 1:
        show("\n".join(describe_verdict(target.verdict)[0] for target in finished.targets))
    for headline in make_headlines(finished.answers):
        show(headline)
    notices = [
        *(one for target in finished.targets for one in target.notices if one.severity != "minor"),
        *(one for answer in finished.answers for one in answer.notices),
    ]
    for sentence in dict.fromkeys(map(str, notices)):
        show(f"warning: {sentence}")
    show(f"report: {page}")
    for target, models in finished.failed.items():
        for model, why in models.items():
            show(f"{target}: {model} could not be fitted: {why}", error=True)
    if finished.failed:
        show(f"--resume --out {folder} tries again", error=True)
        raise typer.Exit(1)


def default_folder(config: Config, resume: bool, suffix: str = "") -> Path:
    """Return ``runs/<data>-<session>_<target>``, with a number where that is taken."""
    session = config.data.session
    target = config.task.target if config.task else config.analysis.labels or "questions"
    data = Path(config.data.path).stem + ("" if session is None else f"-{session}")
    what = "-".join([target] if isinstance(target, str) else target or ["neurons"])
    return choose_folder(Path("runs") / re.sub(r"[^\w.-]+", "_", f"{data}_{what}{suffix}"), resume)


def run_study(name: str, data: StudyData, quick: bool, execution: Execution) -> None:
    """Run a study, draw its page and print its three columns."""
    from spikecast.report.study import page, text
    from spikecast.runs.studies.run import run_study as execute_study

    out = execution.out or choose_folder(Path("runs") / name, execution.resume)
    with resumable(out), progress_bar(execution.quiet) as progress:
        folder = execute_study(
            name,
            out,
            data=data,
            quick=quick,
            resume=execution.resume,
            overwrite=execution.overwrite,
            workers=execution.workers,
            progress=progress,
        )
        progress("drawing the report", 0, 0)
        report = page.build(folder, execution.workers)
    run = page.StudyRun(folder)
    show("\n".join(text.summary(run.facts, run.preset, run.answer)))
    show(f"report: {report}")
