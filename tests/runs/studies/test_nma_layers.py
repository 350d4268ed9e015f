"""Study E: its flaws by name, its networks soundly, what maps of neurons show."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from spikecast.analysis.geometry.dimensionality import dimensionality
from spikecast.core.errors import InputError
from spikecast.data import simulate
from spikecast.report.study import text
from spikecast.report.study.figures import DRAW
from spikecast.runs import audit
from spikecast.runs.studies import nma_layers, nma_maps, nma_planes
from spikecast.runs.studies.nma_network import (
    TwoWayGRU,
    fit_windows,
    make_network,
    measure_r2,
    reduce_windows,
)
from spikecast.runs.studies.preset import make_quick, read_preset
from spikecast.runs.studies.run import read_facts
from spikecast.runs.studies.study import Measure
from spikecast.tasks.splits import Fold

pytestmark = pytest.mark.usefixtures("one_width", "quick_pages")

TINY = {
    "data": {"simulation": {"n_neurons": 90, "n_bins": 2600, "planes": [0, 0, 1]}},
    "settings": {
        "most_neurons": 24, "n_latents": 6, "epochs": 3, "n_search": 2, "map": "pca", "folds": 2,
        "search": {"n_trials": 4, "folds": 2, "epochs": 2,
                   "space": {"n_latents": {"low": 4, "high": 12, "log": True}}},
    },
    "sound": {"plane": {
        "models": ["mean_rate", "pca_ridge", {"lstm": {"epochs": 2}},
                   {"timescales": {"n_members": 1, "epochs": 2}}],
        "evaluation": {"folds": 2, "bootstrap": 200, "shifts": 0},
        "analysis": {"dimensions": {"components": 6}}}},
}  # fmt: skip
SETTINGS = {
    "n_latents": 8, "epochs": 30, "batch_size": 2, "learning_rate": 0.005, "weight_decay": 0.0,
    "dropout": 0.0, "n_planes": 3, "most_neurons": 100, "search": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(small):
    return small("nma-layers", TINY)


@pytest.fixture(scope="module")
def rows(folder):
    return {row["key"]: row for row in read_facts(folder)["columns"]}


def test_the_deck_triggers_exactly_its_flaws_and_ours_none(folder):
    rules = {hazard.rule for hazard in audit.audit(folder / "described").hazards}
    assert rules == {flaw.rule for flaw in read_preset("nma-layers").flaws}
    _, *sound = audit.list_audited(folder).values()
    assert [part.name for part in sound] == ["plane", "concluded"]
    assert all(audit.audit(part).hazards == () for part in sound)


def test_every_cell_has_a_number_or_a_reason_and_no_number_stands_twice(folder, check_rows):
    check_rows(read_facts(folder))


def test_every_row_of_the_deck_is_there_in_its_order(rows):
    assert list(rows) == [row.key for row in read_preset("nma-layers").rows]
    # what this small run did not make says why
    assert "only UMAP" in rows["map_raw_told"]["no_sound"]
    assert "not asked for" in rows["lfads"]["no_sound"]


def test_each_cell_is_fitted_soundly_in_a_row_of_its_own(rows):
    values = []
    for key in ("auto_rnn", "auto_gru", "own", "across_rnn", "across_gru", "across_lstm"):
        (described, *_), (sound, share, *_) = rows[key]["described"], rows[key]["sound"]
        assert [described["unit"], sound["unit"], share["unit"]] == ["mse", "mse", "variance"]
        assert sound["low"] < sound["value"] < sound["high"]
        values.append(sound["value"])
    assert len(set(values)) == len(values)


def test_the_staircase_ends_where_the_table_does(folder, rows):
    (stairs,) = read_facts(folder)["staircases"]  # supervised maps were not asked for
    assert stairs["row"] == "own"
    kinds = [step["kind"] for step in stairs["steps"]]
    assert kinds == ["start", "protocol", "protocol", "model", "model"]
    steps = {step["key"]: step["measure"]["value"] for step in stairs["steps"]}
    assert steps["across"] == rows["across_lstm"]["sound"][1]["value"]
    total = sum(stairs["sums"].values())
    assert total == pytest.approx(steps["model"] - steps["own"])


def test_the_search_is_real_and_its_importance_is_drawn(folder, build_page, rows):
    assert "setting never swept" in rows["search"]["flaws"]
    with np.load(folder / "concluded" / "importance.npz") as kept:
        assert "n_latents" in kept["names"]
        assert len(kept["score"]) == 4
    page = build_page(folder).read_text()
    for phrase in ("What mattered in the search", "1.5455", "Planes predicted from planes",
                   "that the other half of the neurons confirms", "Where the neurons are",
                   "Before and after preprocessing", "Neurons that live with another plane",
                   "Loss curves from plane to plane"):  # fmt: skip
        assert phrase in page


def test_components_stand_beside_the_networks_on_their_own_metric(rows):
    pca, mean, _, in_sample = rows["pca_error"]["sound"]
    assert in_sample["value"] < pca["value"]
    assert pca["value"] < rows["own"]["sound"][0]["value"]
    assert pca["value"] < mean["value"]
    (said,) = rows["own"]["because"]
    assert said.values["pca"] == pca["value"]


def test_planes_that_were_planted_to_share_are_those_that_are_said_to(folder, rows):
    pairs, together, *_ = rows["planes"]["sound"]
    assert (pairs["n"], round(pairs["n"] * pairs["value"])) == (3, 1)
    assert together["value"] == "plane 0, plane 1"
    assert rows["planes"]["described"] == []
    with np.load(folder / "concluded" / "planes.npz") as kept:
        assert np.argwhere(kept["shared"]).tolist() == [[0, 1], [1, 0]]


def make_planes(**change):
    simulation = {"n_neurons": 300, "n_bins": 2400, "planes": [0, 0, 0]} | change
    recording = simulate.spontaneous(**simulation).recording
    return nma_layers.prepare(recording, SETTINGS).recording


@pytest.mark.slow
@pytest.mark.parametrize(("n_own", "planes"), [(6, [0, 1, 2]), (0, [0, 0, 0])])
def test_neurons_are_said_to_live_with_their_plane_only_where_that_was_planted(n_own, planes):
    pytest.importorskip("umap", reason="needs the extra 'embed'")
    recording = make_planes(n_own=n_own, planes=planes)
    drawn = nma_planes.draw_neurons(recording, SETTINGS, 0, "fit")
    mixed = nma_planes.mix_planes(drawn, 0)
    before = recording.dataset[nma_planes.BEFORE].values
    found, control = (
        nma_maps.draw_map(*nma_maps.list_points(windows), "umap", False, 0)
        for windows in (
            nma_planes.cut_planes(recording.activity[0], drawn),
            nma_planes.cut_planes(nma_planes.normalise_drawn(before, mixed), mixed),
        )
    )
    own, others = (nma_maps.measure_map("", one, 0) for one in (found, control))
    said = nma_maps.judge_map(own, others)
    assert said.startswith("points of a plane lie together") == (n_own > 0)


@pytest.mark.parametrize(
    ("own", "mixed", "said"),
    [
        ((0.7, 0.6, 0.8, 0.001), (0.34, 0.25, 0.43, 0.4), "points of a plane lie together"),
        (
            (0.7, 0.6, 0.8, 0.001),
            (0.5, 0.45, 0.55, 0.01),
            "points of a plane lie together beyond what the steps make, ",
        ),
        ((0.7, 0.6, 0.8, 0.001), (0.69, 0.6, 0.8, 0.001), "it cannot be told whether"),
        ((0.35, 0.25, 0.45, 0.4), (0.34, 0.25, 0.43, 0.4), "the map does not tell the planes"),
    ],
)
def test_what_is_said_of_a_map_follows_its_numbers(own, mixed, said):
    one, other = (
        replace(Measure("", share, "share", low, high), p=p, n_permutations=1000)
        for share, low, high, p in (own, mixed)
    )
    assert nma_maps.judge_map(one, other).startswith(said)


def test_a_plane_whose_neurons_lie_among_anothers_is_named():
    plane = np.repeat(["plane 0", "plane 1", "plane 2"], 10)
    told = np.where(plane == "plane 0", "plane 1", plane)
    found = {
        "plane": plane, "told": told, "held_out": np.ones(30, dtype=bool), "chance": 1 / 3,
        "p": 0.001,
    }  # fmt: skip
    said = nma_maps.compare_planes(found)
    assert "0% in plane 0" in said
    assert "2 of 3 planes" in said
    # where all points are right, resampling knows no doubt; a share of few points has some
    all_right = found | {"told": plane}
    assert nma_maps.compare_planes(all_right) == "as many in each of 3 planes"
    few = nma_maps.measure_map("", all_right, 0)
    assert (few.number, few.high) == (1, 1)
    assert 0.85 < few.low < 0.95


@pytest.mark.slow
@pytest.mark.parametrize("differ", [True, False])
def test_a_supervised_map_looks_perfect_whatever_the_data_where_it_was_learnt(differ):
    pytest.importorskip("umap", reason="needs the extra 'embed'")
    rng = np.random.default_rng(0)
    plane = np.repeat(["plane 0", "plane 1", "plane 2"], 50)
    courses = rng.normal(size=(80, 150))
    if differ:
        courses += 2 * rng.normal(size=(80, 3))[:, np.arange(150) // 50]
    found = nma_maps.draw_map(courses, plane, "umap", True, 0)
    assert nma_maps.measure_map("", found, 0, seen=True).number > 0.9
    new = nma_maps.measure_map("", found, 0)
    assert new.number > 0.9 if differ else new.number < 0.55
    assert found["held_out"].sum() == 45
    assert len(DRAW["maps"](nma_maps.join_maps({"umap": found})).axes) == 1


def test_neurons_among_strangers_are_listed_with_place_and_firing(folder, rows):
    table = (folder / "concluded" / "neighbours.csv").read_text().splitlines()
    for column in ("plane", "neighbours_of", "x", "y", "mean_activity", "follows_running"):
        assert column in table[0]
    share = rows["neighbours"]["sound"][0]
    assert len(table) - 1 == round(share["value"] * share["n"])
    assert rows["neighbours"]["because"]


@pytest.mark.parametrize("planted", [3, 6])
def test_the_number_of_dimensions_is_the_planted_one_where_neurons_are_linear(planted):
    # two planes of one group, and one latent of each plane's own
    recording = simulate.spontaneous(
        120, 4000, planes=2, n_latents=planted, n_own=1, noise=0.02, threshold=-6.0
    ).recording
    pairs = nma_planes.average_pairs(recording.activity[0])
    assert dimensionality(pairs[np.newaxis], n_components=30).n_reliable == planted + 2


def test_the_number_of_dimensions_is_near_the_planted_one_in_the_recording_of_the_study(rows):
    simulation = make_quick(read_preset("nma-layers")).data.simulation
    simulated = simulate.spontaneous(**simulation)
    planted = simulated.truth.latents.sizes["latent"]
    prepared = nma_layers.prepare(simulated.recording, SETTINGS)
    found = dimensionality(prepared.recording, n_components=60)
    assert found.n_reliable == pytest.approx(planted, rel=0.15)
    # of six that were looked at, all were confirmed: there may be more
    (sound,), (described,) = rows["dimensions"]["sound"], rows["dimensions"]["described"]
    assert (sound["value"], sound["unit"]) == (6, "at_least")
    assert described["value"] == 6


def test_bins_are_divided_by_their_planes_mean_before_pairs_are_averaged():
    rng = np.random.default_rng(0)
    before = rng.gamma(1.0, size=(11, 6)).astype(np.float32)
    plane = np.array(["a", "a", "a", "b", "b", "b"])
    after = nma_planes.normalise(before, plane)
    by_hand = before[:2, 0] / before[:2, :3].mean(axis=1)
    assert after.shape == (5, 6)
    assert after[0, 0] == pytest.approx(by_hand.mean())
    # nothing is z-scored: the mean over a plane stays at 1
    np.testing.assert_allclose(after[:, :3].mean(axis=1), 1.0, rtol=1e-5)


def test_dividing_by_the_mean_does_not_take_it_out_of_the_population(rows):
    after, before = rows["arousal"]["described"]
    (told,) = rows["arousal"]["sound"]
    assert after["value"] < before["value"]
    assert told["value"] > 0.1
    assert "does not take it out" in str(rows["arousal"]["because"][0].values["what"])
    assert before["name"] != after["name"]


def test_one_plane_is_cut_in_halves_and_says_so():
    recording = simulate.spontaneous(40, 2000, planes=1).recording
    prepared = nma_layers.prepare(recording, SETTINGS)
    assert prepared.names["pair"] == "half 1 → half 2"
    assert [notice.code for notice in prepared.notices] == ["one_plane"]
    assert "cannot be answered here" in str(prepared.notices[0])


def test_two_directions_of_a_gru_are_those_of_torch():
    torch.manual_seed(0)
    ours, theirs = TwoWayGRU(5, 3), torch.nn.GRU(5, 3, batch_first=True, bidirectional=True)
    units = ours.units
    with torch.no_grad():
        for way, end in ((0, "l0"), (1, "l0_reverse")):
            getattr(theirs, f"weight_ih_{end}").copy_(units.input_weight[way].T)
            getattr(theirs, f"weight_hh_{end}").copy_(units.state_weight[way].T)
            getattr(theirs, f"bias_ih_{end}").copy_(units.input_offset[way, 0])
            getattr(theirs, f"bias_hh_{end}").zero_()[-3:].copy_(units.state_offset[way, 0])
    x = torch.randn(4, 7, 5)
    torch.testing.assert_close(ours(x)[0], theirs(x)[0])


@pytest.mark.parametrize(
    "cell", ["lstm", *(pytest.param(one, marks=pytest.mark.slow) for one in ("rnn", "gru"))]
)
def test_the_decks_network_learns_what_is_there_and_nothing_of_noise(cell):
    rng = np.random.default_rng(0)
    fold = Fold(np.arange(12), np.arange(12, 16))
    latents = rng.normal(size=(16, 20, 2))
    x = (latents @ rng.normal(size=(2, 12))).astype(np.float32)
    model = make_network(SETTINGS | {"epochs": 80}, 0, cell)
    assert measure_r2("", fit_windows(model, x, x, fold), 0).number > 0.7
    assert measure_r2("", reduce_windows(x, fold, 2), 0).number > 0.99
    noise = rng.normal(size=x.shape).astype(np.float32)
    assert measure_r2("", fit_windows(model, x, noise, fold), 0).number < 0.02


def test_sentences_of_the_table_can_be_written(folder):
    facts = read_facts(folder)
    assert all(text.because(row, facts["staircases"]) for row in facts["columns"])
    assert "principal components" in " ".join(text.conclusions(facts))


def test_what_has_no_planes_is_refused():
    with pytest.raises(InputError, match="neuron column 'plane'"):
        nma_layers.prepare(simulate.poisson_noise(10).recording, SETTINGS)
