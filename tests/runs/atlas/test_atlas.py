"""The atlas as a function: recordings in memory, models from anywhere, tables back."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import spikecast as sc
from spikecast.core.errors import ConfigError, InputError
from spikecast.runs.atlas.run import read_settings


class MeanOfSource:
    """Predicts every target by the mean over the source."""

    def fit(self, x, y):
        self.n_targets = y.shape[2]
        return self

    def predict(self, x):
        return np.repeat(x.mean(axis=2, keepdims=True) + 1e-3, self.n_targets, axis=2)


@pytest.fixture(scope="module")
def result(recording):
    models = {"ridge": None, "mine": MeanOfSource(), "sklearn": Ridge(alpha=100.0)}
    return sc.atlas(recording, models, targets=["MOs"], within=False, folds=3, workers=1)


def test_recordings_in_memory_and_models_from_elsewhere(result, recording):
    assert not result.failed
    assert list(dict.fromkeys(result.cells["model"])) == ["ridge", "mine", "sklearn"]
    assert result.cells.groupby("model").size().nunique() == 1
    assert set(result.cells["target"]) == {"MOs"}
    assert result.cells["value"].notna().all()
    assert set(result.cells["session"]) == {recording.session}
    ridge = result.matrix("ridge")
    assert ridge.columns.tolist() == ["MOs"]
    cells = result.cells.query("model == 'ridge'").set_index("source")["value"]
    pd.testing.assert_series_equal(ridge["MOs"], cells.loc[ridge.index], check_names=False)
    assert "beyond task and drift" in repr(result)
    assert result._repr_html_().startswith("<table")


def test_the_numbers_are_those_of_a_file_and_go_where_they_are_asked(result, recording, tmp_path):
    recording.save(tmp_path / "task.nc")
    settings = {"targets": ["MOs"], "within": False, "folds": 3, "workers": 1}
    written = sc.atlas(tmp_path / "task.nc", out=tmp_path / "out", **settings)
    assert result.folder is None
    assert written.folder == tmp_path / "out"
    assert read_settings(tmp_path / "out").targets == ["MOs"]
    ridge = result.cells.query("model == 'ridge'").reset_index(drop=True)
    pd.testing.assert_frame_equal(written.cells, ridge)


def test_an_atlas_with_an_instance_resumes_with_it_alone(recording, tmp_path):
    settings = {"targets": ["MOs"], "within": False, "folds": 3, "workers": 1}
    out = tmp_path / "out"
    first = sc.atlas(recording, {"mine": Ridge()}, out=out, **settings)
    with pytest.raises(ConfigError, match="'mine' was given as an object"):
        read_settings(out).build_models()
    (out / "cells.csv").unlink()
    manifest = out / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"finished": "2', '"finished": null, "x": "2'))
    again = sc.atlas(recording, {"mine": Ridge()}, out=out, resume=True, **settings)
    pd.testing.assert_frame_equal(again.cells, first.cells)
    with pytest.raises(sc.errors.RunError, match="another config"):
        sc.atlas(recording, {"mine": Ridge(alpha=5.0)}, out=out, resume=True, **settings)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"matchd": 5}, ConfigError, "Did you mean 'matched'"),
        ({"repeats": 10**20}, ConfigError, "less than or equal to 1000"),
        ({"folds": 1}, ConfigError, "folds"),
        ({"models": {"mine": MeanOfSource}}, InputError, "is a class"),
        ({"models": {"mine": object()}}, InputError, "no method 'fit'"),
        ({"models": ["pca_rige"]}, ConfigError, "Did you mean 'pca_ridge'"),
        ({"models": "ridge"}, InputError, "give a list"),
    ],
)
def test_mistakes_are_explained_in_a_line(recording, arguments, error, message):
    with pytest.raises(error, match=message) as raised:
        sc.atlas(recording, **arguments)
    assert "\n" not in str(raised.value)


def test_names_that_an_atlas_could_not_take_apart_are_refused():
    rng = np.random.default_rng(0)
    areas = ["A > B"] * 12 + ["C"] * 12
    recording = sc.Recording.from_arrays(
        rng.poisson(1.0, (20, 20, 24)), 0.01 * np.arange(20), areas
    )
    with pytest.raises(InputError, match="the area 'A > B' holds ' > '"):
        sc.atlas(recording)


def test_behaviour_that_never_changes_is_no_rung_and_copies_leave_no_source():
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.0, (30, 20, 36))
    counts[:, :, 12:24] = counts[:, :, :12]  # area B is area A recorded twice
    recording = sc.Recording.from_arrays(
        counts, 0.01 * np.arange(20), ["A"] * 12 + ["B"] * 12 + ["C"] * 12,
        behavior={"wheel": np.zeros((30, 20))},
    )  # fmt: skip
    result = sc.atlas(recording, within=False)
    assert set(result.scores["null"]) >= {"source_free"}
    assert "behavior" not in set(result.scores["null"])
    pairs = set(zip(result.scores["source"], result.scores["target"], strict=True))
    assert pairs == {("A", "C"), ("B", "C"), ("C", "A"), ("C", "B")}


def save_named(folder, name, seed):
    sizes = {"A": 12, "B": 12}
    made = sc.simulate.decision_task(30, sizes, n_bins=20, stim_onset=0.05, seed=seed).recording
    folder.mkdir()
    made = sc.Recording(made.dataset.assign_attrs(session=name))
    made.save(folder / "session.nc")
    return str(folder / "session.nc")


@pytest.mark.parametrize("name", ["", "mouse"])
def test_sessions_of_one_name_are_told_apart(tmp_path, name):
    """Files of one name, in a folder for each animal."""
    paths = [save_named(tmp_path / str(seed), name, seed) for seed in range(4)]
    found = sc.atlas(paths, folds=3, shifts=0)
    assert found.cells["session"].nunique() == 4
    alone = sc.atlas(paths[3], folds=3, shifts=0)
    last = found.cells[found.cells["session"] == found.cells["session"].iloc[-1]]
    np.testing.assert_allclose(
        last.query("source != target")["value"], alone.cells.query("source != target")["value"]
    )


def test_a_session_counts_once_and_unlike_ones_are_not_averaged(tmp_path):
    path = save_named(tmp_path / "a", "", 0)
    recording = sc.load(path)
    with pytest.raises(InputError, match="the same activity: it would count twice"):
        sc.atlas([path, recording], folds=3, shifts=0)
    other = sc.Recording.from_arrays(
        recording.activity + 0.5, recording.time, recording.area, kind="continuous"
    )
    with pytest.raises(InputError, match="no common unit"):
        sc.atlas([path, other], folds=3, shifts=0)
