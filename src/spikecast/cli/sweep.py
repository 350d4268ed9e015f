"""spikecast sweep CONFIG."""

from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import Execution, execution_options, progress_bar, resumable, show
from spikecast.cli.options import Option, options, with_options
from spikecast.cli.run import default_folder
from spikecast.runs import config as configs
from spikecast.runs.config import SearchConfig

SEARCH = options(
    Option("trials", show_default=False),
    Option("timeout", help="seconds for all studies; fits under way are finished"),
    "model",
)
EXECUTION = execution_options(
    "out",
    "workers",
    "resume",
    "overwrite",
    "quiet",
    out="run directory; default runs/<session>_<target>_sweep",
    resume="go on, join one that runs, or add trials",
)


@with_options
def sweep(
    config: Annotated[Path, typer.Argument(help="a YAML file, as for run; block: search")],
    search: Annotated[SearchConfig, SEARCH],
    execution: Annotated[Execution, EXECUTION],
    share: Annotated[
        bool,
        typer.Option(
            "--share", help="help in studies of other processes; the numbers depend on timing"
        ),
    ] = False,
) -> None:
    """Search a model's settings inside inner folds; score the winners on outer folds; report.

    One study per outer fold looks at that fold's training trials only, and its winner is scored on
    the test trials, beside the same model with its defaults: that score may be quoted. One more
    study, over all trials, chooses the settings in best.yaml.
    """
    from spikecast.report.sweep import page, text
    from spikecast.report.sweep.reading import SweepRun
    from spikecast.runs.layout import SweepLayout
    from spikecast.runs.sweep.run import run_sweep

    content = configs.read_config(config).model_dump(mode="json")
    given = search.model_dump(exclude_unset=True)
    full = configs.parse_config(content | {"search": (content["search"] or {}) | given})
    out = execution.out or default_folder(full, execution.resume, "_sweep")
    with resumable(out), progress_bar(execution.quiet, "settings") as progress:
        run_sweep(
            full,
            out,
            resume=execution.resume,
            overwrite=execution.overwrite,
            workers=execution.workers,
            share=share,
            progress=progress,
        )
        progress("drawing the report", 0, 0)
        report = page.build(out)
    facts = SweepRun(out).facts
    show("\n".join(text.headlines(facts)))
    for warning in text.warnings(facts):
        show(f"warning: {warning}")
    show(f"settings: {SweepLayout(out).best}")
    show(f"report: {report}")
