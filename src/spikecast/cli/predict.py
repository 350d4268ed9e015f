"""spikecast predict DATA --target AREA."""

from typing import Annotated

import typer

from spikecast.cli.app import Execution, execution_options, selection_options
from spikecast.cli.options import Option, options, with_options
from spikecast.cli.run import execute_config
from spikecast.runs.config import Config
from spikecast.runs.questions.catalog import Analysis
from spikecast.runs.questions.decode import Decode

CONFIG = options(
    Option("data.path", "data", metavar="DATA"),
    Option("task.target", required=True, help="area to predict; several: A,B; or 'all'"),
    "data.session",
    "task.source",
    Option(
        "task.kind",
        "task",
        help="held_out_neurons: a quarter of the target's neurons from its others, where there is "
        "one area only",
    ),
    Option("models", show_default=False, help="names that spikecast models lists"),
    "evaluation.folds",
    "evaluation.split",
    "evaluation.gap",
    "evaluation.conditions",
    "task.lag",
    "task.min_rate",
    "task.drop_coincident",
    "seed",
) | selection_options("data")


@with_options
def predict(
    config: Annotated[Config, CONFIG],
    execution: Annotated[Execution, execution_options()],
    label: Annotated[
        list[str] | None, typer.Option(help="also decode this trial column: see decode")
    ] = None,
) -> None:
    """Predict an area's activity from other areas', and write a report."""
    if label:
        sources = ["counts", *(["latents"] if config.has_latents else []), "behavior"]
        analysis = Analysis(decode=[Decode(labels=label, sources=sources)])
        config = config.model_copy(update={"analysis": analysis})
    execute_config(config, execution)
