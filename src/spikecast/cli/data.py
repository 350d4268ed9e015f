"""spikecast data list, spikecast data fetch NAME."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from spikecast.cli.app import SETTINGS, Quiet, console

data = typer.Typer(help="Known data sets: list them, fetch them.", **SETTINGS)


@data.command("list")
def list_data() -> None:
    """List the data sets that can be fetched, and which are on this machine."""
    from spikecast.data.catalog import DATASETS
    from spikecast.data.download import find_data_folder, list_local_files

    table = Table(box=None, pad_edge=False)
    for column in ("name", "what it is", "files here", "cite"):
        table.add_column(column)
    for name, data_set in DATASETS.items():
        here = f"{len(list_local_files(name))} of {len(data_set.files)}"
        table.add_row(name, data_set.description, here, data_set.citation)
    Console().print(table)
    print(f"kept in {find_data_folder()} (set SPIKECAST_DATA to change)")


@data.command()
def fetch(
    name: Annotated[str, typer.Argument(help="name of a data set: spikecast data list")],
    quiet: Quiet = False,
) -> None:
    """Download a data set; a broken-off download goes on where it stopped."""
    from spikecast.data.download import fetch_data_set

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden) as bars:
        tasks: dict = {}

        def progress(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=total)
            bars.update(tasks[file], completed=done, total=total)

        paths = fetch_data_set(name, progress)
    for path in paths:
        print(path)
