"""What is expected without a source: fitted without the held-out trials, whatever they hold."""

import numpy as np

import spikecast as sc
from spikecast.analysis.interareal.pairwise import Pair, pairwise_ridge
from spikecast.analysis.interareal.pairwise_rungs import expect_without_source
from spikecast.evaluation.ladder import expect_fold
from spikecast.models.source_free import SourceFree
from spikecast.tasks.splits import split_by_trial
from spikecast.tasks.trial_facts import TrialFacts

FACTS = TrialFacts(np.arange(60.0), np.zeros(60, dtype=int))


def test_held_out_trials_are_not_looked_at():
    y = sc.simulate.unrelated_areas(60, (6, 6), n_bins=20).recording.activity
    (fold, *_) = split_by_trial(60, 3)
    expected = expect_fold(SourceFree(), y, fold, FACTS)
    changed = y.copy()
    changed[fold.test] = 7
    np.testing.assert_array_equal(expect_fold(SourceFree(), changed, fold, FACTS), expected)


def test_a_neuron_without_source_is_scored_against_what_is_expected():
    recording = sc.simulate.unrelated_areas(60, (6, 6), n_bins=20).recording
    y, folds = recording.activity, split_by_trial(60, 3)
    expected = expect_without_source(y, np.arange(6, 12), folds, SourceFree(), FACTS)
    pairs = {"A > B": Pair(np.arange(6), np.arange(6, 12))}
    (_, score) = next(pairwise_ridge(y, pairs, folds, np.zeros(60), expected))
    rate = np.zeros(y[..., 6:].shape)
    for fold in folds:
        rate[fold.test] = expect_fold(SourceFree(), y[..., 6:], fold, FACTS)[fold.test]
    np.testing.assert_allclose(expected.held_out, rate, rtol=1e-5)
    likelihood = (y[..., 6:] * np.log(rate) - rate).sum(axis=1)
    np.testing.assert_allclose(expected.fit, likelihood, rtol=1e-3, atol=1e-3)
    assert score.above is not None
    assert abs(score.above.pooled()) < 0.05
    (_, alone) = next(pairwise_ridge(y, pairs, folds, np.zeros(60)))
    assert alone.above is None
    np.testing.assert_allclose(score.ratios.numerator, alone.ratios.numerator, rtol=1e-5)
