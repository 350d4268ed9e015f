"""What adding something costs: the files that docs/architecture.md names, and nothing else.

The package is copied, files are added and lines of catalogues, and the command line of the copy
does the rest.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest

import spikecast

SOURCE = Path(spikecast.__file__).parent

MODEL = '''
"""The last count of each source's mean: a model of one file."""

import numpy as np

from spikecast.models.base import Model
from spikecast.models.spaces import Between


class Halfway(Model):
    """Each target's mean rate, times a factor."""

    about = "the mean rate times a factor"
    is_baseline = True
    causal = True
    search_space = {"factor": Between(0.5, 2.0)}
    fit_record = ("mean_",)

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self.mean_ = y.mean(axis=(0, 1), dtype=float)

    def _predict(self, x: np.ndarray) -> np.ndarray:
        mean = np.maximum(self.factor * self.mean_, 1e-4)
        return np.broadcast_to(mean, (*x.shape[:2], self.n_targets_)).copy()
'''
METRIC = """
    Metric(
        "distance",
        "counts",
        "distance",
        "Mean distance of the predicted rate from the count.",
        null="",
        higher_is_better=False,
        depends_on_rate=True,
        in_page=True,
        value=lambda held_out: float(np.abs(held_out.truth - held_out.prediction).mean()),
    ),
"""
READER = '''
"""Counts in a numpy file of one array."""

from functools import partial
from pathlib import Path

import numpy as np

from spikecast.data.recording import Recording

CONTENT = ".counts files of one array"


def sniff(path: Path) -> bool:
    """Return whether a file ends in ``.counts``."""
    return path.suffix == ".counts"


def open_sessions(path: Path) -> list:
    """Return one callable, which reads the file."""
    return [partial(read, path)]


def read(path: Path) -> Recording:
    """Return the recording: a third of the neurons in each area."""
    with path.open("rb") as file:
        counts = np.load(file)
    n_neurons = counts.shape[2]
    area = np.array(["A", "B", "C"])[np.arange(n_neurons) * 3 // n_neurons]
    return Recording.from_arrays(counts, time=0.01 * np.arange(counts.shape[1]), area=area)
'''
COMMAND = '''
"""spikecast count DATA."""

from typing import Annotated

import typer


def count(data: Annotated[str, typer.Argument(help="a file")]) -> None:
    """Print how many neurons a file holds."""
    from spikecast.data import load

    print(load(data).n_neurons)
'''
ANALYSIS = '''
"""Silence: in how many bins nobody fires."""

from dataclasses import dataclass

from spikecast.data.recording import Recording


@dataclass(frozen=True)
class Silence:
    """The share of bins in which nobody fires, trial by trial."""

    share: float


def silence(recording: Recording) -> Silence:
    """Return how silent a recording is."""
    return Silence(float((recording.activity.sum(axis=2) == 0).mean()))
'''
QUESTION = '''
"""How silent a population is."""

from collections.abc import Iterator

from spikecast.analysis.geometry.silence import silence
from spikecast.runs.questions.material import Material
from spikecast.runs.questions.question import (
    Answer, AnswerSchema, Facts, Question, QuestionBlock
)


class Silence(QuestionBlock):
    """How silent a population is."""

    def expand(self, material: Material) -> Iterator[Question]:
        """Yield the one question."""
        yield self.make_question(material, ("silence",), "looking for silence", answer)


STORED = AnswerSchema(Facts)


def answer(material: Material, block: Silence) -> Answer:
    """Return the share of silent bins."""
    return Answer({"share": silence(material.recording).share})
'''
SECTION = '''
"""How silent a population is: its part of the page."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from spikecast.report.shared.section import Drawing, Section
from spikecast.report.shared.style import new_figure, report_style
from spikecast.runs.reader import StoredAnswer


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per answer."""
    return [f"Nobody fires in {100 * answer['share']:.1f} % of bins." for answer in answers]


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on silence."""
    figure = Drawing("silence", draw_silence, answers, "The share of silent bins.", alt="A bar.")
    return Section("How silent", sentences=headlines(answers), figures=[figure])


@report_style
def draw_silence(answers: Sequence[StoredAnswer]) -> Figure:
    """Draw a bar."""
    figure = new_figure(2)
    figure.subplots().barh(0, answers[0]["share"])
    return figure
'''


CONFIG = """
data: {path: mine.counts}
task: {target: A, min_rate: 0}
models: [mean_rate, halfway, pca_ridge]
evaluation: {folds: 3}
analysis:
  silence: {}
"""


class Package:
    """A copy of the package that things are added to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "spikecast"
        shutil.copytree(SOURCE, self.source)
        self.touched: list[str] = []
        self.printed = ""

    def add_file(self, place: str, text: str) -> None:
        path = self.source / place
        assert not path.exists()
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
        self.touched.append(place)

    def add_line(self, place: str, text: str, *, before: str) -> None:
        self.change_line(place, before, text + before)

    def change_line(self, place: str, old: str, new: str) -> None:
        path = self.source / place
        content = path.read_text(encoding="utf-8")
        assert content.count(old) == 1, (place, old)
        path.write_text(content.replace(old, new), encoding="utf-8")
        self.touched.append(place)

    def call(self, *words: object) -> str:
        """Call the command line of the copy; return what it prints."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, "-m", "spikecast.cli", *map(str, words)],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Package:
    """The package with a model, a metric, a format and a command more, and one run of them."""
    package = Package(tmp_path_factory.mktemp("package"))
    package.add_file("models/halfway.py", MODEL)
    single = "models/single.py"
    package.add_line(
        single,
        "from spikecast.models.halfway import Halfway\n",
        before="from spikecast.models.lfads import LFADS\n",
    )
    package.add_line(single, '    "halfway": Halfway,\n', before='    "pls": PLS,\n')
    package.add_line("scoring/metric_table.py", METRIC, before='    Metric(\n        "psth_r2",')
    package.add_file("data/readers/counts.py", READER)
    readers = "data/readers/__init__.py"
    package.change_line(readers, "    alf,\n", "    alf,\n    counts,\n")
    package.change_line(
        readers, '"stringer": stringer,\n', '"stringer": stringer,\n    "counts": counts,\n'
    )
    package.add_file("analysis/geometry/silence.py", ANALYSIS)
    package.add_file("runs/questions/silence.py", QUESTION)
    package.add_file("report/questions/silence.py", SECTION)
    catalog = "runs/questions/catalog.py"
    package.add_line(
        catalog,
        "from spikecast.runs.questions.silence import Silence\n",
        before="from spikecast.runs.questions.subspace import Subspace\n",
    )
    package.add_line(
        catalog,
        "    silence: Silence | None = None\n",
        before="    align: Alignment | None = None\n",
    )
    catalog = "report/questions/catalog.py"
    package.add_line(catalog, "    silence,\n", before="    subspace,\n")
    package.add_line(catalog, '    "silence": silence,\n', before='    "subspace": subspace,\n')
    package.add_file("cli/count.py", COMMAND)
    counts = np.random.default_rng(0).poisson(0.3, size=(30, 40, 24))
    with (package.folder / "mine.counts").open("wb") as file:
        np.save(file, counts)
    (package.folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    words = ("run", "config.yaml", "--out", "run", "--quiet", "--workers", 1)
    package.printed = package.call(*words)
    return package


def test_a_model_costs_its_file_and_the_catalogue(package):
    assert {one for one in package.touched if one.startswith("models/")} == {
        "models/halfway.py", "models/single.py",
    }  # fmt: skip
    table = pd.read_csv(package.folder / "run" / "scores.csv")
    assert "halfway" in set(table["model"])
    assert "halfway" in package.call("models")
    assert "halfway" in (package.folder / "run" / "report.html").read_text(encoding="utf-8")


def test_a_metric_costs_one_entry(package):
    table = pd.read_csv(package.folder / "run" / "scores.csv")
    values = table.query("metric == 'distance' and fold == 'all'")["value"]
    assert len(values) == table["model"].nunique()
    assert (values > 0).all()
    page = (package.folder / "run" / "report.html").read_text(encoding="utf-8")
    assert "<th>distance</th>" in page
    assert f"{values.iloc[0]:.3f}" in page


def test_a_format_costs_its_file_and_one_line(package):
    assert {one for one in package.touched if one.startswith("data/")} == {
        "data/readers/counts.py", "data/readers/__init__.py",
    }  # fmt: skip
    assert "A 8, B 8, C 8" in package.call("inspect", "mine.counts")


def test_a_command_costs_its_file(package):
    assert [one for one in package.touched if one.startswith("cli/")] == ["cli/count.py"]
    assert package.call("count", "mine.counts") == "24\n"


def test_an_analysis_with_its_figure_costs_three_files_and_their_lines(package):
    assert {one for one in package.touched if "silence" in one or "questions" in one} == {
        "analysis/geometry/silence.py",
        "runs/questions/silence.py",
        "runs/questions/catalog.py",
        "report/questions/silence.py",
        "report/questions/catalog.py",
    }
    assert "How silent" in (package.folder / "run" / "report.html").read_text(encoding="utf-8")
    assert (package.folder / "run" / "figures" / "silence.svg").exists()
    assert "Nobody fires in" in package.printed
