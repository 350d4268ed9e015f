"""Study B: its flaws by name, and what a raw loss depends on."""

import numpy as np
import pytest

from spikecast.core.errors import NotEnoughDataError
from spikecast.core.seeding import make_rng
from spikecast.data import simulate
from spikecast.runs import audit
from spikecast.runs.studies import diggers
from spikecast.runs.studies.diggers_network import OPTIMISERS, DeckLSTM
from spikecast.runs.studies.diggers_sound import compare_within
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.run import read_facts
from spikecast.runs.studies.study import Measure
from spikecast.scoring import metrics

pytestmark = pytest.mark.usefixtures("one_width", "quick_pages")

MODELS = ["mean_rate", {"timescales": {"n_members": 1, "epochs": 4}}, {"lstm": {"epochs": 2}}]
TINY = {
    "data": {"simulation": {"n_trials": 80, "areas": {"VISp": 16, "CA1": 12, "MOs": 16},
                            "n_bins": 50, "stim_onset": 0.2}},
    "settings": {"n_iterations": 40, "permutations": 20},
    "sound": {key: {"models": MODELS, "evaluation": {"folds": 2, "bootstrap": 200, "shifts": 0}}
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


def test_the_page_sets_scores_side_by_side_and_not_losses(folder, build_page):
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    # the deck reports both losses, and does not compare them
    assert not rows["easier"]["described"]
    assert "does not compare" in rows["easier"]["no_described"]
    assert {measure["unit"] for measure in rows["between"]["described"]} == {"poisson_nll"}
    assert {measure["unit"] for measure in rows["between"]["sound"]} == {"bits_per_spike"}
    assert rows["within"]["flaws"] == ["null missing"]
    page = build_page(folder).read_text()
    for phrase in ("Raster of the session", "Two of the latents, by action", "Similarity of areas"):
        assert phrase in page


def test_every_cell_has_a_number_or_a_reason(folder, check_rows):
    facts = read_facts(folder)
    check_rows(facts)
    rows = {row["key"]: row for row in facts["columns"]}
    names = [measure["name"] for measure in rows["held_out"]["sound"]]
    assert names == [f"their LSTM, {name}" for name in OPTIMISERS]
    within = rows["within"]["sound"]
    assert [one["name"] for one in within][-2:] == names
    assert within[0]["value"] == max(one["value"] for one in within[:-2])
    assert all(rows[key]["because"] for key in ("within", "easier", "similarity"))
    assert {measure["unit"] for measure in rows["embedding"]["sound"]} == {"balanced_accuracy"}
    (stairs,) = facts["staircases"]
    steps = {step["key"]: step["measure"]["value"] for step in stairs["steps"]}
    assert steps["unseen"] == rows["held_out"]["described"][0]["value"]
    assert steps["pooled"] == rows["held_out"]["sound"][0]["value"]
    assert steps["model"] == next(
        measure["value"] for measure in rows["between"]["sound"] if measure["name"] == "timescales"
    )


@pytest.mark.parametrize(
    ("theirs", "what"), [(-0.1, "no better than each neuron's mean"), (0.2, "above the mean rate")]
)
def test_their_network_is_set_beside_the_best_of_ours(theirs, what):
    best = Measure("timescales", 0.25, "bits_per_spike", 0.22, 0.28)
    own = [Measure("", theirs - 0.01 * row, "bits_per_spike", theirs - 0.05, theirs + 0.05)
           for row in range(2)]  # fmt: skip
    said = str(compare_within(own, best))
    assert what in said
    assert "theirs does worse" in said
    equal = Measure("", 0.24, "bits_per_spike", 0.2, 0.3)
    assert "cannot be told apart" in str(compare_within([equal, equal], best))


def test_weight_decay_inside_adam_shrinks_weights_and_outside_hardly():
    rng = make_rng(0, "test")
    x, y = rng.poisson(0.5, (30, 20, 6)), rng.poisson(0.5, (30, 20, 4))
    sizes = {}
    for name, l2 in OPTIMISERS.items():
        model = DeckLSTM(5, 0.01, 150, l2=l2).fit(x, y)
        weights = [weight.detach().numpy() for weight in model.network_.parameters()]
        sizes[name] = sum(float((weight**2).sum()) for weight in weights)
    assert sizes["Adam with L2"] < 0.9 * sizes["AdamW"]


def test_a_recording_without_an_action_says_so():
    recording = simulate.poisson_noise(30, {"MOs": 10, "VISp": 8}).recording
    bare = type(recording)(recording.dataset.drop_vars(
        [name for name in ("response", "contrast_left", "contrast_right") if name in
         recording.dataset]
    ))  # fmt: skip
    prepared = diggers.prepare(bare, {"target": "MOs"})
    assert prepared.names["label"] is None
    assert [notice.code for notice in prepared.notices] == ["no_label"]


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
