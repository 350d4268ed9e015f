"""The command that searches settings: sweep."""

from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import Overwrite, Quiet, app, resumable, shown_progress


@app.command()
def sweep(
    config: Annotated[Path, typer.Argument(help="A YAML file, as for run; block: search.")],
    trials: Annotated[int | None, typer.Option(help="Settings tried in each study.")] = None,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds for all studies; fits under way are finished.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Of the config's models; default: all with a search space.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes; does not change any number, unless time runs out.",
            show_default="cores",
        ),
    ] = None,
    share: Annotated[
        bool,
        typer.Option(
            "--share", help="Help in studies of other processes; the numbers depend on timing."
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Run directory; default runs/<session>_<target>_sweep.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on, join one that runs, or add trials.")
    ] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Search a model's settings inside inner folds; score the winners on outer folds; report.

    One study per outer fold looks at that fold's training trials only, and its winner is scored on
    the test trials, beside the same model with its defaults: that score may be quoted. One more
    study, over all trials, chooses the settings in best.yaml.
    """
    from spikecast.cli.running import default_folder
    from spikecast.report.sweep import page as reports
    from spikecast.runs import config as configs
    from spikecast.runs.sweep import run as running

    asked = {"trials": trials, "timeout": timeout, "model": model}
    read = configs.read(config)
    content = read.model_dump(mode="json")
    given = {name: value for name, value in asked.items() if value is not None}
    full = configs.parse(content | {"search": (content["search"] or {}) | given})
    out = out or default_folder(full, resume, "_sweep")
    with resumable(out), shown_progress(quiet, "settings") as progress:
        running.execute(
            full, out, resume=resume, overwrite=overwrite, workers=workers, share=share,
            progress=progress,
        )  # fmt: skip
        progress("drawing the report", 0, 0)
        page = reports.build(out)
    found = reports.read(out)
    print("\n".join(found["said"]))
    for warning in dict.fromkeys(text for one in found["models"] for text in one["warnings"]):
        print(f"warning: {warning}")
    print(f"settings: {out / 'best.yaml'}")
    print(f"report: {page}")
