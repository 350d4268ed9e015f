"""The atlas on the command line."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import (
    Engine,
    Overwrite,
    Quiet,
    Resume,
    Workers,
    app,
    resumable,
    shown_progress,
)
from spikecast.core.errors import InputError


@app.command()
def atlas(
    data: Annotated[list[str], typer.Argument(metavar="DATA...", help="Files or data sets.")],
    sessions: Annotated[
        str, typer.Option(help="all, or numbers separated by commas, in each of the DATA.")
    ] = "all",
    sources: Annotated[
        str, typer.Option(help="each: area by area; rest: all other areas together.")
    ] = "each",
    targets: Annotated[str, typer.Option(help="all, or areas separated by commas.")] = "all",
    models: Annotated[
        str, typer.Option(help="ridge (all pairs at once, seconds) and names of spikecast models.")
    ] = "ridge",
    matched: Annotated[
        int | None, typer.Option(help="Draw so many neurons of every source and target.")
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Draws of neurons; default 5 with --matched.")
    ] = None,
    within: Annotated[
        bool, typer.Option(help="Also predict one half of each area from the other.")
    ] = True,
    min_neurons: Annotated[int, typer.Option(help="Smaller areas are left out.")] = 10,
    by: Annotated[str, typer.Option(help="Neuron column that names the areas.")] = "area",
    folds: Annotated[int, typer.Option()] = 5,
    split: Annotated[str, typer.Option(help="trial, or block (contiguous).")] = "trial",
    seed: Annotated[int, typer.Option()] = 0,
    out: Annotated[Path | None, typer.Option(help="Default runs/<data>_atlas.")] = None,
    engine: Engine = "local",
    workers: Workers = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Predict every area from every other, in every session: one table, one page."""
    from spikecast.runs.atlas import run
    from spikecast.runs.atlas.settings import parse

    given = {
        "data": data,
        "sessions": sessions if sessions == "all" else _numbers(sessions),
        "sources": sources,
        "targets": targets if targets == "all" else targets.split(","),
        "models": models.split(","),
        "matched": matched,
        "repeats": repeats,
        "within": within,
        "min_neurons": min_neurons,
        "by": by,
        "folds": folds,
        "split": split,
        "seed": seed,
    }
    settings = parse(given)
    out = out or Path("runs") / f"{Path(data[0]).stem}_atlas"
    with resumable(out), shown_progress(quiet) as progress:
        done = run.execute(
            settings,
            out,
            resume=resume,
            overwrite=overwrite,
            workers=workers,
            engine=engine,
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


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"--sessions is '{text}'; it must be 'all' or numbers separated by commas"
        ) from None
