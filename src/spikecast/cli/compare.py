"""spikecast compare RUN RUN ..."""

from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import show


def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="run directories")],
    out: Annotated[
        Path | None, typer.Option(metavar="PAGE.html", help="also write a page with a figure")
    ] = None,
) -> None:
    """Compare runs on the targets they share: paired where data, neurons and folds match.

    Others are compared with the best model of the first RUN.
    """
    from spikecast.report.many_runs import comparison_page
    from spikecast.report.many_runs.comparison import compare_runs
    from spikecast.report.many_runs.comparison_text import list_lines

    comparison = compare_runs(folders)
    page = None if out is None else comparison_page.build(comparison, out)
    show("\n".join(list_lines(comparison)))
    if page is not None:
        show(f"page: {page}")
