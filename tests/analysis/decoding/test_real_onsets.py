"""Onsets in real recordings: the stimulus reaches visual cortex first.

A window of 50 ms finds more, one of 30 ms (the default) dates more sharply.
"""

import numpy as np
import pytest

import spikecast
from spikecast.analysis.decoding.over_time import decode_over_time
from spikecast.analysis.decoding.sources import Counts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def onsets(real_file):
    found = {}
    for session, areas, window in ((5, ["VISp", "MD"], 0.03), (1, ["VISl", "VISpm"], 0.05)):
        recording = spikecast.load(real_file, session)
        right = recording.trials["contrast_right"].to_numpy() > 0
        found[session] = decode_over_time(
            recording,
            right,
            areas=areas,
            source=Counts(window),
            null="pseudo_session",
            n_permutations=250,
        )
    return found


@pytest.mark.parametrize(
    ("session", "area", "least"), [(5, "VISp", 0.8), (1, "VISl", 0.85), (1, "VISpm", 0.85)]
)
def test_stimulus_is_decodable_from_visual_cortex_within_100_ms(onsets, session, area, least):
    curve = onsets[session].table.query("area == @area and time < 0.1")
    assert curve["score"].max() >= least
    assert curve.loc[curve["score"].idxmax(), "significant"]


def test_visual_cortex_comes_before_the_mediodorsal_thalamus(onsets):
    (difference,) = onsets[5].differences.to_dict("records")
    assert (difference["first"], difference["second"]) == ("VISp", "MD")
    assert difference["difference"] > 0
    assert difference["low"] > 0


def test_nothing_is_significant_before_30_ms(onsets):
    for found in onsets.values():
        early = found.table.query("time < 0.03")
        assert not early["significant"].any()
        assert not np.any(found.onsets["onset"] < 0.03)
