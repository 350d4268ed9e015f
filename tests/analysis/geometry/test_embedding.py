import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter1d

from spikecast.analysis.geometry.embedding import Points, embed, make_points
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.data.recording import Recording

needs_umap = pytest.mark.skipif(find_spec("umap") is None, reason="umap-learn is not installed")
umap = pytest.param("umap", marks=[needs_umap, pytest.mark.slow])  # numba compiles it: 15 s
SMALL = {"n_neighbors": 8, "n_seeds": 2}


@pytest.fixture(scope="module")
def classes():
    """Three classes apart in two of many dimensions, and their labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=120)
    activity = rng.normal(size=(120, 4, 15))
    activity[:, :, 0] += 3 * (labels == 1)[:, np.newaxis]
    activity[:, :, 1] += 3 * (labels == 2)[:, np.newaxis]
    return activity, np.array(["a", "b", "c"])[labels]


def test_kinds_of_points(recording):
    n_trials, n_bins, n_neurons = recording.shape
    assert make_points(recording, "trials")[0].shape == (n_trials, n_bins * n_neurons)
    features, group, trial = make_points(recording, "time")
    assert features.shape == (n_trials * n_bins, n_neurons)
    assert np.array_equal(group, trial)
    features, group, _ = make_points(recording, "neurons")
    assert features.shape == (n_neurons, n_bins)
    np.testing.assert_allclose(features.mean(axis=1), 0, atol=1e-5)


@pytest.mark.parametrize("method", ["pca", umap])
def test_planted_classes_are_found_on_held_out_points(classes, method):
    activity, labels = classes
    found = embed(activity, method, labels=labels, **SMALL)
    assert found.table["held_out"].sum() == 36
    assert found.score("knn_accuracy") > 0.85
    rows = found.scores.set_index("score")
    assert rows.loc["knn_accuracy", "p"] < 0.01
    assert rows.loc["knn_accuracy", "chance"] == pytest.approx(1 / 3, abs=0.05)
    assert rows.loc["knn_accuracy_without", "value"] > 0.85


@pytest.mark.slow
@needs_umap
def test_supervised_umap_separates_noise_in_training_only():
    rng = np.random.default_rng(1)
    activity, labels = rng.normal(size=(120, 3, 10)), rng.integers(2, size=120)
    found = embed(activity, "umap", labels=labels, supervised=True, **SMALL)
    train = found.table[~found.table["held_out"]]
    x, y = train[["x", "y"]].to_numpy(), train["label"].to_numpy()
    centers = np.stack([x[y == label].mean(axis=0) for label in (0, 1)])
    nearest = np.square(x[:, np.newaxis] - centers).sum(axis=2).argmin(axis=1)
    assert np.mean(nearest == y) > 0.9  # what a figure of the training points would show
    row = found.scores[found.scores["score"] == "knn_accuracy"].iloc[0]
    assert row["p"] > 0.05
    assert abs(row["value"] - 0.5) < 0.2


@pytest.mark.slow
@needs_umap
def test_supervision_helps_new_points_where_there_is_something_to_learn(classes):
    activity, labels = classes
    found = embed(activity, "umap", labels=labels, supervised=True, **SMALL)
    assert found.score("knn_accuracy") > 0.85


def test_tsne_has_no_held_out_points(classes):
    activity, labels = classes
    found = embed(activity, "tsne", labels=labels, **SMALL)
    assert not found.table["held_out"].any()
    assert found.score("trustworthiness", "train") > 0.7
    assert 0.2 < found.score("stability_neighbors", "train") < 1
    with pytest.raises(InputError, match="no score"):
        found.score("knn_accuracy")


def test_pca_is_the_same_under_every_seed(classes):
    scores = embed(classes[0], "pca", n_dims=3, n_seeds=3).scores.set_index("score")["value"]
    assert scores["stability_neighbors"] == pytest.approx(1)
    assert scores["stability_procrustes"] == pytest.approx(1)


def test_time_points_of_a_trial_are_held_out_together(recording):
    labels = np.where(np.arange(recording.n_trials) % 2, "odd", "even")
    points = Points("time", max_points=1000)
    found = embed(recording, "pca", points, labels=labels, n_seeds=1)
    trial = found.table["point"] // recording.n_bins
    assert found.table.groupby(trial)["held_out"].nunique().max() == 1
    row = found.scores[found.scores["score"] == "knn_accuracy"].iloc[0]
    assert row["p"] > 0.01


def test_neurons_and_missing_labels(recording):
    labels = np.array(recording.area, dtype=object)
    labels[:5] = None
    found = embed(recording, "pca", "neurons", labels=labels, n_neighbors=5)
    assert len(found.table) == recording.n_neurons - 5


def test_a_missing_umap_is_explained(monkeypatch, classes):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(InputError, match=r"spikecast\[embed\]"):
        embed(classes[0], "umap")


def test_what_cannot_be_asked_is_refused(classes):
    activity, labels = classes
    with pytest.raises(InputError, match="Did you mean 'umap'"):
        embed(activity, "umpa")
    with pytest.raises(InputError, match="supervised"):
        embed(activity, "pca", labels=labels, supervised=True)
    with pytest.raises(ShapeError, match="labels"):
        embed(activity, "pca", labels=labels[:-1])
    with pytest.raises(NotEnoughDataError, match="n_neighbors"):
        embed(activity[:10], "pca")


def test_labels_in_another_order_or_masked_and_no_neighbours_are_refused():
    activity = np.random.default_rng(0).normal(size=(40, 4, 10))
    labels = pd.Series(np.arange(40) % 2)
    with pytest.raises(InputError, match="not in the order of the recording"):
        embed(activity, "pca", labels=labels[::-1])
    with pytest.raises(InputError, match="labels is masked in 20 places"):
        embed(activity, "pca", labels=np.ma.masked_equal(labels.to_numpy(), 0))
    with pytest.raises(InputError, match="n_neighbors is 0"):
        embed(activity, "pca", n_neighbors=0)


@pytest.mark.parametrize("method", ["umap", "tsne", "pca"])
@pytest.mark.parametrize("of", ["trials", "time"])
def test_activity_that_never_changes_is_refused(method, of):
    constant = Recording.from_arrays(np.ones((30, 10, 5), int), np.arange(10) / 10, "A")
    with pytest.raises(NotEnoughDataError, match="are the same"):
        embed(constant, method, of)


def test_activity_beyond_what_is_computed_with_is_refused():
    with pytest.raises(InputError, match=r"1e\+200"):
        embed(1e200 * np.eye(30)[:, :, np.newaxis], "pca")


def test_labels_in_runs_are_not_told_by_drift():
    slow, quick = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        drift = gaussian_filter1d(rng.normal(size=(120, 1, 8)), 8, axis=0) * 20
        label = np.repeat(rng.permutation(np.arange(8) % 2), 15)
        activity = drift + rng.normal(size=(120, 3, 8))
        scores = embed(activity, "pca", labels=label, n_seeds=1).scores.set_index("score")
        slow.append(scores["p"]["knn_accuracy"])
        shuffled = rng.permutation(label)
        activity += 3 * shuffled[:, np.newaxis, np.newaxis]
        scores = embed(activity, "pca", labels=shuffled, n_seeds=1).scores.set_index("score")
        quick.append(scores["p"]["knn_accuracy"])
    assert np.mean(np.array(slow) <= 0.05) <= 0.17
    assert np.mean(np.array(quick) <= 0.05) >= 0.9
