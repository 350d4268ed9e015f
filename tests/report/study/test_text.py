"""Cells and sentences of a study follow from its facts."""

import ast
from pathlib import Path

import pytest

from spikecast.core.notices import NoticeKind
from spikecast.report.study import text
from spikecast.runs import studies
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.study import Measure

FACTS = {
    "study": "ninja", "quick": False, "origin": "simulated", "session": "Lederberg", "notices": [],
    "n_trials": 1, "n_bins": 7018, "n_neurons": 11983, "columns": [],
    "conclusions": [NoticeKind("cost", "severe", "{points:.0f} points")(points=3.2).to_json()],
}  # fmt: skip


def test_every_unit_that_a_study_measures_in_can_be_written():
    folder = Path(studies.__file__).parent
    units = {
        call.args[2].value
        for path in folder.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") == "Measure"
        and isinstance(call.args[2], ast.Constant)
    }
    assert len(units) > 10
    assert units <= set(text.UNITS)


@pytest.mark.parametrize(
    ("measure", "written"),
    [
        (Measure("", 0.12345, "mse"), "MSE 0.1235"),
        (Measure("", 0.12, "onset", 0.1), "120 ms after the stimulus (100 to the end)"),
        (Measure("", None, "onset", float("nan"), float("nan")), "no onset found"),
        (Measure("", 6, "at_least"), "at least 6"),
        (Measure("VISp and MOs", "MOs", "leader"), "VISp and MOs: MOs leads"),
        (Measure("", 0.5, "accuracy", 0.4, 0.6, chance=0.3), "50% (40% to 60%), chance 30%"),
    ],
)  # fmt: skip
def test_a_measure_is_written_with_what_is_known_of_it(measure, written):
    assert text.describe_measure(measure.to_json()) == written


@pytest.mark.parametrize(("p", "sign"), [(0.01, "≤"), (0.2, "=")])
def test_the_smallest_p_that_permutations_can_give_is_a_limit(p, sign):
    measure = Measure("", 0.5, "accuracy", chance=0.3, p=p, n_permutations=99)
    assert f"p\N{NO-BREAK SPACE}{sign}" in text.describe_measure(measure.to_json())


@pytest.mark.parametrize("origin", list(text.ORIGINS))
def test_the_origin_of_the_data_is_told_and_simulated_numbers_are_marked(origin):
    facts, preset = FACTS | {"origin": origin}, read_preset("ninja")
    (sentence,) = text.origin(facts, preset)
    assert "11,983 neurons, 7,018 bins" in sentence
    cell = text.cell([Measure("", 0.5, "r2").to_json()], facts)
    (conclusion,) = text.conclusions(facts)
    marked = [
        "simulated" in words.lower() for words in (*cell, conclusion, *text.summary(facts, preset))
    ]
    assert set(marked) == {origin == "simulated"}
    assert text.cell([], facts) == ["–"]
