"""Cells and sentences of a study follow from its facts."""

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from spikecast.core.notices import NoticeKind
from spikecast.evaluation.beyond import Beyond, ShiftTest
from spikecast.evaluation.verdict import Verdict
from spikecast.report.study import text
from spikecast.report.study.scores import explain_gain
from spikecast.report.study.units import UNITS
from spikecast.runs import studies
from spikecast.runs.studies.catalog import STUDIES
from spikecast.runs.studies.contents import UnitName
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.study import Measure
from spikecast.scoring.ratio_scores import Interval

FACTS = {
    "study": "ninja", "quick": False, "origin": "simulated", "session": "Lederberg", "notices": [],
    "n_trials": 1, "n_bins": 7018, "n_neurons": 11983, "columns": [],
    "staircases": [],
    "conclusions": [NoticeKind("cost", "severe", "{points:.0f} points")(points=3.2)],
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
    assert units <= set(UNITS) == set(get_args(UnitName))


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
    sentence = text.origin(facts, preset)[0]
    assert "11,983 neurons, 7,018 bins" in sentence
    cell = text.cell([Measure("", 0.5, "r2").to_json()], facts)
    (conclusion,) = text.conclusions(facts)
    marked = [
        "simulated" in words.lower() for words in (*cell, conclusion, *text.summary(facts, preset))
    ]
    assert set(marked) == {origin == "simulated"}
    assert text.cell([], facts, "nobody asked") == ["None: nobody asked"]


def make_row(described, sound, **more):
    cells = {
        "described": [one.to_json() for one in described],
        "sound": [one.to_json() for one in sound],
    }
    return {"key": "one", "because": [], "mechanism": "Why.", "unlike_units": ""} | cells | more


@pytest.mark.parametrize(
    ("described", "sound", "written"),
    [
        (0.9, 0.6, "90% as described against 60% (50% to 70%), 30 points less."),
        (0.65, 0.6, "so here the flaws cost nothing that can be told."),
        (0.4, 0.6, "20 points more."),
    ],
)
def test_the_difference_is_computed_from_the_cells(described, sound, written):
    cells = [Measure("", described, "accuracy")], [Measure("", sound, "accuracy", 0.5, 0.7)]
    first, last = text.because(make_row(*cells))
    assert written in first
    assert last == "What can make a difference: Why."


def test_unlike_units_are_explained_and_not_compared():
    cells = [Measure("", 0.1, "poisson_nll")], [Measure("", 0.2, "bits_per_spike", 0.1, 0.3)]
    row = make_row(*cells, unlike_units="A loss is no score.")
    assert text.have_unlike_units(row)
    assert text.because(row)[0] == "A loss is no score."
    assert not text.have_unlike_units(make_row(cells[0], cells[0]))


def make_staircase(*steps):
    """A staircase of (kind, value, half its interval), as the facts have it."""
    before, facts, sums = steps[0][1], [], {}
    for index, (kind, value, half) in enumerate(steps):
        measure = Measure("", value, "accuracy", value - half, value + half).to_json()
        facts.append({"key": str(index), "kind": kind, "change": f"change {index}",
                      "measure": measure, "difference": value - before})  # fmt: skip
        if kind != "start":
            sums[kind] = sums.get(kind, 0.0) + value - before
        before = value
    return {"key": "all", "row": "one", "title": "Choice", "caption": "", "steps": facts,
            "sums": sums}  # fmt: skip


def test_points_of_the_protocol_are_those_of_its_steps_only():
    stairs = make_staircase(
        ("start", 0.97, 0.02), ("protocol", 0.7, 0.1), ("protocol", 0.5, 0.05), ("model", 0.6, 0.05)
    )
    written = " ".join(text.staircase(stairs))
    assert "from 97% to 60%" in written
    assert "47 points (42 to 52) were the protocol (change 1 −27, change 2 −20)." in written
    assert "10 points (3 to 17) were won by the model." in written
    assert text.because(make_row([], []), [stairs])[0] == "Choice: from 97% to 60%."
    short = "47 points (42 to 52) were the protocol. 10 points (3 to 17) were won by the model."
    assert short in text.conclusions(FACTS | {"staircases": [stairs]})[0]


def test_steps_that_won_and_lost_are_not_said_to_have_added_nothing():
    stairs = make_staircase(("start", 0.3, 0.02), ("protocol", 0.7, 0.02), ("protocol", 0.6, 0.02))
    written = " ".join(text.staircase(stairs))
    assert "won 30 points (27 to 33) on balance" in written
    assert "change 1 +40, change 2 −10" in written
    assert "added nothing" not in written


@pytest.mark.parametrize(
    ("value", "half", "written"),
    [(0.9, 0.1, "cost nothing that can be told"), (0.99, 0.01, "won 4 points (2 to 6)")],
)
def test_a_protocol_that_cost_nothing_is_said_to_cost_nothing(value, half, written):
    stairs = make_staircase(("start", 0.95, 0.02), ("protocol", value, half))
    assert written in " ".join(text.staircase(stairs))
    assert "were the protocol" not in " ".join(text.staircase(stairs))


def test_a_protocol_whose_steps_cancel_is_not_said_to_have_cost_nothing():
    stairs = make_staircase(("start", 0.92, 0.02), ("protocol", 0.67, 0.1), ("protocol", 0.9, 0.05))
    written = " ".join(text.staircase(stairs))
    assert "−2 points (−7 to +3) (change 1 −25, change 2 +23)" in written
    assert "single steps are larger (change 1: −25)" in written
    assert "cost nothing" not in written


@pytest.mark.parametrize(("half", "told"), [(0.05, False), (0.01, True)])
def test_points_of_decoder_and_model_are_apart_and_cannot_be_told_within_the_interval(half, told):
    stairs = make_staircase(
        ("start", 0.9, 0.02), ("protocol", 0.6, 0.05), ("decoder", 0.95, half),
        ("model", 0.92, 0.01),
    )  # fmt: skip
    written = " ".join(text.staircase(stairs))
    assert "were won by the decoder." in written
    assert ("lost by the model." in written) == told
    assert ("lost by the model: that cannot be told from none" in written) != told


@pytest.mark.parametrize(("half", "told"), [(0.02, True), (0.06, False)])
def test_points_of_the_protocol_are_claimed_only_beyond_the_intervals_of_both_ends(half, told):
    # the number after it is the same, and only the one before it is known worse
    stairs = make_staircase(("start", 0.95, half), ("protocol", 0.9, 0.02))
    written = " ".join(text.staircase(stairs))
    assert ("were the protocol" in written) == told
    assert ("cost nothing that can be told from none" in written) != told


@pytest.mark.parametrize("back", [True, False])
def test_steps_that_cancel_are_not_said_to_have_changed_nothing(back):
    second = 0.957 if back else 0.969
    stairs = make_staircase(
        ("start", 1.0, 0.02), ("protocol", 0.957, 0.02), ("decoder", 0.97, 0.02),
        ("decoder", second, 0.02), ("model", 0.974, 0.02),
    )  # fmt: skip
    written = " ".join(text.staircase(stairs))
    assert "from 100.0% to 97.4%" in written
    assert "changed nothing" not in written
    assert ("The decoder's steps (+1.3, −1.3) add up to none." in written) == back
    assert "4.3 points" in written


def test_onsets_are_earlier_and_later_and_what_is_not_compared_is_explained():
    cells = [Measure("", 0.2, "onset")], [Measure("", 0.1, "onset", 0.05, 0.15)]
    assert "100 ms earlier." in text.because(make_row(*cells))[0]
    assert text.because(make_row([], cells[1]))[-1] == "What it means: Why."


@pytest.mark.parametrize("origin", ["simulated", "real"])
def test_what_stands_in_for_the_decks_session_says_so_and_what_was_planted(origin):
    preset = read_preset("livewired")
    written = " ".join(text.origin(FACTS | {"origin": origin}, preset))
    for words in (preset.data.absent, "Planted: responses to the stimulus"):
        assert (words in written) == (origin == "simulated")


def test_the_answer_to_the_question_stands_first():
    notices = [NoticeKind(code, "minor", f"It is {code}.")() for code in ("one", "two")]
    facts = FACTS | {"conclusions": notices, "staircases": []}
    assert [one[-4:] for one in text.conclusions(facts, "two")] == ["two.", "one."]
    said = text.conclusions(facts, "MOs can be predicted.")
    assert said[0].endswith("MOs can be predicted.")
    assert len(said) == 3
    assert text.conclusions(facts, "unknown") == text.conclusions(facts)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_names_what_answers_its_question(name):
    preset = read_preset(name)
    files = Path(studies.__file__).parent.glob("*.py")
    code = [path.read_text(encoding="utf-8") for path in files]
    conclusions = {
        notice for text in code for notice in re.findall(r'NoticeKind\(\s*"(\w+)"', text)
    }
    assert preset.answer in {*preset.sound, *conclusions}


@pytest.mark.parametrize(("outcome", "said"), [("predicted", True), ("not_beyond", False)])
def test_what_a_gain_measures_is_said_where_one_is_told(outcome, said):
    score, gain = Interval(1.5, 1.4, 1.6), Interval(0.27, 0.25, 0.29)
    beyond = Beyond("behavior", gain, ShiftTest(0.024, 0.2, (-1, 1), (0.0, 0.0)))
    verdict = Verdict("MOs", "rest", "bits_per_spike", outcome, "timescales", score,
                      ("psth", "drift", "behavior"), beyond=beyond)  # fmt: skip
    assert ("measured with the rest fitted" in explain_gain(verdict)) == said
    assert explain_gain(replace(verdict, beyond=None)) == ""
