"""Models in scikit-learn's hands: searches, pipelines, splitters, and its own checks."""

import numpy as np
import pytest
from sklearn.base import is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks as checks

from spikecast import AreaToArea, cross_validate
from spikecast.core.errors import InputError, UnsavedModelError
from spikecast.models import storage
from spikecast.models.autoencoder import GRUAutoencoder
from spikecast.models.catalog import MODELS
from spikecast.models.foreign import ForeignModel
from spikecast.models.linear import PCARidge
from spikecast.models.mean_rate import MeanRate
from spikecast.scoring.metrics import d2, null_rate
from spikecast.tasks.splits import Split, split_by_block, split_by_trial

pytestmark = pytest.mark.usefixtures("few_steps")

# what docs/scikit_learn.md lists: the checks that need no array of two axes
APPLY = [
    checks.check_do_not_raise_errors_in_init_or_set_params,
    checks.check_estimator_cloneable,
    checks.check_estimator_repr,
    checks.check_estimator_tags_renamed,
    checks.check_get_params_invariance,
    checks.check_mixin_order,
    checks.check_no_attributes_set_in_init,
    checks.check_parameters_default_constructible,
    checks.check_set_params,
    checks.check_valid_tag_types,
]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.poisson(1.0, (24, 15, 8)).astype(np.uint8)
    return x, rng.poisson(0.2 + 0.5 * x[..., :3]).astype(np.uint8)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("check", APPLY, ids=lambda check: check.__name__)
def test_the_checks_that_apply_pass(name, check):
    check(name, MODELS[name]())


def test_the_page_lists_these_checks(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "scikit_learn.md").read_text(encoding="utf-8")
    assert all(f"`{check.__name__}`" in page for check in APPLY)


def test_settings_are_searched_over_trials(data):
    x, y = data
    search = GridSearchCV(PCARidge(), {"n_components": [1, 8]}, cv=Split(3, by="block"))
    search.fit(x, y)
    assert search.best_params_ == {"n_components": 8}
    assert search.predict(x).shape == y.shape
    assert is_regressor(search)


def test_scores_are_those_of_the_folds(data):
    x, y = data
    found = cross_val_score(PCARidge(), x, y, cv=Split(3, by="block", gap=1))
    for score, (train, test) in zip(found, split_by_block(24, 3, gap=1), strict=True):
        rate = PCARidge().fit(x[train], y[train]).predict(x[test])
        assert score == pytest.approx(d2(y[test], rate, null_rate(y[test], y[test])))
    assert len(cross_val_score(PCARidge(), x, y, cv=KFold(4))) == 4


def test_the_score_is_1_for_the_truth_and_0_for_its_mean(data):
    x, y = data
    assert MeanRate().fit(x, y).score(x, y) == pytest.approx(0)
    same = 1.0 * y - 0.5
    assert PCARidge(widths=(0.0,), penalties=(1e-9,)).fit(x, same).score(x, x[..., :3]) < 1
    assert MeanRate().fit(x, same).score(x, same) == pytest.approx(0)


def test_a_pipeline_ends_in_a_model(data):
    x, y = data
    root = make_pipeline(FunctionTransformer(np.sqrt), PCARidge(widths=(0.0,)))
    np.testing.assert_allclose(
        root.fit(x, y).predict(x), PCARidge(widths=(0.0,)).fit(np.sqrt(x), y).predict(np.sqrt(x))
    )
    assert root.score(x, y) > 0.2


def test_splits_are_splitters():
    x = np.zeros((20, 2, 3))
    by_trial = list(Split(4, seed=3).split(x))
    for pair, fold in zip(by_trial, split_by_trial(20, 4, seed=3), strict=True):
        np.testing.assert_array_equal(pair[1], fold.test)
    assert Split(4, n_repeats=2).get_n_splits() == len(list(Split(4, n_repeats=2).split(x))) == 8
    sides = np.repeat([0, 1], 10)
    for _, test in Split(5, by="stratum").split(x, sides):
        assert sides[test].sum() == 2


def test_autoencoders_need_no_targets_and_others_say_so(data):
    x, _ = data
    model = GRUAutoencoder(n_latents=2, epochs=1)
    latents = model.fit_transform(x)
    assert latents.shape[:2] == x.shape[:2]
    np.testing.assert_array_equal(
        model.predict(x), GRUAutoencoder(n_latents=2, epochs=1).fit(x, x).predict(x)
    )
    assert np.isfinite(model.score(x))
    with pytest.raises(InputError, match=r"PCARidge needs targets: give fit\(x, y\)"):
        PCARidge().fit(x)


def test_names_and_instances_are_mixed(recording):
    small = recording.select(trials=range(20))
    scores = cross_validate(
        ["mean_rate", Ridge(), PCARidge()], AreaToArea("MOs"), small, 2, shifts=0
    )
    assert scores.models[:3] == ["mean_rate", "Ridge", "PCARidge"]


class TwoAxes:
    """Expects one row per sample, and does not say so."""

    def fit(self, x, y):
        if x.ndim != 2:
            raise ValueError(f"expected 2 dimensions, found {x.ndim}")
        self.mean = y.mean(axis=0)

    def predict(self, x):
        return np.broadcast_to(self.mean, (len(x), len(self.mean)))


def test_what_expects_two_axes_is_refused_with_the_way_out(data):
    x, y = data
    with pytest.raises(InputError, match=r"found 3\. If it expects a row.*flatten=True"):
        ForeignModel(TwoAxes()).fit(x, y)
    assert ForeignModel(TwoAxes(), flatten=True).fit(x, y).predict(x).shape == y.shape
    with pytest.raises(InputError, match="LogisticRegression is a classifier"):
        ForeignModel(LogisticRegression()).fit(x, y)


class Own(MeanRate):
    """Not in the catalogue."""


@pytest.mark.parametrize("make", [Ridge, lambda: ForeignModel(Ridge()), Own])
def test_what_could_not_be_loaded_is_not_saved(data, tmp_path, make):
    x, y = data
    model = make()
    model.fit(x[:, 0], y[:, 0]) if isinstance(model, Ridge) else model.fit(x, y)
    with pytest.raises(UnsavedModelError, match="is not a model of"):
        storage.save(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
