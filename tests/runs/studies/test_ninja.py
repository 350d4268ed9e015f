"""Study C: its flaws by name, what each flawed step does, its questions as numbers."""

import numpy as np
import pytest
import torch
import xarray as xr

from spikecast.core.errors import InputError
from spikecast.core.seeding import make_rng
from spikecast.data import simulate
from spikecast.data.recording import Recording
from spikecast.report.study import text
from spikecast.runs import audit
from spikecast.runs.studies import ninja, ninja_classifier
from spikecast.runs.studies.ninja_classifier import (
    SoftmaxTwice,
    choose_first_trials,
    explain_balance,
    explain_window,
    measure_separation,
    read_trials,
    select_before,
    split_at_random,
    split_in_time_order,
)
from spikecast.runs.studies.ninja_hypothesis import _compare_onsets, judge_areas, list_areas
from spikecast.runs.studies.ninja_maps import (
    count_cell_types,
    count_widths,
    filter_spikes,
    score_neighbors,
)
from spikecast.runs.studies.ninja_network import (
    VISUAL,
    SameNeurons,
    draw_with_replacement,
    fit_autoencoder,
    make_network,
)
from spikecast.runs.studies.preset import fill_rows, make_quick, read_preset
from spikecast.runs.studies.run import read_facts
from spikecast.runs.studies.step_cache import StepCache
from spikecast.runs.studies.study import Column, Measure, StudyInputs
from spikecast.runs.studies.study_data import StudyData, find_origin, find_recording
from spikecast.tasks.splits import Fold

pytestmark = pytest.mark.usefixtures("one_width", "quick_pages")

RUNS = ("halves", "to_thalamus", "to_visual", "correct")
DECODE = {"labels": ["correctness"], "sources": ["counts", "behavior"], "areas": ["thalamus"],
          "folds": 3, "permutations": 20, "null_labels": "pseudo_session"}  # fmt: skip
MODELS = ["mean_rate", "psth", {"recipe": {"n_latents": 6, "n_iterations": 30}},
          {"timescales": {"n_members": 1, "epochs": 3}}]  # fmt: skip
PREDICT = {"models": MODELS, "evaluation": {"folds": 2, "bootstrap": 200, "shifts": 0}}
SIMULATION = {
    "n_trials": 150, "n_bins": 60, "bin_size": 0.02, "stim_onset": 0.2,
    "areas": {"VISp": 14, "VISam": 10, "MD": 12, "LGd": 1, "LH": 6, "SUB": 1, "PL": 1, "DG": 1,
              "CA1": 1, "ACA": 1},
}  # fmt: skip
TINY = {
    "data": {"simulation": SIMULATION},
    "settings": {"n_iterations": 30, "classifier_iterations": 30, "permutations": 5,
                 "area_permutations": 5, "onset_permutations": 20,
                 "fewest_neurons": 10,
                 "search": {"n_trials": 4, "space": {"n_latents": [2, 6], "n_iterations": [5, 20],
                                                     "learning_rate": [0.005]}}},
    "sound": dict.fromkeys(RUNS[:3], PREDICT) | {
        "correct": {"analysis": {"decode": [DECODE]}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(small):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ninja_classifier, "N_REPEATS", 10)
        return small("ninja", TINY)


def prepare(effects, seed=1, areas=None):
    """The quick simulation with other effects (and sizes), made ready; inputs of its steps."""
    quick = make_quick(read_preset("ninja"))
    given = quick.data.simulation
    change = {"effects": given["effects"] | effects, "areas": given["areas"] | (areas or {})}
    recording = simulate.decision_task(**given | change, seed=seed).recording
    prepared = ninja.prepare(recording, quick.settings)
    return StudyInputs(prepared.recording, prepared.names, quick.settings, 0, StepCache(None))


@pytest.mark.slow
def test_the_deck_triggers_exactly_its_flaws_and_ours_none(folder):
    rules = {hazard.rule for hazard in audit.audit(folder / "described").hazards}
    assert rules == {flaw.rule for flaw in read_preset("ninja").flaws}
    for run in RUNS:
        assert audit.audit(folder / "sound" / run).hazards == ()


@pytest.mark.slow
def test_every_question_is_a_row_with_a_number_or_a_reason(folder, check_rows):
    facts = read_facts(folder)
    check_rows(facts)
    assert [row["key"] for row in facts["columns"]] == [r.key for r in read_preset("ninja").rows]
    rows = {row["key"]: row for row in facts["columns"]}
    for key, row in rows.items():
        assert row["sound"] or key == "cells", key
        assert row["because"] or key == "cells", key
    assert "no waveforms" in rows["cells"]["no_described"]
    assert {measure["unit"] for measure in rows["halves"]["sound"]} == {"bits_per_spike"}
    assert len(rows["classifier"]["sound"]) == 3
    trials = Recording(xr.load_dataset(folder / "data.nc", engine="h5netcdf")).trials
    apart = (trials["correctness"] == "correct") != (trials["feedback"] > 0)
    assert rows["which"]["because"][0].values["n_apart"] == apart.sum()
    sentences = " ".join(" ".join(text.because(row, facts["staircases"])) for row in rows.values())
    for code in ("n_iterations", "n_latents", "poisson_glm", "feedback", "not so: none"):
        assert code not in sentences
    stairs = {one["key"]: one for one in facts["staircases"]}
    assert set(stairs) == {"halves", "correct"}
    steps = {step["key"]: step["measure"]["value"] for step in stairs["correct"]["steps"]}
    assert steps["own"] == pytest.approx(rows["correct"]["described"][0]["value"])
    assert steps["linear"] == rows["correct"]["sound"][0]["value"]
    theirs = [measure["value"] for measure in rows["classifier"]["sound"]]
    assert [steps[key] for key in ("pooled", "once", "tuned")] == theirs
    assert "hypothesis" in {notice.code for notice in facts["conclusions"]}
    for one in stairs.values():
        first, last = (one["steps"][place]["measure"]["value"] for place in (0, -1))
        assert sum(one["sums"].values()) == pytest.approx(last - first)


@pytest.mark.slow
def test_the_window_of_the_sound_run_ends_before_the_reward(folder):
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    assert "outcome in the window" in rows["correct"]["flaws"]
    with xr.open_dataset(folder / "sound/correct/excerpt.nc", engine="h5netcdf") as excerpt:
        recorded = Recording(xr.load_dataset(folder / "data.nc", engine="h5netcdf"))
        assert excerpt["time"].max() < np.nanmin(recorded.trials["feedback_time"])


@pytest.mark.slow
def test_the_page_has_the_figures_of_the_deck_and_of_the_sound_protocol(folder, build_page):
    page = build_page(folder).read_text()
    for figure in read_preset("ninja").figures:
        assert figure.title.format(averaged="choice") in page
    assert "The window includes the reward" in page
    assert "{averaged}" not in page
    assert "{window}" not in page
    assert "one change at a time" in page
    assert page.count("data:image/svg+xml") >= 12


def test_each_flawed_step_is_flawed_as_named():
    drawn = draw_with_replacement(make_rng(0, "test"), 20, 20)
    assert len(np.unique(drawn)) < 20
    label = np.array(["b", "a", "b", "b", "a", "b"])
    assert choose_first_trials(label, 2).tolist() == [1, 4, 0, 2]
    network = SoftmaxTwice(3, 2, 2)
    output = network(torch.zeros(1, 4, 5, 3))
    assert output.shape == (1, 4, 1, 2)
    assert torch.allclose(output.sum(dim=-1), torch.ones(1, 4, 1))
    # a cross-entropy of probabilities cannot fall below that of (1, 0)
    sure = torch.tensor([[[[1.0, 0.0]]]])
    assert float(network.trial_loss(sure, sure)) == pytest.approx(0.3133, abs=1e-3)


def test_the_notebooks_trials_are_73_and_31_of_each_class_in_time_order():
    codes = make_rng(0, "test").permutation(np.repeat([0, 1], [104, 236]))
    train, test = split_in_time_order(codes)
    assert np.bincount(codes[train]).tolist() == [73, 73]
    assert np.bincount(codes[test]).tolist() == [31, 31]
    for code in (0, 1):
        own = np.flatnonzero(codes == code)
        assert train[codes[train] == code].tolist() == own[:73].tolist()
        assert test[codes[test] == code].tolist() == own[73:104].tolist()
    for first in (True, False):
        mixed = split_at_random(codes, make_rng(0, "test"), first=first)
        assert not set(mixed.train) & set(mixed.test)
        assert np.bincount(codes[mixed.test]).tolist() == [31, 31]
    first = split_at_random(codes, make_rng(0, "test"), first=True)
    assert set(np.concatenate(first)) == set(np.concatenate((train, test)))


@pytest.mark.parametrize(("drift", "code"), [(2.0, "balance_lifted"), (0.0, "balance_free")])
def test_balancing_in_time_order_lifts_a_score_where_neurons_drift(drift, code, monkeypatch):
    """Drift is planted in the quick simulation; without it the sentence is another."""
    monkeypatch.setattr(ninja_classifier, "N_REPEATS", 40)
    inputs = prepare({"drift": drift})
    x, codes, _ = read_trials(select_before(inputs))
    assert explain_balance(x, codes, 0).code == code


@pytest.mark.parametrize(("outcome", "code"), [(1.5, "reward_read"), (0.0, "reward_not_read")])
def test_the_reward_is_read_where_neurons_answer_to_it(outcome, code):
    """The answer to the reward is planted; without it the sentence is another."""
    (notice,) = explain_window(prepare({"outcome": outcome}))
    assert notice.code == code


@pytest.mark.parametrize("planted", [pytest.param(True, marks=pytest.mark.slow), False])
def test_areas_tell_what_was_planted_and_nothing_else(planted):
    """Stimulus, choice and movement reach every area, or none."""
    off = dict.fromkeys(("stimulus", "choice", "movement", "outcome", "drift"), 0.0)
    inputs = prepare({"drift": 0.1} if planted else off, areas={"SUB": 1, "PL": 1})
    inputs.settings["area_permutations"] = 40
    column = Column()
    judge_areas(column, inputs)
    rows = ("stimulus_areas", "choice_areas", "action_areas")
    told = {row: column.because[row][0].values["n_told"] for row in rows}
    assert all(n == 2 for n in told.values()) if planted else sum(told.values()) <= 1
    sentence = str(column.because["choice_areas"][0])
    assert ("Not so:" in sentence) != (told["choice_areas"] == 2)
    first = column.because["stimulus_areas"][0].values["verdict"]
    assert ("not of it alone" in first) == (told["stimulus_areas"] == 2)
    verdicts = [column.because[row][0].values["verdict"] for row in rows[1:]]
    assert all(("not seen here" in verdict) != planted for verdict in verdicts)


def test_onsets_are_ordered_only_where_their_intervals_are_apart():
    def compare(*pairs):
        stimulus, choice = (Measure("", value, "onset", low, high) for value, low, high in pairs)
        return _compare_onsets(stimulus, choice, label="choice").values["what"]

    early, late, wide = (0.06, 0.05, 0.08), (0.2, 0.15, np.inf), (0.1, 0.05, 0.2)
    assert compare(early, late).startswith("the choice is later")
    assert compare(late, early).startswith("the choice is not later")
    assert "intervals overlap" in compare(early, wide)
    assert "only the stimulus" in compare(early, (None, np.nan, np.nan))


def test_a_movement_that_stands_for_the_choice_is_named():
    early, late = (Measure("", at, "onset", at - 0.01, at + 0.01) for at in (0.06, 0.2))
    told = _compare_onsets(early, late, label="movement").values["what"]
    assert told.startswith("the movement (for the choice) is later")


def test_labels_out_of_step_tell_nothing_of_latents_that_hold_them():
    rng = make_rng(0, "test")
    trials = draw_with_replacement(rng, 100, 80)
    words = np.array(["Left", "Right"])[rng.integers(2, size=100)]
    latents = rng.normal(size=(80, 6, 2)) + 3 * (words[trials] == "Left")[:, None, None]
    assert ninja._decode_latents(latents, words[trials], trials) > 0.95
    assert ninja._decode_latents(latents, words[:80], trials) < 0.75


def test_correct_is_the_side_of_the_response_and_not_the_reward():
    recording = simulate.decision_task(
        200, {"VISp": 6, "MD": 6}, n_bins=10, choice_onset={}, drives={}
    ).recording
    prepared = ninja.prepare(recording, read_preset("ninja").settings).recording.trials
    tied = (prepared["contrast_left"] == prepared["contrast_right"]) & (prepared["response"] != 0)
    assert (prepared["feedback"][tied] > 0).any()
    assert set(prepared["correctness"][tied]) == {"incorrect"}
    apart = prepared["contrast_left"] != prepared["contrast_right"]
    same = (prepared["correctness"] == "correct") == (prepared["feedback"] > 0)
    assert same[apart].all()


def test_a_hidden_neuron_is_predicted_without_its_own_spikes():
    recording = simulate.decision_task(40, {VISUAL: 8}, n_bins=12, choice_onset={}).recording
    problem = SameNeurons(VISUAL).problem(recording)
    fold = Fold(np.arange(30), np.arange(30, 40))
    settings = read_preset("ninja").settings | {"n_iterations": 20}
    model = make_network(settings, 0, "trials")
    before = fit_autoencoder(model, problem, fold)
    problem.x[30:, :, 3] += 2  # of test trials only: the fit is the same
    after = fit_autoencoder(model, problem, fold)
    np.testing.assert_allclose(before["hidden"][..., 3], after["hidden"][..., 3], rtol=1e-5)
    assert np.abs(before["predicted"][..., 3] - after["predicted"][..., 3]).max() > 1e-4
    assert np.abs(before["hidden"][..., 0] - after["hidden"][..., 0]).max() > 1e-5


def test_van_rossum_distances_are_those_of_the_formula():
    counts = np.zeros((3, 400, 2))
    counts[1, 5, 0] = counts[2, 6, 0] = 1  # one spike, and the same a bin later
    x = filter_spikes(counts, 0.002, tau=0.01)
    assert np.sum((x[1] - x[0]) ** 2) == pytest.approx(0.5, abs=1e-4)
    assert np.sum((x[2] - x[1]) ** 2) == pytest.approx(1 - np.exp(-0.2), abs=1e-3)


def test_neighbours_tell_a_label_that_is_there_and_no_other():
    rng = make_rng(0, "test")
    words = np.where(rng.random(120) < 0.3, "few", "many")
    words[:20] = ""  # no label
    own = {word: np.flatnonzero(words == word) for word in ("few", "many", "")}
    near = np.stack([rng.choice(own[word][own[word] != trial], 9, replace=False)
                     for trial, word in enumerate(words)])  # fmt: skip
    found = score_neighbors(near, words, 0)
    assert found.value == 1.0
    assert found.p < 0.02
    by_chance = [
        score_neighbors(np.stack([rng.choice(120, 9, replace=False) for _ in words]), words, 0).p
        for _ in range(20)
    ]
    assert 0.3 < np.mean(by_chance) < 0.7


def test_the_separation_of_units_is_that_between_classes():
    rng = make_rng(0, "test")
    codes = rng.integers(2, size=80)
    states = rng.normal(size=(80, 5, 3))
    fit = {"states": states, "test": np.arange(80)}
    nothing = measure_separation([fit], codes, 99, 0)
    assert nothing.p > 0.05
    assert nothing.value == pytest.approx(nothing.chance, abs=0.05)
    fit["states"] = states + 20 * codes[:, np.newaxis, np.newaxis]
    assert measure_separation([fit], codes, 99, 0).value > 0.98


def test_cell_types_are_counted_by_the_decks_rule_and_by_width_alone():
    counts = np.ones((4, 10, 4), dtype=int) * np.array([0, 1, 1, 0])  # 0 or 10 Hz
    recording = Recording.from_arrays(
        counts, 0.05 + 0.1 * np.arange(10), VISUAL,
        neurons={"trough_to_peak": [0.6, 0.2, 0.6, 0.2]},
    )  # fmt: skip
    assert [one.value for one in count_cell_types(recording)] == [1, 1, 2]
    assert [one.value for one in count_widths(recording)] == [2, 2]


def test_areas_that_are_not_there_are_named():
    other = simulate.decision_task(60, {"MOs": 5, "CA1": 5}, n_bins=10).recording
    with pytest.raises(InputError, match="none of VISp"):
        ninja.prepare(other, read_preset("ninja").settings)


@pytest.mark.parametrize("with_movement", [True, False])
def test_the_decks_own_session_is_taken_with_the_movement_for_the_choice(real_file, with_movement):
    given = real_file.with_name("steinmetz_movement.npz")
    if not given.exists():
        pytest.skip("the movement labels (../shared/data) are not here")
    movement = {"movement": str(given)} if with_movement else {}
    written = read_preset("ninja")
    recording = find_recording(
        written, StudyData(path=str(real_file), session=5, **movement), seed=0
    )
    assert find_origin(recording, written) == "reduced"
    prepared = ninja.prepare(recording, written.settings)
    trials, names = prepared.recording.trials, prepared.names
    assert (trials["correctness"] == "correct").sum() == 251  # rewarded: the response is not there
    codes = [notice.code for notice in prepared.notices]
    assert "no_reward_times" in codes
    assert "no_responses" in codes
    assert names["before"] is None
    if not with_movement:
        assert names["told"]["choice"] is None
        assert "no_choices" in codes
        return
    assert names["told"]["choice"] == "movement"
    assert "before any reward" in names["window"]
    figures = {one.name: one for one in fill_rows(written, names).figures}
    assert "movement" in figures["latents_choice"].title
    assert "includes the reward" not in figures["units"].caption
    assert set(trials["movement"]) == {"Left", "NoGo", "Right", ""}
    assert ((trials["movement"] == "") == (trials["action"] == "")).all()
    assert names["beyond"] == ["contrast_left", "contrast_right"]
    areas = list_areas(prepared.recording, 40)
    assert set(areas) == {"visual cortex", "thalamus", "SUB", "DG", "PL", "CA1"}
    assert list(areas.values()) == sorted(areas.values(), reverse=True)
