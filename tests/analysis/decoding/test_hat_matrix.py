"""The hat matrix gives what refitting gives."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge

from spikecast.analysis.decoding import hat_matrix
from spikecast.analysis.decoding.bins import ClassTarget, NumberTarget, score_nested, score_shared
from spikecast.analysis.decoding.nulls import draw_null
from spikecast.analysis.decoding.sources import FoldFeatures
from spikecast.tasks.splits import Fold, split_by_trial


def sklearn_lda(x, y, folds, penalty):
    predicted = np.empty_like(y)
    classes = np.unique(y)
    for fold in folds:
        train, of_train = x[fold.train], y[fold.train]
        within = sum((of_train == c).sum() * train[of_train == c].var(axis=0) for c in classes)
        shrinkage = penalty / (penalty + within.mean())
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(train, of_train)
        prior = np.log(lda.priors_)
        lda.intercept_ -= prior if classes.size > 2 else prior[1] - prior[0]
        predicted[fold.test] = lda.predict(x[fold.test])
    return predicted


@pytest.mark.parametrize("n_features", [6, 120])
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_lda_equals_refitted_scikit_learn(n_classes, n_features):
    rng = np.random.default_rng(n_classes)
    y = rng.choice(
        n_classes, 100, p=np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum()
    )
    x = rng.normal(size=(100, n_features)) * rng.uniform(0.5, 2, n_features) + 0.4 * y[:, None]
    folds = split_by_trial(100, 4)
    codes = np.vstack([y, draw_null("label_shuffle", y, 8, 0, folds)])
    target = ClassTarget(codes, n_classes)
    penalty = 0.7 * hat_matrix.penalty_unit(x)
    shared = list(hat_matrix.predict_shared(x, target.columns, folds, penalty))
    nested = [
        hat_matrix.predict_nested(x[fold.train], x[fold.test], target.columns, fold, penalty)
        for fold in folds
    ]
    for row, labels in enumerate(codes):
        expected = sklearn_lda(x, labels, folds, penalty)
        for held_outs in (shared, nested):
            for held_out in held_outs:
                ours = target.predict(held_out)[:, row]
                np.testing.assert_array_equal(ours, expected[held_out.fold.test])


@pytest.mark.parametrize("n_folds", [5, 40])
def test_ridge_equals_refitted_scikit_learn_down_to_leave_one_out(n_folds):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 12)), rng.normal(size=(40, 1, 3))
    folds = [
        Fold(np.setdiff1d(np.arange(40), test), test)
        for test in np.array_split(np.arange(40), n_folds)
    ]
    for held_out in hat_matrix.predict_shared(x, y, folds, 3.0):
        train, test = held_out.fold
        expected = Ridge(alpha=3.0).fit(x[train], y[train, 0]).predict(x[test])
        np.testing.assert_allclose(held_out.fitted, expected, atol=1e-10)


def test_both_ways_give_the_same_scores_over_time():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 4, 9)), rng.normal(size=50)
    folds = split_by_trial(50, 5)
    target = NumberTarget(np.vstack([y, draw_null("label_shuffle", y, 5, 0)]), folds)
    shared = score_shared(x, target, folds, penalty=1.0)
    features = [FoldFeatures(fold, x[fold.train], x[fold.test]) for fold in folds]
    nested = score_nested(features, target, penalty=1.0)
    # the unit of the penalty is the fold's own: nearly the same
    np.testing.assert_allclose(shared.scores, nested.scores, atol=0.1)
    assert shared.scores.shape == (6, 4)


def test_a_class_missing_from_a_fold_is_never_chosen():
    y = np.repeat([0, 1, 2], [18, 18, 4])
    x = np.random.default_rng(0).normal(size=(40, 5))
    fold = Fold(np.arange(36), np.arange(36, 40))
    target = ClassTarget(y[None], 3)
    held_out = hat_matrix.predict_nested(x[:36], x[36:], target.columns, fold, 1.0)
    assert set(target.predict(held_out).ravel()) <= {0, 1}


def test_silent_bins_are_at_chance():
    y = np.tile([0, 1], 20)
    target = ClassTarget(y[None], 2)
    found = score_shared(np.zeros((40, 2, 5)), target, split_by_trial(40, 5), 1.0)
    np.testing.assert_allclose(found.scores, 0.5)
