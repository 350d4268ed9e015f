"""What README and pages show runs as it is written: Python, configs, commands.

Pages that are notebooks run when the site is built (`tests/test_site.py`).
"""

import re
import shlex
from pathlib import Path

import pytest
import yaml

import spikecast as sc
from spikecast.cli.app import load_command
from spikecast.runs.config import Config, parse_config

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "spikecast"
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND_PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
START = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")


def find_commands(*texts: str) -> list[str]:
    text = "\n".join(texts)
    found = re.findall(r"^spikecast ([^#\n]+)", text, flags=re.MULTILINE)
    found += re.findall(r"`spikecast ([^`]+)`", text)
    # --help and the like are options of the command line itself, not of a command
    options = ("--help", "COMMAND --help", "--install-completion", "--show-completion")
    return sorted({one.strip() for one in found if one.strip() not in options})


COMMANDS = find_commands(README, COMMAND_PAGE, START)


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def small_data(monkeypatch, recording):
    """Give the examples a smaller session of the same areas, which takes a tenth of the time."""

    def load(name):
        assert name == "simulated"
        return recording

    monkeypatch.setattr(sc, "load", load)


@pytest.mark.usefixtures("small_data")
def test_the_models_of_ones_own_run(capsys):
    text = (ROOT / "docs" / "own_models.md").read_text(encoding="utf-8")
    names: dict = {}
    for block in blocks("python", text):
        exec(compile(block, "own_models.md", "exec"), names)
    assert "TrialMean" in capsys.readouterr().out


@pytest.mark.usefixtures("small_data")
def test_its_python_runs(capsys):
    names: dict = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert "reduced_rank" in capsys.readouterr().out


@pytest.mark.parametrize("block", blocks("yaml", COMMAND_PAGE))
def test_the_configs_are_valid(block):
    models = ["mean_rate", "pca_ridge", "timescales"]
    whole = {"data": {"path": "simulated"}, "task": {"target": "MOs"}, "models": models}
    assert isinstance(parse_config(whole | yaml.safe_load(block)), Config)


@pytest.mark.parametrize("text", COMMANDS)
def test_the_commands_are_accepted(text):
    name, *words = shlex.split(text.replace("...", ""))
    command = load_command(name)
    context = command.make_context(name, words)
    assert not context.args or name == "data"


def test_its_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_files_that_the_architecture_names_exist():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:\.py|/))`", text))
    named = {name for name in named if not name.startswith("tests/")}
    places = {str(path.relative_to(SOURCE.parent)) for path in SOURCE.rglob("*")}
    missing = {
        name
        for name in named
        if not any(f"/{place}".endswith(f"/{name.rstrip('/')}") for place in places)
    }
    assert len(named) > 20
    assert missing == set()
