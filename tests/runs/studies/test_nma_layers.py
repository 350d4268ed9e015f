"""Study E: its flaws by name, a search that searches, PCA on the same metric."""

import numpy as np
import pytest

from spikecast.analysis.geometry.dimensionality import dimensionality
from spikecast.core.errors import InputError
from spikecast.data import simulate
from spikecast.report.study import page as pages
from spikecast.report.study.figures import DRAW
from spikecast.runs import audit
from spikecast.runs.studies import nma_layers
from spikecast.runs.studies.preset import make_quick, read_preset
from spikecast.runs.studies.run import read_facts

TINY = {
    "data": {"simulation": {"n_neurons": 90, "n_bins": 2600, "planes": [0, 0, 1]}},
    "settings": {
        "most_neurons": 24, "n_latents": 6, "epochs": 3, "n_search": 2, "map": "pca",
        "search": {"n_trials": 4, "folds": 2, "epochs": 2,
                   "space": {"n_latents": {"low": 4, "high": 12, "log": True}}},
    },
    "sound": {"plane": {
        "models": ["mean_rate", "pca_ridge", {"lstm": {"epochs": 2}}],
        "evaluation": {"folds": 3, "bootstrap": 200},
        "analysis": {"dimensions": {"components": 6}}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(small):
    return small("nma-layers", TINY)


def test_the_deck_triggers_exactly_its_flaws_and_ours_none(folder):
    rules = {hazard.rule for hazard in audit.audit(folder / "described").hazards}
    assert rules == {flaw.rule for flaw in read_preset("nma-layers").flaws}
    _, *sound = audit.list_audited(folder).values()
    assert [part.name for part in sound] == ["plane", "concluded"]
    assert all(audit.audit(part).hazards == () for part in sound)


def test_the_search_is_real_and_its_importance_is_drawn(folder):
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    assert rows["search"]["flaws"] == ["setting never swept"]
    with np.load(folder / "concluded" / "importance.npz") as kept:
        assert "n_latents" in kept["names"]
        assert len(kept["score"]) == 4
    page = pages.build(folder).read_text()
    for phrase in ("What mattered in the search", "1.5455", "Planes predicted from planes",
                   "that the other half of the neurons confirms"):  # fmt: skip
        assert phrase in page


def test_components_beat_the_deck_on_its_own_metric(folder):
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    (sound,), (described,) = rows["own"]["sound"], rows["own"]["described"]
    assert sound["value"] < described["value"]


def test_planes_that_were_planted_to_share_are_those_that_are_said_to(folder):
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    pairs, together, *_ = rows["planes"]["sound"]
    assert (pairs["n"], round(pairs["n"] * pairs["value"])) == (3, 1)
    assert together["value"] == "plane 0, plane 1"
    assert rows["planes"]["described"] == []
    with np.load(folder / "concluded" / "planes.npz") as kept:
        assert np.argwhere(kept["shared"]).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("differ", [True, False])
def test_maps_tell_planes_apart_only_where_they_differ_on_windows_never_seen(differ):
    pytest.importorskip("umap", reason="needs the extra 'embed'")
    rng = np.random.default_rng(0)
    x = [rng.normal(2.0 * plane * differ, 1.0, size=(50, 4, 8)) for plane in range(3)]
    label = np.repeat(["plane 0", "plane 1", "plane 2"], 50)
    found = nma_layers._draw_maps([part.astype(np.float32) for part in x], label, "umap", 0)
    assert found["methods"] == ["umap", "supervised umap"]
    told = found["neighbours_right"]
    assert found["held_out"].sum() == 45
    assert float(found["chance"]) == pytest.approx(1 / 3, abs=0.05)
    # a supervised map of noise looks perfect where it was learnt, and tells nothing elsewhere
    assert min(told) > 0.9 if differ else max(told) < 0.55
    assert len(DRAW["maps"](found).axes) == 2


@pytest.mark.parametrize("planted", [3, 6])
def test_the_number_of_dimensions_is_the_planted_one_where_neurons_are_linear(planted):
    # two planes of one group, and one latent of each plane's own
    recording = simulate.spontaneous(
        120, 4000, planes=2, n_latents=planted, n_own=1, noise=0.02, threshold=-6.0
    ).recording
    prepared = nma_layers.prepare(recording, {"search": {}})
    found = dimensionality(prepared.recording, n_components=30)
    assert found.n_reliable == planted + 2


def test_the_number_of_dimensions_is_near_the_planted_one_in_the_recording_of_the_study(folder):
    simulation = make_quick(read_preset("nma-layers")).data.simulation
    simulated = simulate.spontaneous(**simulation)
    planted = simulated.truth.latents.sizes["latent"]
    prepared = nma_layers.prepare(simulated.recording, {"search": {}})
    found = dimensionality(prepared.recording, n_components=60)
    assert found.n_reliable == pytest.approx(planted, rel=0.15)
    # of six that were looked at, all were confirmed: there may be more
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    (sound,), (described,) = rows["dimensions"]["sound"], rows["dimensions"]["described"]
    assert (sound["value"], sound["unit"]) == (6, "at_least")
    assert described["value"] == 6


def test_normalisation_takes_out_what_a_plane_shares_and_learns_from_training_bins(folder):
    recording = simulate.spontaneous(n_neurons=40, n_bins=400, planes=1).recording
    neurons = np.arange(40)
    x = nma_layers.normalise_plane(recording, neurons, n_train=3)
    assert x.shape == (4, 100, 40)
    assert np.abs(x[:3].mean(axis=(0, 1))).max() < 1e-3
    louder = recording.dataset.copy(deep=True)
    louder["activity"][:] = 3 * louder["activity"]
    again = nma_layers.normalise_plane(type(recording)(louder), neurons, n_train=3)
    np.testing.assert_allclose(again, x, atol=1e-3)


def test_what_has_no_planes_is_refused():
    with pytest.raises(InputError, match="neuron column 'plane'"):
        nma_layers.prepare(simulate.poisson_noise(10).recording, {})
