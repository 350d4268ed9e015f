"""spikecast atlas DATA..."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import Execution, execution_options, progress_bar, resumable
from spikecast.cli.options import Option, options, with_options
from spikecast.runs.atlas.settings import Settings

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
    "folds",
    "split",
    "seed",
)
EXECUTION = execution_options(
    "out", "engine", "workers", "resume", "overwrite", "quiet", out="default runs/<data>_atlas"
)


@with_options
def atlas(
    settings: Annotated[Settings, SETTINGS], execution: Annotated[Execution, EXECUTION]
) -> None:
    """Predict every area from every other, in every session: one table, one page."""
    from spikecast.runs.atlas import run

    out = execution.out or Path("runs") / f"{Path(settings.data[0]).stem}_atlas"
    with resumable(out), progress_bar(execution.quiet) as progress:
        done = run.execute(
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
    print("\n".join(verdict(Atlas(out))))
    print(f"report: {page}")
    for what, jobs in (("failed", done.failed), ("could not be recorded", done.unrecorded)):
        if jobs:
            why = next(iter(jobs.values()))
            print(
                f"{len(jobs)} of {done.n_jobs} jobs {what}, the first because: {why}; "
                f"the same command with --resume --out {out} does them again",
                file=sys.stderr,
            )
    if done.failed or done.unrecorded:
        raise typer.Exit(1)
