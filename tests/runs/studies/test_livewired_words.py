"""Study A's sentences follow from its numbers: each with the effect, and without it."""

import numpy as np
import pandas as pd
import pytest

from spikecast.report.study.planted import describe_planted
from spikecast.runs.studies import livewired_words as words
from spikecast.runs.studies.livewired_before import explain_before
from spikecast.runs.studies.sound_runs import compare_times
from spikecast.runs.studies.study import Measure
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
    assert ("it has fallen" in str(words.describe_loss(loss, 0.2, 1000))) == fallen


@pytest.mark.parametrize(
    ("described", "written"),
    [(0.1, "it is earlier"), (0.17, "cannot be told apart"), (0.3, "did not show here")],
)
def test_a_curve_is_said_to_rise_early_only_where_it_does(described, written):
    sound = Measure("beyond the stimulus", 0.17, "onset", 0.15, 0.19)
    (notice,) = words.compare_onsets(Measure("", described, "onset"), [sound], "choice")
    assert written in str(notice)
    assert "170 ms (150 to" not in str(notice)
    assert "from 170 ms (150 ms to 190 ms) on" in str(notice)
    none = Measure("", None, "onset")
    assert words.compare_onsets(Measure("", described, "onset"), [none], "choice") == []


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
    for theirs, what in ((0.3, "LFADS does better"), (0.5, "cannot be told apart"),
                         (0.7, "LFADS does worse")):  # fmt: skip
        assert what in str(words.compare_models(own, 0.6, theirs))
    rows = [
        {"model": model, "fold": fold, "fit_seconds": seconds}
        for model, seconds in (("lfads", 2.0), ("timescales", 1.0), ("mlp", 5.0))
        for fold in (0, 0, 1, "all")
    ]
    notice = compare_times(pd.DataFrame(rows), "lfads")
    assert notice.values == {"own": 4.0, "ours": 2.0, "slowest": "MLP", "most": 10.0}


@pytest.mark.parametrize(("null", "drift"), [("pseudo_session", True), ("label_shuffle", False)])
def test_why_chances_differ_is_said_once(null, drift):
    theirs, latents = (Measure("", 0.9, "balanced_accuracy", n_permutations=n) for n in (40, 100))
    (notice,) = words.explain_chances(null, latents, theirs)
    assert ("pseudo-sessions" in str(notice)) == drift
    assert "100 draws here, 40" in str(notice)


@pytest.mark.parametrize(("p", "open_"), [(0.015, True), (0.01, False)])
def test_a_reason_that_is_not_settled_says_which_p_would_settle_it(p, open_):
    found = {
        "ways": ["as described", "earlier bins only"], "score": [0.5, 0.45], "chance": [0.3, 0.3],
        "p": [0.005, p], "n_classes": 3, "majority": 0.6, "plain": 0.65, "runs": True,
        "n_draws": 199,
    }  # fmt: skip
    said = " ".join(map(str, explain_before(found, "choice", "before the stimulus")))
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
