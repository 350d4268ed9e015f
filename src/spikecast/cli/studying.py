"""The published studies on the command line: their list, and running one."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from spikecast.cli.app import app, resumable, shown_progress


@app.command()
def studies() -> None:
    """List the published studies that can be run by name, and what data each needs."""
    from spikecast.runs.studies import preset
    from spikecast.runs.studies.catalog import STUDIES

    table = Table(box=None, pad_edge=False)
    for column in ("name", "what it asks", "data (without them: simulated)"):
        table.add_column(column)
    for name in STUDIES:
        written = preset.read(name)
        table.add_row(name, written.about, f"{written.data.dataset}: {written.data.needs}")
    Console().print(table)


def study(
    name: str,
    out: Path | None,
    data: str | None,
    session: int | None,
    quick: bool,
    workers: int | None,
    resume: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Run a study, draw its page and print its three columns."""
    from spikecast.report.study import page as pages
    from spikecast.runs.studies import run as running

    out = out or _folder(Path("runs") / name, resume)
    with resumable(out), shown_progress(quiet) as progress:
        folder = running.execute(
            name,
            out,
            data=data,
            session=session,
            quick=quick,
            resume=resume,
            overwrite=overwrite,
            workers=workers,
            progress=progress,
        )
        progress("drawing the report", 0, 0)
        page = pages.build(folder)
    found = running.read(folder)
    print(" ".join([found["sentence"], *found["notes"]]))
    for row in found["columns"]:
        print(row["quantity"])
        print(f"  reported      {row['reported']}")
        for title, key in (("as described", "described"), ("sound", "sound")):
            print(f"  {title:<13} " + row[key].replace("\n", "\n" + 16 * " "))
        if row["flaws"]:
            print(f"  flaws         {', '.join(row['flaws'])}")
    print("\n".join(found["sentences"]))
    print(f"report: {page}")


def _folder(path: Path, resume: bool) -> Path:
    """The path, with a number where it is taken; to resume, the last that is taken."""
    candidates = [path, *(path.with_name(f"{path.name}-{n}") for n in range(2, 10000))]
    free = next(index for index, candidate in enumerate(candidates) if not candidate.exists())
    return candidates[free - 1 if resume and free else free]
