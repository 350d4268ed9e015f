"""spikecast decode RUN|DATA --label NAME."""

from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import (
    Execution,
    execution_options,
    progress_bar,
    resumable,
    selection_options,
)
from spikecast.cli.options import Option, options, with_options
from spikecast.cli.run import draw_report, execute_config, print_run
from spikecast.core.errors import InputError
from spikecast.core.seeding import LARGEST_SEED
from spikecast.runs import config as configs
from spikecast.runs.config import Config, DataConfig
from spikecast.runs.layout import RunLayout, find_kind
from spikecast.runs.questions.catalog import Analysis
from spikecast.runs.questions.decode import Decode
from spikecast.runs.questions.over_time import OverTime
from spikecast.runs.reader import open_run

DECODE = options(
    Option(
        "labels",
        "label",
        required=True,
        repeated=True,
        help="trial column, or 'column>number'; give it again for another",
    ),
    Option(
        "sources",
        "source",
        show_default=False,
        help="counts, latents (of a RUN), behavior; default: all",
    ),
    "areas",
    "model",
    Option("decoder", help="a name that spikecast models lists, or ridge for numbers"),
    "combine",
    "balance",
    "folds",
    Option("null_labels", "null"),
    "strata",
    "permutations",
)
DATA = (
    options(
        Option("path", "data", metavar="RUN|DATA", help="a run directory, or data as for predict"),
        "session",
    )
    | selection_options()
)
EXECUTION = execution_options(
    "out", "resume", "overwrite", "quiet", out="for DATA; default runs/<data>_<label>"
)
OVER_TIME_DRAWS = 5
"""Times as many draws of the null where every bin is tested."""


@with_options
def decode(
    data: Annotated[DataConfig, DATA],
    question: Annotated[Decode, DECODE],
    execution: Annotated[Execution, EXECUTION],
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=LARGEST_SEED, help="default 0; a RUN keeps its own", show_default=False
        ),
    ] = None,
    over_time: Annotated[
        bool,
        typer.Option(
            "--over-time", help="also date it, bin by bin (lda or ridge, 5 times the draws)"
        ),
    ] = False,
    allow_acausal: Annotated[
        bool, typer.Option("--allow-acausal", help="date even latents that saw the future")
    ] = False,
) -> None:
    """Decode what trials were from their activity, with null and interval, and write a report.

    From DATA: counts, beside them behaviour and stimulus alone. From a RUN also latents: its model
    is then fitted anew in every decoding fold (as long as in the run), so that no decoded trial was
    seen by the model. The answers are added to the RUN and its report.
    """
    folder = Path(data.path)
    is_run = find_kind(folder) == "run"
    given = data.model_fields_set - {"path"} or seed is not None or execution.out is not None
    if is_run and (given or execution.resume or execution.overwrite):
        raise InputError(
            f"'{folder}' is a run: its data, seed and folder stay; leave out --session, --seed, "
            "--out, --resume and --overwrite, and --align with what goes with it"
        )
    if not is_run and question.model is not None:
        raise InputError(
            f"--model {question.model} says whose latents are decoded, and '{folder}' is no run: "
            "name a run directory, or leave --model out"
        )
    has_latents = is_run and configs.read_config(RunLayout(folder).config).has_latents
    default = ["counts", *(["latents"] if has_latents else []), "behavior"]
    sources = question.sources if "sources" in question.model_fields_set else default
    if has_latents and question.model is None:
        question = question.model_copy(update={"model": find_best_latents(folder)})
    decodes = [question.model_copy(update={"sources": sources})]
    dates = [_date(question, allow_acausal)] if over_time else []
    analysis = Analysis(decode=decodes, over_time=dates)
    if not is_run:
        config = Config(data=data, models=[], seed=seed or 0, analysis=analysis)
        execute_config(config, execution.model_copy(update={"workers": 1}))
        return
    from spikecast.runs import experiment

    with resumable(folder, options=""), progress_bar(execution.quiet) as progress:
        experiment.add_answers(folder, analysis, progress=progress)
        page = draw_report(folder, progress)
    print_run(folder, page)


def find_best_latents(folder: Path) -> str | None:
    """Return the best predicting model of a run's first target that has latents."""
    run = open_run(folder)
    has_latents = {name for name, one in run.config.build_models().items() if one.has_latents}
    name = run.manifest["targets"][0]
    ranked = next(target.summary["model"] for target in run.targets if target.name == name)
    return next((str(model) for model in ranked if model in has_latents), None)


def _date(question: Decode, allow_acausal: bool) -> OverTime:
    """Return the same question, bin by bin."""
    given = question.model_dump(exclude_unset=True, exclude={"combine", "balance"})
    changed = {
        "decoder": "ridge" if question.decoder == "ridge" else "lda",
        "permutations": OVER_TIME_DRAWS * question.permutations,
        "allow_acausal": allow_acausal,
    }
    return OverTime(**given | changed)
