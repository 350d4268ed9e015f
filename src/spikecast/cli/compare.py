"""spikecast compare RUN RUN ..."""

from pathlib import Path
from typing import Annotated

import typer


def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="run directories")],
    out: Annotated[
        Path | None, typer.Option(metavar="PAGE.html", help="also write a page with a figure")
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
