"""Study A: its flaws by name, its sound numbers, its page."""

import json

import numpy as np
import pytest

from spikecast.analysis.decoding.slowness import labels_come_in_runs
from spikecast.core.errors import InputError, RunError
from spikecast.data import simulate
from spikecast.report.study import page as pages
from spikecast.report.study import text
from spikecast.runs import audit
from spikecast.runs.reader import read_answers
from spikecast.runs.studies import livewired
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.run import read_facts, run_study
from spikecast.runs.studies.step_cache import StepCache
from spikecast.runs.studies.study import StudyInputs
from spikecast.runs.studies.study_data import StudyData, find_origin, find_recording, with_column

TINY = {
    "data": {"simulation": {"n_trials": 130, "areas": {"VISp": 20, "MD": 15, "MOs": 15},
                            "n_bins": 60, "stim_onset": 0.2}},
    "settings": {"n_iterations": 60},
    "sound": {"main": {
        "models": ["mean_rate", {"recipe": {"n_latents": 10, "n_iterations": 60}},
                   {"timescales": {"n_members": 1, "epochs": 3}}],
        "evaluation": {"folds": 3, "bootstrap": 200},
        "analysis": {
            "decode": [{"labels": ["$label"], "sources": "$sources", "model": "timescales",
                        "folds": 3, "permutations": 20}],
            "over_time": [{"labels": ["$label"], "sources": ["counts"], "areas": ["$target"],
                           "folds": 3, "permutations": 40, "generalization": False}],
            "flow": {"pairs": "$flow", "lags": [1, 2], "folds": 2, "shifts": 20},
        }}},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(small):
    return small("livewired", TINY)


def flaws(folder):
    return {hazard.rule for hazard in audit.audit(folder / "described").hazards}


def test_the_deck_triggers_exactly_its_flaws_and_ours_none(folder):
    assert flaws(folder) == {flaw.rule for flaw in read_preset("livewired").flaws}
    assert audit.audit(folder / "sound" / "main").hazards == ()


def test_the_columns_say_what_is_simulated_and_what_the_protocol_was_worth(folder):
    facts = read_facts(folder)
    assert facts["origin"] == "simulated"
    rows = {row["key"]: row for row in facts["columns"]}
    for row in rows.values():
        for column in ("described", "sound"):
            assert not row[column] or "simulated" in text.cell(row[column], facts)[-1]
    described = {key: row["described"][0]["value"] for key, row in rows.items() if row["described"]}
    assert described["headline"] > described["test"]
    assert all(rows[key]["sound"] for key in ("headline", "test", "when", "spikes", "flow"))
    (cost,) = [n["values"] for n in facts["conclusions"] if n["code"] != "network_on_new_trials"]
    assert cost["described"] == described["headline"]
    assert cost["points"] == pytest.approx(100 * (cost["described"] - cost["sound"]))
    assert "evaluated on training data" in rows["headline"]["flaws"]
    assert rows["spikes"]["flaws"] == ["evaluated on training data", "null missing"]


def test_the_page_shows_the_origin_first_and_every_flaw(folder):
    page = pages.build(folder).read_text()
    body = page.split("<body>")[1]
    assert body.strip().startswith('<p class="origin simulated" id="origin">')
    for phrase in ("Evaluated on training data", "Acausal timing", "sound/main/report.html",
                   "96.6", "Not stated on the slides", "Simulated data."):  # fmt: skip
        assert phrase in page, phrase
    assert page.count('<img src="data:image/svg+xml;base64,') >= 8
    assert (folder / "sound/main/report.html").exists()


def test_a_choice_that_the_stimulus_settles_is_not_dated_beyond_it():
    recording = simulate.decision_task(200, {"VISp": 10, "MOs": 10}, n_bins=20, seed=1).recording
    prepared = livewired.prepare(recording, {"target": "MOs"})
    assert prepared.names["beyond"] == ["contrast_left", "contrast_right"]
    trials = recording.trials
    side = np.sign(trials["contrast_left"] - trials["contrast_right"]).astype(int)
    fixed = livewired.prepare(with_column(recording, "response", side), {"target": "MOs"})
    assert fixed.names["beyond"] is None
    assert [notice.code for notice in fixed.notices] == ["choice_is_stimulus"]


def test_without_choice_information_only_the_headline_is_high(tmp_path):
    # neither stimulus nor choice nor movement reaches the neurons
    silent = simulate.decision_task(
        300, {"VISp": 20, "MD": 15, "MOs": 15}, n_bins=40, seed=2,
        effects={"stimulus": 0, "choice": 0, "movement": 0},
    ).recording  # fmt: skip
    settings = read_preset("livewired").settings | {"n_iterations": 60}
    prepared = livewired.prepare(silent, settings)
    steps = StepCache(tmp_path)
    column = livewired.describe(StudyInputs(prepared.recording, prepared.names, settings, 0, steps))
    assert column.number("test") < 0.6
    assert column.number("headline") > column.number("test") + 0.1


def test_without_responses_the_stimulus_is_decoded_and_the_page_says_so(real_file):
    written = read_preset("livewired")
    recording = find_recording(written, StudyData(path=str(real_file), session=2), seed=0)
    assert find_origin(recording, written) == "real"
    prepared = livewired.prepare(recording, written.settings)
    assert prepared.names["label"] == "stimulus"
    assert [notice.code for notice in prepared.notices] == ["no_responses"]
    sides = np.unique(prepared.recording.trials["stimulus"], return_inverse=True)[1]
    assert labels_come_in_runs(sides)  # hence pseudo-sessions are the null
    assert set(np.unique(prepared.recording.trials["stimulus"])) == {"Left", "Equal", "Right"}


def test_mistakes_are_explained(folder, tmp_path):
    with pytest.raises(RunError, match="a finished study"):
        run_study("livewired", folder, quick=True)
    with pytest.raises(InputError, match="name the data"):
        find_recording(read_preset("livewired"), StudyData(session=3), seed=0)
    with pytest.raises(RunError, match="no finished study"):
        read_facts(tmp_path)
    assert json.loads((folder / "study.json").read_text())["runs"] == ["main"]


@pytest.mark.slow
def test_the_sound_column_recovers_the_planted_onset(small):
    """The choice starts at 120 ms in MOs; the stimulus, which it follows, at 50 ms."""
    change = {
        "data": {"simulation": {"n_trials": 240,
                                "effects": {"choice": 1.5}, "n_bins": 70, "stim_onset": 0.3}},
        "settings": {"n_iterations": 60},
        "sound": {"main": {"models": ["mean_rate", {"timescales": {"n_members": 1}}]}},
    }  # fmt: skip
    folder = small("livewired", change)
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    assert rows["headline"]["sound"][0]["value"] > 0.6
    assert 0.11 < rows["when"]["sound"][0]["value"] < 0.2
    plain, beyond = read_answers(folder / "sound" / "main", "over_time")
    assert "follows_stimulus" in [notice.code for notice in plain.notices]
    assert beyond["strata"] == ["contrast_left", "contrast_right"]
    assert "follows_stimulus" not in [notice.code for notice in beyond.notices]
