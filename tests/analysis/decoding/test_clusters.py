"""Clusters over time: an exact test, and onsets that last."""

import numpy as np
import pytest

from spikecast.analysis.decoding.clusters import ClusterLevels, cluster_test, find_onsets


def test_cluster_test_is_exact_under_the_null():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        scores = rng.normal(size=(100, 30)).cumsum(axis=1)
        hits += cluster_test(scores, ClusterLevels(join=0.05)).significant.any()
    assert hits / 300 < 0.08


def test_an_onset_needs_its_duration():
    scores = np.random.default_rng(0).normal(size=(200, 30))
    scores[0] = 0
    scores[0, 5], scores[0, 20:] = 9, 5
    test = cluster_test(scores)
    assert find_onsets(scores[:1], test, 1)[0] == pytest.approx(4.4, abs=0.3)
    assert find_onsets(scores[:1], test, 3)[0] == pytest.approx(19.6, abs=0.3)
