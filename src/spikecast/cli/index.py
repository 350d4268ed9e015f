"""spikecast index FOLDER."""

from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import show


def index(
    folder: Annotated[Path, typer.Argument(help="folder with runs and studies, at any depth")],
) -> None:
    """Write FOLDER/index.html: all runs below it with scores, thumbnails and filters."""
    from spikecast.report.many_runs import index as indexes

    show(f"index: {indexes.build(folder)}")
