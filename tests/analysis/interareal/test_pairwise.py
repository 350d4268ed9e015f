"""All pairs at once are what scikit-learn finds pair by pair; planted coupling and none."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from spikecast.analysis.interareal.pairwise import PENALTIES, WIDTH, Pair, pairwise_ridge
from spikecast.core.errors import InputError
from spikecast.models.base import RATE_FLOOR
from spikecast.models.preprocess import signed_sqrt, smooth
from spikecast.tasks.splits import split_by_block, split_by_trial

N_TRIALS, N_BINS = 50, 24
GROUPS = {"a": np.arange(6), "b": np.arange(6, 14), "c": np.arange(14, 19)}


def couple(gains, seed=0):
    """Counts of three groups that see one slow state with these gains."""
    rng = np.random.default_rng(seed)
    state = smooth(rng.normal(size=(N_TRIALS, N_BINS, 1)), 2.0) * 2
    loads = np.concatenate([np.full(GROUPS[name].size, gains[name]) for name in GROUPS])
    rate = 0.4 * np.exp(state * loads * rng.uniform(0.5, 1.5, loads.size))
    return rng.poisson(rate).astype(np.uint8)


def every_pair():
    return {
        f"{one} > {other}": Pair(GROUPS[one], GROUPS[other])
        for one in GROUPS
        for other in GROUPS
        if one != other
    }


def by_scikit_learn(activity, pair, folds, kind):
    """The pair's scores and penalties, from RidgeCV fold by fold."""
    z = smooth(activity[:, :, pair.source], WIDTH).astype(float)
    z = signed_sqrt(z) if kind == "counts" else z
    y = activity[:, :, pair.target].astype(float)
    gain, base, chosen = 0.0, 0.0, []
    for fold in folds:
        train = fold.train
        inner = [np.flatnonzero(np.isin(train, other.test)) for other in folds]
        inner = [part for part in inner if part.size]
        samples = np.arange(train.size * N_BINS).reshape(train.size, N_BINS)
        cuts = [(np.delete(samples, part, axis=0).ravel(), samples[part].ravel()) for part in inner]
        flat, target = z[train].reshape(samples.size, -1), y[train].reshape(samples.size, -1)
        scale = np.square(flat - flat.mean(axis=0)).sum(axis=0).mean()
        alphas = scale * np.array(PENALTIES)
        ridge = RidgeCV(alphas, cv=cuts, scoring="neg_mean_squared_error").fit(flat, target)
        chosen.append(ridge.alpha_ / scale)
        shape = (fold.test.size * N_BINS, -1)
        found, true = ridge.predict(z[fold.test].reshape(shape)), y[fold.test].reshape(shape)
        mean = target.mean(axis=0)
        if kind == "counts":
            found = np.maximum(found, RATE_FLOOR)
            gain += (true * np.log(found / mean) - found + mean).sum() / np.log(2)
            base += true.sum()
        else:
            gain += (np.square(true - mean) - np.square(true - found)).sum()
            base += np.square(true - mean).sum()
    return gain / base, chosen


@pytest.mark.parametrize("kind", ["counts", "continuous"])
@pytest.mark.parametrize("folds", [split_by_trial(N_TRIALS, 4), split_by_block(N_TRIALS, 4, gap=2)])
def test_they_are_the_scores_of_scikit_learn(kind, folds):
    activity = couple({"a": 1, "b": 0.7, "c": 0.2})
    activity = activity if kind == "counts" else activity + np.float32(0.5)
    found = dict(pairwise_ridge(activity, every_pair(), folds, np.zeros(N_TRIALS), kind=kind))
    for name, pair in every_pair().items():
        expected, chosen = by_scikit_learn(activity, pair, folds, kind)
        assert found[name].ratios.pooled() == pytest.approx(expected, abs=1e-6)
        np.testing.assert_allclose(found[name].penalties, chosen, rtol=1e-6)


def test_the_coupled_pair_is_found_and_the_other_is_not():
    activity = couple({"a": 1, "b": 1, "c": 0})
    found = dict(
        pairwise_ridge(activity, every_pair(), split_by_trial(N_TRIALS, 5), np.zeros(N_TRIALS))
    )
    score = {name: one.ratios.pooled() for name, one in found.items()}
    assert min(score["a > b"], score["b > a"]) > 0.1
    assert max(score["a > c"], score["b > c"], score["c > a"], score["c > b"]) < 0.01


@pytest.mark.parametrize("kind", ["counts", "continuous"])
def test_what_the_condition_explains_is_not_beyond_it(kind):
    """Two groups that share nothing but the stimulus; then single trials too."""
    rng = np.random.default_rng(1)
    condition = np.arange(N_TRIALS) % 2
    drive = np.sin(np.linspace(0, 6, N_BINS))[None, :] * (2 * condition[:, None] - 1)
    own = smooth(rng.normal(size=(N_TRIALS, N_BINS, 1)), 2.0) * 2
    pairs = {"a > b": Pair(GROUPS["a"], GROUPS["b"])}
    folds = split_by_trial(N_TRIALS, 5)
    scores = {}
    for name, shared in (("stimulus", 0.0), ("trial", 1.0)):
        log_rate = drive[..., None] + shared * own
        activity = rng.poisson(0.4 * np.exp(log_rate), (N_TRIALS, N_BINS, 19))
        activity = activity if kind == "counts" else activity + np.float32(0.5)
        (_, scores[name]) = next(pairwise_ridge(activity, pairs, folds, condition, kind=kind))
    assert scores["stimulus"].ratios.pooled() > 0.1
    assert abs(scores["stimulus"].beyond.pooled()) < 0.05  # its standard deviation is 0.02
    assert scores["trial"].beyond.pooled() > 0.1


def test_the_control_is_the_mean_over_other_trials():
    """In a fold with two trials of a condition, 'another trial' is the other one."""
    activity = couple({"a": 1, "b": 1, "c": 0})
    condition = np.repeat(np.arange(N_TRIALS // 2), 2)
    folds = split_by_block(N_TRIALS, 5)
    pairs = {"a > b": Pair(GROUPS["a"], GROUPS["b"])}
    (_, score) = next(pairwise_ridge(activity, pairs, folds, condition))
    swapped = activity.copy()
    order = np.arange(N_TRIALS).reshape(-1, 2)[:, ::-1].ravel()
    # fitted on the true trials and asked about the swapped ones: only test trials are swapped
    gain = 0.0
    for fold in folds:
        swapped[:] = activity
        swapped[np.ix_(fold.test, range(N_BINS), GROUPS["a"])] = activity[
            np.ix_(order[fold.test], range(N_BINS), GROUPS["a"])
        ]
        (_, other) = next(pairwise_ridge(swapped, pairs, folds, np.zeros(N_TRIALS)))
        gain += (score.ratios.numerator - other.ratios.numerator)[fold.test].sum()
    assert score.beyond.numerator.sum() == pytest.approx(gain, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"folds": split_by_trial(N_TRIALS, 2)}, "folds is 2"), ({"penalties": (0.0,)}, "positive")],
)
def test_what_cannot_be_done_is_refused(change, message):
    given = {"folds": split_by_trial(N_TRIALS, 3), "condition": np.zeros(N_TRIALS)} | change
    with pytest.raises(InputError, match=message):
        list(pairwise_ridge(couple({"a": 1, "b": 1, "c": 0}), every_pair(), **given))


def test_silent_neurons_and_areas_give_no_nan():
    activity = couple({"a": 1, "b": 1, "c": 0})
    activity[:, :, GROUPS["c"]] = 0
    activity[:, :, 6] = 0
    for _, score in pairwise_ridge(
        activity, every_pair(), split_by_trial(N_TRIALS, 5), np.zeros(N_TRIALS)
    ):
        assert np.isfinite(score.ratios.numerator).all()
        assert np.isfinite(score.beyond.numerator).all()
