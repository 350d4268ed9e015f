"""spikecast explain DATA --target AREA."""

from typing import Annotated

import typer

from spikecast.cli.app import Execution, execution_options, selection_options
from spikecast.cli.options import Option, options, with_options
from spikecast.cli.run import execute_config
from spikecast.core.seeding import LARGEST_SEED
from spikecast.runs.config import Config, DataConfig
from spikecast.runs.questions.catalog import Analysis
from spikecast.runs.questions.explain import Explain

DATA = options(Option("path", "data", metavar="DATA"), "session") | selection_options()
EXPLAIN = options(
    Option("targets", "target", required=True, help="area to explain; several: A,B"),
    "source",
    "lag",
    "folds",
    "conditions",
    "shifts",
    "min_rate",
)
EXECUTION = execution_options(
    "out", "resume", "overwrite", "quiet", out="default runs/<data>_<target>-explained"
)


@with_options
def explain(
    data: Annotated[DataConfig, DATA],
    question: Annotated[Explain, EXPLAIN],
    execution: Annotated[Execution, EXECUTION],
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="same seed, same numbers")] = 0,
) -> None:
    """Say what explains an area: task, drift, movement, each other area, its own neurons."""
    config = Config(data=data, models=[], seed=seed, analysis=Analysis(explain=question))
    execute_config(config, execution.model_copy(update={"workers": 1}))
