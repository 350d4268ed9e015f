"""spikecast predict DATA --target AREA."""

from typing import Annotated, Literal

import typer

from spikecast.cli.app import Execution, execution_options, selection_options
from spikecast.cli.options import Option, options, with_options
from spikecast.cli.run import execute_config
from spikecast.runs.config import Config
from spikecast.runs.model_entries import add_context, make_causal
from spikecast.runs.questions.catalog import Analysis
from spikecast.runs.questions.decode import Decode

CONFIG = options(
    Option("data.path", "data", metavar="DATA"),
    Option("task.target", help="area to predict; several: A,B; or 'all'"),
    Option("task.behavior", help="predict behaviour instead, from all neurons: wheel"),
    "data.session",
    "task.source",
    "task.min_neurons",
    Option(
        "task.kind",
        "task",
        help="held_out_neurons: a quarter of the target's neurons from its others, where there is "
        "one area only",
    ),
    Option("models", show_default=False, help="names that spikecast models lists"),
    "evaluation.folds",
    "evaluation.split",
    Option(
        "evaluation.beside",
        help="score a second split beside the first: block shows what trials that are near in "
        "time share",
    ),
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
    causal: Annotated[
        bool, typer.Option("--causal", help="models look at the past and present only")
    ] = False,
    session_context: Annotated[
        Literal["off", "source", "full"],
        typer.Option(
            "--context",
            help="score models that also look at nearby trials, beside the others: at the source "
            "in them, or at the targets too",
        ),
    ] = "off",
) -> None:
    """Predict an area's activity from other areas', or behaviour, and write a report."""
    if causal:
        config = config.model_copy(update={"models": make_causal(config.models)})
    if session_context != "off":
        config = config.model_copy(update={"models": add_context(config.models, session_context)})
    if label:
        sources = ["counts", *(["latents"] if config.has_latents else []), "behavior"]
        analysis = Analysis(decode=[Decode(labels=label, sources=sources)])
        config = config.model_copy(update={"analysis": analysis})
    execute_config(config, execution)
