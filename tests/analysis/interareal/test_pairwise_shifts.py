"""The shift test of all pairs: silent on drift, stimulus and movement, finds a planted coupling."""

import numpy as np
import pytest

import spikecast as sc
from spikecast.analysis.conditions import number_conditions
from spikecast.analysis.interareal.pairwise import Pair
from spikecast.analysis.interareal.pairwise_rungs import expect_without_source
from spikecast.analysis.interareal.pairwise_shifts import choose_n_shifts, score_shifts
from spikecast.models.behavior_null import BehaviorNull
from spikecast.tasks.behavior import read_behavior
from spikecast.tasks.shifts import rank_p
from spikecast.tasks.splits import split_by_trial
from spikecast.tasks.trial_facts import TrialFacts


def score(recording, n_shifts=40, place=True):
    """Scores of both pairs of areas A and B, and why there are none."""
    a, b = (np.flatnonzero(recording.area == area) for area in "AB")
    n_trials = recording.n_trials
    facts = TrialFacts(
        np.arange(float(n_trials)) if place else None,
        number_conditions(recording.trials),
        read_behavior(recording, recording.time).values,
    )
    every = np.arange(a.size + b.size)
    folds = split_by_trial(n_trials, 3)
    expected = expect_without_source(recording.activity, every, folds, BehaviorNull(), facts)
    pairs = {"A > B": Pair(a, b), "B > A": Pair(b, a)}
    return score_shifts(recording.activity, pairs, expected, facts, n_shifts)


@pytest.mark.parametrize("planted", [{}, {"stimulus": 0.1}, {"movement": 0.1}])
def test_areas_that_share_nothing_rarely_beat_the_shifts(planted):
    p = []
    for seed in range(12):
        recording = sc.simulate.unrelated_areas(
            80, (10, 10), n_bins=40, seed=300 + seed, **planted
        ).recording
        scores, _ = score(recording)
        p += [rank_p(true, shifted) for true, *shifted in scores.values()]
    assert np.mean(np.array(p) <= 0.05) <= 0.13  # 24 tests: 3 at most


def test_a_coupling_beats_them():
    for seed in range(3):
        recording = sc.simulate.unrelated_areas(
            120, (20, 20), n_bins=60, coupling=0.05, seed=seed
        ).recording
        scores, untested = score(recording)
        assert untested is None
        assert all(true > max(shifted) for true, *shifted in scores.values())


def test_where_there_can_be_no_test_it_says_why():
    recording = sc.simulate.unrelated_areas(30, (5, 5), n_bins=20).recording
    assert score(recording) == ({}, "too few trials")
    assert score(recording, place=False) == ({}, "order unknown")
    assert score(recording, n_shifts=0) == ({}, "turned off")


def test_pairs_that_share_no_population_are_scored_alike():
    """A pair's scores do not depend on which others there are."""
    recording = sc.simulate.unrelated_areas(60, (8, 8), n_bins=20).recording
    facts = TrialFacts(np.arange(60.0), np.zeros(60, dtype=int))
    folds = split_by_trial(60, 3)
    expected = expect_without_source(
        recording.activity, np.arange(16), folds, BehaviorNull(), facts
    )
    pairs = {
        "half": Pair(np.arange(4), np.arange(4, 8)),
        "A > B": Pair(np.arange(8), np.arange(8, 16)),
    }
    together, _ = score_shifts(recording.activity, pairs, expected, facts, 40)
    for name, pair in pairs.items():
        alone, _ = score_shifts(recording.activity, {name: pair}, expected, facts, 40)
        np.testing.assert_allclose(together[name], alone[name], rtol=1e-4)


def test_more_pairs_ask_for_more_shifts():
    assert [choose_n_shifts(n) for n in (1, 2, 10, 1000)] == [40, 40, 200, 400]
