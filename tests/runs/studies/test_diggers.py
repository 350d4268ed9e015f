"""Study B: its flaws by name, and what a raw loss depends on."""

import numpy as np
import pytest

from spikecast.core.errors import NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.data import simulate
from spikecast.report.study import page as pages
from spikecast.runs import audit
from spikecast.runs.studies import diggers
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.run import read_facts
from spikecast.scoring import metrics

MODELS = ["mean_rate", {"timescales": {"n_members": 1, "epochs": 4}}, {"lstm": {"epochs": 2}}]
TINY = {
    "data": {"simulation": {"n_trials": 80, "areas": {"VISp": 16, "CA1": 12, "MOs": 16},
                            "n_bins": 50, "stim_onset": 0.2}},
    "settings": {"n_iterations": 40},
    "sound": {key: {"models": MODELS, "evaluation": {"folds": 3, "bootstrap": 200}}
              for key in ("between", "within")},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(small):
    return small("diggers", TINY)


def test_the_deck_triggers_exactly_its_flaws_and_ours_none(folder):
    rules = {hazard.rule for hazard in audit.audit(folder / "described").hazards}
    assert rules == {flaw.rule for flaw in read_preset("diggers").flaws}
    _, *sound = audit.list_audited(folder).values()
    assert [part.name for part in sound] == ["between", "within", "concluded"]
    assert all(audit.audit(part).hazards == () for part in sound)


def test_the_page_sets_scores_side_by_side_and_not_losses(folder):
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    assert rows["easier"]["described"][0]["value"] in ("between", "within")
    assert {measure["unit"] for measure in rows["between"]["described"]} == {"poisson_nll"}
    assert {measure["unit"] for measure in rows["between"]["sound"]} == {"bits_per_spike"}
    assert "losses compared across targets" in rows["within"]["flaws"]
    page = pages.build(folder).read_text()
    for phrase in ("Raster of the session", "Two of the latents", "Similarity of areas"):
        assert phrase in page


def test_a_loss_follows_the_rate_of_the_target_and_bits_do_not():
    rng = make_rng(0, "test")
    rates = {hz: np.full((40, 50, 1), hz / 100) for hz in (2.0, 20.0)}
    counts = {hz: rng.poisson(rate) for hz, rate in rates.items()}
    losses = [metrics.poisson_nll(counts[hz], rates[hz]) for hz in rates]
    assert losses[1] > 3 * losses[0]
    bits = [metrics.bits_per_spike(counts[hz], rates[hz], rates[hz]) for hz in rates]
    assert bits == [0.0, 0.0]


def test_similarity_on_single_trials_finds_what_is_shared_and_nothing_else():
    areas = {"VISp": 20, "CA1": 20, "MOs": 20}
    apart = dict.fromkeys(("shared", "movement", "choice", "drift", "stimulus"), 0.0)
    shared = simulate.decision_task(60, areas, n_bins=60, effects={"shared": 1.0}).recording
    alone = simulate.decision_task(60, areas, n_bins=60, drives={}, effects=apart).recording
    off = ~np.eye(3, dtype=bool)
    assert np.abs(diggers.correlate_areas(shared, single_trials=True)[1][off]).mean() > 0.1
    assert np.abs(diggers.correlate_areas(alone, single_trials=True)[1][off]).mean() < 0.05


def test_a_target_that_is_too_small_is_named():
    tiny = simulate.decision_task(20, {"MOs": 4, "CA1": 5}, n_bins=10).recording
    with pytest.raises(NotEnoughDataError, match="has 4 neurons"):
        diggers.prepare(tiny, {"target": "MOs"})
