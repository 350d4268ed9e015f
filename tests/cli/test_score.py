"""score from the command line, and the page that shows how its file is written."""

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

import spikecast as sc
from spikecast.data.predictions import read_predictions

PAGE = Path(__file__).parents[2] / "docs" / "own_predictions.md"


def block(first_line):
    text = PAGE.read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return next(one for one in blocks if one.startswith(first_line))


@pytest.fixture
def names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recording = sc.simulate.unrelated_areas(20, (5, 3), n_bins=40, seed=1).recording
    here = recording.area == "B"
    return {
        "source": recording.activity[:, :, ~here],
        "truth": recording.activity[:, :, here],
        "fold": np.arange(20) % 2,
    }


def test_the_first_example_is_scored(tmp_path, spikecast, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("import numpy").replace("(120, (40, 6)", "(40, (10, 3)")
    exec(compile(code, "own_predictions.md", "exec"), {})
    done = spikecast("score", "mine.npz", "--bootstrap", 200, "--workers", 1)
    assert done.status == 0, done.errors
    assert "report: runs/mine_target/report.html" in done.output
    again = spikecast("score", "mine.npz", "--out", tmp_path / "runs" / "mine_target")
    assert again.status == 2
    assert "overwrite it" in again.errors


def test_where_nothing_can_be_scored_nothing_is_written(tmp_path, spikecast, monkeypatch):
    monkeypatch.chdir(tmp_path)
    truth = np.zeros((24, 20, 5), int)
    fold = np.arange(24) % 2
    np.savez("mine.npz", truth=truth, predicted=truth + 0.1, fold=fold, bin_size=0.01)
    done = spikecast("score", "mine.npz", "--workers", 1, "--out", "run")
    assert (done.status, done.errors.count("\n")) == (2, 1)
    assert "there is no spike to score" in done.errors
    assert not (tmp_path / "run").exists()


def test_mistakes_get_one_line_and_status_2(tmp_path, spikecast):
    np.savez(tmp_path / "mine.npz", truth=np.ones((4, 5, 2)), bin_size=0.1)
    for arguments, message in (
        (["mine.npz"], "which trials were held out"),
        (["other.npz"], "no file 'other.npz'"),
    ):
        done = spikecast("score", *arguments)
        assert done.status == 2
        assert message in done.errors
        assert len(done.errors.strip().splitlines()) == 1


class PopulationGLM:
    def __init__(self, regularizer, regularizer_strength, solver_name):
        self.ridge = Ridge(regularizer_strength)

    def fit(self, x, y):
        self.ridge.fit(x, y)

    def predict(self, x):
        return np.maximum(self.ridge.predict(x), 1e-3)


class RaisedCosineLogConv:
    def __init__(self, n_basis_funcs, window_size):
        self.n, self.window = n_basis_funcs, window_size

    def compute_features(self, x):
        shifted = [np.roll(x, lag + 1, axis=0) for lag in range(self.window)]
        features = np.concatenate(shifted[: self.n], axis=1)
        features[np.isnan(np.concatenate(shifted, axis=1)).any(axis=1)] = np.nan
        return features


def test_the_file_of_nemos_is_one(names, monkeypatch):
    nemos = ModuleType("nemos")
    nemos.glm, nemos.basis = ModuleType("glm"), ModuleType("basis")
    nemos.glm.PopulationGLM, nemos.basis.RaisedCosineLogConv = PopulationGLM, RaisedCosineLogConv
    monkeypatch.setitem(sys.modules, "nemos", nemos)
    exec(compile(block("# nemos"), "own_predictions.md", "exec"), names)
    read = read_predictions("nemos.npz")
    assert read.truth.shape == (20, 20, 3)  # the first 20 bins have no whole window before them
    assert np.array_equal(read.truth, names["truth"][:, 20:])


def test_the_file_of_cebra_is_one(names, monkeypatch):
    class CEBRA:
        def __init__(self, model_architecture, output_dimension, max_iterations):
            self.pca = PCA(3)

        def fit(self, x):
            self.pca.fit(x)

        def transform(self, x):
            return self.pca.transform(x)

    cebra = ModuleType("cebra")
    cebra.CEBRA = CEBRA
    monkeypatch.setitem(sys.modules, "cebra", cebra)
    exec(compile(block("# cebra"), "own_predictions.md", "exec"), names)
    read = read_predictions("cebra.npz")
    assert list(read.predicted) == list(read.train_predicted) == ["cebra"]


def test_the_file_of_lfads_is_one(names):
    import h5py

    train, valid = np.arange(15), np.arange(15, 20)
    rates = np.full((20, 40, 8), 0.1)
    with h5py.File("lfads_output.h5", "w") as output, h5py.File("lfads_data.h5", "w") as data:
        data["train_inds"], data["valid_inds"] = train, valid
        output["train_output_params"], output["valid_output_params"] = rates[train], rates[valid]
    exec(compile(block("# lfads"), "own_predictions.md", "exec"), names)
    (fold,) = read_predictions("lfads.npz").folds
    assert [part.tolist() for part in fold] == [train.tolist(), valid.tolist()]
