"""Study A: its flaws by name, its sound numbers, its page."""

import json
import shutil

import numpy as np
import pytest

from spikecast.analysis.slowness import labels_come_in_runs
from spikecast.core.errors import (
    DamagedFileError,
    FormatError,
    InputError,
    NotEnoughDataError,
    RunError,
    UnknownNameError,
)
from spikecast.data import simulate
from spikecast.report.study import page as pages
from spikecast.report.study import text
from spikecast.report.study.scores import make_score_drawing
from spikecast.runs import audit
from spikecast.runs.reader import read_answers
from spikecast.runs.studies import livewired, livewired_forward
from spikecast.runs.studies.livewired_before import decode_before, explain_before, find_before
from spikecast.runs.studies.livewired_dynamics import find_dynamics
from spikecast.runs.studies.livewired_network import (
    fit_as_described,
    make_network,
    make_task,
    split_directions,
)
from spikecast.runs.studies.preset import make_quick, read_preset
from spikecast.runs.studies.run import read_facts, run_study
from spikecast.runs.studies.step_cache import StepCache
from spikecast.runs.studies.study import StudyInputs
from spikecast.runs.studies.study_data import (
    StudyData,
    find_origin,
    find_recording,
    read_movement,
    with_column,
)

TINY = {
    "data": {"simulation": {"n_trials": 130, "areas": {"VISp": 20, "MD": 15, "MOs": 15},
                            "n_bins": 45, "stim_onset": 0.2}},
    "settings": {"n_iterations": 60, "permutations": 5, "draws": 5, "folds": 3},
    "sound": {"main": {
        "models": ["mean_rate", {"timescales": {"n_members": 1, "epochs": 3}},
                   {"mlp": {"epochs": 2}}],
        "evaluation": {"folds": 3, "bootstrap": 200, "shifts": 0},
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(livewired, "MOST_BINS", 4)
        patch.setattr(livewired_forward, "N_DRAWS", 4)
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
    (decoded,) = [n.values for n in facts["conclusions"] if n.code == "decoded"]
    assert decoded["described"] == described["headline"]
    (stairs,) = facts["staircases"]
    steps = {step["key"]: step for step in stairs["steps"]}
    assert steps["own"]["measure"]["value"] == pytest.approx(described["headline"])
    assert steps["unseen"]["measure"]["value"] == pytest.approx(described["test"])
    assert steps["network"]["measure"]["value"] == rows["network"]["sound"][0]["value"]
    assert steps["model"]["measure"]["value"] == rows["headline"]["sound"][0]["value"]
    last = [step for step in stairs["steps"] if step["kind"] == "protocol"][-1]
    lost = last["measure"]["value"] - described["headline"]
    assert stairs["sums"]["protocol"] == pytest.approx(lost)
    whole = decoded["sound"] - decoded["described"]
    assert sum(stairs["sums"].values()) == pytest.approx(whole)
    assert {step["key"] for step in stairs["steps"] if step["kind"] == "decoder"} == {
        "network", "decoder"
    }  # fmt: skip
    assert "evaluated on training data" in rows["headline"]["flaws"]
    assert rows["averages"]["flaws"] == ["evaluated on training data", "null missing"]
    assert rows["before"]["flaws"] == []  # the null that the deck lacks is drawn, and printed
    assert {"chance", "p"} <= set(rows["before"]["described"][0]) & set(
        rows["side"]["described"][0]
    )
    assert "null missing" not in rows["side"]["flaws"]
    assert "null missing" in rows["test"]["flaws"]
    for key in ("mlp_decoder", "side"):
        assert "fitted outside the fold" in rows[key]["flaws"]
    for key, code in (("averages", "remembered"), ("flow", "lead"), ("network", "new_latents"),
                      ("headline", "chances"), ("before", "asked_before"),
                      ("side", "side_told"), ("when", "half_way"),
                      ("spikes", "training_loss")):  # fmt: skip
        assert code in [notice.code for notice in rows[key]["because"]]
    assert rows["spikes"]["flaws"] == ["evaluated on training data"]  # the mean's loss stands there
    (decoders,) = rows["mlp_decoder"]["because"]
    apart = 100 * (rows["mlp_decoder"]["sound"][0]["value"] - rows["network"]["sound"][0]["value"])
    assert decoders.values["difference"] == pytest.approx(apart)
    assert decoders.values["low"] <= apart <= decoders.values["high"]
    of_trials = [one["name"] for one in rows["when"]["described"]]
    assert any("of the SVM's " in name and "test trials" in name for name in of_trials)
    (beside,) = [one for one in rows["mlp"]["because"] if one.code == "models_beside"]
    # of nearly the same neurons, above nearly the same means
    apart = beside.values["own"] - beside.values["theirs"]
    assert beside.values["difference"] == pytest.approx(apart, abs=0.02)
    ranked = [one.values["best"] for one in facts["conclusions"] if one.code == "models_ranked"]
    assert ranked == [max(rows["spikes"]["sound"] + rows["mlp"]["sound"],
                          key=lambda one: one["value"])["name"]]  # fmt: skip


def test_every_cell_has_a_number_or_a_reason(folder, check_rows):
    facts = read_facts(folder)
    check_rows(facts)
    assert {row["key"] for row in facts["columns"]} >= {
        "averages", "network", "before", "mlp_decoder", "mlp", "side", "flow", "dynamics", "lfads",
    }  # fmt: skip


def test_the_page_shows_the_origin_first_and_every_flaw(folder, build_all_pages):
    page = build_all_pages(folder).read_text()
    body = page.split("<body>")[1]
    assert body.strip().startswith('<p class="origin simulated" id="origin">')
    for phrase in ("Evaluated on training data", "Acausal timing", "sound/main/report.html",
                   "96.6", "Not stated on the slides", "Simulated data."):  # fmt: skip
        assert phrase in page, phrase
    assert page.count('<img src="data:image/svg+xml;base64,') >= 8
    assert (folder / "sound/main/report.html").exists()
    assert page.count("<picture>") >= 3  # drawn anew for narrow screens


def test_their_network_stands_among_the_scores_by_readable_names(folder):
    study = pages.StudyRun(folder)
    (spikes,) = [row for row in study.facts["columns"] if row["key"] == "spikes"]
    drawing = make_score_drawing(study.runs["main"].targets[0], {}, spikes["sound"])
    theirs = next(one for one in spikes["sound"] if one["name"] == "their RNN")
    drawn = drawing.subject.set_index("title")["bits_per_spike"]
    assert drawn["their RNN"] == theirs["value"]
    assert {"timescales", "mean rate", "their RNN"} <= set(drawn.index)
    assert drawn.is_monotonic_decreasing
    assert "deck's own networks" in drawing.caption
    (axes,) = drawing.draw(drawing.subject).axes
    assert [one.get_text() for one in axes.get_yticklabels()][::-1] == list(drawn.index)


def test_a_choice_that_the_stimulus_settles_is_not_dated_beyond_it():
    recording = simulate.decision_task(200, {"VISp": 10, "MOs": 10}, n_bins=20, seed=1).recording
    prepared = livewired.prepare(recording, {"target": "MOs"})
    assert prepared.names["beyond"] == ["contrast_left", "contrast_right"]
    trials = recording.trials
    side = np.sign(trials["contrast_left"] - trials["contrast_right"]).astype(int)
    fixed = livewired.prepare(with_column(recording, "response", side), {"target": "MOs"})
    assert fixed.names["beyond"] is None
    assert [notice.code for notice in fixed.notices] == ["choice_is_stimulus"]


@pytest.mark.slow
def test_without_choice_information_only_the_headline_is_high(tmp_path):
    # neither stimulus nor choice nor movement reaches the neurons
    silent = simulate.decision_task(
        300, {"VISp": 20, "MD": 15, "MOs": 15}, n_bins=40, seed=2,
        effects={"stimulus": 0, "choice": 0, "movement": 0},
    ).recording  # fmt: skip
    settings = read_preset("livewired").settings
    settings |= {"n_iterations": 60, "permutations": 10, "draws": 10}
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


def test_data_without_the_areas_are_refused_by_those_they_have():
    settings = read_preset("livewired").settings
    for areas, error, said in (
        ({"VISp": 12, "MD": 11}, UnknownNameError, r"area 'MOs'.*MD, VISp"),
        ({"MOs": 12, "MD": 4}, NotEnoughDataError, r"10 neurons or more .* MD \(4\), MOs \(12\)"),
    ):
        recording = simulate.decision_task(40, areas, n_bins=40).recording
        with pytest.raises(error, match=said):
            livewired.prepare(recording, settings)


def test_a_preset_of_something_else_is_refused_by_its_file(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "preset.yaml").write_text("settings: {}\n")
    with pytest.raises(DamagedFileError, match=r"preset\.yaml' is damaged: the config lacks"):
        pages.StudyRun(copy)


def test_mistakes_are_explained(folder, tmp_path):
    with pytest.raises(RunError, match="a finished study; resume it, overwrite it"):
        run_study("livewired", folder, quick=True)
    with pytest.raises(RunError, match="begun with another quick, seed"):
        run_study("livewired", folder, quick=True, seed=1, resume=True)
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
                                "effects": {"choice": 1.5, "history": 0.0, "state": 0.0},
                                "n_bins": 70, "stim_onset": 0.3}},
        "settings": {"n_iterations": 60},
        "sound": {"main": {"models": ["mean_rate", {"timescales": {"n_members": 1}}]}},
    }  # fmt: skip
    folder = small("livewired", change, trained=True)
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    assert rows["headline"]["sound"][0]["value"] > 0.6
    assert 0.11 < rows["when"]["sound"][0]["value"] < 0.2
    plain, beyond = read_answers(folder / "sound" / "main", "over_time")
    assert "follows_stimulus" in [notice.code for notice in plain.notices]
    assert beyond["strata"] == ["contrast_left", "contrast_right"]
    assert "follows_stimulus" not in [notice.code for notice in beyond.notices]


@pytest.mark.slow
@pytest.mark.parametrize("history", [3.0, 0.0])
def test_runs_of_choices_in_a_drifting_session_are_named_where_they_are(history, tmp_path):
    """The effect is planted in the quick simulation; without it the sentence is another."""
    quick = make_quick(read_preset("livewired"))
    effects = quick.data.simulation["effects"] | {"history": history}
    simulated = simulate.decision_task(**quick.data.simulation | {"effects": effects}, seed=0)
    settings = quick.settings | {"n_iterations": 120, "draws": 99 if history else 39}
    prepared = livewired.prepare(simulated.recording, settings)
    problem = make_task(settings).problem(prepared.recording)
    fold = livewired._cut_randomly(len(problem.y), 0, "trials")
    train = fold.train
    fit = fit_as_described(problem, fold, settings, 0)
    before, when = find_before(problem.time)
    words = prepared.recording.trials["choice"].to_numpy().astype(str)[train]
    parts = (fit[name][train][:, before] for name in ("latents", "forward"))
    found = decode_before(*parts, words, settings["draws"], 0)
    notices = {notice.code: str(notice) for notice in explain_before(found, "choice", when, 7)}
    if history:
        reasons = [str(notice) for notice in explain_before(found, "choice", when, 7)]
        assert any("Drift together with runs of labels can be the reason" in one for one in reasons)
        assert not any("acausal network can be the reason" in one for one in reasons)
        assert "come in runs" in notices["labels_in_runs"]
    else:
        assert "nothing to explain" in notices["nothing_to_explain"]
        assert "of these 7 trials" in notices["classes_unequal"]


def test_each_reason_is_found_where_it_is_the_only_one():
    rng = np.random.default_rng(0)
    runs = np.repeat(rng.integers(3, size=20), 8)
    place = np.arange(runs.size) / 8
    slow = np.stack([np.sin(place / 3), np.cos(place / 3), place / 30], axis=-1)
    slow = slow[:, np.newaxis] + 0.2 * rng.normal(size=(runs.size, 4, 3))
    own = np.eye(3)[runs][:, np.newaxis] + 0.3 * rng.normal(size=(runs.size, 4, 3))
    noise = rng.normal(size=own.shape)
    drifts, knows_end = (
        dict(zip(found["ways"], found["p"], strict=True))
        for found in (
            decode_before(slow, slow, runs, 24, 0),
            decode_before(own, noise, runs, 24, 0),
        )
    )
    assert drifts["as described"] < 0.05 < min(drifts["drift taken out"], drifts["labels shifted"])
    assert knows_end["as described"] < 0.05 < knows_end["forward states only"]
    assert knows_end["labels shifted"] < 0.05


def test_fixed_points_and_decay_constants_are_those_that_were_planted():
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    found = find_dynamics(0.95 * turn, np.zeros(2), 0.01)
    assert len(found.points) == 1
    np.testing.assert_allclose(found.points, 0, atol=1e-6)
    assert found.decay == pytest.approx(-0.01 / np.log(0.95))
    assert found.rotation == pytest.approx(0.3 / (2 * np.pi * 0.01))
    two = find_dynamics(np.array([[2.0]]), np.zeros(1), 0.01)
    assert len(two.points) == 3  # 0 is one of them, and not stable
    assert two.stable.sum() == 2
    spinning = find_dynamics(1.5 * turn, np.zeros(2), 0.01)
    assert np.isnan(spinning.decay)


def test_the_forward_states_of_the_network_know_no_later_bin():
    recording = simulate.decision_task(20, {"VISp": 6, "MOs": 5}, n_bins=12).recording
    settings = read_preset("livewired").settings | {"n_iterations": 3}
    problem = make_task(settings).problem(recording)
    model = make_network(settings, 0).fit(problem.x, problem.y)
    changed = problem.x.copy()
    changed[:, 8:] += 1
    before, after = (split_directions(model, x) for x in (problem.x, changed))
    np.testing.assert_allclose(before[0][:, :8], after[0][:, :8], atol=1e-6)
    assert np.abs(before[1][:, :8] - after[1][:, :8]).max() > 1e-4
    np.testing.assert_allclose(sum(before) / 2, model.transform(problem.x), atol=1e-5)


@pytest.mark.parametrize("session", [2, 6])
def test_the_movement_of_real_sessions_is_decoded_in_place_of_the_choice(
    session, real_file, tmp_path
):
    given = real_file.with_name("steinmetz_movement.npz")
    if not given.exists():
        pytest.skip("the movement labels (../shared/data) are not here")
    data = StudyData(path=str(real_file), session=session, movement=str(given))
    written = read_preset("livewired")
    prepared = livewired.prepare(find_recording(written, data, seed=0), written.settings)
    assert prepared.names["label"] == "movement"
    trials = prepared.recording.trials
    assert set(np.unique(trials["movement"])) == {"Left", "NoGo", "Right"}
    assert "side" in trials  # the stimulus stands beside it
    assert "behavior" in prepared.names["sources"]
    assert prepared.notices[0].code == "movement_for_choice"


def test_a_movement_file_that_does_not_fit_is_explained(tmp_path):
    path = tmp_path / "movement.npz"
    np.savez(path, session0=np.array([0, 1, 2, -1]), session1=np.array([0, 7]))
    assert read_movement(str(path), 0, 4).tolist() == [0, 1, 2, -1]
    for session, n_trials, words in ((2, 4, "has no array 'session2'"), (0, 5, "per trial"),
                                     (1, 2, "per trial")):  # fmt: skip
        with pytest.raises(FormatError, match=words):
            read_movement(str(path), session, n_trials)
    np.savez(path, session0=np.array([0, 1, 2, -1], dtype=complex))
    with pytest.raises(FormatError, match="it holds complex128"):
        read_movement(str(path), 0, 4)
    for content in ("no archive", ""):
        path.write_text(content)
        with pytest.raises(FormatError, match="is damaged"):
            read_movement(str(path), 0, 4)
