"""Commands about several runs: compare, index."""

from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import app


@app.command()
def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="Run directories.")],
    out: Annotated[
        Path | None, typer.Option(metavar="PAGE.html", help="Also write a page with a figure.")
    ] = None,
) -> None:
    """Compare runs on the targets they share: paired where data, neurons and folds match.

    Others are compared with the best model of the first RUN.
    """
    from spikecast.report.many_runs import compare as comparing
    from spikecast.report.many_runs import comparison_page

    comparison = comparing.compare(folders)
    page = None if out is None else comparison_page.build(comparison, out)
    print("\n".join(comparison_page.lines(comparison)))
    if page is not None:
        print(f"page: {page}")


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Folder with runs and studies, at any depth.")],
) -> None:
    """Write FOLDER/index.html: all runs below it with scores, thumbnails and filters."""
    from spikecast.report.many_runs import index as indexes

    print(f"index: {indexes.build(folder)}")
