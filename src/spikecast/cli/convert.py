"""spikecast convert DATA --out FILE.nc."""

from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import resumable, selection_options, show
from spikecast.cli.options import Option, options, with_options
from spikecast.core.errors import InputError
from spikecast.data.selection import DataChoice

DATA = options(Option("path", "data", metavar="DATA"), "session") | selection_options()


@with_options
def convert(
    data: Annotated[DataChoice, DATA],
    out: Annotated[Path, typer.Option(help="file to write, FILE.nc", metavar="FILE")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace what is there")] = False,
) -> None:
    """Cut data into trials and bins once, and keep the result: one small file for later."""
    from spikecast.data.cuts.taken import read_taken
    from spikecast.data.loaders import load_selection

    if out.exists() and not overwrite:
        raise InputError(f"'{out}' is there already; --overwrite replaces it")
    if out.suffix != ".nc":
        raise InputError(f"--out {out}: the name must end in .nc")
    recording = load_selection(data.path, data.session, data)
    for fact in read_taken(recording.dataset):
        show(f"{'taken' if fact.severity == 'minor' else 'warning'}: {fact}")
    with resumable(out, options=""):
        recording.save(out)
    show(f"{recording}\nwritten: {out}")
