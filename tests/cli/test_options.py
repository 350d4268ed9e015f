"""Options made from config blocks: names, defaults and help are the fields'; flags stay."""

from typing import Annotated

import pytest
import typer
from pydantic import Field
from typer.main import get_command

from spikecast.cli.app import load_command
from spikecast.cli.options import Option, options, with_options
from spikecast.core.errors import InputError
from spikecast.core.schema import Block
from spikecast.runs.config import EvaluationConfig

RUN = "--out --workers --resume --overwrite --quiet -q"
FLAGS = {
    "predict": f"{RUN} --engine --folds --gap --label --lag --min-rate --models --seed --session "
    "--source --split --target --track",
    "decode": "--allow-acausal --areas --balance --combine --decoder --folds --label --model "
    "--null --out --over-time --overwrite --permutations --quiet --resume --seed --session "
    "--source --strata -q",
    "run": f"{RUN} --data --engine --quick --session --track",
    "atlas": f"{RUN} --by --engine --folds --matched --min-neurons --models --no-within --repeats "
    "--seed --sessions --sources --split --targets --within",
    "sweep": f"{RUN} --model --share --timeout --trials",
    "compare": "--out",
    "inspect": "--session",
}


class Inner(Block):
    """A block within a block."""

    folds: int = Field(5, ge=2, description="parts of the trials")


class Whole(Block):
    """A config."""

    names: list[str] | str = Field("rest", description="areas")
    inner: Inner = Inner()
    split: bool = Field(True, description="cut it")


@pytest.fixture
def call(capsys):
    """Call a command that takes a `Whole`; return what it was given."""
    received = []

    @with_options
    def command(
        whole: Annotated[Whole, options("names", Option("inner.folds", "parts"), "split")],
    ) -> None:
        """Do nothing."""
        received.append(whole)

    app = typer.Typer(add_completion=False)
    app.command()(command)

    def run(*words: str) -> Whole:
        get_command(app).main(list(words), standalone_mode=False)
        return received[-1]

    return run


@pytest.mark.parametrize("name", FLAGS)
def test_every_flag_that_users_know_is_there(name):
    parameters = load_command(name).params
    found = {flag for one in parameters for flag in (*one.opts, *one.secondary_opts)}
    assert set(FLAGS[name].split()) <= found


def test_a_block_is_filled_from_flags(call):
    assert call() == Whole()
    assert call("--names", "A,B", "--parts", "3", "--no-split") == Whole(
        names=["A", "B"], inner=Inner(folds=3), split=False
    )
    assert call("--names", "A").names == "A"


def test_only_what_is_given_counts_as_set(call):
    assert call().model_fields_set == set()
    assert call("--parts", "5").model_fields_set == {"inner"}


def test_a_refused_value_is_named_by_its_flag(call):
    with pytest.raises(InputError, match=r"^--parts 1: "):
        call("--parts", "1")


def test_default_and_help_are_the_fields_own():
    shown = {one.name: one for one in load_command("predict").params}
    for name in ("folds", "split", "gap"):
        field = EvaluationConfig.model_fields[name]
        assert (shown[name].default, shown[name].help) == (field.default, field.description)
