"""The command line itself: its options, its errors, its progress bar."""

import errno
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from spikecast.core.errors import SpikecastError

app = typer.Typer(
    help="Honest prediction between populations of neurons: from a recording to a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

console = Console(stderr=True, highlight=False)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Out = Annotated[Path | None, typer.Option(help="Run directory; default runs/<session>_<target>.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run that is there.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes; does not change any number.", show_default="cores"),
]
Engine = Annotated[
    str, typer.Option(help="Who fits: local, dask-local, or dask://HOST:PORT (a scheduler).")
]
Track = Annotated[
    str | None,
    typer.Option(help="Also tell a tracker: tensorboard or mlflow (extras).", show_default="none"),
]


def main() -> None:
    """Run the command line; the entry point of ``spikecast``."""
    try:
        app(standalone_mode=True)
    except SpikecastError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def warned(message: str) -> None:
    """Print a warning on standard error, in one line."""
    print(f"warning: {message}", file=sys.stderr)


@contextmanager
def resumable(out: Path) -> Iterator[None]:
    """On Ctrl-C, or where the disk is full, say how to go on, in one line (status 130, or 2)."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"interrupted; go on with the same command and --resume --out {out}", file=sys.stderr)
        raise typer.Exit(130) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(
            f"error: the disk is full; make room (temporary files lie in {tempfile.gettempdir()}) "
            f"and go on with the same command and --resume --out {out}",
            file=sys.stderr,
        )
        raise typer.Exit(2) from None


@contextmanager
def shown_progress(quiet: bool, unit: str = "fits") -> Iterator:
    """A progress function that draws one bar, on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as bars:
        bar = bars.add_task("starting", total=None, count="")

        def progress(what: str, done: int, total: int) -> None:
            count = f"{done} of {total} {unit}" if total else ""
            bars.update(bar, description=what, completed=done, total=total or None, count=count)

        yield progress
