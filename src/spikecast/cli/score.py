"""spikecast score PREDICTIONS.npz."""

from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import Execution, execution_options
from spikecast.cli.options import options, with_options
from spikecast.cli.run import execute_config
from spikecast.data.predictions import read_predictions
from spikecast.runs.config import Config, DataConfig, EvaluationConfig, TaskConfig

EVALUATION = options("conditions", "shifts", "bootstrap")
EXECUTION = execution_options("out", "workers", "resume", "overwrite", "quiet")


@with_options
def score(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="a .npz file: docs/own_predictions.md")
    ],
    evaluation: Annotated[EvaluationConfig, EVALUATION],
    execution: Annotated[Execution, EXECUTION],
) -> None:
    """Score predictions that another tool made, above the nulls of a run, and write its report."""
    target = read_predictions(predictions).target
    config = Config(
        data=DataConfig(path=str(predictions)),
        task=TaskConfig(kind="predictions", target=target),
        models=[],
        evaluation=evaluation,
    )
    execute_config(config, execution)
