import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from sklearn.decomposition import PCA

from spikecast.core.errors import ShapeError
from spikecast.models import preprocess
from spikecast.models.preprocess import PopulationFeatures, find_principal_axes, smooth


@pytest.fixture
def counts():
    return np.random.default_rng(0).poisson(0.4, (6, 50, 12))


@pytest.mark.parametrize("width", [0.7, 3.0])
def test_smoothing_equals_scipys(counts, width):
    expected = gaussian_filter1d(counts.astype(float), width, axis=1, mode="nearest")
    np.testing.assert_allclose(smooth(counts, width), expected, atol=1e-5)


def test_long_recordings_take_the_other_path_to_the_same_numbers(monkeypatch, counts):
    short = smooth(counts, 2.0)
    monkeypatch.setattr(preprocess, "LONG", 10)
    np.testing.assert_allclose(smooth(counts, 2.0), short, atol=1e-5)


def test_causal_smoothing_never_sees_the_future(counts):
    changed = counts.copy()
    changed[:, 20:] = 9
    before, after = (smooth(x, 3.0, causal=True) for x in (counts, changed))
    np.testing.assert_array_equal(before[:, :20], after[:, :20])
    assert not np.array_equal(smooth(counts, 3.0)[:, :20], smooth(changed, 3.0)[:, :20])


@pytest.mark.parametrize("shape", [(400, 30), (25, 90), (510, 600)])
def test_principal_axes_equal_scikit_learns(shape, monkeypatch):
    monkeypatch.setattr(preprocess, "LARGE", 500)  # the last shape takes the path without a Gram
    x = (np.random.default_rng(0).normal(size=shape) * np.linspace(3, 0.1, shape[1])).astype("f4")
    mean, axes, variance = find_principal_axes(x, 5)
    pca = PCA(5, svd_solver="full").fit(x)
    np.testing.assert_allclose(mean, pca.mean_, atol=1e-5)
    np.testing.assert_allclose(np.abs(np.sum(axes * pca.components_, axis=1)), 1, atol=1e-4)
    ratio = variance / pca.explained_variance_
    np.testing.assert_allclose(ratio, (shape[0] - 1) / shape[0], rtol=1e-3)


@pytest.mark.parametrize("shape", [(40, 6), (6, 40)])
def test_directions_without_variance_predict_nothing(shape):
    x = np.ones(shape, dtype=np.float32)
    _, axes, variance = find_principal_axes(x, 3)
    assert np.allclose(variance, 0, atol=1e-6)
    assert not np.any(axes)


def test_features_of_new_trials_use_what_was_learnt(counts):
    features = PopulationFeatures(widths=(1, 4), n_components=5)
    learnt = features.fit_transform(counts[:4])
    np.testing.assert_allclose(features.transform(counts[:4]), learnt, atol=1e-5)
    assert features.transform(counts[4:]).shape == (2, 50, 10)
    flat = learnt.reshape(-1, 10)
    assert flat[:, 0].std() == pytest.approx(1, rel=1e-3)
    np.testing.assert_allclose(flat.mean(axis=0), 0, atol=1e-4)
    with pytest.raises(ShapeError, match="fitted on 12"):
        features.transform(counts[:, :, :3])


def test_the_scale_of_a_recording_does_not_matter(counts):
    continuous = counts + 0.25
    one, two = (
        PopulationFeatures(n_components=4).fit_transform(x) for x in (continuous, 100 * continuous)
    )
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_features_hold_one_smoothed_copy_at_a_time():
    # imaging recordings fill much of a laptop's memory, and two processes fit at once
    x = np.random.default_rng(0).random((10, 100, 6000), dtype=np.float32)
    tracemalloc.start()
    try:
        fitted = PopulationFeatures((1.0, 3.0, 8.0), 10).fit(x)
        assert tracemalloc.get_traced_memory()[1] < 1.5 * x.nbytes
        tracemalloc.reset_peak()
        fitted.transform(x)
        assert tracemalloc.get_traced_memory()[1] < 1.5 * x.nbytes
    finally:
        tracemalloc.stop()
