"""Poisson regressions agree with scikit-learn's, and the search with trying everything."""

from itertools import product

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

from spikecast.models.glm import PoissonGLM
from spikecast.models.inner_cv import split_inner_folds
from spikecast.models.poisson_regression import fit_poisson_path
from spikecast.scoring.metrics import log_likelihood


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20, 30, 6)) * [3, 2, 1, 1, 0.5, 0.2] + 0.3
    w = rng.normal(size=(6, 3)) * 0.2
    return z, rng.poisson(np.exp(z @ w - 1))


@pytest.mark.parametrize("penalty", [1e-3, 1e-1])
def test_poisson_regression_equals_scikit_learns(data, penalty):
    z, y = data
    # along a path, so that warm starts are tested too
    weights, intercept = list(fit_poisson_path(z, y, [10 * penalty, penalty], tolerance=1e-10))[1]
    for target in range(3):
        expected = PoissonRegressor(alpha=2 * penalty, tol=1e-8, max_iter=1000).fit(
            z.reshape(-1, 6), y[..., target].ravel()
        )
        np.testing.assert_allclose(weights[:, target], expected.coef_, atol=2e-3)
        assert intercept[target] == pytest.approx(expected.intercept_, abs=5e-3)


@pytest.mark.parametrize("seed", range(4))
def test_the_glm_finds_what_trying_everything_finds(seed):
    rng = np.random.default_rng(seed)
    drive = 0.4 * np.repeat(rng.normal(size=(50, 6, 2)), 5, axis=1)
    x = rng.poisson(np.exp(drive @ rng.normal(size=(2, 14)) - 0.5))
    y = rng.poisson(np.exp(0.8 * drive @ rng.normal(size=(2, 5)) - 1))
    widths, components = ((1.0, 4.0), (2.0,)), (12, 2, 5, 20)  # 14 neurons: 20 is 14 again
    penalties = (1e-1, 1e-3, 1e-2, 1e-4)
    model = PoissonGLM(widths, components, penalties).fit(x, y)
    folds = split_inner_folds(len(x), 5, model.seed)[: model.n_inner]
    scores = dict.fromkeys(product(widths, components, penalties), 0.0)
    for candidate, fold in product(scores, folds):
        one = PoissonGLM(*((value,) for value in candidate)).fit(x[fold.train], y[fold.train])
        scores[candidate] += log_likelihood(y[fold.test], one.predict(x[fold.test])).mean()
    best = max(scores.values())
    # the search stops its fits earlier (1e-5 of the loss) than the last fit
    assert scores[model.chosen_] == pytest.approx(best, abs=2e-4 * abs(best))


def test_the_glm_refits_on_every_trial_with_what_it_chose(data):
    rng = np.random.default_rng(2)
    x = rng.poisson(0.6, (40, 25, 10))
    y = rng.poisson(0.1 + 0.2 * x[..., :3])
    searched = PoissonGLM(penalties=(1e-2, 1e-4), n_components=(3, 10)).fit(x, y)
    widths, components, penalty = searched.chosen_
    direct = PoissonGLM(widths=(widths,), n_components=(components,), penalties=(penalty,))
    np.testing.assert_allclose(direct.fit(x, y).predict(x), searched.predict(x), rtol=1e-4)
    record = searched.history_
    best = int(np.argmax(record["scores"]))
    assert record["candidates"][best] == str(searched.chosen_)


def test_what_one_fold_did_not_try_is_not_chosen_by_the_others():
    """Of 30 trials with few spikes, folds stop at unlike penalties; half of them must not count."""
    rng = np.random.default_rng(0)
    x, y = rng.poisson(0.3, (30, 20, 40)), rng.poisson(0.03, (30, 20, 4))
    one, both = (PoissonGLM(n_inner=n).fit(x, y).history_["candidates"] for n in (1, 2))
    assert set(both) < set(one)
    assert len(both) < len(PoissonGLM().n_components) * len(PoissonGLM().penalties)


def test_a_rate_does_not_run_away_where_the_source_is_beyond_all_that_was_seen(data):
    rng = np.random.default_rng(2)
    x = rng.poisson(0.6, (40, 25, 10))
    y = rng.poisson(0.1 + 0.2 * x[..., :3])
    model = PoissonGLM().fit(x, y)
    assert (model.predict(100 * x) <= model.predict(x).max(axis=(0, 1)) * (1 + 1e-5)).all()
