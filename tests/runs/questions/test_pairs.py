"""Pairs of areas: the planted lead and the planted dimension, and none in noise."""

import pandas as pd
from planted_questions import LAG

from spikecast import report


def test_every_question_has_an_answer(pairs_facts):
    assert list(pairs_facts) == [
        "decode-side-counts-A_narrow", "decode-side-counts-A_wide", "joint-A-B", "joint-A-C",
        "subspace-A-B", "subspace-A-C", "trajectories-side-counts", "tuning-counts-A",
        "tuning-counts-C", "tuning-latents-pca_ridge", "align-folds-pca_ridge",
        "align-folds-reduced_rank", "align-pca_ridge-reduced_rank",
    ]  # fmt: skip


def test_subspace_has_the_planted_rank_and_none_for_noise(pairs_facts):
    assert pairs_facts["subspace-A-B"]["rank"] == 1
    assert pairs_facts["subspace-A-B"]["rank_within"] >= 2
    assert len(pairs_facts["subspace-A-B"]["random_angles"]) == 1
    assert pairs_facts["subspace-A-C"]["rank"] == 0
    assert pairs_facts["subspace-A-C"]["angles"] == []


def test_lagged_cca_dates_the_planted_lead_and_none_for_noise(pairs_run):
    course = pd.read_csv(pairs_run / "analysis/joint-A-B-course.csv").iloc[LAG:-LAG]
    assert (course["low"] > 0).mean() > 0.7
    noise = pd.read_csv(pairs_run / "analysis/joint-A-C-course.csv")
    assert ((noise["low"] > 0) | (noise["high"] < 0)).mean() < 0.25


def test_claims_say_what_they_are_above_and_stand_only_for_what_is_planted(pairs_facts):
    for kind in ("joint", "subspace"):
        planted, noise = (pairs_facts[f"{kind}-A-{other}"]["claim"] for other in "BC")
        assert planted["stands"]
        assert not noise["stands"]
        assert (planted["above"], planted["n_shifts"], planted["untested"]) == (
            "source_free", 40, None,
        )  # fmt: skip
    assert pairs_facts["joint-A-B"]["leader"] == "A"
    assert pairs_facts["joint-A-C"]["leader"] is None
    assert len(pairs_facts["joint-A-B"]["covarying"]) > 15  # of 24 bins
    assert pairs_facts["joint-A-C"]["covarying"] == []


def test_the_page_shows_every_answer(pairs_run):
    page = report.build(pairs_run).read_text()
    for phrase in (
        "When do two areas covary", "Through how many dimensions", "What each latent and neuron",
        "Are the latents the same", "A predicts C no better than the task and",
        "they covary no more than",
        "12 follow side; none follows nothing",
        "one (it has a single value)", "neurons of C: none passes", "A narrow", "drag to turn",
        "pca_ridge beside reduced_rank", "5 condition averages",
    ):  # fmt: skip
        assert phrase in page, phrase
    captions = [text.split("</")[0] for text in page.split("<figcaption>")[1:]]
    for start in ("Share of the variance", "Left: how well", "Left: held-out", "R² of one set",
                  "The same through three"):  # fmt: skip
        (first, *_) = [text for text in captions if text.startswith(start)]
        assert "It does not show" in first
    assert report.build(pairs_run).read_text() == page
