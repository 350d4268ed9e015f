"""Study D: its flaws by name, that its error measures no prediction, and what its numbers show."""

from pathlib import Path

import numpy as np
import pytest
import torch

from spikecast.core.errors import InputError
from spikecast.core.seeding import make_rng
from spikecast.data import simulate
from spikecast.models.linear import PCARidge
from spikecast.report.study import page as pages
from spikecast.report.study import text
from spikecast.runs import audit
from spikecast.runs.studies import stringer_running
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.run import read_facts
from spikecast.runs.studies.stringer_linear import find_components, regress_as_described
from spikecast.runs.studies.stringer_network import (
    DeckMLP,
    Family,
    Member,
    broadcast_mse,
    cut_in_two,
    cut_validation,
    fit_family,
    list_families,
    make_plan,
)
from spikecast.runs.studies.stringer_reasons import explain_wishes
from spikecast.runs.studies.stringer_scores import SpeedScorer
from spikecast.runs.studies.stringer_sound import cut_bins
from spikecast.runs.studies.stringer_splits import explain_splits
from spikecast.runs.studies.stringer_wishes import learn_from_more_time
from spikecast.runs.studies.study import Column, Prepared

pytestmark = pytest.mark.usefixtures("one_width", "quick_pages")

FIRST = {"activation": "ReLU", "hidden": [20, 5]}
TINY = {
    "data": {"simulation": {"n_neurons": 60, "n_bins": 1600, "planes": 2, "n_face": 3}},
    "settings": {
        "n_components": 10, "few_components": 4, "epochs": 6, "folds": 3, "patience": 3,
        "first": FIRST, "second": {"activation": "Sigmoid", "hidden": [20]}, "splits": [0.5, 0.9],
        "families": [{"hidden": [20], "activations": ["ReLU", "Sigmoid"]},
                     {"hidden": [20, 5], "activations": ["ReLU", "Linear"]}],
        "animals": {"n_neurons": [20, 25], "n_bins": 1200, "folds": 2, "n_train": 5,
                    "model": {"n_members": 1, "epochs": 2}},
    },
    "sound": {"main": {
        "models": ["mean_rate", {"pca_ridge": {"widths": [0.0]}},
                   {"timescales": {"n_members": 1, "epochs": 4}}],
        "evaluation": {"folds": 3, "bootstrap": 200, "shifts": 0}}},
}  # fmt: skip
# where neither animals nor further networks are looked at
ANIMALS = {"n_neurons": [10, 12], "n_bins": 800, "folds": 2, "n_train": 3,
           "model": {"n_members": 1, "epochs": 1}}  # fmt: skip
FEWER = {"folds": 2, "splits": [0.5], "animals": ANIMALS,
         "families": [{"hidden": [20], "activations": ["Sigmoid"]},
                      {"hidden": [20, 5], "activations": ["ReLU"]}]}  # fmt: skip
BRIEF = TINY | {"settings": TINY["settings"] | FEWER}


@pytest.fixture(scope="module")
def folder(small):
    return small("stringer-running", TINY)


def get_rows(folder):
    return {row["key"]: row for row in read_facts(folder)["columns"]}


def list_codes(row):
    return [notice.code for notice in row["because"]]


@pytest.mark.slow
def test_the_deck_triggers_exactly_its_flaws_and_ours_none(folder):
    rules = {hazard.rule for hazard in audit.audit(folder / "described").hazards}
    assert rules == {flaw.rule for flaw in read_preset("stringer-running").flaws}
    assert audit.audit(folder / "sound" / "main").hazards == ()


@pytest.mark.slow
def test_each_number_as_described_carries_the_flaws_that_touch_it(folder):
    rows = get_rows(folder)
    every = {flaw.rule for flaw in read_preset("stringer-running").flaws}
    # what was trained on all pairs is touched by it, however it is scored
    for key in ("relu", "sigmoid", "r2", "components", "split", "best"):
        assert set(rows[key]["flaws"]) == every, key
    for key in ("baseline", "pupil", "face"):
        assert rows[key]["flaws"] == ["fitted outside the fold"], key


@pytest.mark.slow
def test_every_cell_has_a_number_or_a_reason_and_no_number_stands_twice(folder, check_rows):
    facts = read_facts(folder)
    check_rows(facts)
    assert [row["key"] for row in facts["columns"]] == [
        row.key for row in read_preset("stringer-running").rows
        if row.key not in ("width", "depth", "activation")  # this list of networks is short
    ]  # fmt: skip


def test_the_error_of_the_deck_is_a_sum_of_variances():
    rng = make_rng(0, "test")
    speed, prediction = rng.normal(3, 2, 500), rng.normal(2, 1, 500)
    literal = ((prediction[:, np.newaxis] - speed) ** 2).mean()
    assert broadcast_mse(prediction, speed) == pytest.approx(literal)
    assert broadcast_mse(speed, speed) == pytest.approx(2 * speed.var())
    shuffled = rng.permutation(speed)
    assert broadcast_mse(shuffled, speed) == pytest.approx(2 * speed.var())


def test_the_loss_of_the_deck_is_the_broadcast_one_and_the_mended_one_is_not():
    fold = cut_in_two(20, 0.5)
    members = [Member("Tanh", False, fold), Member("Tanh", True, fold)]
    network = DeckMLP(3, Family([4], members))
    x, y = torch.randn(2, 8, 1, 3), torch.randn(2, 8, 1, 1)
    prediction, speed = network(x)[:, :, 0], y[:, :, 0, 0]  # (member, N, 1), (member, N)
    loss = network.loss(x, y).mean(dim=1)
    broadcast = (prediction[0] - speed[0]) ** 2
    assert broadcast.shape == (8, 8)
    torch.testing.assert_close(loss[0], broadcast.mean())
    torch.testing.assert_close(loss[1], ((prediction[1, :, 0] - speed[1]) ** 2).mean())


def test_members_of_a_family_do_not_touch_each_other():
    rng = make_rng(0, "test")
    z, speed = rng.normal(size=(200, 4)).astype(np.float32), rng.normal(size=200)
    fold, plan = cut_in_two(200, 0.7), make_plan({"epochs": 2, "learning_rate": 0.01,
                                                  "batch_size": 10})  # fmt: skip
    pair = [Member("ReLU", True, fold), Member("ReLU", False, fold)]
    one, other = (fit_family(z, speed, Family([5], [pair[0], last]), plan, 0)["speed"]
                  for last in pair)  # fmt: skip
    np.testing.assert_array_equal(one[0], other[0])
    assert not np.array_equal(one[1], other[1])


@pytest.mark.slow
def test_running_that_is_planted_is_found_by_the_sound_protocol_only(folder):
    rows = get_rows(folder)
    assert rows["baseline"]["sound"][0]["value"] > 0.5
    assert rows["r2"]["described"][0]["value"] < 0.2
    assert "read" in list_codes(rows["r2"])
    identity = rows["identity"]
    assert identity["described"][0]["value"] == pytest.approx(rows["relu"]["described"][0]["value"])
    ours = next(notice for notice in rows["ours"]["because"] if notice.code == "ours")
    assert ours.values["linear"] == pytest.approx(
        rows["ours"]["sound"][0]["value"] - rows["baseline"]["sound"][0]["value"], abs=1e-3
    )
    assert identity["sound"][0]["value"] > 1.3 * rows["relu"]["sound"][0]["value"]


@pytest.mark.slow
def test_where_neurons_do_not_follow_running_nothing_is_read(small):
    change = {"data": {"simulation": TINY["data"]["simulation"] | {"tuning": 0.0}}}
    rows = get_rows(small("stringer-running", BRIEF | change))
    assert "not_read" in list_codes(rows["r2"])
    # the deck's error is what it was
    assert rows["relu"]["described"][0]["value"] > 0


@pytest.mark.slow
def test_the_gap_of_training_and_test_is_running_that_grows_and_goes_without_it(folder, small):
    rows = get_rows(folder)
    assert "parts_unlike" in list_codes(rows["relu"])
    test, train = (measure["value"] for measure in rows["relu"]["described"][:2])
    assert test > 1.5 * train
    steady = {"data": {"simulation": TINY["data"]["simulation"] | {"growth": 1.0, "n_face": 0}}}
    other = get_rows(small("stringer-running", BRIEF | steady, seed=2))
    assert "parts_alike" in list_codes(other["relu"])
    assert "no 'face_svd'" in other["face"]["no_described"]


@pytest.mark.slow
def test_the_staircase_changes_one_thing_at_a_time_and_adds_up(folder):
    (stairs,) = read_facts(folder)["staircases"]
    steps = {step["key"]: step["measure"]["value"] for step in stairs["steps"]}
    assert steps["deck"] <= 0.01
    rows = get_rows(folder)
    assert steps["paired"] == pytest.approx(rows["r2"]["described"][0]["value"])
    assert steps["pooled"] == pytest.approx(rows["r2"]["sound"][0]["value"])
    assert steps["linear"] == pytest.approx(rows["baseline"]["sound"][0]["value"])
    assert sum(stairs["sums"].values()) == pytest.approx(steps["model"] - steps["deck"])
    assert stairs["sums"]["protocol"] == pytest.approx(steps["pooled"] - steps["deck"])


@pytest.mark.slow
def test_the_page_has_every_network_as_described_mended_and_soundly(folder, build_page):
    page = build_page(folder).read_text()
    for phrase in ("59.68", "0.798", "Predicted against actual speed", "shapes broadcast",
                   "as described, shapes mended", "soundly, pair by pair in folds, simulated",
                   "Neurons in space",
                   "All networks of the deck", "trial and error"):  # fmt: skip
        assert phrase in page, phrase
    tables = pages._join_tables(pages.StudyRun(Path(folder)), "errors")
    assert [len(rows) for _, rows in tables["parts"]] == [2, 4, 4, 4]


def test_the_list_of_the_deck_is_whole():
    settings = read_preset("stringer-running").settings
    families = list(list_families(settings, cut_in_two(100, 0.7), (True,)))
    names = [family.name(row) for family in families for row in range(len(family.members))]
    assert len(names) == len(set(names)) == 20
    for name in ("ReLU 10", "ReLU 360", "ReLU 400-100", "Sigmoid 400-10-10", "Tanh 400-10-10",
                 "Linear 400-10-10"):  # fmt: skip
        assert name in names


def test_folds_are_those_of_sound_runs_and_validation_is_within_training():
    folds = cut_bins(2050, 4)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(2000))
    for fold in folds:
        assert np.abs(fold.train[:, None] - fold.test[[0, -1]]).min() > 100
        learn, choose = cut_validation(fold.train, 0)
        assert not set(learn) & set(choose)
        assert set(learn) | set(choose) == set(fold.train)


def test_components_of_a_fold_do_not_know_its_test_bins():
    rng = make_rng(0, "test")
    activity = rng.normal(size=(300, 20)).astype(np.float32)
    train = np.arange(200)
    z = find_components(activity, train, 5)["z"]
    changed = activity.copy()
    changed[200:] *= 10
    np.testing.assert_array_equal(z[:200], find_components(changed, train, 5)["z"][:200])
    every = np.arange(300)
    assert not np.allclose(find_components(changed, every, 5)["z"][:200],
                           find_components(activity, every, 5)["z"][:200])  # fmt: skip


def test_the_notebooks_regression_is_scored_fold_by_fold_and_together():
    rng = make_rng(0, "test")
    z = rng.normal(size=(1000, 3))
    mean, spread, together, rmse, _ = regress_as_described(z, z @ [1.0, 2.0, 0.0])
    assert (mean.value, together.value) == pytest.approx((1.0, 1.0))
    assert (spread.value, rmse.value) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_differences_of_scores_are_paired():
    rng = make_rng(0, "test")
    truth = rng.normal(size=2000) * np.linspace(1, 5, 2000)
    one, other = truth + 1.0, truth + np.where(np.arange(2000) % 2, 1.1, -1.1)
    scorer = SpeedScorer(truth, np.zeros(2000), 0)
    assert scorer.mse("", one).value == pytest.approx(1.0)
    worse = scorer.compare_mse("", other, one)
    assert worse.low == pytest.approx(0.21)
    assert worse.high == pytest.approx(0.21)


def test_more_time_helps_until_there_is_enough_of_it():
    recording = simulate.spontaneous(60, 4000, planes=2).recording
    found = learn_from_more_time(recording, "running", PCARidge(widths=(0.0,)))
    np.testing.assert_allclose(found["minutes"], np.array([5, 8, 16, 31]) * 100 * 1.2 / 60)
    assert found["r2"][0] < found["r2"][-1]
    assert found["r2"][-1] > 0.5


def test_what_wishes_give_is_said_by_their_numbers():
    curve = {"minutes": np.array([10.0, 20.0]), "r2": np.array([0.5, 0.505])}
    others = {"gained": np.array([0.1, 0.2]), "low": np.array([0.05, 0.1]),
              "high": np.array([0.15, 0.3])}  # fmt: skip
    column = Column()
    explain_wishes(column, others, curve)
    told = {row: str(notice) for row, (notice,) in column.because.items()}
    assert "other mice help" in told["more"]
    assert "next to nothing" in told["longer"]
    explain_wishes(column, others | {"low": np.array([-0.1, -0.1])}, curve | {
        "r2": np.array([0.5, 0.6])})  # fmt: skip
    told = {row: str(notice) for row, (notice,) in column.because.items()}
    assert "do not help" in told["more"]
    assert "still rises" in told["longer"]


def test_without_running_other_neurons_stand_in_and_the_page_says_so():
    recording = simulate.spontaneous(31, 1000, planes=1).recording
    bare = type(recording)(recording.dataset.drop_vars(recording.behavior))
    prepared = stringer_running.prepare(bare, read_preset("stringer-running").settings)
    assert isinstance(prepared, Prepared)
    assert prepared.recording.n_neurons == 16
    assert prepared.names["target"] == "others"
    assert prepared.names["many"] == 16
    assert "no running speed" in str(prepared.notices[0])
    assert not any(notice.code == "no_places" for notice in prepared.notices)
    stand_in = prepared.recording.dataset["others"].values[0]
    first = bare.activity[0][:, 1::2]
    expected = ((first - first.mean(axis=0)) / first.std(axis=0)).mean(axis=1)
    np.testing.assert_allclose(stand_in, expected, rtol=1e-4, atol=1e-6)


def test_a_figure_that_cannot_be_drawn_is_said_to_be_missing():
    recording = simulate.spontaneous(30, 1000, planes=1).recording
    places = [axis for axis in "xyz" if axis in recording.dataset]
    bare = type(recording)(recording.dataset.drop_vars(places))
    prepared = stringer_running.prepare(bare, read_preset("stringer-running").settings)
    assert isinstance(prepared, Prepared)
    assert [notice.code for notice in prepared.notices] == ["no_places"]


def test_the_choice_of_a_split_is_judged_by_what_the_variance_leaves():
    alike = explain_splits({"70/30": 4.0, "50/50": 3.9}, {"70/30": 1.0, "50/50": 1.0}, "70/30")
    more = explain_splits({"70/30": 4.0, "50/50": 2.0}, {"70/30": 2.0, "50/50": 1.0}, "70/30")
    assert [alike.code, more.code] == ["split_costs_little", "split_is_more"]


def test_a_table_of_trials_is_refused():
    with pytest.raises(InputError, match="one continuous recording"):
        stringer_running.prepare(simulate.poisson_noise(10).recording, {})


@pytest.mark.slow
def test_simulated_cells_say_so(folder):
    facts = read_facts(folder)
    for row in facts["columns"]:
        for column in ("described", "sound"):
            if row[column]:
                assert text.cell(row[column], facts)[-1].endswith("(simulated)")
