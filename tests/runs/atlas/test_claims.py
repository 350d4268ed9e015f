"""Which cells pass: nothing on null sessions, a planted coupling, no claim where none can be."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter1d

import spikecast as sc
from spikecast.report.atlas.reading import Atlas
from spikecast.report.atlas.text import protocol, recording_line
from spikecast.runs.atlas.claims import count_needed


def between(recording, **settings) -> pd.DataFrame:
    cells = sc.atlas(recording, within=False, workers=1, bootstrap=200, **settings).cells
    return cells.set_index(["source", "target"])


@pytest.mark.parametrize("planted", [{}, {"stimulus": 0.1}, {"movement": 0.1}])
def test_the_matrix_of_a_null_session_is_empty(planted):
    for seed in range(3):
        recording = sc.simulate.unrelated_areas(
            100, (10, 10), n_bins=40, seed=40 + seed, **planted
        ).recording
        cells = between(recording)
        assert not cells["passes"].any()
        assert cells["p"].notna().all()
        assert set(cells["rung"]) == {"behavior" if "movement" in planted else "source_free"}


def test_a_coupling_passes_whatever_the_model():
    recording = sc.simulate.unrelated_areas(120, (20, 20), n_bins=60, coupling=0.1).recording
    cells = between(recording, models=["ridge", "pca_ridge"])
    found = cells.loc[("A", "B")]
    assert found["passes"].all()
    assert found["p"].nunique() == 1  # the ridge's
    assert (found["n_shifts"] == 40).all()
    # the ridge's shift test is made where its scores are not asked for
    alone = between(recording, models=["pca_ridge"])
    assert set(alone["model"]) == {"pca_ridge"}
    assert alone.loc[("A", "B"), "p"] == found["p"].iloc[0]


@pytest.mark.parametrize(
    ("n_trials", "settings", "why"),
    [
        (100, {"ordered": False}, "order unknown"),
        (100, {"shifts": 0}, "turned off"),
        (30, {}, "too few trials"),
    ],
)
def test_without_a_shift_test_nothing_is_claimed(n_trials, settings, why):
    recording = sc.simulate.unrelated_areas(n_trials, (20, 20), n_bins=40, coupling=0.1).recording
    cells = between(recording, **settings)
    assert set(cells["untested"]) == {why}
    assert not cells["passes"].any()
    assert cells["p"].isna().all()
    assert np.isfinite(cells["value"]).all()


def test_slow_change_of_a_continuous_recording_is_no_claim(tmp_path):
    rng = np.random.default_rng(0)
    slow = 40 * gaussian_filter1d(rng.normal(size=(2, 2500, 2)), 200, axis=1)
    fast = 6 * gaussian_filter1d(rng.normal(size=(2500, 1)), 3, axis=0)
    passes = {}
    for shared in (0.0, 1.0):
        x = [
            (own + shared * fast) @ rng.normal(size=(2, 12)) + rng.normal(size=(2500, 12))
            for own in slow
        ]
        activity = np.concatenate(x, axis=1)[np.newaxis].astype(np.float32)
        recording = sc.Recording.from_arrays(
            activity,
            np.arange(2500) / 10,
            ["A"] * 12 + ["B"] * 12,
            session="windows",
            kind="continuous",
        )
        cells = between(recording)
        assert (cells["n_shifts"] == 40).all()
        passes[shared] = cells["passes"].tolist()
    assert passes == {0.0: [False, False], 1.0: [True, True]}
    between(recording, out=tmp_path / "atlas")
    atlas = Atlas(tmp_path / "atlas")
    assert "25 windows" in recording_line(atlas)
    assert "5 folds of contiguous blocks of windows" in " ".join(protocol(atlas))


def test_how_many_pairs_have_to_beat_all_shifts():
    assert count_needed(2, 39) == 1
    assert count_needed(3, 39) == 2
    assert count_needed(156, 150) == 21
