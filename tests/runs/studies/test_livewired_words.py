"""Study A's sentences follow from its numbers: each with the effect, and without it."""

import numpy as np
import pandas as pd
import pytest

from spikecast.data import simulate
from spikecast.data.recording import Recording
from spikecast.data.simulate import Effects
from spikecast.report.study.planted import describe_planted
from spikecast.runs.studies import livewired_words as words
from spikecast.runs.studies.livewired_before import explain_before
from spikecast.runs.studies.livewired_flow import choose_pairs, describe_lead, fill_flow
from spikecast.runs.studies.livewired_half import (
    compare_half_ways,
    compare_with_planted,
    measure_half_way,
    resample_half_way,
)
from spikecast.runs.studies.livewired_sound import _compare_dynamics, _describe_turns
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.sound_runs import compare_times
from spikecast.runs.studies.staircase import compare_predictions, score_step
from spikecast.runs.studies.study import Column, Measure
from spikecast.scoring import metrics


def share(value, half=0.05, name=""):
    return Measure(name, value, "balanced_accuracy", value - half, value + half)


@pytest.mark.parametrize(("told", "missed"), [("LLLRRR", ["N 0 of 2"]), ("LLNNRR", [])])
def test_a_class_that_is_never_decoded_is_named(told, missed):
    truth = np.array(list("LLNNRR"))
    notices = words.list_missed(metrics.score_labels(truth, np.array(list(told))))
    assert [notice.values["classes"] for notice in notices] == ([missed] if missed else [])
    if missed:
        assert "rightly decoded: N 0 of 2 - less often" in str(notices[0])


@pytest.mark.parametrize(("loss", "fallen"), [(0.1, True), (0.3, False)])
def test_the_training_loss_is_said_to_fall_where_it_does(loss, fallen):
    said = str(words.describe_loss(loss, 0.2, 0.05, 1000))
    assert ("it has fallen" in said) == fallen
    assert "0.2000 in the first iteration" in said


@pytest.mark.parametrize(
    ("described", "written"),
    [(0.1, "earlier than causal counts"), (0.17, "not earlier"), (0.3, "did not show here")],
)
def test_a_curve_is_said_to_rise_early_only_where_it_does(described, written):
    ours = Measure("half-way up, causal counts", 0.17, "onset")
    theirs = Measure("half-way up, forward states", 0.12, "onset", 0.10, 0.19)
    curve = Measure("half-way up", described, "onset", described - 0.02, described + 0.02)
    (notice,) = compare_half_ways(curve, [ours, theirs])
    assert written in str(notice)
    assert "earlier than forward states" not in str(notice)
    assert "170 ms by causal counts, 120 ms (100 to 190) by forward states" in str(notice)
    assert compare_half_ways(curve, []) == []


def test_half_way_is_found_where_a_curve_is_made_to_rise():
    rng = np.random.default_rng(0)
    time = 0.01 * np.arange(50)
    right = rng.random((60, 50)) < np.where(np.arange(50) < 30, 0.3, 0.95)
    measure = measure_half_way("", right.mean(axis=0), time, resample_half_way(right, rng))
    assert measure.number == pytest.approx(0.3)
    assert 0.27 <= measure.low <= measure.number <= measure.high <= 0.32


@pytest.mark.parametrize(
    ("found", "written"), [(0.165, "45 ms late"), (0.125, "holds it"), (0.08, "too early")]
)
def test_an_onset_is_set_beside_the_planted_one_where_that_is_known(found, written):
    onset = Measure("beyond the stimulus", found, "onset", found - 0.01, found + 0.01)
    (notice,) = compare_with_planted(onset, "MOs", 0.12)
    assert written in str(notice)
    assert compare_with_planted(onset, "MOs", None) == []


@pytest.mark.parametrize(
    ("new", "written"), [(0.6, "reads them worse"), (0.88, "no worse"), (0.99, "reads them better")]
)
def test_latents_of_new_trials_are_said_to_be_read_badly_only_where_they_are(new, written):
    (notice,) = words.compare_steps({"unseen": share(0.9), "nested": share(new)})
    assert written in str(notice)


@pytest.mark.parametrize(
    ("behavior", "written"),
    [(0.4, "the latents tell more"), (0.9, "cannot be told"), (0.99, "the latents tell less")],
)
def test_neurons_are_set_beside_behavior(behavior, written):
    alone = share(behavior, name=words.STIMULUS_ALONE)
    (notice,) = words.compare_behavior(alone, share(0.91), "choice")
    assert written in str(notice)
    assert str(notice).startswith("From the stimulus alone, without a neuron")


@pytest.mark.parametrize("remembers", [True, False])
def test_what_was_remembered_is_computed(remembers):
    rng = np.random.default_rng(0)
    types = np.repeat(["Left", "Right"], 15)
    course = np.where(types == "Left", 1.0, 2.0)[:, np.newaxis, np.newaxis] * np.ones((30, 8, 4))
    counts = rng.poisson(course).astype(float)
    every = 0.5 * (counts + course) if remembers else course
    notice = words.compare_averages(counts, every, course, types, rng)
    assert ("remembering lifts" in str(notice)) == remembers
    assert ("next to nothing" in str(notice)) == (not remembers)
    held_out = metrics.psth_r2(counts, course, types)
    assert notice.values["held_out"] == pytest.approx(held_out, abs=1e-4)


def test_a_model_is_placed_beside_their_network_and_timed():
    own = Measure("LFADS", 0.5, "bits_per_spike", 0.45, 0.55)
    for more, what in ((0.02, "LFADS does better"), (0.005, "cannot be told apart"),
                       (-0.02, "LFADS does worse")):  # fmt: skip
        difference = Measure("", more, "bits_per_spike", more - 0.01, more + 0.01)
        assert what in str(words.compare_models(own, 0.6, 0.5 - more, difference))
    rows = [
        {"model": model, "fold": fold, "fit_seconds": seconds}
        for model, seconds in (("lfads", 2.0), ("timescales", 1.0), ("mlp", 5.0))
        for fold in (0, 0, 1, "all")
    ]
    notice = compare_times(pd.DataFrame(rows), "lfads")
    assert notice.values == {"own": 4.0, "ours": 2.0, "slowest": "MLP", "most": 10.0}


def test_models_are_ranked_by_their_scores():
    scores = [Measure(name, value, "bits_per_spike", value - 0.1, value + 0.1)
              for name, value in (("timescales", 1.5), ("Poisson regression", 1.6))]  # fmt: skip
    said = str(words.rank_models(scores, "MOs"))
    assert said.startswith("Of all models Poisson regression scores highest on MOs")
    assert said.endswith("then timescales 1.500.")


@pytest.mark.parametrize("drives", [True, False])
def test_leads_are_asked_where_one_is_planted_and_where_none_is(drives):
    areas = {"CA1": 12, "VISp": 12, "MOs": 10} if drives else {"CA1": 12, "MOs": 10}
    recording = simulate.decision_task(20, areas, n_bins=10).recording
    pairs, planted = choose_pairs(recording, "MOs")
    assert pairs == [["CA1", "MOs"], *([["VISp", "MOs"]] if drives else [])]
    assert planted == ({"VISp": 0.03} if drives else {})
    attributes = recording.dataset.attrs | {"subject": "Richards"}
    real = Recording(recording.dataset.assign_attrs(attributes))
    assert choose_pairs(real, "MOs") == ([["CA1", "MOs"]], None)


def test_the_study_simulates_the_drives_that_its_page_names():
    simulation = read_preset("livewired").data.simulation
    assert "drives" not in simulation
    assert "choice_onset" not in simulation
    effects = Effects(**simulation["effects"])
    assert effects.drive > 0
    assert effects.choice > 0


class Answer(dict):
    """What is stored of a question about one pair."""

    def table(self, name):
        pair = self["source"], self["target"]
        rows = [(*pair, 1, 0.02, -0.01, 0.05, 0.02), (*pair[::-1], 1, 0.03, 0.01, 0.05, 0.5)]
        return pd.DataFrame(rows, columns=["source", "target", "lag", "gain", "low", "high", "p"])


def answer(source, leader):
    return Answer(source=source, target="MOs", leader=leader, asymmetry=[0.0, -0.01, 0.01],
                  claim={"n_shifts": 40})  # fmt: skip


@pytest.mark.parametrize(
    ("source", "leader", "planted", "written"),
    [
        ("VISp", "VISp", {"VISp": 0.03}, "so VISp leads, as planted"),
        ("VISp", None, {"VISp": 0.03}, "no lead was found: the planted one is missed"),
        ("VISp", "MOs", {"VISp": 0.03}, "so MOs leads, against what was planted"),
        ("CA1", None, {"VISp": 0.03}, "where no drive was planted"),
        ("CA1", "CA1", {}, "though none was planted"),
        ("CA1", None, None, "so no lead was found. Beyond"),
    ],
)
def test_a_lead_is_set_beside_what_was_planted(source, leader, planted, written):
    said = str(describe_lead(answer(source, leader), planted))
    assert written in said
    assert ("planted" in said) == (planted is not None)
    assert f"{source} adds 0.0200 bits/spike (-0.0100 to 0.0500, which holds 0)" in said
    assert "(0.0100 to 0.0500)" in said


@pytest.mark.parametrize("alike", [True, False])
def test_areas_of_equal_size_are_said_to_be(alike):
    column = Column()
    areas = {"CA1": 250, "MOs": 281, "VISp": 250 if alike else 200}
    fill_flow(column, [answer("CA1", None), answer("VISp", "VISp")], areas, {"VISp": 0.03})
    said = str(column.because["flow"][0])
    assert ("as many as VISp" in said) == alike
    assert "MOs and VISp, as a lead was planted there" in said
    assert [one.value for one in column.measures["flow"][::2]] == [None, "VISp"]
    empty = Column()
    fill_flow(empty, [], areas, None)
    assert empty.lacks["flow"].code == "no_flow"


@pytest.mark.parametrize("balanced", [True, False])
def test_a_share_of_which_all_are_right_has_an_exact_interval(balanced):
    truth = np.array(list("L" * 30 + "R" * 18))
    step = score_step("", truth, truth, balanced=balanced, seed=0)
    n = 36 if balanced else 48
    assert step.high == 1
    assert step.low == pytest.approx(0.025 ** (1 / n))  # so rare would 48 of 48 be
    wrong = score_step("", truth, np.full(48, "N"), balanced=False, seed=0)
    assert (wrong.low, wrong.high) == pytest.approx((0, 1 - 0.025 ** (1 / 48)))
    mixed = score_step("", truth, np.where(np.arange(48) < 40, truth, "N"), balanced=False, seed=0)
    assert mixed.low < mixed.number < mixed.high < 1


@pytest.mark.parametrize(("null", "drift"), [("pseudo_session", True), ("label_shuffle", False)])
def test_why_chances_differ_is_said_once(null, drift):
    theirs, latents = (Measure("", 0.9, "balanced_accuracy", n_permutations=n) for n in (40, 100))
    (notice,) = words.explain_chances(null, latents, theirs)
    assert ("pseudo-sessions" in str(notice)) == drift
    assert "100 draws here and for counts" in str(notice)
    assert "40 for their RNN, the stimulus alone and the side." in str(notice)
    (notice,) = words.explain_chances(null, latents, theirs, {"before the stimulus": 200})
    assert "the side; 200 before the stimulus." in str(notice)


@pytest.mark.parametrize(("p", "open_"), [(0.015, True), (0.01, False)])
def test_a_reason_that_is_not_settled_says_which_p_would_settle_it(p, open_):
    found = {
        "ways": ["as described", "forward states only"], "score": [0.5, 0.45], "chance": [0.3, 0.3],
        "p": [0.005, p], "n_classes": 3, "majority": 0.6, "plain": 0.65, "runs": True,
        "n_draws": 199,
    }  # fmt: skip
    said = " ".join(map(str, explain_before(found, "choice", "before the stimulus", 90)))
    assert ("it must be below 0.0125" in said) == open_
    assert "(p ≤ 0.005)" in said


def test_what_is_planted_is_told_as_it_is_simulated():
    areas = {"VISp": 5, "MOs": 5}
    said = describe_planted("decision_task", {"areas": areas, "effects": {"history": 3.0}})
    assert "the choice (from 120 ms in MOs, 180 ms in VISp)" in said
    assert "VISp to MOs after 30 ms; no other" in said
    assert "repeat the last" in said
    silent = {"choice": 0, "drive": 0}
    said = describe_planted("decision_task", {"areas": areas, "effects": silent})
    assert not any(part in said for part in ("choice", "drives", "repeat"))


def test_what_is_planted_in_an_imaging_volume_is_told_as_it_is_simulated():
    said = describe_planted("running_mouse", {"growth": 2.5, "n_face": 20, "n_neurons": 400})
    assert "2.5 times faster at the end" in said
    assert "20 components of the face" in said
    assert "planes 0, 1, 2, 3, 4, 5, 6, 7, 8 share" in said
    still = describe_planted("running_mouse", {"tuning": 0.0})
    assert "follow" not in still
    assert "faster" not in still


@pytest.mark.parametrize(("described", "where"), [(0.06, "ms, between"), (0.2, "ms, not between")])
def test_a_decay_as_described_is_placed_among_the_fits(described, where):
    fits = [{"recurrent": size * np.eye(2), "offset": np.zeros(2), "input": np.zeros(2)}
            for size in (0.8, 0.85, 0.9)]  # fmt: skip
    column = Column()
    _compare_dynamics(column, described, fits, 2, 0.01, 0)
    (notice,) = column.because["dynamics"]
    assert where in str(notice)


@pytest.mark.parametrize(
    ("turned", "fastest", "said"),
    [
        (0.5, 0.6, "it can be seen"),
        (0.02, 0.05, "there is none to see"),
        (0.02, 0.9, "90% of a turn"),
    ],
)
def test_a_rotation_of_any_fit_is_not_called_none(turned, fastest, said):
    assert _describe_turns(turned, fastest).endswith(said)


def test_two_decoders_are_compared_on_the_same_trials():
    rng = np.random.default_rng(0)
    truth = np.repeat(["left", "no-go", "right"], [60, 30, 10])
    wrong = np.roll(truth, 60)
    half = rng.random(100) < 0.5
    worse = np.where(half, truth, wrong)
    better = np.where(half | (rng.random(100) < 0.4), truth, wrong)  # right wherever the other is
    found = compare_predictions("", truth, better, worse, seed=0)
    apart = [metrics.score_labels(truth, said).balanced_accuracy for said in (better, worse)]
    assert found.value == pytest.approx(apart[0] - apart[1])
    assert 0 < found.low < found.value < found.high
    own = [score_step("", truth, said, balanced=True, seed=0) for said in (better, worse)]
    alone = np.hypot(*(one.high - one.low for one in own))
    assert found.high - found.low < alone  # than as if the trials were others
    same = compare_predictions("", truth, worse, worse, seed=0)
    assert (same.low, same.value, same.high) == (0, 0, 0)
