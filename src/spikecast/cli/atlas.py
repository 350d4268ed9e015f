"""spikecast atlas DATA..."""

from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import (
    Execution,
    choose_folder,
    execution_options,
    progress_bar,
    resumable,
    selection_options,
    show,
)
from spikecast.cli.options import Option, options, with_options
from spikecast.runs.atlas.settings import AtlasSettings

SETTINGS = options(
    Option("data", metavar="DATA..."),
    "sessions",
    "sources",
    "targets",
    "models",
    "matched",
    "repeats",
    "within",
    "min_neurons",
    "by",
    "drop_coincident",
    "folds",
    "split",
    "ordered",
    "conditions",
    "shifts",
    "above",
    "seed",
) | selection_options("selection")
EXECUTION = execution_options(
    "out", "engine", "workers", "resume", "overwrite", "quiet", out="default runs/<data>_atlas"
)


@with_options
def atlas(
    settings: Annotated[AtlasSettings, SETTINGS], execution: Annotated[Execution, EXECUTION]
) -> None:
    """Predict every area from every other, in every session: one table, one page."""
    from spikecast.runs.atlas.run import run_atlas

    stem = Path("runs") / f"{Path(settings.data[0]).stem}_atlas"
    out = execution.out or choose_folder(stem, execution.resume)
    with resumable(out), progress_bar(execution.quiet) as progress:
        outcome = run_atlas(
            settings,
            out,
            resume=execution.resume,
            overwrite=execution.overwrite,
            workers=execution.workers,
            engine=execution.engine,
            progress=progress,
        )
        progress("drawing the report", 0, 0)
        # only now: the page's libraries would lie in memory beside the fits
        from spikecast.report.atlas import page as pages
        from spikecast.report.atlas.reading import Atlas
        from spikecast.report.atlas.text import verdict

        page = pages.build(out)
    show("\n".join(verdict(Atlas(out))))
    show(f"report: {page}")
    for what, jobs in (("failed", outcome.failed), ("could not be recorded", outcome.unrecorded)):
        if jobs:
            why = next(iter(jobs.values()))
            show(
                f"{len(jobs)} of {outcome.n_jobs} jobs {what}, the first because: {why}; "
                f"the same command with --resume --out {out} does them again",
                error=True,
            )
    if outcome.failed or outcome.unrecorded:
        raise typer.Exit(1)
